import TallyCrypto
package import TallyExecution
package import TallyPrimitives
package import TallyState

/// The receipts of one source that are anchored and not yet consumed, checked against the root that
/// its header carries (RCPT-2).
package struct InboundQueue: Sendable {
    /// Everything anchored so far.
    package private(set) var range: MerkleRange
    private var receipts: [(receipt: Receipt, leaf: Hash32)] = []
    private var head = 0

    /// - Parameter consumed: the stream up to the cursor.
    package init(consumed: MerkleRange = .empty) { range = consumed }

    package var count: Int { receipts.count - head }

    /// The waiting receipts, oldest first, each with its leaf.
    package var waiting: ArraySlice<(receipt: Receipt, leaf: Hash32)> { receipts[head...] }

    /// Takes what a newly anchored header added.
    /// - Returns: whether the receipts are exactly those that the entry's root and end commit to; if
    ///   not, nothing is taken.
    package mutating func deliver(
        _ arrived: some Collection<Receipt>, anchored entry: OutEntry
    ) -> Bool {
        var range = range
        var leaves: [Hash32] = []
        leaves.reserveCapacity(arrived.count)
        for receipt in arrived {
            guard receipt.reference.index == range.count else { return false }
            let leaf = receipt.leaf
            range.append(leaf)
            leaves.append(leaf)
        }
        guard range.count == entry.end, range.root == entry.root else { return false }
        self.range = range
        receipts.removeFirst(head)
        head = 0
        receipts.append(contentsOf: zip(arrived, leaves).lazy.map { ($0, $1) })
        return true
    }

    /// Drops what a decided block consumed.
    package mutating func drop(_ count: Int) { head += count }
}

extension Receipt {
    /// Leaf of the receipt in its stream's range (MMR-1).
    package var leaf: Hash32 { SHA256.hash(.rangeLeaf, encoded) }
}
