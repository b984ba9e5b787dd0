package import TallyPrimitives
package import TallyTransactions

/// What happened in the Trade family (TRADE-8). The owner of an offer's id is its seller, that of a
/// trade's id its buyer.
package enum TradeEvent: FamilyEvent {
    case listed(Offer)
    case repriced(ObjectID, pricePerUnit: Amount)
    /// - Parameter units: not sold.
    case closed(ObjectID, OfferClosing, units: UInt64)
    /// A trade took units of an offer and left some.
    case taken(ObjectID, trade: ObjectID, units: UInt64, left: UInt64)
    case executed(trade: ObjectID, seller: Address, price: Amount, fee: Amount)
    case owed(trade: ObjectID, buyerReward: Amount, providerReward: Amount, epoch: UInt64)
    case rewarded(trade: ObjectID, to: Address, Amount)

    package var record: EventRecord {
        let door = ReservedAddress.trades
        switch self {
        case .listed(let offer):
            return EventRecord(
                "OfferListed", at: door, .offer(offer.id), .seller(offer.id.owner),
                .data("resource", .uint8(offer.resource.rawValue)),
                .data("spec", .bytes32(offer.specification)), .price(offer.pricePerUnit),
                .data("units", .uint64(offer.units)),
                .data("until", .uint64(offer.until.milliseconds)))
        case .repriced(let id, let price):
            return EventRecord(
                "OfferRepriced", at: door, .offer(id), .seller(id.owner), .price(price))
        case .closed(let id, let reason, let units):
            return EventRecord(
                "OfferClosed", at: door, .offer(id), .seller(id.owner),
                .data("reason", .uint8(reason.rawValue)), .data("units", .uint64(units)))
        case .taken(let id, let trade, let units, let left):
            return EventRecord(
                "OfferTaken", at: door, .offer(id), .indexed("buyer", .address(trade.owner)),
                .data("trade", .bytes32(trade.word)), .data("units", .uint64(units)),
                .data("left", .uint64(left)))
        case .executed(let trade, let seller, let price, let fee):
            return EventRecord(
                "TradeExecuted", at: door, .trade(trade),
                .indexed("buyer", .address(trade.owner)), .seller(seller),
                .data("price", .uint256(price)), .data("fee", .uint256(fee)))
        case .owed(let trade, let buyerReward, let providerReward, let epoch):
            return EventRecord(
                "TradeOwed", at: door, .trade(trade), .data("buyerReward", .uint256(buyerReward)),
                .data("providerReward", .uint256(providerReward)),
                .data("epoch", .uint64(epoch)))
        case .rewarded(let trade, let to, let amount):
            return EventRecord(
                "TradeRewarded", at: door, .trade(trade), .indexed("who", .address(to)),
                .data("amount", .uint256(amount)))
        }
    }
}

extension EventField {
    fileprivate static func offer(_ id: ObjectID) -> EventField {
        .indexed("offer", .bytes32(id.word))
    }

    fileprivate static func trade(_ id: ObjectID) -> EventField {
        .indexed("trade", .bytes32(id.word))
    }

    fileprivate static func seller(_ address: Address) -> EventField {
        .indexed("seller", .address(address))
    }

    fileprivate static func price(_ amount: Amount) -> EventField {
        .data("pricePerUnit", .uint128(amount.units))
    }
}

extension TradeEvent {
    private enum Tag: UInt8 {
        case listed = 1
        case repriced, closed, taken, executed, owed, rewarded
    }

    package func encode(to out: inout RLPEncoder) {
        func begin(_ tag: Tag, _ id: ObjectID, _ out: inout RLPEncoder) {
            out.append(tag.rawValue)
            id.encode(to: &out)
        }
        out.list { out in
            switch self {
            case .listed(let offer):
                begin(.listed, offer.id, &out)
                out.append(offer.resource.rawValue)
                out.append(offer.specification)
                out.append(offer.pricePerUnit)
                out.append(offer.units)
                out.append(offer.until)
            case .repriced(let id, let price):
                begin(.repriced, id, &out)
                out.append(price)
            case .closed(let id, let reason, let units):
                begin(.closed, id, &out)
                out.append(reason.rawValue)
                out.append(units)
            case .taken(let id, let trade, let units, let left):
                begin(.taken, id, &out)
                trade.encode(to: &out)
                out.append(units)
                out.append(left)
            case .executed(let trade, let seller, let price, let fee):
                begin(.executed, trade, &out)
                out.append(seller)
                out.append(price)
                out.append(fee)
            case .owed(let trade, let buyerReward, let providerReward, let epoch):
                begin(.owed, trade, &out)
                out.append(buyerReward)
                out.append(providerReward)
                out.append(epoch)
            case .rewarded(let trade, let to, let amount):
                begin(.rewarded, trade, &out)
                out.append(to)
                out.append(amount)
            }
        }
    }

    package init(from input: inout RLPDecoder) throws(RLPError) {
        var list = try input.nextList()
        let tag = try list.nextCase(Tag.self)
        let id = try ObjectID(from: &list)
        switch tag {
        case .listed:
            self = .listed(
                Offer(
                    id: id, resource: try list.nextCase(), specification: try list.nextFixed(),
                    pricePerUnit: try list.nextAmount(), units: try list.nextInteger(),
                    until: try list.nextTime()))
        case .repriced: self = .repriced(id, pricePerUnit: try list.nextAmount())
        case .closed:
            self = .closed(id, try list.nextCase(), units: try list.nextInteger())
        case .taken:
            self = .taken(
                id, trade: try ObjectID(from: &list), units: try list.nextInteger(),
                left: try list.nextInteger())
        case .executed:
            self = .executed(
                trade: id, seller: try list.nextFixed(), price: try list.nextAmount(),
                fee: try list.nextAmount())
        case .owed:
            self = .owed(
                trade: id, buyerReward: try list.nextAmount(),
                providerReward: try list.nextAmount(), epoch: try list.nextInteger())
        case .rewarded:
            self = .rewarded(trade: id, to: try list.nextFixed(), try list.nextAmount())
        }
        try list.finish()
    }
}
