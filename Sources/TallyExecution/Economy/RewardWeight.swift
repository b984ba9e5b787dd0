/// What a node's share of a pool is proportional to: E · multiplier in units of 10^-8, exact
/// (ECON-6).
package struct RewardWeight: Hashable, Comparable, Sendable {
    package let units: UInt128

    /// Units in a weight of 1: those of E times those of the multiplier.
    package static let scale: UInt128 = 100_000_000
    package static let zero = RewardWeight(units: 0)

    package init(units: UInt128) { self.units = units }

    /// Always fits: 96 bits at most.
    package init(_ power: ComputePower, multiplierBps: UInt32) {
        units = UInt128(power.tenThousandths) * UInt128(multiplierBps)
    }

    /// The sum; `nil` above 2^128 − 1.
    package func adding(_ other: RewardWeight) -> RewardWeight? {
        let (sum, overflow) = units.addingReportingOverflow(other.units)
        return overflow ? nil : RewardWeight(units: sum)
    }

    /// The difference; `nil` below 0.
    package func subtracting(_ other: RewardWeight) -> RewardWeight? {
        let (difference, overflow) = units.subtractingReportingOverflow(other.units)
        return overflow ? nil : RewardWeight(units: difference)
    }

    package static func < (a: RewardWeight, b: RewardWeight) -> Bool { a.units < b.units }
}

/// What staking for a term multiplies a compute node's E with (ECON-6).
package struct StakeMultipliers: Hashable, Sendable {
    package struct Row: Hashable, Sendable {
        package var termDays: UInt32
        /// 10,000 is 1.
        package var bps: UInt32

        package init(termDays: UInt32, bps: UInt32) {
            self.termDays = termDays
            self.bps = bps
        }
    }

    /// By term, ascending; at most ``maximumCount``.
    package var rows: [Row]

    package static let maximumCount = 64
    /// Of a term that the table does not have, and of no stake.
    package static let neutralBps: UInt32 = 10_000

    package init(_ rows: [Row]) { self.rows = rows }

    /// The multiplier of exactly this term; `nil` is no stake.
    package func bps(termDays: UInt32?) -> UInt32 {
        rows.first { $0.termDays == termDays }?.bps ?? Self.neutralBps
    }

    package func weight(of power: ComputePower, termDays: UInt32?) -> RewardWeight {
        RewardWeight(power, multiplierBps: bps(termDays: termDays))
    }
}
