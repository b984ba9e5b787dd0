import TallyPrimitives
import TallyState
import TallyTransactions
import Testing

@testable import TallyExecution

/// TRADE-5 and TRADE-6: what is owed is paid once, when its funding is there.
@Suite struct TradeOwedTests {
    private let seller = trader(0)
    private let buyer = trader(3)
    private let neighbour = trader(0, 2)

    /// A trade in epoch 180, of the third period: of a price of 1,000 each side is owed 50.
    private func traded(_ price: UInt128 = 1_000) throws -> (TradeWorld, ObjectID) {
        var world = try TradeWorld(accounts: [seller, buyer, neighbour])
        try world.go(toEpoch: 180)
        let offer = try world.submit(.listOffer(terms(price: price)), from: seller)
        try world.settle()
        let trade = try world.submit(
            .buyCompute(offer, units: 1, maximumPrice: Amount(price)), from: buyer)
        try world.settle()
        return (world, trade)
    }

    private func rewards(_ trade: ObjectID, _ amount: UInt128) -> [TradeEvent] {
        [
            .rewarded(trade: trade, to: trade.owner, Amount(amount)),
            .rewarded(trade: trade, to: seller, Amount(amount)),
        ]
    }

    @Test func claimsComeAgainUntilTheFundingIsThere() throws {
        var (world, trade) = try traded()
        let end = 181 * world.parameters.epochMilliseconds
        #expect(claim(world) == end)
        try world.step(end - world.time)
        var runs = [end]
        while runs.count < 10, let next = claim(world) {
            if runs.last != next { runs.append(next) }
            try world.step()
            #expect(world.trades.isEmpty)
        }
        let waits = zip(runs, runs.dropFirst()).map { $1 - $0 }
        #expect(
            waits == [
                1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 64_000, 64_000, 64_000,
            ])
        world.fund(Amount(100), of: 180, at: seller)
        try world.step(64_000)
        #expect(world.trades == rewards(trade, 50))
        try world.settle()
        #expect(claim(world) == nil)
    }

    /// When the only claim runs next.
    private func claim(_ world: TradeWorld) -> UInt64? {
        world.due.joined().first {
            if case .trade(.claim) = $0.action { true } else { false }
        }?.key.time.milliseconds
    }

    @Test func anyoneHasItPaidAtOnce() throws {
        for sender in [seller, buyer, neighbour, trader(1)] {
            var world = try TradeWorld(accounts: [seller, buyer, neighbour, trader(1)])
            try world.go(toEpoch: 180)
            let offer = try world.submit(.listOffer(terms(price: 1_000)), from: seller)
            try world.settle()
            let trade = try world.submit(
                .buyCompute(offer, units: 1, maximumPrice: Amount(1_000)), from: buyer)
            try world.settle()
            try world.go(toEpoch: 181)
            try world.step(3_000)
            world.fund(Amount(100), of: 180, at: seller)
            let operation = TradeOperation.settleTrade(trade, seller: seller)
            try world.submit(operation, from: sender)
            try world.settle()
            #expect(world.trades == rewards(trade, 50))
            #expect(try world.owed(trade, at: seller) == nil)

            // A retry finds nothing, and neither does the claim.
            try world.submit(operation, from: sender)
            try world.settle()
            #expect(world.trades.isEmpty)
            let isRemote = world.parameters.layout.home(of: sender) != ShardID(0)
            let reasons = isRemote ? world.bounces : world.applied.compactMap(\.failure)
            #expect(reasons == [.trade(.nothingOwed)])
            try world.step(200_000)
            #expect(world.trades.isEmpty)
            #expect(claim(world) == nil)
        }
    }

    /// The claim runs first, then the transaction of the same block.
    @Test func claimAndSettlementOfOneBlockPayOnce() throws {
        var (world, trade) = try traded()
        world.fund(Amount(100), of: 180, at: seller)
        try world.submit(.settleTrade(trade, seller: seller), from: seller)
        try world.go(toEpoch: 181)
        #expect(world.trades == rewards(trade, 50))
        #expect(world.applied.map(\.failure) == [.trade(.nothingOwed)])
    }

    @Test func refusesToSettleWhatIsNotThere() throws {
        var (world, trade) = try traded()
        let rows: [(ObjectID, Address, TradeFailure)] = [
            (trade, seller, .rewardNotFunded),
            (ObjectID(owner: buyer, number: 77), seller, .nothingOwed),
            (trade, neighbour, .nothingOwed), (trade, buyer, .nothingOwed),
        ]
        for (id, owner, reason) in rows {
            try world.submit(.settleTrade(id, seller: owner), from: neighbour)
            try world.settle()
            let reasons = world.applied.compactMap(\.failure) + world.bounces
            #expect(reasons == [.trade(reason)])
        }
        #expect(try world.owed(trade, at: seller) != nil)
    }

    /// ECON-17: of 3 · 100 owed, 100 have come: each reward of 50 pays ⌊50/3⌋ = 16, and 4 stay.
    @Test func poolThatRunsOutPaysInProportion() throws {
        var world = try TradeWorld(accounts: [seller, buyer, neighbour])
        try world.go(toEpoch: 180)
        let offer = try world.submit(.listOffer(terms(price: 1_000)), from: seller)
        try world.settle()
        var trades: [ObjectID] = []
        for sender in [buyer, neighbour, buyer] {
            trades.append(
                try world.submit(
                    .buyCompute(offer, units: 1, maximumPrice: Amount(1_000)), from: sender))
        }
        try world.settle()
        let before = try [seller, buyer, neighbour].map { try world.account($0).balance.units }
        world.fund(Amount(100), of: 180, at: seller)
        try world.go(toEpoch: 181)
        #expect(Set(world.trades) == Set(trades.flatMap { rewards($0, 16) }))
        let after = try [seller, buyer, neighbour].map { try world.account($0).balance.units }
        #expect(zip(after, before).map { $0 - $1 } == [48, 32, 16])
    }

    /// Nothing came: nothing is paid, and nothing is owed any more.
    @Test func emptyPoolEndsWhatIsOwed() throws {
        var (world, trade) = try traded()
        world.fund(.zero, of: 180, at: seller)
        try world.go(toEpoch: 181)
        #expect(world.trades.isEmpty)
        #expect(try world.owed(trade, at: seller) == nil)
        #expect(claim(world) == nil)
    }

    /// Each epoch pays its own trades.
    @Test func fundingOfAnotherEpochPaysNothing() throws {
        var (world, trade) = try traded()
        world.fund(.zero, of: 179, at: seller)
        try world.go(toEpoch: 181)
        #expect(world.trades.isEmpty)
        #expect(try world.owed(trade, at: seller) != nil)
    }

    /// S1:347: in the first period all of the fee is the buyer's.
    @Test func rewardOfNothingIsNoReward() throws {
        var world = try TradeWorld(accounts: [seller, buyer])
        let offer = try world.submit(.listOffer(terms(price: 1_000)), from: seller)
        try world.settle()
        let trade = try world.submit(
            .buyCompute(offer, units: 1, maximumPrice: Amount(1_000)), from: buyer)
        try world.settle()
        world.fund(Amount(200), of: 0, at: seller)
        try world.go(toEpoch: 1)
        #expect(world.trades == [.rewarded(trade: trade, to: buyer, Amount(200))])
    }
}
