package import TallyExecution
package import TallyPrimitives
package import TallyState
import TallyTransactions

/// A shard block with everything that applying it changes: an overlay over the head it was built on.
/// Immutable; dropped when another block is decided.
package final class Candidate: Sendable {
    package let block: ShardBlock
    package let hash: Hash32
    /// Of inbox and due entries; `nil` if there were none.
    package let systemResult: TransactionResult?
    /// Of the transactions, in order.
    package let results: [TransactionResult]
    /// Receipts sent, in the order they were numbered.
    package let sent: [Receipt]
    package let tree: StateTree
    let streams: [StreamState]
    /// Receipts taken from each source.
    let consumed: [Int]
    let dueAdded: [DueEntry]
    let dueRemoved: [DueKey]

    init(
        block: ShardBlock, systemResult: TransactionResult?, results: [TransactionResult],
        sent: [Receipt], tree: StateTree, streams: [StreamState], consumed: [Int],
        dueAdded: [DueEntry], dueRemoved: [DueKey]
    ) {
        self.block = block
        hash = block.header.hash
        self.systemResult = systemResult
        self.results = results
        self.sent = sent
        self.tree = tree
        self.streams = streams
        self.consumed = consumed
        self.dueAdded = dueAdded
        self.dueRemoved = dueRemoved
    }
}
