import TallyExecution
import TallyPrimitives
package import TallySharding
package import TallyState
package import TallyStore

/// What an endpoint's actor keeps about its store: the view its tree's stored buckets lie in, the
/// tree of the last checkpoint and the blocks since.
package struct EndpointStorage: Sendable {
    package let store: EndpointStore
    package let history: History
    package private(set) var view: StoreView
    /// The tree that the store holds.
    private var checkpointed: StateTree
    private var transactionCount: UInt64
    /// Blocks that no checkpoint holds.
    private var records: [BlockRecord] = []
    private var pending: Pending?

    /// A checkpoint being written.
    private struct Pending: Sendable {
        let height: Height
        let tree: StateTree
        let recordCount: Int
    }

    /// - Parameters:
    ///   - checkpointed: the tree of the store; empty for a new one.
    ///   - transactionCount: transactions the store holds.
    ///   - replayed: blocks that were executed since the checkpoint.
    package init(
        store: EndpointStore, view: StoreView, checkpointed: StateTree, transactionCount: UInt64,
        replayed: [BlockRecord]
    ) {
        self.store = store
        self.view = view
        self.checkpointed = checkpointed
        self.transactionCount = transactionCount
        history = History()
        for record in replayed { append(record) }
    }

    package mutating func append(_ record: BlockRecord) {
        records.append(record)
        history.append(record)
    }

    package func snapshot(_ core: ShardCore) -> EndpointSnapshot {
        EndpointSnapshot(header: core.header, tree: core.tree, view: view, history: history)
    }

    /// What a checkpoint of the core's height writes.
    package mutating func beginCheckpoint(
        _ core: ShardCore, beacon: BeaconCheckpoint? = nil
    ) -> Checkpoint {
        precondition(pending == nil, "one checkpoint at a time")
        history.checkpointBegun()
        pending = Pending(
            height: core.appliedHeight, tree: core.tree, recordCount: records.count)
        return Checkpoint(
            height: core.appliedHeight, header: core.header,
            tree: core.tree, previous: checkpointed, records: records,
            transactionCount: transactionCount, beacon: beacon)
    }

    /// Reads from now on go to the new checkpoint.
    /// - Returns: the tree that the store holds now, which the core may forget.
    package mutating func finishCheckpoint() throws(StoreError) -> StateTree {
        guard let pending else { preconditionFailure("no checkpoint was begun") }
        // Settled first: these blocks are in the store, whether it can be read again or not.
        checkpointed = pending.tree.flushed(pending.tree)
        for record in records.prefix(pending.recordCount) {
            transactionCount += UInt64(record.transactions.count)
        }
        records.removeFirst(pending.recordCount)
        self.pending = nil
        view = try store.view()
        history.checkpointed(pending.height)
        return pending.tree
    }

    package mutating func abandonCheckpoint() { pending = nil }
}
