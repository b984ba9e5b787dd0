import TallyPrimitives
import TallyState
import TallyTransactions
import Testing

@testable import TallyExecution

/// Why a request of the Trade family has no effect: from the same shard it fails, from another it
/// comes back, and either way all of its value does.
@Suite struct TradeFailureTests {
    private let seller = trader(0)

    /// Where a buyer lives.
    enum Place: CaseIterable {
        case sellersShard
        case elsewhere

        var buyer: Address { self == .sellersShard ? trader(0, 2) : trader(2) }
    }

    /// Expects that an operation fails with `reason` and leaves everything but its fee.
    private func expect(
        _ operation: TradeOperation, from sender: Address, at seller: Address,
        fails reason: ExecutionFailure, in world: inout TradeWorld,
        _ location: SourceLocation = #_sourceLocation
    ) throws {
        let before = try world.account(sender).balance.units
        let shard = Int(world.parameters.layout.home(of: seller).value)
        let objects = try family(world, shard)
        try world.submit(operation, from: sender)
        try world.settle()
        let isRemote = world.parameters.layout.home(of: sender) != ShardID(UInt16(shard))
        let reasons = isRemote ? world.bounces : world.applied.compactMap(\.failure)
        #expect(reasons == [reason], sourceLocation: location)
        #expect(world.trades.isEmpty, sourceLocation: location)
        let fee = UInt128(operation.weight + Weights.callData(operation.callData))
        #expect(
            try world.account(sender).balance.units == before - fee, sourceLocation: location)
        #expect(try family(world, shard) == objects, sourceLocation: location)
    }

    /// The family's objects of a shard, by path.
    private func family(_ world: TradeWorld, _ shard: Int) throws -> [Hash32: StateObject] {
        let objects = try world.objects(shard).filter {
            [.offer, .owed, .epoch, .escrow].contains($0.object.kind)
        }
        return Dictionary(uniqueKeysWithValues: objects.map { ($0.key.path, $0.object) })
    }

    private func world() throws -> TradeWorld {
        try TradeWorld(accounts: [seller, trader(0, 2), trader(2)])
    }

    // MARK: Purchases

    @Test(arguments: Place.allCases)
    func refusesPurchasesOfWhatIsNotOffered(_ place: Place) throws {
        var world = try world()
        let offer = try world.submit(.listOffer(terms()), from: seller)
        try world.settle()
        func buy(_ id: ObjectID, _ units: UInt64 = 1, _ price: UInt128 = 100) -> TradeOperation {
            .buyCompute(id, units: units, maximumPrice: Amount(price))
        }
        let rows: [(TradeOperation, TradeFailure)] = [
            (buy(ObjectID(owner: seller, number: 9)), .offerClosed),
            (buy(offer, 11), .notEnoughUnits),
            (buy(offer, 1 << 40, 1), .notEnoughUnits),
            (buy(offer, 1, 99), .priceAboveMaximum),
        ]
        for (operation, reason) in rows {
            try expect(
                operation, from: place.buyer, at: seller, fails: .trade(reason), in: &world)
        }
    }

    /// The seller's new price is there first.
    @Test(arguments: Place.allCases)
    func sellerWhoRepricesSellsNothing(_ place: Place) throws {
        var world = try world()
        let offer = try world.submit(.listOffer(terms()), from: seller)
        try world.settle()
        try world.submit(.repriceOffer(offer, pricePerUnit: Amount(101)), from: seller)
        try world.step()
        #expect(world.trades == [.repriced(offer, pricePerUnit: Amount(101))])
        try expect(
            .buyCompute(offer, units: 10, maximumPrice: Amount(100)), from: place.buyer,
            at: seller, fails: .trade(.priceAboveMaximum), in: &world)
    }

    @Test func refusesToBuyFromOneself() throws {
        var world = try world()
        let offer = try world.submit(.listOffer(terms()), from: seller)
        try world.settle()
        try expect(
            .buyCompute(offer, units: 1, maximumPrice: Amount(100)), from: seller, at: seller,
            fails: .trade(.ownOffer), in: &world)
    }

    @Test func lastUnitsGoToTheFirst() throws {
        var world = try world()
        let offer = try world.submit(.listOffer(terms(units: 3)), from: seller)
        try world.settle()
        let purchase = TradeOperation.buyCompute(offer, units: 2, maximumPrice: Amount(100))
        try world.submit(purchase, from: trader(2))
        try world.submit(purchase, from: trader(0, 2))
        try world.settle()
        #expect(world.bounces == [.trade(.notEnoughUnits)], "the nearer one came first")
        #expect(try world.offer(offer)?.units == 1)
    }

    // MARK: Life cycle

    enum Ending: CaseIterable {
        case soldOut
        case cancelled
        case expired
    }

    /// What has been closed stays closed, for everyone and everything.
    @Test(arguments: Ending.allCases)
    func closedOffersDoNothing(_ ending: Ending) throws {
        var world = try world()
        let offer = try world.submit(.listOffer(terms(until: 1_000_000)), from: seller)
        try world.settle()
        switch ending {
        case .soldOut:
            try world.submit(
                .buyCompute(offer, units: 10, maximumPrice: Amount(100)), from: trader(2))
        case .cancelled: try world.submit(.cancelOffer(offer), from: seller)
        case .expired: try world.step(1_000_000)
        }
        try world.settle()
        #expect(try world.offer(offer) == nil)
        for place in Place.allCases {
            try expect(
                .buyCompute(offer, units: 1, maximumPrice: Amount(100)), from: place.buyer,
                at: seller, fails: .trade(.offerClosed), in: &world)
        }
        try expect(
            .cancelOffer(offer), from: seller, at: seller, fails: .trade(.offerClosed),
            in: &world)
        try expect(
            .repriceOffer(offer, pricePerUnit: Amount(1)), from: seller, at: seller,
            fails: .trade(.offerClosed), in: &world)
    }

    /// An offer whose end has come, in a block whose due quota ended before its entry.
    @Test(arguments: [4_999, 5_000, 5_001] as [UInt64])
    func sellsOnlyBeforeItsEnd(_ time: UInt64) throws {
        var world = try world()
        let offer = try world.submit(.listOffer(terms(until: 5_000)), from: seller)
        try world.settle()
        let purchase = TradeOperation.buyCompute(offer, units: 1, maximumPrice: Amount(100))
        let isOpen = time < 5_000
        for (operation, sender) in [
            (purchase, trader(0, 2)), (.cancelOffer(offer), seller),
            (.repriceOffer(offer, pricePerUnit: Amount(1)), seller),
        ] {
            var executor = try BlockExecutor(
                context: world.context(0).at(time), tree: world.trees[0], pages: MemoryPages(),
                ends: Array(repeating: 0, count: 5), expecting: 4)
            let call = FamilyCall(
                origin: .zero, sender: sender, nonce: 50, value: Amount(100), reference: nil)
            let reason = try executor.handle(operation, call)
            #expect(reason == (isOpen ? nil : .trade(.offerExpired)), "\(operation)")
        }
    }

    // MARK: Offers

    @Test func onlyTheSellerChangesAnOffer() throws {
        var world = try world()
        let offer = try world.submit(.listOffer(terms()), from: seller)
        try world.settle()
        for place in Place.allCases {
            let other = place.buyer
            try expect(
                .cancelOffer(offer), from: other, at: other, fails: .trade(.notSeller),
                in: &world)
            try expect(
                .repriceOffer(offer, pricePerUnit: Amount(1)), from: other, at: other,
                fails: .trade(.notSeller), in: &world)
        }
        #expect(try world.offer(offer)?.pricePerUnit == Amount(100))
    }

    @Test func refusesEndsThatPassedOrAreTooFar() throws {
        var world = try world()
        try world.step(9_000)
        let longest = Offer.longestMilliseconds
        // The next block is a second later.
        let rows: [((UInt64) -> UInt64, TradeFailure)] = [
            ({ _ in 1 }, .untilPassed), ({ $0 }, .untilPassed),
            ({ $0 + longest + 1 }, .untilTooFar), ({ _ in .max }, .untilTooFar),
        ]
        for (until, reason) in rows {
            try expect(
                .listOffer(terms(until: until(world.time + 1_000))), from: seller, at: seller,
                fails: .trade(reason), in: &world)
        }
        let now = world.time + 1_000
        try world.submit(.listOffer(terms(until: now + 1)), from: seller)
        try world.submit(.listOffer(terms(until: now + longest)), from: seller)
        try world.step()
        #expect(world.applied.map(\.failure) == [nil, nil])
    }

    @Test func bookHasABound() throws {
        var world = try world()
        var offers: [ObjectID] = []
        for _ in 0..<64 { offers.append(try world.submit(.listOffer(terms()), from: seller)) }
        try world.settle()
        #expect(world.applied.allSatisfy { $0.failure == nil })
        try expect(
            .listOffer(terms()), from: seller, at: seller, fails: .trade(.bookFull), in: &world)
        try world.submit(.cancelOffer(offers[30]), from: seller)
        let last = try world.submit(.listOffer(terms()), from: seller)
        try world.settle()
        #expect(world.applied.map(\.failure) == [nil, nil])
        let book = try OfferBook(
            try #require(try world.object(OfferBook.key(of: seller), at: seller)))
        offers.remove(at: 30)
        #expect(book.numbers == (offers + [last]).map(\.number))
        // Another seller of the shard has a book of its own.
        try world.submit(.listOffer(terms()), from: trader(0, 2))
        try world.step()
        #expect(world.applied.map(\.failure) == [nil])
    }

    // MARK: The due queue

    /// Of the places, 8 are for these transactions. The sweeps of two vaults take two and the offer one. A trade
    /// takes one for its claim, and from elsewhere another, reserved, to be paid, and a third if it
    /// paid too much.
    @Test func refusesWhatTheDueQueueHasNoRoomFor() throws {
        var world = try TradeWorld(accounts: [seller, trader(0, 2), trader(2)]) {
            // Of four places transactions have three, rounded up.
            let places = 8 + TradeWorld.openingEntries($0).count
            $0.dueBound = places + (places - 1) / 3
        }
        #expect(world.parameters.transactionDueBound == 8 + world.due[0].count)
        let offer = try world.submit(.listOffer(terms()), from: seller)
        try world.settle()
        func buy(_ price: UInt128) -> TradeOperation {
            .buyCompute(offer, units: 1, maximumPrice: Amount(price))
        }
        for (price, buyer) in [(100, trader(2)), (101, trader(0, 2))] as [(UInt128, Address)] {
            try world.submit(buy(price), from: buyer)
            try world.settle()
            #expect(world.trades.count == 3)
        }
        // Two places are left.
        try expect(buy(101), from: trader(2), at: seller, fails: .dueQueueFull, in: &world)
        try world.submit(buy(100), from: trader(2))
        try world.settle()
        #expect(world.trades.count == 3)
        for buyer in [trader(2), trader(0, 2)] {
            try expect(buy(100), from: buyer, at: seller, fails: .dueQueueFull, in: &world)
        }
        try expect(
            .listOffer(terms()), from: seller, at: seller, fails: .dueQueueFull, in: &world)
        world.fund(Amount(60), of: 0, at: seller)
        try world.go(toEpoch: 1)
        try world.submit(buy(101), from: trader(2))
        try world.submit(.listOffer(terms()), from: seller)
        try world.settle()
        #expect(world.applied.allSatisfy { $0.failure == nil } && world.bounces.isEmpty)
    }

    @Test func numbersAreThoseOfTheSpecification() {
        #expect(TradeFailure.allCases.map(\.rawValue) == Array(112...122))
        for reason in TradeFailure.allCases {
            #expect(ExecutionFailure(rawValue: reason.rawValue) == .trade(reason))
        }
    }
}

extension BlockContext {
    /// The same at another time.
    fileprivate func at(_ milliseconds: UInt64) -> BlockContext {
        BlockContext(
            chain: chain, parameters: parameters, endpoint: endpoint, height: height,
            time: BeaconTime(milliseconds: milliseconds), baseFee: baseFee,
            beneficiary: beneficiary)
    }
}
