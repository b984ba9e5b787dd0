package import TallyPrimitives

/// How often a stake may be renewed, and for how long at least (ECON-21).
package enum RenewalRule: Hashable, Sendable {
    case never
    case once(minimumDays: UInt32)
    case unlimited(minimumDays: UInt32)

    /// - Parameter renewals: those that the stake had before.
    package func allows(termDays: UInt32, after renewals: UInt32) -> Bool {
        switch self {
        case .never: false
        case .once(let minimum): renewals == 0 && termDays >= minimum
        case .unlimited(let minimum): termDays >= minimum
        }
    }
}

/// What a role asks of a stake, and what an outage costs it (ECON-20).
package struct RoleRule: Hashable, Sendable {
    package var minimumStake: Amount
    package var minimumTermDays: UInt32
    package var renewal: RenewalRule
    /// An outage is charged in whole steps of this length; never 0.
    package var penaltyStepMilliseconds: UInt64

    package init(
        minimumStake: Amount, minimumTermDays: UInt32, renewal: RenewalRule,
        penaltyStepMilliseconds: UInt64
    ) {
        self.minimumStake = minimumStake
        self.minimumTermDays = minimumTermDays
        self.renewal = renewal
        self.penaltyStepMilliseconds = penaltyStepMilliseconds
    }

    /// Why a first stake is not enough; `nil` if it is.
    package func refusal(of stake: Amount, termDays: UInt32) -> StakeRefusal? {
        if stake < minimumStake { return .stakeTooSmall(minimum: minimumStake) }
        if termDays < minimumTermDays { return .termTooShort(minimumDays: minimumTermDays) }
        return nil
    }

    /// The penalty for an outage, of which only whole steps count (ECON-14; S1:401, S1:418, S1:433).
    /// - Throws: `.zeroTerm`.
    package func penalty(
        stake: Amount, termDays: UInt32, missedMilliseconds: UInt64
    ) throws(EconomyError) -> Amount {
        let rest = missedMilliseconds % max(penaltyStepMilliseconds, 1)
        return try OutagePenalty.amount(
            stake: stake, termDays: termDays, missedMilliseconds: missedMilliseconds - rest)
    }
}

/// What a stake lacks.
package enum StakeRefusal: Error, Hashable, Sendable {
    case stakeTooSmall(minimum: Amount)
    case termTooShort(minimumDays: UInt32)
}

/// How a set of validators grows (ECON-22; S1:391).
package enum ValidatorGrowth {
    /// Whether `count` is 3F + 1 with F from 1.
    package static func isComplete(_ count: UInt32) -> Bool { count >= 4 && count % 3 == 1 }

    /// The next 3F + 1 above `count`, at least `first`; `nil` from 2^32.
    package static func next(after count: UInt32, first: UInt32) -> UInt32? {
        guard count >= first else { return first }
        let (next, overflow) = count.addingReportingOverflow(3 - (count % 3 + 2) % 3)
        return overflow ? nil : next
    }
}

/// A decision by more than a part of all who may vote (ECON-23).
package enum Majority {
    /// Whether the votes are more than `bps` of all: exactly half is not enough for 5,000.
    /// - Parameter total: all who may vote; of an impeachment the role without the accused.
    package static func isReached(votes: UInt64, of total: UInt64, bps: UInt16) -> Bool {
        UInt128(votes) * 10_000 > UInt128(total) * UInt128(bps)
    }
}
