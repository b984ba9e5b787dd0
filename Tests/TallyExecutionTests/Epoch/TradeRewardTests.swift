import TallyPrimitives
import TallyState
import Testing

@testable import TallyExecution

/// EPOCH-6: what trades are owed is claimed at the close, arrives as far as the pool goes, and is drawn.
@Suite struct TradeRewardTests {
    @Test func claimsArriveInFull() throws {
        var world = try EpochWorld(shards: 2)
        let epoch = world.epoch
        try world.owe(Amount(700), 0)
        try world.owe(Amount(300), 0)
        try world.owe(Amount(50), 1)
        #expect(try world.executor(0).tradeFunding(of: epoch) == nil)
        try world.passEpoch()
        let funding = TradeFunding(owed: Amount(1_000), funded: Amount(1_000))
        #expect(try world.executor(0).tradeFunding(of: epoch) == funding)
        #expect(world.minted[2] == Amount(1_050))
        #expect(try world.book().trades == Amount(1_050))
        try world.drawTrade(Amount(700), epoch, 0)
        try world.drawTrade(Amount(300), epoch, 0)
        #expect(try world.balance(0, 1_000) == 1_000)
        // All was drawn, so the object is gone; whoever asks again gets nothing.
        #expect(try world.count(.epoch, 0) == 0)
        try world.drawTrade(Amount(300), epoch, 0)
        #expect(try world.balance(0, 1_000) == 1_000)
    }

    @Test func claimsAreOfTheEpochOfTheTrade() throws {
        var world = try EpochWorld(shards: 1)
        let epoch = world.epoch
        try world.owe(Amount(7), 0)
        world.wait(86_400_000)
        // Before the close has run: the time decides.
        try world.owe(Amount(11), 0)
        try world.settleDown()
        #expect(try world.executor(0).tradeFunding(of: epoch)?.owed == Amount(7))
        #expect(try world.executor(0).tradeFunding(of: epoch + 1) == nil)
        try world.passEpoch()
        #expect(try world.executor(0).tradeFunding(of: epoch + 1)?.funded == Amount(11))
    }

    /// ECON-17: what is left is shared by claims; floors stay unminted.
    @Test func poolThatRunsOutPaysPart() throws {
        var world = try EpochWorld(shards: 2) {
            $0.economy?.tradeRewards.cap = Amount(100)
        }
        let epoch = world.epoch
        try world.owe(Amount(60), 0)
        try world.owe(Amount(90), 0)
        try world.owe(Amount(149), 1)
        try world.passEpoch()
        // 100 · 150/299 and 100 · 149/299.
        #expect(try world.book().trades == Amount(99))
        let funding = TradeFunding(owed: Amount(150), funded: Amount(50))
        #expect(try world.executor(0).tradeFunding(of: epoch) == funding)
        try world.drawTrade(Amount(60), epoch, 0)
        try world.drawTrade(Amount(90), epoch, 0)
        #expect(try world.balance(0, 1_000) == 50)
        try world.owe(Amount(5), 1)
        try world.passEpoch()
        #expect(try world.book().trades == Amount(100))
        try world.owe(Amount(5), 1)
        let exhausted = world.epoch
        try world.passEpoch()
        #expect(try world.book().trades == Amount(100))
        try world.drawTrade(Amount(5), exhausted, 1)
        #expect(try world.balance(1, 1_000) == 0)
    }

    @Test func moreThanArrivedCannotBeDrawn() throws {
        var world = try EpochWorld(shards: 1)
        let epoch = world.epoch
        try world.owe(Amount(7), 0)
        try world.passEpoch()
        var executor = try world.executor(0)
        #expect(throws: ExecutionError.invariant("trade funding of epoch \(epoch) is out of range"))
        {
            try executor.drawTradeReward(Amount(8), of: epoch)
        }
    }

    @Test func epochsCountFromTheOpening() throws {
        let world = try EpochWorld(shards: 1)
        let executor = try world.executor(0)
        #expect(try executor.epochsSinceOpening(world.opening) == 0)
        #expect(try executor.epochsSinceOpening(world.opening + 91) == 91)
        #expect(try executor.epochsSinceOpening(world.opening - 1) == 0)
    }
}
