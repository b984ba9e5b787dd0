package import TallyExecution
package import TallyPrimitives

extension EconomyParameters {
    /// An economy like EMC's in which everything happens within minutes, and every bound is met
    /// (SIM-43): tasks of a few hashes, rounds and windows of seconds, terms of days, pools that
    /// may run dry.
    package static func simulated(using random: inout SeededGenerator) -> EconomyParameters {
        var economy = EconomyParameters.emc
        let period = UInt32(random.pick(2...20))
        // In half of all as much as EMC makes, so that indexes need all their bits.
        let scale: UInt64 = random.pick([1, 10_000_000])
        economy.nodeRewards = EmissionPool(
            cap: Amount(UInt128(scale * random.pick([9_000_000, 420_000_000]))),
            schedule: .fibonacci(
                FibonacciDecay(
                    first: Amount(UInt128(scale * random.pick(1_000_000...9_999_999))),
                    isCumulative: random.pick(2) == 0, epochsPerPeriod: period)))
        economy.tradeRewards = EmissionPool(
            cap: Amount(UInt128(random.pick([50_000, 2_000_000, 37_800_000_000]))),
            schedule: .none)
        economy.multipliers = StakeMultipliers([
            .init(termDays: 1, bps: 14_000), .init(termDays: 2, bps: 27_000),
            .init(termDays: 3, bps: 62_000),
        ])
        economy.computeStake.stake = Amount(1_000_000)
        // A least stake weighs about as much as a node, or a hundred times that.
        let least: UInt64 = random.pick([1, 100])
        economy.validatorPower.stake = Amount(UInt128(100_000_000 / least))
        economy.routerPower.stake = Amount(UInt128(10_000_000 / least))
        economy.validators = RoleRule(
            minimumStake: Amount(1_000_000), minimumTermDays: 1, renewal: .once(minimumDays: 1),
            penaltyStepMilliseconds: random.pick([60_000, 3_600_000]))
        economy.routers = RoleRule(
            minimumStake: Amount(100_000), minimumTermDays: 1, renewal: .unlimited(minimumDays: 1),
            penaltyStepMilliseconds: random.pick([30_000, 600_000]))
        economy.computeNodes.penaltyStepMilliseconds = random.pick([20_000, 3_600_000])
        economy.firstValidators = 4
        economy.trade.epochsPerPeriod = period
        economy.rounds = RoundRule(
            task: simulatedTask, everyMilliseconds: random.pick(36_000...90_000),
            commitMilliseconds: 12_000, revealMilliseconds: 12_000, attestMilliseconds: 12_000,
            attesters: UInt16(random.pick(1...4)))
        economy.jobs = JobRule(
            bondBps: UInt16(random.pick(0...10_000)), disputeMilliseconds: 8_000,
            arbitrationMilliseconds: 16_000, sampleBps: 3_000,
            slashBps: UInt16(random.pick(0...10_000)), arbiters: UInt16(random.pick([1, 3])))
        return economy
    }

    /// Of four segments, one of which is opened: an answer costs a dozen hashes.
    static let simulatedTask: ProofTask = {
        do throws(ProofTaskError) {
            return .chain(try ChainTask(segments: 4, stepsPerSegment: 2, openings: 1))
        } catch { preconditionFailure("the task is in range: \(error)") }
    }()
}
