import TallyCrypto
package import TallyExecution
package import TallyPrimitives
package import TallyState

/// The receipts of one source that are anchored and not yet consumed, checked against the root that
/// its header carries (RCPT-2).
package struct InboundQueue: Sendable {
    /// Everything anchored so far.
    package private(set) var range: MerkleRange
    private var receipts: [Receipt] = []
    /// Of `receipts`.
    private var leaves: [Hash32] = []
    private var head = 0

    /// - Parameter consumed: the stream up to the cursor.
    package init(consumed: MerkleRange = .empty) { range = consumed }

    package var count: Int { receipts.count - head }

    /// The waiting receipts, oldest first.
    package var waiting: ArraySlice<Receipt> { receipts[head...] }

    /// Takes what a newly anchored header added.
    /// - Returns: whether the receipts are exactly those that the entry's root and end commit to; if
    ///   not, nothing is taken.
    package mutating func deliver(_ delivery: Delivery) -> Bool {
        for (offset, receipt) in delivery.receipts.enumerated() {
            guard receipt.reference.index == range.count + UInt64(offset) else { return false }
        }
        let range = delivery.range ?? self.range.appending(delivery.leaves[...])
        guard range.count == self.range.count + UInt64(delivery.receipts.count),
            range.count == delivery.entry.end, range.root == delivery.entry.root
        else { return false }
        self.range = range
        if head == receipts.count {
            // As nearly always: nothing else waits, so what arrived is taken over uncopied.
            receipts = delivery.receipts
            leaves = delivery.leaves
        } else {
            receipts.removeFirst(head)
            leaves.removeFirst(head)
            receipts += delivery.receipts
            leaves += delivery.leaves
        }
        head = 0
        return true
    }

    /// The stream with the first `count` waiting receipts.
    /// - Parameter consumed: the stream up to the first one.
    func range(after consumed: MerkleRange, count: Int) -> MerkleRange {
        count == self.count ? range : consumed.appending(leaves[head...].prefix(count))
    }

    /// Drops what a decided block consumed.
    package mutating func drop(_ count: Int) { head += count }
}

extension Receipt {
    /// Leaf of the receipt in its stream's range (MMR-1).
    package var leaf: Hash32 { SHA256.hash(.rangeLeaf, encoded) }

    /// Those of several receipts, encoded one after another in the same memory.
    static func leaves(_ receipts: [Receipt]) -> [Hash32] {
        var encoder = RLPEncoder(capacity: 256)
        return receipts.map { receipt in
            encoder.removeAll()
            receipt.encode(to: &encoder)
            return SHA256.hash(.rangeLeaf, encoder.bytes)
        }
    }
}
