package import TallyExecution
package import TallyPrimitives

/// What a newly anchored header sent to one endpoint.
package struct Delivery: Sendable {
    package let source: EndpointID
    package let entry: OutEntry
    package let receipts: [Receipt]

    package init(source: EndpointID, entry: OutEntry, receipts: [Receipt]) {
        self.source = source
        self.entry = entry
        self.receipts = receipts
    }

    /// Sorts what decided blocks sent by destination index.
    package static func group(_ blocks: [BlockRecord], layout: ShardLayout) -> [[Delivery]] {
        var groups: [[Delivery]] = Array(repeating: [], count: layout.endpointCount)
        for block in blocks {
            var sent: [[Receipt]] = Array(repeating: [], count: layout.endpointCount)
            for receipt in block.sent {
                sent[Int(receipt.reference.destination.index)].append(receipt)
            }
            for item in block.header.out {
                let peer = Int(item.peer.index)
                groups[peer].append(
                    Delivery(
                        source: block.header.endpoint, entry: item.entry, receipts: sent[peer]))
            }
        }
        return groups
    }
}
