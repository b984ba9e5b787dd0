/// Whole networks of validators from one seed (`Specs/simulation.md`).
package enum Simulation {
    /// Runs one seed to its end or its first failure. Equal arguments give equal results.
    package static func run(
        seed: UInt64, options: SimulationOptions = SimulationOptions()
    ) -> SimulationResult {
        NetworkRun(Scenario(seed: seed, options: options)).run()
    }
}
