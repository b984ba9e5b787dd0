/// How much power decides, and how much may be faulty (IBFT-R1). The only place that knows.
package enum Quorum {
    /// Least power of a quorum: two of them share more than the power that may be faulty.
    ///
    /// With `total` = 3F + 1 equal validators it is 2F + 1; with 5 of them it is 4, not 3.
    /// - Parameter total: at most ``ValidatorSet/maximumPower``.
    package static func threshold(total: UInt64) -> UInt64 { 2 * total / 3 + 1 }

    /// Most power that may be faulty, F.
    /// - Parameter total: from 1.
    package static func faulty(total: UInt64) -> UInt64 { (total - 1) / 3 }
}
