import TallyConsensus
import TallyPrimitives
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

    @Test(arguments: [FaultClass.network, .process, .storage, .byzantine, .sets])
    func keepsEveryRuleUnder(faults: FaultClass) {
        var injected = FaultHistogram()
        for seed in 1...UInt64(1) {
            injected.add(run(seed, SimulationOptions(validators: 4, faults: [faults])).faults)
        }
        #expect(!injected.entries.isEmpty)
    }

    /// SIM-1: everything that happens is in the digest.
    @Test func theSameSeedIsTheSameRun() {
        let (first, again, other) = (run(12), run(12), run(14))
        #expect(first == again)
        #expect(first.digest != other.digest)
    }

    // MARK: Scripts

    /// IBFT-P1, at the level of the real cores: final 3.0 delays after the proposal, everywhere, and
    /// never more than 2 between proposals.
    @Test(arguments: [4, 7]) func finalAfterThreeDelaysEveryTwo(count: Int) throws {
        let network = NetworkRun.calm(count)
        network.begin()
        network.run(until: 6_000_000)
        #expect(network.result.failure == nil)
        let times = network.milestones
        for height in 3...20 as ClosedRange<UInt64> {
            let proposed = try #require(times.proposed[height])
            let before = try #require(times.proposed[height - 1])
            #expect(proposed - before <= 200_000, "height \(height)")
            for node in network.nodes {
                #expect(times.decided[height]?[node.index] == proposed + 300_000)
            }
        }
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

    /// 60 s in two halves, then a decision within three timeouts of round 0 (IBFT-R10, IBFT-R11).
    @Test func halvesMeetWithinThreeTimeouts() {
        let network = NetworkRun.calm(4) { $0.arrival = 1_000_000 }
        network.begin()
        network.run(until: 3_000_000)
        let cut = network.halve()
        network.run(until: 63_000_000)
        let height = network.checks.highest
        for (from, to) in cut { network.links.cut(from, to, by: -1) }
        network.run(until: 66_000_000)
        #expect(network.result.failure == nil)
        #expect(network.lowest > height)
    }
}

extension NetworkRun {
    fileprivate func halve() -> [(Int, Int)] {
        let links = nodes.indices.flatMap { a in nodes.indices.map { (a, $0) } }
            .filter { ($0 < 2) != ($1 < 2) }
        for (from, to) in links { self.links.cut(from, to, by: 1) }
        return links
    }
}
