import TallyPrimitives
import TallyState
import TallyTransactions

/// What always holds of the Trade family's objects, recounted from scratch.
extension StateAudit {
    /// Offers, books and what trades are owed.
    /// - Returns: due entries that the objects have reserved (RCPT-11).
    /// - Throws: the first invariant that does not hold.
    func checkTrade() throws(InvariantViolation) -> Int {
        let entries = try tradeEntries()
        try checkOffers(entries)
        var reserved = 0
        for (key, object) in objects where object.kind == .owed {
            let owed = try decoded(.owed, object, OwedTrade.init)
            try check(owed: owed, key, object, entries)
            reserved += owed.reservedEntries(context)
        }
        return reserved
    }

    /// Entries of the family by what they name.
    private struct Entries {
        var expiries: [ObjectID: DueEntry] = [:]
        var claims: Set<ObjectID> = []
    }

    // An object has at most one entry of a kind, on its own shard, without money.
    private func tradeEntries() throws(InvariantViolation) -> Entries {
        var entries = Entries()
        for entry in due {
            guard case .trade(let action) = entry.action else { continue }
            guard entry.key.destination == context.endpoint, entry.value.isZero else {
                throw .dueRoute(sequence: entry.key.sequence)
            }
            let isFirst: Bool
            switch action {
            case .expire(let id):
                isFirst = entries.expiries.updateValue(entry, forKey: id) == nil
            case .claim(let trade, _): isFirst = entries.claims.insert(trade).inserted
            }
            guard isFirst else { throw .dueRoute(sequence: entry.key.sequence) }
        }
        return entries
    }

    // TRADE-3: the books list the open offers, all of them and nothing else.
    private func checkOffers(_ entries: Entries) throws(InvariantViolation) {
        var open: Set<ObjectID> = []
        var listed: Set<ObjectID> = []
        for (key, object) in objects where object.kind == .offer {
            switch try decoded(.offer, object, OfferRecord.init) {
            case .offer:
                let offer = try decoded(.offer, object, Offer.init)
                try check(offer, key, object, entries)
                open.insert(offer.id)
            case .book:
                let book = try decoded(.offer, object, OfferBook.init)
                guard OfferBook.key(of: book.seller) == key, book.object == object else {
                    throw .broken(.offer, what: "a book under another key, or not as written")
                }
                listed.formUnion(
                    book.numbers.map { ObjectID(owner: book.seller, number: $0) })
            }
        }
        guard open == listed else {
            throw .broken(.offer, what: "the books list other offers than there are")
        }
    }

    private func check(
        _ offer: Offer, _ key: ObjectKey, _ object: StateObject, _ entries: Entries
    ) throws(InvariantViolation) {
        guard Offer.key(offer.id) == key, offer.object == object else {
            throw .broken(.offer, what: "an offer under another key, or not as written")
        }
        guard context.home(of: offer.id.owner) == context.endpoint else {
            throw .broken(.offer, what: "an offer away from its seller")
        }
        guard entries.expiries[offer.id]?.key.time == offer.until else {
            throw .broken(.offer, what: "an offer that does not end")
        }
    }

    // TRADE-5
    private func check(
        owed: OwedTrade, _ key: ObjectKey, _ object: StateObject, _ entries: Entries
    ) throws(InvariantViolation) {
        guard OwedTrade.key(owed.trade) == key, owed.object == object else {
            throw .broken(.owed, what: "under another key, or not as written")
        }
        guard context.home(of: owed.seller) == context.endpoint, owed.seller != owed.buyer else {
            throw .broken(.owed, what: "away from its seller, or to nobody else")
        }
        guard owed.epoch <= context.epoch, entries.claims.contains(owed.trade) else {
            throw .broken(.owed, what: "never to be paid")
        }
    }

    private func decoded<Value>(
        _ kind: ObjectKind, _ object: StateObject,
        _ decode: (StateObject) throws(RLPError) -> Value
    ) throws(InvariantViolation) -> Value {
        do throws(RLPError) { return try decode(object) } catch { throw .undecodable(kind, error) }
    }
}
