package import TallyPrimitives
import TallySharding
package import TallyState

/// Objects of the compute families, as of the snapshot.
extension LedgerSnapshot {
    /// Most buckets that a page of a walk reads: about a millisecond from memory, ten from the store.
    package static let walkedBuckets = 4_096

    /// The object at a key of an endpoint; `nil` where there is none.
    /// - Throws: `ReadError` for a damaged store.
    package func object(
        _ key: ObjectKey, of endpoint: EndpointID
    ) throws(ReadError) -> StateObject? {
        let endpoint = endpoints[Int(endpoint.index)]
        do throws(StateError) {
            return try endpoint.tree.object(key, endpoint.view)
        } catch { throw .state(error) }
    }

    /// Objects of a kind from a path on, a page of a bounded part of the endpoint's tree.
    /// - Throws: `ReadError` for a damaged store.
    package func objects(
        _ kind: ObjectKind, of endpoint: EndpointID, from start: Hash32, limit: Int
    ) throws(ReadError) -> StateWalkPage {
        let endpoint = endpoints[Int(endpoint.index)]
        do throws(StateError) {
            return try endpoint.tree.walk(
                kind, from: start, limit: limit, visits: Self.walkedBuckets, endpoint.view)
        } catch { throw .state(error) }
    }
}
