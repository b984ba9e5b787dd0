package import TallyExecution
package import TallyPrimitives
package import TallySharding
import TallyState
package import TallyStore
package import TallyTransactions

/// One shard: its core, its mempool and its store, on an executor of its own.
///
/// Everything crosses the border in batches. No method suspends in the middle of a change.
package actor Shard {
    private var core: ShardCore
    private var pool: Mempool
    private var storage: EndpointStorage
    private let executor: QueueExecutor

    package nonisolated let endpoint: EndpointID
    package nonisolated let store: EndpointStore
    package nonisolated var unownedExecutor: UnownedSerialExecutor {
        executor.asUnownedSerialExecutor()
    }

    package init(core: ShardCore, storage: EndpointStorage, limits: Limits) {
        self.core = core
        self.storage = storage
        endpoint = core.endpoint
        store = storage.store
        executor = QueueExecutor(label: "tally.shard.\(core.endpoint)")
        pool = Mempool(limits: limits, parameters: core.parameters)
    }

    // MARK: Admission

    /// Offers a batch to the mempool, in order.
    /// - Returns: for each, why it was not taken, or `nil`.
    package func admit(
        _ transactions: [Transaction]
    ) throws(ExecutionError) -> [PoolRejection?] {
        var results: [PoolRejection?] = []
        results.reserveCapacity(transactions.count)
        for transaction in transactions {
            let account = try core.account(transaction.sender, pages: storage.view)
            results.append(
                pool.admit(transaction, nonce: account.nonce, balance: account.balance))
        }
        return results
    }

    /// The nonce that the account's next transaction must have: after the pool's unbroken run, or in
    /// the last decided state. That may be ahead of what is published, never behind: a block's
    /// transactions leave the pool as its state comes.
    package func nextNonce(of account: Address) throws(ExecutionError) -> Nonce {
        if let nonce = pool.pendingNonce(of: account) { return nonce }
        return try core.account(account, pages: storage.view).nonce
    }

    /// A transaction that waits for a block, or is in a decided one that readers do not see yet: at no
    /// moment is one that was taken unknown to both the shard and the published snapshot.
    package func pooled(_ hash: Hash32) -> Transaction? {
        if let transaction = pool.transaction(hash) { return transaction }
        guard let place = storage.history.position(of: hash) else { return nil }
        return storage.history.block(place.height)?.transactions[place.index]
    }

    package var poolSize: (count: Int, bytes: Int) { (pool.count, pool.byteCount) }

    // MARK: Blocks

    /// What a shard has for the next block.
    package struct Proposal: Sendable {
        /// `nil` when a block would change nothing.
        package let candidate: Candidate?
        /// A receipt waits or a due entry is runnable (RCPT-3).
        package let isMandatory: Bool
        /// When the due queue has work next.
        package let nextDueTime: BeaconTime?
    }

    /// Builds a block from the mempool. Its transactions stay pooled until `advance` or `rewind`.
    package func build(
        _ view: AnchoredView, beneficiary: Address
    ) throws(ExecutionError) -> Proposal {
        pool.beginBlock(
            BlockCapacity(
                baseFee: core.baseFee(view), slots: core.freeSlots(view),
                dueEntries: core.parameters.transactionDueBound - core.due.count))
        let candidate = try core.build(
            view, beneficiary: beneficiary, from: &pool, pages: storage.view)
        return Proposal(
            candidate: candidate, isMandatory: core.isMandatory(view),
            nextDueTime: core.nextDueTime(after: view.time))
    }

    /// The block that was built will not be decided.
    package func rewind() { pool.rewind() }

    /// Passes a decided height and returns what readers may see of it.
    package func advance(
        to height: Height, _ candidate: Candidate?, _ deliveries: [Delivery]
    ) throws(ExecutionError) -> EndpointSnapshot {
        try core.advance(to: height, candidate, deliveries)
        if let candidate {
            pool.included(candidate.record.transactions)
            storage.append(candidate.record)
        }
        return storage.snapshot(core)
    }

    /// What readers may see of the last decided height.
    package func snapshot() -> EndpointSnapshot { storage.snapshot(core) }

    // MARK: Checkpoints

    /// What to write as of the last decided height; taken at once, written elsewhere.
    package func beginCheckpoint() -> Checkpoint { storage.beginCheckpoint(core) }

    /// The checkpoint is durable: forgets what the store can give back.
    package func finishCheckpoint() throws(StoreError) { try storage.finishCheckpoint(&core) }

    /// The checkpoint was not written: its blocks belong to the next one.
    package func abandonCheckpoint() { storage.abandonCheckpoint() }
}
