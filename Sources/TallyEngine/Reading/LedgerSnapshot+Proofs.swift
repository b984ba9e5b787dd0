import TallyCrypto
import TallyExecution
package import TallyPrimitives
import TallySharding
import TallyState

/// What proofs read.
extension LedgerSnapshot {
    /// Receipts that were anchored on the stream of `place`.
    func sentEnd(_ place: ReceiptReference) -> UInt64 {
        view.heads[Int(place.source.index)].out[Int(place.destination.index)].end
    }

    /// Receipts that the destination has consumed of the stream of `place`.
    func cursor(_ place: ReceiptReference) -> UInt64 {
        view.heads[Int(place.destination.index)].in[Int(place.source.index)].cursor
    }

    /// All leaves of a block's two ranges, and one entry in full.
    struct ProvableBlock {
        var hashes: [Hash32] = []
        var leaves: [Hash32] = []
        var raw: [UInt8] = []
        var result: [UInt8] = []
    }

    /// - Parameter result: the entry to keep, 0 being the system's.
    func provableBlock(
        _ endpoint: EndpointID, _ height: Height, result index: Int
    ) throws(ReadError) -> ProvableBlock {
        guard let block = try shardBlock(endpoint, height) else {
            throw .corruptRow(database: "blocks")
        }
        var found = ProvableBlock()
        let system = block.systemResult?.encoded ?? []
        found.leaves.append(ShardHeader.resultLeaf(system))
        if index == 0 { found.result = system }
        for number in 0..<Int(block.transactionCount) {
            guard let row = try transaction(endpoint, height, number) else {
                throw .corruptRow(database: "transactions")
            }
            let bytes = row.result.encoded
            found.hashes.append(Keccak256.hash(row.raw))
            found.leaves.append(ShardHeader.resultLeaf(bytes))
            if index == number + 1 {
                found.result = bytes
                found.raw = row.raw
            }
        }
        return found
    }

    /// Height of an endpoint's block by its hash.
    /// - Returns: `nil` when none of the newest `searchedBlocks` beacon blocks anchors it.
    /// - Complexity: O(beacon blocks looked through).
    package func height(
        ofBlock hash: Hash32, of endpoint: EndpointID
    ) throws(ReadError) -> Height? {
        let lowest = height.value - min(height.value, Self.searchedBlocks - 1)
        for value in (lowest...height.value).reversed() {
            guard let row = try beaconBlock(Height(value)) else { continue }
            if row.anchors.contains(where: { $0.endpoint == endpoint && $0.hash == hash }) {
                return Height(value)
            }
        }
        return nil
    }

    /// Beacon blocks that a shard block is looked for in by its hash, which no index knows.
    package static let searchedBlocks: UInt64 = 4_096
}
