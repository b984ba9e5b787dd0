package import TallyPrimitives

/// What a trade of computing power costs and earns (ECON-15, ECON-16; S1:343-371).
package struct TradeRule: Hashable, Sendable {
    /// Of the price, to the treasury.
    package var feeBps: UInt16
    /// P(1): of the fee, as reward to both sides.
    package var rewardBps: UInt16
    /// Parts that df(n) is rounded to: 1,000 is three decimals. 0 counts as 1.
    package var ratioScale: UInt32
    package var epochsPerPeriod: UInt32

    /// P = 1.
    package static let rateScale: UInt64 = 1_000_000_000_000_000_000
    /// P is 0 by then for every `ratioScale` from 2, and does not change for 1.
    private static let lastPeriod: UInt64 = 256

    package init(feeBps: UInt16, rewardBps: UInt16, ratioScale: UInt32, epochsPerPeriod: UInt32) {
        self.feeBps = feeBps
        self.rewardBps = rewardBps
        self.ratioScale = ratioScale
        self.epochsPerPeriod = epochsPerPeriod
    }

    private var scale: UInt128 { UInt128(max(ratioScale, 1)) }

    /// df(n) in parts of `ratioScale`, rounded half-up: the buyer's part of the reward.
    package func buyerParts(in period: DecayPeriod) -> UInt32 {
        let ratio = Fibonacci.ratio(in: period)
        let parts = Amount(ratio.numerator).scaled(by: scale, over: ratio.denominator) ?? .zero
        // What is left of the division decides the half.
        let left =
            UInt256(product: ratio.numerator, scale)
            .subtracting(UInt256(product: parts.units, ratio.denominator)) ?? .zero
        let isHalf = left >= UInt256(ratio.denominator - ratio.denominator / 2)
        return UInt32(truncatingIfNeeded: parts.units + (isHalf ? 1 : 0))
    }

    /// P(n) in parts of ``rateScale``: P(n−1) · df(n) with the rounded df, floored. Exact for three
    /// decimals up to period 10.
    /// - Complexity: at most 256 steps.
    package func rewardRate(in period: DecayPeriod) -> UInt64 {
        var rate = UInt128(rewardBps) * UInt128(Self.rateScale / 10_000)
        var n: UInt64 = 2
        while n <= min(period.number, Self.lastPeriod), rate > 0 {
            rate = rate * UInt128(buyerParts(in: DecayPeriod(clamping: n))) / scale
            n += 1
        }
        return UInt64(truncatingIfNeeded: rate)
    }

    /// What moves at once, and which rewards are owed for it. Each reward is floored once.
    /// - Throws: `.overflow` for a fee above the price.
    package func settlement(
        price: Amount, period: DecayPeriod
    ) throws(EconomyError) -> TradeSettlement {
        guard feeBps <= 10_000,
            let proceeds = price.scaled(by: UInt128(10_000 - feeBps), over: 10_000),
            let fee = price.subtracting(proceeds)
        else { throw .overflow }
        let rate = UInt128(feeBps) * UInt128(rewardRate(in: period))
        let one = 10_000 * UInt128(Self.rateScale) * scale
        let parts = UInt128(buyerParts(in: period))
        guard let buyerReward = price.scaled(by: rate * parts, over: one),
            let providerReward = price.scaled(by: rate * (scale - parts), over: one)
        else { throw .overflow }
        return TradeSettlement(
            price: price, proceeds: proceeds, fee: fee, buyerReward: buyerReward,
            providerReward: providerReward)
    }
}

/// One trade in money.
package struct TradeSettlement: Hashable, Sendable {
    /// From the buyer, at once.
    package let price: Amount
    /// To the provider, at once.
    package let proceeds: Amount
    /// To the treasury, at once: all of the price that the provider does not get.
    package let fee: Amount
    /// To the buyer, owed until the epoch's close.
    package let buyerReward: Amount
    /// To the provider, owed until the epoch's close.
    package let providerReward: Amount

    package init(
        price: Amount, proceeds: Amount, fee: Amount, buyerReward: Amount, providerReward: Amount
    ) {
        self.price = price
        self.proceeds = proceeds
        self.fee = fee
        self.buyerReward = buyerReward
        self.providerReward = providerReward
    }
}

/// What is paid of rewards that are owed when the pool may not have enough (ECON-17).
package enum OwedReward {
    /// All of it, or ⌊reward · available / total⌋.
    /// - Parameter total: all that is owed from `available`.
    package static func payable(
        _ reward: Amount, ofAll total: Amount, available: Amount
    ) -> Amount {
        guard total > available else { return reward }
        return reward.scaled(by: available.units, over: total.units) ?? reward
    }
}
