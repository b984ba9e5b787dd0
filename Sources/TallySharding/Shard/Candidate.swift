package import TallyExecution
package import TallyPrimitives
package import TallyState
package import TallyTransactions

/// What a decided shard block leaves to history: everything but the state. Immutable.
package final class BlockRecord: Sendable {
    package let block: ShardBlock
    package let hash: Hash32
    /// Of inbox and due entries; `nil` if there were none.
    package let systemResult: TransactionResult?
    /// Of the transactions, in order.
    package let results: ResultList
    let outbox: Outbox
    /// Of the receipts sent, by destination.
    let leaves: [[Hash32]]
    /// The streams with the receipts sent, by destination.
    let ranges: [MerkleRange]

    init(
        block: ShardBlock, systemResult: TransactionResult?, results: ResultList,
        outbox: Outbox, leaves: [[Hash32]], ranges: [MerkleRange]
    ) {
        self.block = block
        hash = block.header.hash
        self.systemResult = systemResult
        self.results = results
        self.outbox = outbox
        self.leaves = leaves
        self.ranges = ranges
    }

    /// Receipts sent: stream after stream, each in the order they were numbered.
    package var sent: FlattenSequence<[[Receipt]]> { outbox.receipts.joined() }
    package var header: ShardHeader { block.header }
    package var height: Height { block.header.height }
    package var transactions: [Transaction] { block.transactions }
}

/// A shard block with everything that applying it changes: an overlay over the head it was built on.
/// Immutable; dropped when another block is decided.
package final class Candidate: Sendable {
    package let record: BlockRecord
    package let tree: StateTree
    let streams: [StreamState]
    /// Receipts taken from each source.
    let consumed: [Int]
    let dueAdded: [DueEntry]
    let dueRemoved: [DueKey]

    init(
        record: BlockRecord, tree: StateTree, streams: [StreamState], consumed: [Int],
        dueAdded: [DueEntry], dueRemoved: [DueKey]
    ) {
        self.record = record
        self.tree = tree
        self.streams = streams
        self.consumed = consumed
        self.dueAdded = dueAdded
        self.dueRemoved = dueRemoved
    }

    package var header: ShardHeader { record.header }

    /// Whether the block changes nothing: no receipt, no due entry, no transaction. An entry may have
    /// run without an event, and still must (RCPT-11).
    var isEmpty: Bool {
        record.systemResult == nil && record.results.isEmpty && dueRemoved.isEmpty
            && consumed.allSatisfy { $0 == 0 }
    }
}
