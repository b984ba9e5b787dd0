import TallySimulation

/// A network of validators, with faults and rule-breakers, from one seed.
enum NetworkRun {
    static func run(_ seed: UInt64) throws {
        guard let failure = Simulation.run(seed: seed).failure else { return }
        throw Finding(failure.checker.rawValue, failure.detail)
    }
}
