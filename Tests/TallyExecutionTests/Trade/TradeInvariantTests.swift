import TallyPrimitives
import TallyState
import TallyTransactions
import Testing

@testable import TallyExecution

/// The recount finds each way in which the family's objects can be wrong.
@Suite struct TradeInvariantTests {
    private static let seller = trader(0)
    private static let buyer = trader(3)

    /// A shard with an open offer of two and a trade that is owed.
    private struct Shard {
        let context: BlockContext
        var objects: [(key: ObjectKey, object: StateObject)]
        let offer: Offer
        let owed: OwedTrade

        init() throws {
            var world = try TradeWorld(accounts: [seller, buyer])
            let first = try world.submit(.listOffer(terms()), from: seller)
            try world.submit(.listOffer(terms()), from: seller)
            try world.settle()
            let trade = try world.submit(
                .buyCompute(first, units: 1, maximumPrice: Amount(100)), from: buyer)
            try world.settle()
            context = world.context(0)
            objects = try world.objects(0)
            offer = try #require(try world.offer(first))
            owed = try #require(try world.owed(trade, at: seller))
        }

        /// Replaces the object at `key`, deletes it with `nil`, or adds one.
        mutating func set(_ key: ObjectKey, _ object: StateObject?) {
            objects.removeAll { $0.key == key }
            if let object { objects.append((key, object)) }
        }

        mutating func removeEntries(_ isGone: (TradeDue) -> Bool) throws {
            for (key, object) in objects where object.kind == .due {
                guard case .trade(let due) = try DueEntry(object).action, isGone(due) else {
                    continue
                }
                set(key, nil)
            }
        }

        func violation() -> InvariantViolation? {
            do throws(InvariantViolation) {
                _ = try StateAudit(context, objects).checkTrade()
                return nil
            } catch { return error }
        }
    }

    private func expect(
        _ violation: InvariantViolation, _ location: SourceLocation = #_sourceLocation,
        _ change: (inout Shard) throws -> Void
    ) throws {
        var shard = try Shard()
        #expect(shard.violation() == nil)
        try change(&shard)
        #expect(shard.violation() == violation, sourceLocation: location)
    }

    /// One for the buyer of another shard; nothing for one of this shard.
    @Test func countsReservedEntries() throws {
        let shard = try Shard()
        #expect(try StateAudit(shard.context, shard.objects).checkTrade() == 1)
        try StateAudit(shard.context, shard.objects).check()
        var near = shard
        let owed = OwedTrade(
            trade: ObjectID(owner: trader(0, 2), number: 0), seller: Self.seller,
            buyerReward: Amount(1), providerReward: .zero, epoch: 0)
        try near.removeEntries { if case .claim = $0 { true } else { false } }
        near.set(OwedTrade.key(shard.owed.trade), nil)
        near.set(OwedTrade.key(owed.trade), owed.object)
        let key = DueKey(
            destination: near.context.endpoint, time: near.context.epochEnd, sequence: 500)
        let claim = DueEntry(
            key: key, value: .zero, action: .trade(.claim(owed.trade, tries: 0)))
        near.set(DueEntry.objectKey(sequence: 500), claim.object)
        #expect(try StateAudit(near.context, near.objects).checkTrade() == 0)
    }

    @Test func findsOffersThatNoBookLists() throws {
        let books = InvariantViolation.broken(
            .offer, what: "the books list other offers than there are")
        try expect(books) { $0.set(Offer.key($0.offer.id), nil) }
        try expect(books) { $0.set(OfferBook.key(of: Self.seller), nil) }
    }

    @Test func findsMisplacedObjects() throws {
        let other = ObjectID(owner: Self.seller, number: 99)
        try expect(.broken(.offer, what: "an offer under another key, or not as written")) {
            $0.set(Offer.key(other), $0.offer.object)
        }
        try expect(
            .broken(.offer, what: "a book under another key, or not as written")
        ) { shard in
            let key = OfferBook.key(of: Self.seller)
            let book = shard.objects.first { $0.key == key }
            shard.set(OfferBook.key(of: trader(0, 5)), book?.object)
        }
        try expect(.broken(.owed, what: "under another key, or not as written")) {
            $0.set(OwedTrade.key(other), $0.owed.object)
        }
    }

    /// TRADE-9: what is sold and what is owed holds no money.
    @Test func findsMoneyWhereNoneIs() throws {
        try expect(
            .broken(.offer, what: "an offer under another key, or not as written")
        ) { shard in
            var object = shard.offer.object
            object.value = Amount(1)
            shard.set(Offer.key(shard.offer.id), object)
        }
        try expect(.broken(.owed, what: "under another key, or not as written")) { shard in
            var object = shard.owed.object
            object.value = Amount(1)
            shard.set(OwedTrade.key(shard.owed.trade), object)
        }
    }

    @Test func findsWhatNeverEnds() throws {
        try expect(.broken(.offer, what: "an offer that does not end")) { shard in
            try shard.removeEntries { if case .expire = $0 { true } else { false } }
        }
        try expect(.broken(.owed, what: "never to be paid")) { shard in
            try shard.removeEntries { if case .claim = $0 { true } else { false } }
        }
        try expect(.broken(.owed, what: "never to be paid")) { shard in
            let late = OwedTrade(
                trade: shard.owed.trade, seller: Self.seller, buyerReward: Amount(1),
                providerReward: .zero, epoch: 1)
            shard.set(OwedTrade.key(late.trade), late.object)
        }
    }

    @Test func findsObjectsAwayFromHome() throws {
        let away = Offer(
            id: ObjectID(owner: trader(1), number: 1), resource: .power, specification: .zero,
            pricePerUnit: Amount(1), units: 1, until: BeaconTime(milliseconds: 1))
        try expect(.broken(.offer, what: "an offer away from its seller")) {
            $0.set(Offer.key(away.id), away.object)
        }
        for seller in [trader(1), Self.buyer] {
            try expect(.broken(.owed, what: "away from its seller, or to nobody else")) { shard in
                let owed = OwedTrade(
                    trade: shard.owed.trade, seller: seller, buyerReward: Amount(1),
                    providerReward: .zero, epoch: 0)
                shard.set(OwedTrade.key(owed.trade), owed.object)
            }
        }
    }

    @Test func findsEntriesThatAreWrong() throws {
        func entry(
            _ due: TradeDue, value: UInt128 = 0, to endpoint: UInt16 = 0
        ) throws -> StateObject {
            let key = DueKey(
                destination: EndpointID(endpoint), time: BeaconTime(milliseconds: 1),
                sequence: 500)
            return try #require(
                DueEntry(key: key, value: Amount(value), action: .trade(due)).object)
        }
        let key = DueEntry.objectKey(sequence: 500)
        let stale = TradeDue.expire(ObjectID(owner: Self.seller, number: 77))
        for (due, value, endpoint) in [(stale, 1, 0), (stale, 0, 1)]
            as [(TradeDue, UInt128, UInt16)]
        {
            try expect(.dueRoute(sequence: 500)) {
                $0.set(key, try entry(due, value: value, to: endpoint))
            }
        }
        try expect(.dueRoute(sequence: 500)) {
            $0.set(key, try entry(.expire($0.offer.id)))
        }
        try expect(.dueRoute(sequence: 500)) {
            $0.set(key, try entry(.claim($0.owed.trade, tries: 3)))
        }
        // That of a closed offer waits for its time, and is no fault.
        var shard = try Shard()
        shard.set(key, try entry(stale))
        #expect(shard.violation() == nil)
    }

    @Test func findsWhatDoesNotDecode() throws {
        let broken = Payload([0xc1, 0x07])
        try expect(.undecodable(.offer, .unknownValue(7))) {
            $0.set(
                Offer.key($0.offer.id),
                StateObject(kind: .offer, value: .zero, payload: broken))
        }
        try expect(.undecodable(.owed, .wrongLength(expected: 32, actual: 1))) {
            $0.set(
                OwedTrade.key($0.owed.trade),
                StateObject(kind: .owed, value: .zero, payload: broken))
        }
    }
}
