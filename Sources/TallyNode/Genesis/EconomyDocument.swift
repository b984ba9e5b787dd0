import TallyClient
import TallyExecution
import TallyPrimitives

/// The `economy` of a genesis document (ECON-19). Every field must be there: a number that is left
/// out would be somebody's guess.
enum EconomyDocument {
    static func json(_ economy: EconomyParameters) -> JSON {
        [
            "decimals": JSON(economy.decimals),
            "supply": amount(economy.supply),
            "nodeRewards": json(economy.nodeRewards),
            "tradeRewards": json(economy.tradeRewards),
            "developerGrants": json(economy.developerGrants),
            "referenceMilliseconds": JSON(economy.referenceMilliseconds),
            "validatorPower": json(economy.validatorPower),
            "routerPower": json(economy.routerPower),
            "multipliers": .array(
                economy.multipliers.rows.map {
                    ["termDays": JSON($0.termDays), "bps": JSON($0.bps)]
                }),
            "computeStake": json(economy.computeStake),
            "validators": json(economy.validators),
            "routers": json(economy.routers),
            "computeNodes": json(economy.computeNodes),
            "firstValidators": JSON(economy.firstValidators),
            "impeachBps": JSON(economy.impeachBps),
            "proposalBps": JSON(economy.proposalBps),
            "trade": [
                "feeBps": JSON(economy.trade.feeBps),
                "rewardBps": JSON(economy.trade.rewardBps),
                "ratioScale": JSON(economy.trade.ratioScale),
                "epochsPerPeriod": JSON(economy.trade.epochsPerPeriod),
            ],
            "rounds": [
                "task": json(economy.rounds.task),
                "everyMilliseconds": JSON(economy.rounds.everyMilliseconds),
                "commitMilliseconds": JSON(economy.rounds.commitMilliseconds),
                "revealMilliseconds": JSON(economy.rounds.revealMilliseconds),
                "attestMilliseconds": JSON(economy.rounds.attestMilliseconds),
                "attesters": JSON(economy.rounds.attesters),
            ],
            "jobs": [
                "bondBps": JSON(economy.jobs.bondBps),
                "disputeMilliseconds": JSON(economy.jobs.disputeMilliseconds),
                "arbitrationMilliseconds": JSON(economy.jobs.arbitrationMilliseconds),
                "sampleBps": JSON(economy.jobs.sampleBps),
                "slashBps": JSON(economy.jobs.slashBps),
                "arbiters": JSON(economy.jobs.arbiters),
            ],
        ]
    }

    static func read(_ fields: Fields) throws(GenesisDocumentError) -> EconomyParameters {
        try fields.allowOnly([
            "decimals", "supply", "nodeRewards", "tradeRewards", "developerGrants",
            "referenceMilliseconds", "validatorPower", "routerPower", "multipliers",
            "computeStake", "validators", "routers", "computeNodes", "firstValidators",
            "impeachBps", "proposalBps", "trade", "rounds", "jobs",
        ])
        return EconomyParameters(
            decimals: try fields.required("decimals", fields.integer),
            supply: try fields.required("supply", fields.amount),
            nodeRewards: try pool(fields.object("nodeRewards")),
            tradeRewards: try pool(fields.object("tradeRewards")),
            developerGrants: try pool(fields.object("developerGrants")),
            referenceMilliseconds: try fields.required("referenceMilliseconds", fields.integer),
            validatorPower: try rate(fields.object("validatorPower")),
            routerPower: try rate(fields.object("routerPower")),
            multipliers: try multipliers(fields),
            computeStake: try rate(fields.object("computeStake")),
            validators: try role(fields.object("validators")),
            routers: try role(fields.object("routers")),
            computeNodes: try role(fields.object("computeNodes")),
            firstValidators: try fields.required("firstValidators", fields.integer),
            impeachBps: try fields.required("impeachBps", fields.integer),
            proposalBps: try fields.required("proposalBps", fields.integer),
            trade: try trade(fields.object("trade")),
            rounds: try rounds(fields.object("rounds")),
            jobs: try jobs(fields.object("jobs")))
    }

    private static func amount(_ amount: Amount) -> JSON { .string(amount.description) }

    // MARK: Pools

    private static func json(_ pool: EmissionPool) -> JSON {
        ["cap": amount(pool.cap), "schedule": json(pool.schedule)]
    }

    private static func json(_ schedule: EmissionSchedule) -> JSON {
        switch schedule {
        case .none: ["kind": "none"]
        case .fibonacci(let decay):
            [
                "kind": "fibonacci", "first": amount(decay.first),
                "cumulative": .bool(decay.isCumulative),
                "epochsPerPeriod": JSON(decay.epochsPerPeriod),
            ]
        case .annualGeometric(let decay):
            [
                "kind": "annualGeometric", "decayBps": JSON(decay.decayBps),
                "epochsPerYear": JSON(decay.epochsPerYear),
            ]
        case .linear(let vesting):
            [
                "kind": "linear", "lock": JSON(vesting.lock), "cliff": JSON(vesting.cliff),
                "duration": JSON(vesting.duration),
            ]
        case .halfLife(let vesting): ["kind": "halfLife", "halfLife": JSON(vesting.halfLife)]
        }
    }

    private static func pool(_ fields: Fields) throws(GenesisDocumentError) -> EmissionPool {
        try fields.allowOnly(["cap", "schedule"])
        return EmissionPool(
            cap: try fields.required("cap", fields.amount),
            schedule: try schedule(fields.object("schedule")))
    }

    private static func schedule(
        _ fields: Fields
    ) throws(GenesisDocumentError) -> EmissionSchedule {
        switch try fields.required("kind", fields.string) {
        case "none":
            try fields.allowOnly(["kind"])
            return .none
        case "fibonacci":
            try fields.allowOnly(["kind", "first", "cumulative", "epochsPerPeriod"])
            return .fibonacci(
                FibonacciDecay(
                    first: try fields.required("first", fields.amount),
                    isCumulative: try fields.required("cumulative", fields.bool),
                    epochsPerPeriod: try fields.required("epochsPerPeriod", fields.integer)))
        case "annualGeometric":
            try fields.allowOnly(["kind", "decayBps", "epochsPerYear"])
            return .annualGeometric(
                GeometricDecay(
                    decayBps: try fields.required("decayBps", fields.integer),
                    epochsPerYear: try fields.required("epochsPerYear", fields.integer)))
        case "linear":
            try fields.allowOnly(["kind", "lock", "cliff", "duration"])
            return .linear(
                LinearVesting(
                    lock: try fields.required("lock", fields.integer),
                    cliff: try fields.required("cliff", fields.integer),
                    duration: try fields.required("duration", fields.integer)))
        case "halfLife":
            try fields.allowOnly(["kind", "halfLife"])
            return .halfLife(
                HalfLifeVesting(halfLife: try fields.required("halfLife", fields.integer)))
        default:
            throw .malformed(
                field: fields.path + ".kind",
                expected: "none, fibonacci, annualGeometric, linear or halfLife")
        }
    }

    // MARK: Roles

    private static func json(_ rate: PowerRate) -> JSON {
        ["tenThousandthsOfE": JSON(rate.power.tenThousandths), "stake": amount(rate.stake)]
    }

    private static func rate(_ fields: Fields) throws(GenesisDocumentError) -> PowerRate {
        try fields.allowOnly(["tenThousandthsOfE", "stake"])
        return PowerRate(
            power: ComputePower(
                tenThousandths: try fields.required("tenThousandthsOfE", fields.integer)),
            stake: try fields.required("stake", fields.amount))
    }

    private static func multipliers(
        _ fields: Fields
    ) throws(GenesisDocumentError) -> StakeMultipliers {
        var rows: [StakeMultipliers.Row] = []
        for element in try fields.array("multipliers") {
            let row = try Fields(element.value, path: element.path)
            try row.allowOnly(["termDays", "bps"])
            rows.append(
                .init(
                    termDays: try row.required("termDays", row.integer),
                    bps: try row.required("bps", row.integer)))
        }
        return StakeMultipliers(rows)
    }

    private static func json(_ rule: RoleRule) -> JSON {
        let renewal: JSON =
            switch rule.renewal {
            case .never: ["kind": "never"]
            case .once(let minimum): ["kind": "once", "minimumDays": JSON(minimum)]
            case .unlimited(let minimum): ["kind": "unlimited", "minimumDays": JSON(minimum)]
            }
        return [
            "minimumStake": amount(rule.minimumStake),
            "minimumTermDays": JSON(rule.minimumTermDays), "renewal": renewal,
            "penaltyStepMilliseconds": JSON(rule.penaltyStepMilliseconds),
        ]
    }

    private static func role(_ fields: Fields) throws(GenesisDocumentError) -> RoleRule {
        try fields.allowOnly([
            "minimumStake", "minimumTermDays", "renewal", "penaltyStepMilliseconds",
        ])
        return RoleRule(
            minimumStake: try fields.required("minimumStake", fields.amount),
            minimumTermDays: try fields.required("minimumTermDays", fields.integer),
            renewal: try renewal(fields.object("renewal")),
            penaltyStepMilliseconds: try fields.required(
                "penaltyStepMilliseconds", fields.integer))
    }

    private static func renewal(_ fields: Fields) throws(GenesisDocumentError) -> RenewalRule {
        try fields.allowOnly(["kind", "minimumDays"])
        switch try fields.required("kind", fields.string) {
        case "never":
            try fields.allowOnly(["kind"])
            return .never
        case "once": return .once(minimumDays: try fields.required("minimumDays", fields.integer))
        case "unlimited":
            return .unlimited(minimumDays: try fields.required("minimumDays", fields.integer))
        default:
            throw .malformed(field: fields.path + ".kind", expected: "never, once or unlimited")
        }
    }

    // MARK: Families

    private static func trade(_ fields: Fields) throws(GenesisDocumentError) -> TradeRule {
        try fields.allowOnly(["feeBps", "rewardBps", "ratioScale", "epochsPerPeriod"])
        return TradeRule(
            feeBps: try fields.required("feeBps", fields.integer),
            rewardBps: try fields.required("rewardBps", fields.integer),
            ratioScale: try fields.required("ratioScale", fields.integer),
            epochsPerPeriod: try fields.required("epochsPerPeriod", fields.integer))
    }

    private static func rounds(_ fields: Fields) throws(GenesisDocumentError) -> RoundRule {
        try fields.allowOnly([
            "task", "everyMilliseconds", "commitMilliseconds", "revealMilliseconds",
            "attestMilliseconds", "attesters",
        ])
        return RoundRule(
            task: try task(fields.object("task")),
            everyMilliseconds: try fields.required("everyMilliseconds", fields.integer),
            commitMilliseconds: try fields.required("commitMilliseconds", fields.integer),
            revealMilliseconds: try fields.required("revealMilliseconds", fields.integer),
            attestMilliseconds: try fields.required("attestMilliseconds", fields.integer),
            attesters: try fields.required("attesters", fields.integer))
    }

    private static func jobs(_ fields: Fields) throws(GenesisDocumentError) -> JobRule {
        try fields.allowOnly([
            "bondBps", "disputeMilliseconds", "arbitrationMilliseconds", "sampleBps", "slashBps",
            "arbiters",
        ])
        return JobRule(
            bondBps: try fields.required("bondBps", fields.integer),
            disputeMilliseconds: try fields.required("disputeMilliseconds", fields.integer),
            arbitrationMilliseconds: try fields.required(
                "arbitrationMilliseconds", fields.integer),
            sampleBps: try fields.required("sampleBps", fields.integer),
            slashBps: try fields.required("slashBps", fields.integer),
            arbiters: try fields.required("arbiters", fields.integer))
    }

    private static func json(_ task: ProofTask) -> JSON {
        switch task {
        case .chain(let task):
            [
                "kind": "chain", "segments": JSON(task.segments),
                "stepsPerSegment": JSON(task.stepsPerSegment), "openings": JSON(task.openings),
            ]
        case .matrix(let task):
            ["kind": "matrix", "size": JSON(task.size), "openings": JSON(task.openings)]
        case .hash(let task):
            [
                "kind": "hash", "prefixBits": JSON(task.prefixBits),
                "solutions": JSON(task.solutions),
            ]
        }
    }

    private static func task(_ fields: Fields) throws(GenesisDocumentError) -> ProofTask {
        let kind = try fields.required("kind", fields.string)
        switch kind {
        case "chain":
            try fields.allowOnly(["kind", "segments", "stepsPerSegment", "openings"])
            let segments: UInt32 = try fields.required("segments", fields.integer)
            let steps: UInt32 = try fields.required("stepsPerSegment", fields.integer)
            let openings: UInt16 = try fields.required("openings", fields.integer)
            return try checked(fields) { () throws(ProofTaskError) in
                .chain(
                    try ChainTask(segments: segments, stepsPerSegment: steps, openings: openings))
            }
        case "matrix":
            try fields.allowOnly(["kind", "size", "openings"])
            let size: UInt32 = try fields.required("size", fields.integer)
            let openings: UInt16 = try fields.required("openings", fields.integer)
            return try checked(fields) { () throws(ProofTaskError) in
                .matrix(try MatrixTask(size: size, openings: openings))
            }
        case "hash":
            try fields.allowOnly(["kind", "prefixBits", "solutions"])
            let bits: UInt8 = try fields.required("prefixBits", fields.integer)
            let solutions: UInt16 = try fields.required("solutions", fields.integer)
            return try checked(fields) { () throws(ProofTaskError) in
                .hash(try HashTask(prefixBits: bits, solutions: solutions))
            }
        default:
            throw .malformed(field: fields.path + ".kind", expected: "chain, matrix or hash")
        }
    }

    private static func checked(
        _ fields: Fields, _ make: () throws(ProofTaskError) -> ProofTask
    ) throws(GenesisDocumentError) -> ProofTask {
        do throws(ProofTaskError) {
            return try make()
        } catch {
            let expected =
                switch error {
                case .parameter(let parameter, let value):
                    "a task with another number of \(parameter) than \(value)"
                case .tooHeavy(let weight):
                    "a task of at most \(ProofTask.maximumWeight) weight, not \(weight)"
                }
            throw .malformed(field: fields.path, expected: expected)
        }
    }
}
