package import TallyPrimitives

/// What a node that is away pays: its stake spread evenly over its term (ECON-14; S1:433).
package enum OutagePenalty {
    package static let millisecondsPerDay: UInt64 = 86_400_000

    /// ⌊stake · missed / term⌋, at most the stake.
    /// - Parameter stake: as it was staked, not what earlier penalties left of it.
    /// - Throws: `.zeroTerm`.
    package static func amount(
        stake: Amount, termDays: UInt32, missedMilliseconds: UInt64
    ) throws(EconomyError) -> Amount {
        guard termDays > 0 else { throw .zeroTerm }
        let term = UInt128(termDays) * UInt128(millisecondsPerDay)
        let missed = min(UInt128(missedMilliseconds), term)
        return stake.scaled(by: missed, over: term) ?? stake
    }
}
