import TallyPrimitives

/// Why an economy cannot run on its parameters.
package enum EconomyFault: Error, Hashable, Sendable, CustomStringConvertible {
    case decimalsOutOfRange
    case poolsExceedSupply
    case lengthZero(Pool)
    case decayOutOfRange(Pool)
    case referenceTimeZero
    case rateZero(Role)
    case multipliersOutOfOrder
    case tooManyMultipliers(maximum: Int)
    case multiplierOutOfRange
    case termZero(Role)
    case renewalZero(Role)
    case penaltyStepZero(Role)
    case validatorsIncomplete
    case thresholdOutOfRange
    case feeOutOfRange
    case rewardOutOfRange
    case ratioScaleOutOfRange
    case tradePeriodZero
    case roundTimesOutOfRange
    case attestersOutOfRange
    case jobTimeZero
    case jobRateOutOfRange
    case arbitersOutOfRange

    package enum Pool: String, Sendable {
        case nodeRewards, tradeRewards, developerGrants
    }

    package enum Role: String, Sendable {
        case validator, router, computeNode
    }

    package var description: String {
        switch self {
        case .decimalsOutOfRange: "decimals must be at most 18"
        case .poolsExceedSupply: "the caps of the pools exceed the supply"
        case .lengthZero(let pool): "a length in the schedule of \(pool.rawValue) must not be 0"
        case .decayOutOfRange(let pool):
            "the decay of \(pool.rawValue) must be 100 to 10,000 basis points"
        case .referenceTimeZero: "referenceMilliseconds must not be 0"
        case .rateZero(let role): "the rate between stake and power of a \(role.rawValue) has a 0"
        case .multipliersOutOfOrder: "multipliers must ascend by term, from 1 day"
        case .tooManyMultipliers(let maximum): "there must be at most \(maximum) multipliers"
        case .multiplierOutOfRange: "multipliers must be 1 to 1,000,000 basis points"
        case .termZero(let role): "the term of a \(role.rawValue) must not be 0"
        case .renewalZero(let role): "a renewal of a \(role.rawValue) must not be 0 days"
        case .penaltyStepZero(let role): "the penalty step of a \(role.rawValue) must not be 0"
        case .validatorsIncomplete: "firstValidators must be 3F + 1, from 4"
        case .thresholdOutOfRange: "impeachBps and proposalBps must be 5,000 to 9,999"
        case .feeOutOfRange: "feeBps must be at most 10,000"
        case .rewardOutOfRange: "rewardBps must be at most 10,000"
        case .ratioScaleOutOfRange: "ratioScale must be 2 to 1,000,000"
        case .tradePeriodZero: "epochsPerPeriod of trades must not be 0"
        case .roundTimesOutOfRange:
            "the times of a round must not be 0, and together at most its interval"
        case .attestersOutOfRange:
            "attesters must be 1 to \(RoundRule.maximumAttesters)"
        case .jobTimeZero: "the times of jobs must not be 0"
        case .jobRateOutOfRange: "bondBps, sampleBps and slashBps must be at most 10,000"
        case .arbitersOutOfRange:
            "arbiters must be odd, 1 to \(RoundRule.maximumAttesters - 1)"
        }
    }
}

extension EconomyParameters {
    /// What is wrong with the numbers; empty when an economy can run on them (ECON-24).
    package var faults: [EconomyFault] {
        var faults: [EconomyFault] = []
        if decimals > 18 { faults.append(.decimalsOutOfRange) }
        let caps = [nodeRewards.cap, tradeRewards.cap, developerGrants.cap]
        if !(Amount.sum(caps).map { $0 <= supply } ?? false) { faults.append(.poolsExceedSupply) }
        faults += nodeRewards.schedule.faults(.nodeRewards)
        faults += tradeRewards.schedule.faults(.tradeRewards)
        faults += developerGrants.schedule.faults(.developerGrants)
        if referenceMilliseconds == 0 { faults.append(.referenceTimeZero) }
        if validatorPower.hasZero { faults.append(.rateZero(.validator)) }
        if routerPower.hasZero { faults.append(.rateZero(.router)) }
        if computeStake.hasZero { faults.append(.rateZero(.computeNode)) }
        faults += multipliers.faults
        faults += validators.faults(.validator)
        faults += routers.faults(.router)
        faults += computeNodes.faults(.computeNode)
        if !ValidatorGrowth.isComplete(firstValidators) { faults.append(.validatorsIncomplete) }
        let thresholds: ClosedRange<UInt16> = 5_000...9_999
        if !thresholds.contains(impeachBps) || !thresholds.contains(proposalBps) {
            faults.append(.thresholdOutOfRange)
        }
        return faults + trade.faults + rounds.faults + jobs.faults
    }
}

extension RoundRule {
    fileprivate var faults: [EconomyFault] {
        var faults: [EconomyFault] = []
        let times = [commitMilliseconds, revealMilliseconds, attestMilliseconds]
        let sum = Amount.sum(times.lazy.map { Amount(UInt128($0)) })
        if times.contains(0) || (sum ?? .max) > Amount(UInt128(everyMilliseconds)) {
            faults.append(.roundTimesOutOfRange)
        }
        if !(1...Self.maximumAttesters).contains(attesters) { faults.append(.attestersOutOfRange) }
        return faults
    }
}

extension JobRule {
    fileprivate var faults: [EconomyFault] {
        var faults: [EconomyFault] = []
        if disputeMilliseconds == 0 || arbitrationMilliseconds == 0 { faults.append(.jobTimeZero) }
        if [bondBps, sampleBps, slashBps].contains(where: { $0 > 10_000 }) {
            faults.append(.jobRateOutOfRange)
        }
        if arbiters % 2 == 0 || arbiters > RoundRule.maximumAttesters {
            faults.append(.arbitersOutOfRange)
        }
        return faults
    }
}

extension EmissionSchedule {
    fileprivate func faults(_ pool: EconomyFault.Pool) -> [EconomyFault] {
        switch self {
        case .none: []
        case .fibonacci(let decay): decay.epochsPerPeriod == 0 ? [.lengthZero(pool)] : []
        case .annualGeometric(let decay):
            (decay.epochsPerYear == 0 ? [.lengthZero(pool)] : [])
                + ((100...10_000).contains(decay.decayBps) ? [] : [.decayOutOfRange(pool)])
        case .linear(let vesting): vesting.duration == 0 ? [.lengthZero(pool)] : []
        case .halfLife(let vesting): vesting.halfLife == 0 ? [.lengthZero(pool)] : []
        }
    }
}

extension PowerRate {
    fileprivate var hasZero: Bool { power == .zero || stake.isZero }
}

extension StakeMultipliers {
    fileprivate var faults: [EconomyFault] {
        var faults: [EconomyFault] = []
        let terms = rows.map(\.termDays)
        if terms.first == 0 || !zip(terms, terms.dropFirst()).allSatisfy({ $0 < $1 }) {
            faults.append(.multipliersOutOfOrder)
        }
        if rows.count > Self.maximumCount {
            faults.append(.tooManyMultipliers(maximum: Self.maximumCount))
        }
        if !rows.allSatisfy({ (1...1_000_000).contains($0.bps) }) {
            faults.append(.multiplierOutOfRange)
        }
        return faults
    }
}

extension RoleRule {
    fileprivate func faults(_ role: EconomyFault.Role) -> [EconomyFault] {
        var faults: [EconomyFault] = []
        if minimumTermDays == 0 { faults.append(.termZero(role)) }
        switch renewal {
        case .never: break
        case .once(let minimum), .unlimited(let minimum):
            if minimum == 0 { faults.append(.renewalZero(role)) }
        }
        if penaltyStepMilliseconds == 0 { faults.append(.penaltyStepZero(role)) }
        return faults
    }
}

extension TradeRule {
    fileprivate var faults: [EconomyFault] {
        var faults: [EconomyFault] = []
        if feeBps > 10_000 { faults.append(.feeOutOfRange) }
        if rewardBps > 10_000 { faults.append(.rewardOutOfRange) }
        if !(2...1_000_000).contains(ratioScale) { faults.append(.ratioScaleOutOfRange) }
        if epochsPerPeriod == 0 { faults.append(.tradePeriodZero) }
        return faults
    }
}
