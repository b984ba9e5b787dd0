import TallyExecution
import TallyPrimitives
import TallyTesting
import Testing

/// ECON-15 to ECON-17.
@Suite struct TradeTests {
    private let rule = EconomyParameters.emc.trade

    @Test(
        arguments: [
            (1, 1_000), (2, 1_000), (3, 500), (4, 667), (5, 600), (6, 625), (7, 615), (8, 619),
            (9, 618), (10, 618), (16, 618), (186, 618), (187, 618), (.max, 618),
        ] as [(UInt64, UInt32)])
    func ratiosHaveThreeDecimals(period: UInt64, parts: UInt32) {
        #expect(rule.buyerParts(in: DecayPeriod(clamping: period)) == parts, "S1:286, S1:361")
    }

    @Test(arguments: [(2, 1), (1_000_000, 500_000)] as [(UInt32, UInt32)])
    func halvesGoUp(scale: UInt32, parts: UInt32) {
        var rule = rule
        rule.ratioScale = scale
        #expect(rule.buyerParts(in: DecayPeriod(clamping: 3)) == parts)
        rule.ratioScale = 3
        #expect(rule.buyerParts(in: DecayPeriod(clamping: 3)) == 2, "1.5 of 3")
        rule.ratioScale = 0
        #expect(rule.buyerParts(in: DecayPeriod(clamping: 3)) == 1, "0.5 of 1")
    }

    @Test(
        arguments: [
            (1, 1_000_000_000_000_000_000), (2, 1_000_000_000_000_000_000),
            (3, 500_000_000_000_000_000), (4, 333_500_000_000_000_000),
            (5, 200_100_000_000_000_000), (6, 125_062_500_000_000_000),
            (7, 76_913_437_500_000_000), (8, 47_609_417_812_500_000),
            (9, 29_422_620_208_125_000), (10, 18_183_179_288_621_250),
            (11, 11_237_204_800_367_932), (256, 0), (.max, 0),
        ] as [(UInt64, UInt64)])
    func rewardRateIsTheProductOfRatios(period: UInt64, rate: UInt64) {
        #expect(rule.rewardRate(in: DecayPeriod(clamping: period)) == rate, "S1:345, S1:361")
    }

    @Test(arguments: [2, 3, 10, 1_000_000] as [UInt32])
    func rewardRateEndsForEveryScale(scale: UInt32) {
        var rule = rule
        rule.ratioScale = scale
        #expect(rule.rewardRate(in: DecayPeriod(clamping: 256)) == 0)
        #expect(rule.rewardRate(in: .first) == TradeRule.rateScale)
    }

    /// S1:358-371: the fourth period, a price of 1,000.
    @Test func workedExampleComesOut() throws {
        let price = try tokens("1000")
        let trade = try rule.settlement(price: price, period: DecayPeriod(clamping: 4))
        let expected = TradeSettlement(
            price: price, proceeds: try tokens("800"), fee: try tokens("200"),
            buyerReward: try tokens("44.4889"), providerReward: try tokens("22.2111"))
        #expect(trade == expected, "S1:361, S1:363, S1:371")
        let paid = try tokens("955.5111")
        let earned = try tokens("822.2111")
        #expect(trade.price.subtracting(trade.buyerReward) == paid, "S1:367")
        #expect(trade.proceeds.adding(trade.providerReward) == earned, "S1:369")
    }

    /// S1:347: the whole fee comes back in the first period, and all of it to the buyer.
    @Test func firstPeriodReturnsTheFee() throws {
        let price = try tokens("1000")
        let trade = try rule.settlement(price: price, period: .first)
        #expect(trade.buyerReward == trade.fee)
        #expect(trade.providerReward == .zero)
    }

    @Test func residueOfThePriceIsTheTreasurys() throws {
        let trade = try rule.settlement(price: Amount(7), period: .first)
        #expect(trade.proceeds == Amount(5), "5.6 floored")
        #expect(trade.fee == Amount(2))
        #expect(trade.buyerReward == Amount(1), "1.4 floored")
    }

    @Test func refusesAFeeAboveThePrice() {
        var rule = rule
        rule.feeBps = 10_001
        let broken = rule
        #expect(throws: EconomyError.overflow) {
            try broken.settlement(price: Amount(1), period: .first)
        }
    }

    @Test func tradesCreateNothing() throws {
        try forEachSeed(base: 0xec0_3000, count: 1_000) { seed, generator in
            let full = UInt128(generator.next()) << 64 | UInt128(generator.next())
            let price = Amount(full >> UInt128.random(in: 0...128, using: &generator))
            let rule = TradeRule(
                feeBps: UInt16.random(in: 0...10_000, using: &generator),
                rewardBps: UInt16.random(in: 0...10_000, using: &generator),
                ratioScale: UInt32.random(in: 2...1_000_000, using: &generator),
                epochsPerPeriod: 90)
            let period = DecayPeriod(clamping: UInt64.random(in: 1...120, using: &generator))
            let trade = try rule.settlement(price: price, period: period)
            #expect(trade.proceeds.adding(trade.fee) == price, "seed \(seed)")
            let rewards = try #require(trade.buyerReward.adding(trade.providerReward))
            #expect(rewards <= trade.fee, "seed \(seed)")
        }
    }

    @Test(
        arguments: [
            (30, 100, 100, 30), (30, 100, 99, 29), (30, 100, 50, 15), (1, 3, 2, 0), (30, 100, 0, 0),
            (0, 0, 0, 0),
        ] as [(UInt64, UInt64, UInt64, UInt64)])
    func rewardsAreCutInProportion(reward: UInt64, total: UInt64, available: UInt64, paid: UInt64) {
        let payable = OwedReward.payable(
            Amount(UInt128(reward)), ofAll: Amount(UInt128(total)),
            available: Amount(UInt128(available)))
        #expect(payable == Amount(UInt128(paid)))
    }

    @Test func cutRewardsStayWithinThePool() {
        forEachSeed(base: 0xec0_4000, count: 500) { seed, generator in
            let rewards = (0..<20).map { _ in UInt128(generator.next()) << 50 }
            let total = rewards.reduce(0, +)
            let available = total / UInt128.random(in: 1...1_000, using: &generator)
            let paid = rewards.reduce(UInt128(0)) {
                $0
                    + OwedReward.payable(
                        Amount($1), ofAll: Amount(total), available: Amount(available)
                    ).units
            }
            #expect(paid <= available && paid + 20 > available, "seed \(seed)")
        }
    }
}
