import Synchronization
import TallyPrimitives
package import TallySharding
import TallyState

/// The headers that the beacon block of height 0 anchors, by endpoint. No store holds them: they
/// follow from the genesis, and are computed when first asked for.
package final class GenesisAnchors: Sendable {
    private let headers = Mutex<[ShardHeader]?>(nil)

    package init() {}

    /// - Complexity: O(genesis accounts) the first time.
    package func headers(of genesis: Genesis) throws(ReadError) -> [ShardHeader] {
        if let known = headers.withLock({ $0 }) { return known }
        let states: [GenesisState]
        do throws(StateError) { states = try genesis.states() } catch { throw .state(error) }
        let computed = states.map(\.header)
        headers.withLock { $0 = computed }
        return computed
    }
}
