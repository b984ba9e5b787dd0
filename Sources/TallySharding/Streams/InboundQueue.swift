import TallyCrypto
package import TallyExecution
package import TallyPrimitives
import TallyState

/// The receipts of one source that are anchored and not yet consumed, checked against the root that
/// its header carries (RCPT-2).
package struct InboundQueue: Sendable {
    /// Everything anchored so far.
    package private(set) var range: MerkleRange
    private var receipts: [Receipt] = []
    private var head = 0

    /// - Parameters:
    ///   - range: the source's stream as anchored.
    ///   - receipts: those of it that the destination has not consumed, in order.
    package init(range: MerkleRange = MerkleRange(), receipts: [Receipt] = []) {
        self.range = range
        self.receipts = receipts
    }

    package var count: Int { receipts.count - head }

    /// The waiting receipts, oldest first.
    package var waiting: ArraySlice<Receipt> { receipts[head...] }

    /// Takes what a newly anchored header added.
    /// - Returns: whether the receipts are exactly those that `root` and `end` commit to; if not,
    ///   nothing is taken.
    package mutating func deliver(
        _ arrived: some Collection<Receipt>, end: UInt64, root: Hash32
    ) -> Bool {
        var range = range
        for receipt in arrived {
            guard receipt.reference.index == range.count else { return false }
            range.append(receipt.leaf)
        }
        guard range.count == end, range.root == root else { return false }
        self.range = range
        if head > 0 {
            receipts.removeFirst(head)
            head = 0
        }
        receipts.append(contentsOf: arrived)
        return true
    }

    /// Drops what a decided block consumed.
    package mutating func drop(_ count: Int) { head += count }
}

extension Receipt {
    /// Leaf of the receipt in its stream's range (MMR-1).
    package var leaf: Hash32 { SHA256.hash(.rangeLeaf, encoded) }
}
