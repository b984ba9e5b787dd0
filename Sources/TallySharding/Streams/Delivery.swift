package import TallyExecution
package import TallyPrimitives
import TallyState

/// What a newly anchored header sent to one endpoint.
package struct Delivery: Sendable {
    package let source: EndpointID
    package let entry: OutEntry
    package let receipts: [Receipt]
    /// Of the receipts, in order.
    let leaves: [Hash32]
    /// The stream with the receipts; `nil` when it has yet to be computed from the leaves.
    let range: MerkleRange?

    /// Receipts from elsewhere: their leaves are computed here.
    package init(source: EndpointID, entry: OutEntry, receipts: [Receipt]) {
        self.init(
            source: source, entry: entry, receipts: receipts, leaves: Receipt.leaves(receipts),
            range: nil)
    }

    private init(
        source: EndpointID, entry: OutEntry, receipts: [Receipt], leaves: [Hash32],
        range: MerkleRange?
    ) {
        self.source = source
        self.entry = entry
        self.receipts = receipts
        self.leaves = leaves
        self.range = range
    }

    /// Sorts what decided blocks sent by destination index. This process executed the blocks, so it
    /// has hashed the receipts already.
    package static func group(_ blocks: [BlockRecord], layout: ShardLayout) -> [[Delivery]] {
        var groups: [[Delivery]] = Array(repeating: [], count: layout.endpointCount)
        for block in blocks {
            for item in block.header.out {
                let peer = Int(item.peer.index)
                groups[peer].append(
                    Delivery(
                        source: block.header.endpoint, entry: item.entry,
                        receipts: block.outbox.receipts[peer], leaves: block.leaves[peer],
                        range: block.ranges[peer]))
            }
        }
        return groups
    }
}
