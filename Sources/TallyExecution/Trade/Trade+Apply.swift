import TallyPrimitives
import TallyState
import TallyTransactions

extension TradeOperation {
    /// Where the operation is handled: offers, and what trades are owed, lie on the seller's shard
    /// (TRADE-1).
    func home(of sender: Address) -> OperationHome {
        switch self {
        case .listOffer, .cancelOffer, .repriceOffer: .sender
        case .buyCompute(let offer, _, _): .owner(offer.owner)
        case .settleTrade(_, let seller): .owner(seller)
        }
    }
}

extension BlockExecutor {
    /// Handles an operation whose value has been taken from its sender: all of its effects, or none
    /// and the reason.
    mutating func handle(
        _ operation: TradeOperation, _ call: FamilyCall
    ) throws(ExecutionError) -> ExecutionFailure? {
        switch operation {
        case .listOffer(let terms): try list(terms, call)
        case .cancelOffer(let id): try cancel(id, call)
        case .repriceOffer(let id, let price): try reprice(id, price, call)
        case .buyCompute(let id, let units, let maximumPrice):
            try buy(id, units: units, maximumPrice: maximumPrice, call)
        case .settleTrade(let trade, let seller): try settle(trade, seller: seller, call)
        }
    }

    /// Runs an entry whose time has come.
    mutating func run(_ due: TradeDue, _ entry: DueEntry) throws(ExecutionError) {
        switch due {
        case .expire(let id):
            // TRADE-3: an entry cannot be taken back, so that of a closed offer does nothing.
            guard let offer = try offer(id) else { return }
            try close(offer, .expired)
        case .claim(let trade, let tries): try claim(trade, tries: tries)
        }
    }

    // MARK: Offers

    // TRADE-2
    private mutating func list(
        _ terms: OfferTerms, _ call: FamilyCall
    ) throws(ExecutionError) -> ExecutionFailure? {
        let now = context.time.milliseconds
        let (standard, overflow) = now.addingReportingOverflow(Offer.standardMilliseconds)
        let until = terms.until?.milliseconds ?? (overflow ? .max : standard)
        guard until > now else { return .trade(.untilPassed) }
        guard until - now <= Offer.longestMilliseconds else { return .trade(.untilTooFar) }
        var book = try book(of: call.sender)
        guard !book.isFull else { return .trade(.bookFull) }
        guard hasDueRoom(for: 1) else { return .dueQueueFull }
        let offer = Offer(
            id: call.id, resource: terms.resource, specification: terms.specification,
            pricePerUnit: terms.pricePerUnit, units: terms.units,
            until: BeaconTime(milliseconds: until))
        book.append(offer.id.number)
        try state.set(Offer.key(offer.id), offer.object)
        try state.set(OfferBook.key(of: book.seller), book.object)
        _ = try enqueue(
            .trade(.expire(offer.id)), value: .zero, at: offer.until, to: context.endpoint)
        recordTrade(.listed(offer))
        return nil
    }

    private mutating func cancel(
        _ id: ObjectID, _ call: FamilyCall
    ) throws(ExecutionError) -> ExecutionFailure? {
        guard id.owner == call.sender else { return .trade(.notSeller) }
        switch try openOffer(id) {
        case .failure(let reason): return .trade(reason.failure)
        case .success(let offer): try close(offer, .cancelled)
        }
        return nil
    }

    private mutating func reprice(
        _ id: ObjectID, _ price: Amount, _ call: FamilyCall
    ) throws(ExecutionError) -> ExecutionFailure? {
        guard id.owner == call.sender else { return .trade(.notSeller) }
        switch try openOffer(id) {
        case .failure(let reason): return .trade(reason.failure)
        case .success(var offer):
            offer.pricePerUnit = price
            try state.set(Offer.key(id), offer.object)
            recordTrade(.repriced(id, pricePerUnit: price))
        }
        return nil
    }

    /// Takes units off an offer, and closes it with the last.
    mutating func take(
        _ units: UInt64, of offer: Offer, trade: ObjectID
    ) throws(ExecutionError) {
        guard units <= offer.units else { throw .invariant("more sold than offered") }
        var offer = offer
        offer.units -= units
        recordTrade(.taken(offer.id, trade: trade, units: units, left: offer.units))
        guard offer.units > 0 else { return try close(offer, .soldOut) }
        try state.set(Offer.key(offer.id), offer.object)
    }

    // TRADE-3
    private mutating func close(
        _ offer: Offer, _ reason: OfferClosing
    ) throws(ExecutionError) {
        var book = try book(of: offer.id.owner)
        book.remove(offer.id.number)
        try state.set(OfferBook.key(of: book.seller), book.object)
        try state.set(Offer.key(offer.id), nil)
        recordTrade(.closed(offer.id, reason, units: offer.units))
    }

    // MARK: Reading

    /// An offer that still sells.
    mutating func openOffer(
        _ id: ObjectID
    ) throws(ExecutionError) -> Result<Offer, OfferRefusal> {
        guard let offer = try offer(id) else { return .failure(.closed) }
        return context.time < offer.until ? .success(offer) : .failure(.expired)
    }

    private mutating func offer(_ id: ObjectID) throws(ExecutionError) -> Offer? {
        guard let object = try state.object(Offer.key(id)) else { return nil }
        do throws(RLPError) {
            return try Offer(object)
        } catch { throw .corruptObject(.offer, error) }
    }

    private mutating func book(of seller: Address) throws(ExecutionError) -> OfferBook {
        guard let object = try state.object(OfferBook.key(of: seller)) else {
            return OfferBook(seller: seller)
        }
        do throws(RLPError) {
            return try OfferBook(object)
        } catch { throw .corruptObject(.offer, error) }
    }

    mutating func recordTrade(_ event: TradeEvent) { events.append(.compute(.trade(event))) }
}

/// Why an offer does not sell.
enum OfferRefusal: Error {
    case closed
    case expired

    var failure: TradeFailure {
        switch self {
        case .closed: .offerClosed
        case .expired: .offerExpired
        }
    }
}
