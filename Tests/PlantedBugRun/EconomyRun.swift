import TallySimulation

/// An economy on two replicas, every height recounted and its money followed by its events.
enum EconomyRun {
    static func run(_ seed: UInt64) throws {
        do {
            _ = try EconomySimulation.run(seed: seed)
        } catch let failure as EconomyFailure {
            throw Finding(failure.checker, failure.detail)
        }
    }
}
