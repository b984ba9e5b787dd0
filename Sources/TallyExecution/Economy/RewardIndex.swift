package import TallyPrimitives

/// A pool's money for each unit of weight, summed over its epochs, with 64 fractional bits
/// (ECON-18).
///
/// A node is paid by the difference between two indexes, whenever it likes: O(1), no sweep. Two
/// fractions keep the account exact. `reserved` is what the promises of all epochs exceed a whole
/// number of base units by, `returned` what floored payouts have left over. When every node is
/// settled, payouts and residues are together what came in, and the fractions are equal.
package struct RewardIndex: Hashable, Sendable {
    /// Sum of pool · 2^64 / Σ weight, each floored.
    package private(set) var value: UInt256 = .zero
    /// In 2^-64 base units.
    package private(set) var reserved: UInt64 = 0
    /// In 2^-64 base units.
    package private(set) var returned: UInt64 = 0

    /// 1 in fixed point.
    private static let one: UInt128 = 1 << 64

    package init() {}

    /// Shares `pool` out by weight.
    /// - Parameter total: of the weights that were in force during the epoch.
    /// - Returns: the residue, which goes to the treasury: what no node can ever draw. All of the pool
    ///   if there is no weight.
    /// - Throws: `.overflow`; the index is then unchanged.
    package mutating func add(
        _ pool: Amount, over total: RewardWeight
    ) throws(EconomyError) -> Amount {
        guard let step = UInt256(product: pool.units, Self.one).divided(by: total.units)
        else { return pool }
        guard let next = value.adding(step.quotient),
            let promised = step.quotient.multiplied(by: total.units)?
                .adding(UInt256(UInt128(reserved))),
            let (whole, fraction) = Self.split(promised), let residue = pool.subtracting(whole)
        else { throw .overflow }
        value = next
        reserved = fraction
        return residue
    }

    /// What a node of this weight earned since `start`, the index at its last settlement.
    /// - Throws: `.indexAhead` for a start beyond this index; `.overflow`. The index is then
    ///   unchanged.
    package mutating func settle(
        _ weight: RewardWeight, since start: UInt256
    ) throws(EconomyError) -> RewardAccrual {
        try settle(weight, since: start, upTo: value)
    }

    /// What a node earned while it had this weight, from the index `start` to the index `end`.
    /// - Throws: `.indexAhead` for an end beyond this index, or a start beyond the end; `.overflow`.
    ///   The index is then unchanged.
    package mutating func settle(
        _ weight: RewardWeight, since start: UInt256, upTo end: UInt256
    ) throws(EconomyError) -> RewardAccrual {
        guard end <= value, let steps = end.subtracting(start) else { throw .indexAhead }
        guard let product = steps.multiplied(by: weight.units),
            let (amount, fraction) = Self.split(product)
        else { throw .overflow }
        let (sum, isWhole) = returned.addingReportingOverflow(fraction)
        returned = sum
        return RewardAccrual(amount: amount, residue: Amount(isWhole ? 1 : 0))
    }

    /// Base units, and 2^-64 base units below one; `nil` from 2^128.
    private static func split(_ fixed: UInt256) -> (Amount, UInt64)? {
        guard fixed.high < one else { return nil }
        return (
            Amount(fixed.high << 64 | fixed.low >> 64), UInt64(truncatingIfNeeded: fixed.low)
        )
    }
}

extension RewardWeight {
    /// What a part of the weight gets of a pool, floored; nothing if there is no weight. The parts of
    /// all shards leave less than one base unit each to the treasury (ECON-18).
    /// - Parameter total: never less than this weight.
    package func part(of pool: Amount, in total: RewardWeight) -> Amount {
        pool.scaled(by: min(units, total.units), over: total.units) ?? .zero
    }
}

/// What a settlement takes out of the pool's money.
package struct RewardAccrual: Hashable, Sendable {
    /// To the node, floored.
    package let amount: Amount
    /// To the treasury: 1 base unit whenever the fractions left over have become one.
    package let residue: Amount

    package init(amount: Amount, residue: Amount) {
        self.amount = amount
        self.residue = residue
    }
}

extension RewardIndex: RLPValue {
    package func encode(to out: inout RLPEncoder) {
        out.list { out in
            value.encode(to: &out)
            out.append(reserved)
            out.append(returned)
        }
    }

    package init(from input: inout RLPDecoder) throws(RLPError) {
        var list = try input.nextList()
        value = try UInt256(from: &list)
        reserved = try list.nextInteger()
        returned = try list.nextInteger()
        try list.finish()
    }
}
