import TallySimulation
import Testing

/// SIM-43, SIM-44: whole economies from seeds.
@Suite struct EconomySimulationTests {
    @Test(arguments: 1...40) func keepsEveryRule(seed: UInt64) throws {
        let outcome = try EconomySimulation.run(seed: seed)
        print("seed \(seed): \(outcome.events.keys.count) \(outcome.heights) \(outcome.transactions) \(outcome.failures)")
        #expect(outcome.failures > 0)
    }
}
