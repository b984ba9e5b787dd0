public import TallyPrimitives

/// The door of the family: functions of the reserved address `…c004` (TRADE-1).
extension TradeOperation {
    public static let listOfferSelector = Selector(
        "listOffer(uint8,bytes32,uint128,uint64,uint64)")
    public static let cancelOfferSelector = Selector("cancelOffer(bytes32)")
    public static let repriceOfferSelector = Selector("repriceOffer(bytes32,uint128)")
    public static let buyComputeSelector = Selector("buyCompute(bytes32,uint64,uint128)")
    public static let settleTradeSelector = Selector("settleTrade(address,bytes32)")

    /// Understands a call of the door.
    /// - Throws: one reason each; `unknownOperation` for a selector of no function.
    init(_ call: DoorCall) throws(TransactionError) {
        switch call.selector {
        case Self.listOfferSelector.bytes: self = .listOffer(try Self.terms(call))
        case Self.cancelOfferSelector.bytes:
            try call.checkNoValue()
            self = .cancelOffer(
                try CallReader.read(call.arguments) { (reader) throws(CallError) in
                    try reader.objectID()
                })
        case Self.repriceOfferSelector.bytes: self = try Self.repricing(call)
        case Self.buyComputeSelector.bytes: self = try Self.purchase(call)
        case Self.settleTradeSelector.bytes:
            try call.checkNoValue()
            let (seller, trade) = try CallReader.read(call.arguments) {
                (reader) throws(CallError) in
                (try reader.address(), try reader.objectID())
            }
            self = .settleTrade(trade, seller: seller)
        default: throw .unknownOperation(call.door)
        }
    }

    /// The call data of the operation.
    public var callData: [UInt8] {
        switch self {
        case .listOffer(let terms):
            var out = CallWriter(Self.listOfferSelector)
            out.append(UInt64(terms.resource.rawValue))
            out.append(terms.specification)
            out.append(terms.pricePerUnit)
            out.append(terms.units)
            // 0 is none, so that the time 0 is written as 1, which has passed as well.
            out.append(terms.until.map { max(1, $0.milliseconds) } ?? 0)
            return out.bytes
        case .cancelOffer(let offer):
            var out = CallWriter(Self.cancelOfferSelector)
            out.append(offer)
            return out.bytes
        case .repriceOffer(let offer, let pricePerUnit):
            var out = CallWriter(Self.repriceOfferSelector)
            out.append(offer)
            out.append(pricePerUnit)
            return out.bytes
        case .buyCompute(let offer, let units, let maximumPrice):
            var out = CallWriter(Self.buyComputeSelector)
            out.append(offer)
            out.append(units)
            out.append(maximumPrice)
            return out.bytes
        case .settleTrade(let trade, let seller):
            var out = CallWriter(Self.settleTradeSelector)
            out.append(seller)
            out.append(trade)
            return out.bytes
        }
    }

    /// The address and value of a transaction that carries the operation; `nil` when a purchase
    /// exceeds 2^128 − 1.
    public var target: (to: Address, value: Amount)? {
        switch self {
        case .listOffer, .cancelOffer, .repriceOffer, .settleTrade:
            return (ReservedAddress.trades, .zero)
        case .buyCompute(_, let units, let maximumPrice):
            guard let value = maximumPrice.multiplied(by: units) else { return nil }
            return (ReservedAddress.trades, value)
        }
    }

    // TRADE-2
    private static func terms(_ call: DoorCall) throws(TransactionError) -> OfferTerms {
        try call.checkNoValue()
        let (raw, specification, price, units, until) = try CallReader.read(call.arguments) {
            (reader) throws(CallError) in
            (
                try reader.integer(as: UInt8.self), try reader.word(), try reader.amount(),
                try reader.integer(), try reader.integer()
            )
        }
        guard let resource = ComputeResource(rawValue: raw) else { throw .unknownResource(raw) }
        guard !price.isZero else { throw .tradePriceZero }
        guard units > 0 else { throw .tradeUnitsZero }
        return OfferTerms(
            resource: resource, specification: specification, pricePerUnit: price, units: units,
            until: until == 0 ? nil : BeaconTime(milliseconds: until))
    }

    private static func repricing(_ call: DoorCall) throws(TransactionError) -> TradeOperation {
        try call.checkNoValue()
        let (offer, price) = try CallReader.read(call.arguments) { (reader) throws(CallError) in
            (try reader.objectID(), try reader.amount())
        }
        guard !price.isZero else { throw .tradePriceZero }
        return .repriceOffer(offer, pricePerUnit: price)
    }

    // TRADE-4
    private static func purchase(_ call: DoorCall) throws(TransactionError) -> TradeOperation {
        let (offer, units, price) = try CallReader.read(call.arguments) {
            (reader) throws(CallError) in
            (try reader.objectID(), try reader.integer(), try reader.amount())
        }
        guard units > 0 else { throw .tradeUnitsZero }
        guard !price.isZero else { throw .tradePriceZero }
        guard let cost = price.multiplied(by: units) else {
            throw .amountTooLarge(field: "units times price")
        }
        guard cost == call.value else {
            throw .tradeValueMismatch(cost: cost, value: call.value)
        }
        return .buyCompute(offer, units: units, maximumPrice: price)
    }
}
