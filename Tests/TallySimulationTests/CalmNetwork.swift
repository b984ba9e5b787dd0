import TallyPrimitives

@testable import TallySimulation

extension NetworkRun {
    /// A network of equal validators in which nothing goes wrong unless a test says so.
    static func calm(
        _ count: Int, _ change: (inout Scenario) -> Void = { _ in }
    ) -> NetworkRun {
        var scenario = Scenario(
            seed: 5, options: SimulationOptions(validators: count, shards: 2, faults: []))
        scenario.calm()
        scenario.healsAt = .max / 2
        change(&scenario)
        return NetworkRun(scenario)
    }
}
