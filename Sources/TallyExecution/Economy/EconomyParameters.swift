package import TallyPrimitives

/// The numbers of a network's compute economy; a network without one has none (ECON-19).
///
/// They are for the genesis to set and nobody to change. The length of an epoch is the network's
/// (`NetworkParameters`), and so is what a quorum of validators is (IBFT-R1).
package struct EconomyParameters: Hashable, Sendable {
    /// Decimal places of one token in base units.
    package var decimals: UInt8
    /// All that may ever exist, minted or not.
    package var supply: Amount

    package var nodeRewards: EmissionPool
    package var tradeRewards: EmissionPool
    package var developerGrants: EmissionPool

    /// Proof time of a node with E = 1.
    package var referenceMilliseconds: UInt64
    package var validatorPower: PowerRate
    package var routerPower: PowerRate
    package var multipliers: StakeMultipliers
    /// What a compute node stakes if it does: `stake` for each `power` of it.
    package var computeStake: PowerRate

    package var validators: RoleRule
    package var routers: RoleRule
    package var computeNodes: RoleRule
    /// Validators that a network begins with; 3F + 1.
    package var firstValidators: UInt32
    /// Votes of the same role that impeach, and of all that pass a proposal, are more than this.
    package var impeachBps: UInt16
    package var proposalBps: UInt16

    package var trade: TradeRule
    package var rounds: RoundRule
    package var jobs: JobRule

    package init(
        decimals: UInt8, supply: Amount, nodeRewards: EmissionPool, tradeRewards: EmissionPool,
        developerGrants: EmissionPool, referenceMilliseconds: UInt64, validatorPower: PowerRate,
        routerPower: PowerRate, multipliers: StakeMultipliers, computeStake: PowerRate,
        validators: RoleRule, routers: RoleRule, computeNodes: RoleRule, firstValidators: UInt32,
        impeachBps: UInt16, proposalBps: UInt16, trade: TradeRule, rounds: RoundRule, jobs: JobRule
    ) {
        self.decimals = decimals
        self.supply = supply
        self.nodeRewards = nodeRewards
        self.tradeRewards = tradeRewards
        self.developerGrants = developerGrants
        self.referenceMilliseconds = referenceMilliseconds
        self.validatorPower = validatorPower
        self.routerPower = routerPower
        self.multipliers = multipliers
        self.computeStake = computeStake
        self.validators = validators
        self.routers = routers
        self.computeNodes = computeNodes
        self.firstValidators = firstValidators
        self.impeachBps = impeachBps
        self.proposalBps = proposalBps
        self.trade = trade
        self.rounds = rounds
        self.jobs = jobs
    }

    /// Whole tokens in base units; `nil` above 2^128 − 1.
    package static func tokens(_ count: UInt64, decimals: UInt8) -> Amount? {
        var amount = Amount(UInt128(count))
        for _ in 0..<decimals {
            guard let next = amount.multiplied(by: 10) else { return nil }
            amount = next
        }
        return amount
    }
}

extension EconomyParameters {
    /// The default profile of EMC (ECON-19).
    package static let emc: EconomyParameters = {
        func tokens(_ count: UInt64) -> Amount { Amount(UInt128(count) * 100_000_000) }
        func power(_ whole: UInt64) -> ComputePower {
            ComputePower(tenThousandths: whole * ComputePower.scale)
        }
        let hour: UInt64 = 3_600_000
        return EconomyParameters(
            decimals: 8, supply: tokens(2_100_000_000),
            nodeRewards: EmissionPool(
                cap: tokens(420_000_000),
                schedule: .fibonacci(
                    FibonacciDecay(
                        first: tokens(64_800_000), isCumulative: true, epochsPerPeriod: 90))),
            tradeRewards: EmissionPool(cap: tokens(378_000_000), schedule: .none),
            developerGrants: EmissionPool(cap: tokens(252_000_000), schedule: .none),
            referenceMilliseconds: 15_000,
            validatorPower: PowerRate(power: power(100), stake: tokens(1_000_000)),
            routerPower: PowerRate(power: power(10), stake: tokens(100_000)),
            multipliers: StakeMultipliers([
                .init(termDays: 7, bps: 14_000), .init(termDays: 30, bps: 27_000),
                .init(termDays: 90, bps: 62_000), .init(termDays: 180, bps: 100_000),
            ]),
            computeStake: PowerRate(power: power(1), stake: tokens(1_000)),
            validators: RoleRule(
                minimumStake: tokens(1_000_000), minimumTermDays: 360,
                renewal: .once(minimumDays: 180), penaltyStepMilliseconds: hour),
            routers: RoleRule(
                minimumStake: tokens(100_000), minimumTermDays: 180,
                renewal: .unlimited(minimumDays: 90), penaltyStepMilliseconds: hour / 6),
            computeNodes: RoleRule(
                minimumStake: .zero, minimumTermDays: 1, renewal: .never,
                penaltyStepMilliseconds: hour),
            firstValidators: 13, impeachBps: 5_000, proposalBps: 5_000,
            trade: TradeRule(
                feeBps: 2_000, rewardBps: 10_000, ratioScale: 1_000, epochsPerPeriod: 90),
            rounds: RoundRule(
                task: .standard, everyMilliseconds: hour, commitMilliseconds: hour / 12,
                revealMilliseconds: hour / 12, attestMilliseconds: hour / 12, attesters: 7),
            jobs: JobRule(
                bondBps: 1_000, disputeMilliseconds: hour, arbitrationMilliseconds: hour,
                sampleBps: 1_000, slashBps: 5_000, arbiters: 7))
    }()
}
