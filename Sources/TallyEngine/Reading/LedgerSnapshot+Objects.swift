import TallyConsensus
import TallyExecution
package import TallyPrimitives
import TallySharding
package import TallyState
import TallyTransactions

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

    /// Who is a validator to others: of the genesis, of a set around this height, or with an active
    /// stake (NET-5).
    /// - Throws: `ReadError` for a damaged store.
    package func validators() throws(ReadError) -> Set<Address> {
        var validators = Set(genesis.validators)
        guard genesis.parameters.economy != nil else { return validators }
        for set in [schedule[height]] + schedule.changes.map(\.set) {
            validators.formUnion(set.addresses)
        }
        guard let object = try object(RoleRoll.key(of: .validator), of: layout.beacon) else {
            return validators
        }
        do throws(RLPError) {
            validators.formUnion(try RoleRoll(object).entries.map(\.owner))
        } catch { throw .corruptRow(database: "buckets") }
        return validators
    }
}
