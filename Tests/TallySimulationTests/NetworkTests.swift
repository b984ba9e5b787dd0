import TallyConsensus
import TallyPrimitives
import TallySharding
import Testing

@testable import TallySimulation

/// Whole networks from seeds (`Specs/simulation.md`).
@Suite struct NetworkTests {
    private func run(
        _ seed: UInt64, _ options: SimulationOptions = SimulationOptions()
    ) -> SimulationResult {
        let result = Simulation.run(seed: seed, options: options)
        #expect(result.failure == nil, "\(result.command): \(result.scenario)")
        return result
    }

    // MARK: Seeds

    @Test(arguments: 1...6) func keepsEveryRule(seed: UInt64) {
        let result = run(seed)
        #expect(result.heights >= 20)
    }

    /// SIM-16: a class that is named happens in every run, and no other does.
    @Test(arguments: FaultClass.allCases) func keepsEveryRuleUnder(faults: FaultClass) {
        for seed in 1...UInt64(3) {
            let injected = run(seed, SimulationOptions(validators: 4, faults: [faults])).faults
            #expect(injected.count(of: faults) > 0, "seed \(seed)")
            for fault in injected.entries.map(\.fault) where fault != .illegalTransaction {
                #expect(fault.belongs(to: faults), "seed \(seed): \(fault)")
            }
        }
    }

    @Test func allClassesHappenTogether() {
        let named = Set(FaultClass.allCases).subtracting([.excess])
        let injected = run(4, SimulationOptions(faults: named)).faults
        for faults in named { #expect(injected.count(of: faults) > 0, "\(faults)") }
    }

    @Test(arguments: 1...30) func aNamedClassIsInTheScenario(seed: UInt64) {
        let scenario = Scenario(
            seed: seed, options: SimulationOptions(faults: [.byzantine, .sets]))
        #expect(!scenario.faulty.isEmpty)
        #expect(scenario.stakes.count >= Scenario.leastElected)
        #expect(Set(scenario.stakes.map(\.owner)).count == scenario.stakes.count)
        #expect(scenario.stakes.contains { !scenario.genesis.validators.contains($0.owner) })
        let least = min(scenario.genesis.validators.count, Scenario.leastElected)
        #expect(3 * scenario.faulty.count < least)
    }

    @Test func nothingHappensWithoutFaults() {
        let result = run(1, SimulationOptions(faults: []))
        #expect(result.faults.entries.allSatisfy { $0.fault == .illegalTransaction })
        // Each once, though many builders look at it.
        #expect(result.faults[.illegalTransaction] < result.transactions)
        #expect(result.highestRound == 0)
    }

    /// SEED-4: whatever happens, and in sets that change. The longer run goes on where the other ends.
    @Test(arguments: 1...6) func seedsGrow(seed: UInt64) {
        let (short, long) = (
            run(seed, SimulationOptions(heights: 40)), run(seed, SimulationOptions(heights: 240))
        )
        #expect(long.heights > short.heights)
        #expect(short.seeds > 0 && long.seeds > short.seeds, "seed \(seed)")
    }

    /// SEED-1, SEED-4: from height 17 on everybody of four reveals, and two make a seed.
    @Test func aCalmNetworkHasASeedEveryTwoHeights() {
        let result = run(3, SimulationOptions(validators: 4, heights: 40, faults: []))
        let most = (result.heights - 16) / 2
        #expect(most - 3...most ~= result.seeds)
    }

    /// SIM-1: everything that happens is in the digest.
    @Test func theSameSeedIsTheSameRun() {
        let (first, again, other) = (run(12), run(12), run(14))
        #expect(first == again)
        #expect(first.digest != other.digest)
    }

    // MARK: Scripts

    /// IBFT-P1, SIM-40, at the level of the real cores: final 3.0 delays after the proposal,
    /// everywhere, and 2.0 between proposals.
    @Test(arguments: [4, 7]) func finalAfterThreeDelaysEveryTwo(count: Int) {
        let result = run(
            5, SimulationOptions(validators: count, heights: 20, script: .undisturbed))
        #expect(result.faults.entries.isEmpty)
        #expect(
            result.measure
                == .undisturbed(
                    final: 300_000...300_000, interval: 200_000...200_000, delay: 100_000,
                    heights: 18))
    }

    /// SIM-40: a network that takes longer is found out.
    @Test func aSlowUndisturbedNetworkFails() {
        var scenario = Scenario(
            seed: 5, options: SimulationOptions(heights: 8, script: .undisturbed))
        scenario.executionDelay = 1_000
        #expect(NetworkRun(scenario).run().failure?.checker == .measures)
    }

    /// SIM-42
    @Test(arguments: 1...4) func theControlFails(seed: UInt64) {
        let options = SimulationOptions(script: .control)
        #expect(Simulation.run(seed: seed, options: options).failure?.checker == .agreement)
    }

    /// F of them never speak.
    @Test(arguments: [(4, 1), (5, 1), (7, 2)]) func goesOnWithoutF(count: Int, gone: Int) {
        let network = NetworkRun.calm(count) { scenario in
            for node in 0..<gone { scenario.faulty[node] = [.isMute] }
        }
        network.begin()
        network.run(until: 25_000_000)
        #expect(network.result.failure == nil)
        #expect(network.honest.allSatisfy { $0.height >= Height(10) })
    }

    /// F of them do everything that is forbidden.
    @Test(arguments: [(4, 1), (7, 2)]) func goesOnWithFOfThemFaulty(count: Int, gone: Int) {
        let network = NetworkRun.calm(count) { scenario in
            scenario.arrival = 2_000_000
            for node in 0..<gone {
                scenario.faulty[node] = Set(Misbehaviour.allCases).subtracting([
                    .isMute, .isTwins, .withholdsCommits, .proposesLate,
                ])
            }
        }
        network.begin()
        network.run(until: 60_000_000)
        #expect(network.result.failure == nil)
        #expect(network.honest.allSatisfy { $0.height >= Height(10) })
        #expect(network.result.evidence > 0)
    }

    /// F + 1 of them are gone: nobody decides anything, and nobody is accused.
    @Test func haltsWithoutMoreThanF() {
        let network = NetworkRun.calm(4) { $0.faulty = [0: [.isMute], 1: [.isMute]] }
        network.begin()
        network.run(until: 60_000_000)
        #expect(network.result.failure == nil)
        #expect(network.checks.highest == 0 && network.result.evidence == 0)
    }

    /// Two of four show each half another block: the halves decide differently, and each of them halts
    /// when it is shown what the other decided (SIM-14).
    @Test func moreThanFMayForkAndIsFoundOut() {
        let network = NetworkRun.calm(4) { scenario in
            scenario.isExcess = true
            scenario.faulty = [0: [.equivocates], 1: [.equivocates]]
        }
        network.begin()
        network.run(until: 20_000_000)
        network.finish()
        #expect(network.result.failure == nil)
        #expect(network.checks.forkedAt != nil, "nothing was put to the test")
        #expect(network.result.halts == 2)
    }

    /// 60 s in two halves, then a decision within three timeouts of round 0 (IBFT-R10, IBFT-R11,
    /// SIM-41).
    @Test func halvesMeetWithinThreeTimeouts() throws {
        let result = run(5, SimulationOptions(script: .partition))
        guard case .partition(let recovery, let timeout)? = result.measure else {
            Issue.record("nothing was measured")
            return
        }
        #expect(recovery > 0 && recovery <= 3 * timeout)
        #expect(result.faults[.halves] == 1 && result.faults[.partitioned] > 0)
    }
}
