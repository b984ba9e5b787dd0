package import TallyPrimitives

// ECON-25: the encodings of the parameters and of their parts.

extension EconomyParameters: RLPValue {
    package func encode(to out: inout RLPEncoder) {
        out.list { out in
            out.append(decimals)
            out.append(supply)
            nodeRewards.encode(to: &out)
            tradeRewards.encode(to: &out)
            developerGrants.encode(to: &out)
            out.append(referenceMilliseconds)
            validatorPower.encode(to: &out)
            routerPower.encode(to: &out)
            out.append(multipliers.rows)
            computeStake.encode(to: &out)
            validators.encode(to: &out)
            routers.encode(to: &out)
            computeNodes.encode(to: &out)
            out.append(firstValidators)
            out.append(impeachBps)
            out.append(proposalBps)
            trade.encode(to: &out)
            rounds.encode(to: &out)
            jobs.encode(to: &out)
        }
    }

    package init(from input: inout RLPDecoder) throws(RLPError) {
        var list = try input.nextList()
        decimals = try list.nextInteger()
        supply = try list.nextAmount()
        nodeRewards = try EmissionPool(from: &list)
        tradeRewards = try EmissionPool(from: &list)
        developerGrants = try EmissionPool(from: &list)
        referenceMilliseconds = try list.nextInteger()
        validatorPower = try PowerRate(from: &list)
        routerPower = try PowerRate(from: &list)
        multipliers = StakeMultipliers(try list.nextArray(limit: StakeMultipliers.maximumCount))
        computeStake = try PowerRate(from: &list)
        validators = try RoleRule(from: &list)
        routers = try RoleRule(from: &list)
        computeNodes = try RoleRule(from: &list)
        firstValidators = try list.nextInteger()
        impeachBps = try list.nextInteger()
        proposalBps = try list.nextInteger()
        trade = try TradeRule(from: &list)
        rounds = try RoundRule(from: &list)
        jobs = try JobRule(from: &list)
        try list.finish()
    }
}

extension EmissionPool: RLPValue {
    package func encode(to out: inout RLPEncoder) {
        out.list { out in
            out.append(cap)
            schedule.encode(to: &out)
        }
    }

    package init(from input: inout RLPDecoder) throws(RLPError) {
        var list = try input.nextList()
        cap = try list.nextAmount()
        schedule = try EmissionSchedule(from: &list)
        try list.finish()
    }
}

extension EmissionSchedule: RLPValue {
    private enum Kind: UInt8 {
        case none = 0
        case fibonacci = 1
        case annualGeometric = 2
        case linear = 5
        case halfLife = 6
    }

    package func encode(to out: inout RLPEncoder) {
        out.list { out in
            switch self {
            case .none: out.append(Kind.none.rawValue)
            case .fibonacci(let decay):
                out.append(Kind.fibonacci.rawValue)
                out.append(decay.first)
                out.append(UInt8(decay.isCumulative ? 1 : 0))
                out.append(decay.epochsPerPeriod)
            case .annualGeometric(let decay):
                out.append(Kind.annualGeometric.rawValue)
                out.append(decay.decayBps)
                out.append(decay.epochsPerYear)
            case .linear(let vesting):
                out.append(Kind.linear.rawValue)
                out.append(vesting.lock)
                out.append(vesting.cliff)
                out.append(vesting.duration)
            case .halfLife(let vesting):
                out.append(Kind.halfLife.rawValue)
                out.append(vesting.halfLife)
            }
        }
    }

    package init(from input: inout RLPDecoder) throws(RLPError) {
        var list = try input.nextList()
        switch try list.nextCase(Kind.self) {
        case .none: self = .none
        case .fibonacci:
            let first = try list.nextAmount()
            let flag: UInt8 = try list.nextInteger()
            guard flag <= 1 else { throw .unknownValue(UInt64(flag)) }
            self = .fibonacci(
                FibonacciDecay(
                    first: first, isCumulative: flag == 1,
                    epochsPerPeriod: try list.nextInteger()))
        case .annualGeometric:
            self = .annualGeometric(
                GeometricDecay(
                    decayBps: try list.nextInteger(), epochsPerYear: try list.nextInteger()))
        case .linear:
            self = .linear(
                LinearVesting(
                    lock: try list.nextInteger(), cliff: try list.nextInteger(),
                    duration: try list.nextInteger()))
        case .halfLife: self = .halfLife(HalfLifeVesting(halfLife: try list.nextInteger()))
        }
        try list.finish()
    }
}

extension PowerRate: RLPValue {
    package func encode(to out: inout RLPEncoder) {
        out.list { out in
            out.append(power.tenThousandths)
            out.append(stake)
        }
    }

    package init(from input: inout RLPDecoder) throws(RLPError) {
        var list = try input.nextList()
        power = ComputePower(tenThousandths: try list.nextInteger())
        stake = try list.nextAmount()
        try list.finish()
    }
}

extension StakeMultipliers.Row: RLPValue {
    package func encode(to out: inout RLPEncoder) {
        out.list { out in
            out.append(termDays)
            out.append(bps)
        }
    }

    package init(from input: inout RLPDecoder) throws(RLPError) {
        var list = try input.nextList()
        termDays = try list.nextInteger()
        bps = try list.nextInteger()
        try list.finish()
    }
}

extension RenewalRule: RLPValue {
    private enum Kind: UInt8 {
        case never = 0
        case once = 1
        case unlimited = 2
    }

    package func encode(to out: inout RLPEncoder) {
        out.list { out in
            switch self {
            case .never: out.append(Kind.never.rawValue)
            case .once(let minimum):
                out.append(Kind.once.rawValue)
                out.append(minimum)
            case .unlimited(let minimum):
                out.append(Kind.unlimited.rawValue)
                out.append(minimum)
            }
        }
    }

    package init(from input: inout RLPDecoder) throws(RLPError) {
        var list = try input.nextList()
        switch try list.nextCase(Kind.self) {
        case .never: self = .never
        case .once: self = .once(minimumDays: try list.nextInteger())
        case .unlimited: self = .unlimited(minimumDays: try list.nextInteger())
        }
        try list.finish()
    }
}

extension RoleRule: RLPValue {
    package func encode(to out: inout RLPEncoder) {
        out.list { out in
            out.append(minimumStake)
            out.append(minimumTermDays)
            renewal.encode(to: &out)
            out.append(penaltyStepMilliseconds)
        }
    }

    package init(from input: inout RLPDecoder) throws(RLPError) {
        var list = try input.nextList()
        minimumStake = try list.nextAmount()
        minimumTermDays = try list.nextInteger()
        renewal = try RenewalRule(from: &list)
        penaltyStepMilliseconds = try list.nextInteger()
        try list.finish()
    }
}

extension TradeRule: RLPValue {
    package func encode(to out: inout RLPEncoder) {
        out.list { out in
            out.append(feeBps)
            out.append(rewardBps)
            out.append(ratioScale)
            out.append(epochsPerPeriod)
        }
    }

    package init(from input: inout RLPDecoder) throws(RLPError) {
        var list = try input.nextList()
        feeBps = try list.nextInteger()
        rewardBps = try list.nextInteger()
        ratioScale = try list.nextInteger()
        epochsPerPeriod = try list.nextInteger()
        try list.finish()
    }
}
