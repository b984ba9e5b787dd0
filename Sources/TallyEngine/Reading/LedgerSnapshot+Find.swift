import TallyCrypto
import TallyExecution
package import TallyPrimitives
import TallySharding

/// A signed transaction and where it is.
package struct FoundTransaction: Sendable {
    package let endpoint: EndpointID
    package let height: Height
    /// Among the signed ones of its shard block.
    package let index: Int
    package let transaction: StoredTransaction
}

extension LedgerSnapshot {
    /// A signed transaction by its hash: in memory first, then in the stores.
    ///
    /// - Complexity: one look-up an endpoint and era of the index, until it is found.
    package func transaction(_ hash: Hash32) throws(ReadError) -> FoundTransaction? {
        if let found = recentTransaction(hash) { return found }
        return try storedTransaction(hash)
    }

    /// One that is in memory.
    package func recentTransaction(_ hash: Hash32) -> FoundTransaction? {
        // By index: an endpoint's snapshot is not copied to be asked.
        for endpoint in endpoints.indices {
            if let found = endpoints[endpoint].history.transaction(hash) {
                guard found.height <= height else { return nil }
                return FoundTransaction(
                    endpoint: EndpointID(UInt16(endpoint)), height: found.height,
                    index: found.index, transaction: found.transaction)
            }
        }
        return nil
    }

    /// One that is in the stores. To be asked after ``recentTransaction(_:)``: what leaves memory is
    /// in the stores before.
    package func storedTransaction(_ hash: Hash32) throws(ReadError) -> FoundTransaction? {
        for endpoint in endpoints.indices {
            guard let (height, index) = try endpoints[endpoint].view.position(of: hash),
                height <= self.height
            else { continue }
            let id = EndpointID(UInt16(endpoint))
            // The index holds 12 bytes of the hash: the transaction decides.
            guard let row = try transaction(id, height, index), Keccak256.hash(row.raw) == hash
            else { continue }
            return FoundTransaction(
                endpoint: id, height: height, index: index, transaction: row)
        }
        return nil
    }

    /// Where a signed transaction is: its endpoint, height and index among the signed ones.
    package func position(
        of hash: Hash32
    ) throws(ReadError) -> (endpoint: EndpointID, height: Height, index: Int)? {
        try transaction(hash).map { ($0.endpoint, $0.height, $0.index) }
    }

    /// Look-ups in the stores that finding no transaction takes.
    package var eraCount: Int {
        get throws(ReadError) {
            var count = 0
            for endpoint in endpoints.indices {
                count += try endpoints[endpoint].view.eraCount()
            }
            return count
        }
    }
}
