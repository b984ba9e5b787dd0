import TallyPrimitives

@testable import TallySimulation

extension NetworkRun {
    /// A network of equal validators in which nothing goes wrong unless a test says so.
    static func calm(
        _ count: Int, _ change: (inout Scenario) -> Void = { _ in }
    ) -> NetworkRun {
        var scenario = Scenario(
            seed: 5, options: SimulationOptions(validators: count, shards: 2, faults: []))
        scenario.isPipelined = true
        scenario.delay = 100_000
        scenario.firstTimeout = 1_000_000
        scenario.diskDelay = 0
        scenario.executionDelay = 0
        scenario.healsAt = .max / 2
        // Always work: something arrives in every delay.
        scenario.arrival = 40_000
        change(&scenario)
        return NetworkRun(scenario)
    }
}
