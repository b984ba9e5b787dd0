import Synchronization
import TallyConsensus
package import TallyExecution
package import TallyPrimitives

/// What the beacon counts and times while it works, for whoever watches: read at any time, and never
/// by asking the beacon (OPS-20).
package final class BeaconMeter: Sendable {
    /// That of the open height.
    package let round = Gauge()
    /// Members of the set that decides the next height, their power, and what of it is a quorum.
    package let validators = Gauge()
    package let power = Gauge()
    package let quorum = Gauge()
    /// Time of the node's clock that never goes back, in milliseconds, when the beacon was last seen
    /// at work (OPS-3).
    package let pulse = Gauge()

    package let builds = Histogram()
    package let checks = Histogram()
    /// From a decision to its being published.
    package let publications = Histogram()
    /// From the time in a block's header to its being published here.
    package let finality = Histogram()

    /// The last durable one.
    package let checkpointHeight = Gauge()
    package let checkpoints = Histogram()
    package let failedCheckpoints = Counter()

    package let evidence = Counter()
    /// Proposals that are not valid here.
    package let refusedBlocks = Counter()

    private let quarantine = Mutex<[EndpointID: ExecutionError]>([:])

    package init() {}

    /// - Parameter set: who decides the next height; `nil` leaves what was noted before.
    func note(_ set: ValidatorSet?) {
        guard let set else { return }
        validators.set(set.count)
        power.set(set.totalPower)
        quorum.set(Quorum.threshold(total: set.totalPower))
    }

    /// Endpoints that build no blocks, and why.
    package var quarantined: [EndpointID: ExecutionError] { quarantine.withLock { $0 } }

    package func quarantine(_ endpoint: EndpointID, _ error: ExecutionError) {
        quarantine.withLock { $0[endpoint] = error }
    }
}
