package import TallyPrimitives

/// EIP-1559 for one shard, with one addition: time without blocks counts as empty blocks, so that
/// a fee that rose falls again although no block is built for it (`FEE-3`).
package enum FeeMarket {
    /// Steps of idle decay looked at: 700 of 7/8 take 2^128 below 8, where a step takes nothing.
    private static let maximumIdleSteps: UInt64 = 700

    /// The base fee after a block.
    /// - Parameters:
    ///   - used: weight of that block; half of `limit` leaves the fee as it is.
    ///   - elapsed: milliseconds from that block to the next.
    ///   - idle: milliseconds without a block that count as an empty one: the heartbeat, the longest
    ///     interval of a ledger with work, so that blocks in a row never count as idle.
    package static func baseFee(
        after fee: Amount, used: Weight, limit: Weight, elapsed: UInt64, idle: UInt64,
        minimum: Amount
    ) -> Amount {
        var next = step(fee, used: used, target: max(limit / 2, 1))
        for _ in 0..<min(elapsed / max(idle, 1), maximumIdleSteps) {
            guard next > minimum else { break }
            next = step(next, used: 0, target: 1)
        }
        return max(next, minimum)
    }

    private static func step(_ fee: Amount, used: Weight, target: Weight) -> Amount {
        let distance = used > target ? used - target : target - used
        guard distance > 0 else { return fee }
        // fee · distance / target / 8; distance ≤ target, or at most the whole limit.
        guard let change = fee.scaled(by: UInt128(distance), over: UInt128(target) * 8) else {
            return used > target ? .max : .zero
        }
        if used > target { return fee.adding(max(change, Amount(1))) ?? .max }
        return fee.subtracting(change) ?? .zero
    }
}
