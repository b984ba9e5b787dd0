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
    private var branches: EndpointBranches
    private var pool: Mempool
    private var storage: EndpointStorage
    private let executor: QueueExecutor
    /// The block whose transactions the pool has moved past, if it is undecided.
    private var lastBuilt: (parent: Hash32, candidate: Candidate?)?

    package nonisolated let endpoint: EndpointID
    package nonisolated let store: EndpointStore
    package nonisolated let meter = ShardMeter()
    package nonisolated var unownedExecutor: UnownedSerialExecutor {
        executor.asUnownedSerialExecutor()
    }

    /// - Parameter head: digest of the beacon block that `core` is after.
    package init(core: ShardCore, head: Hash32, storage: EndpointStorage, limits: Limits) {
        branches = EndpointBranches(core, head: head)
        self.storage = storage
        endpoint = core.endpoint
        store = storage.store
        executor = QueueExecutor(label: "tally.shard.\(core.endpoint)")
        pool = Mempool(limits: limits, parameters: core.parameters)
    }

    /// The final state.
    private var core: ShardCore { branches.core }

    // MARK: Admission

    /// Offers a batch to the mempool, in order.
    /// - Returns: for each, why it was not taken, or `nil`.
    package func admit(
        _ transactions: [Transaction]
    ) throws(ExecutionError) -> [PoolRejection?] {
        var results: [PoolRejection?] = []
        results.reserveCapacity(transactions.count)
        let accounts = try core.accounts(transactions.map(\.sender), pages: storage.view)
        for (transaction, account) in zip(transactions, accounts) {
            results.append(
                pool.admit(transaction, nonce: account.nonce, balance: account.balance))
        }
        notePool()
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

    /// Raw transactions that wait, those of an account in the order of their nonces.
    /// - Parameters:
    ///   - count: at most so many.
    ///   - bytes: of them, at most so many.
    package func pending(_ count: Int, bytes: Int) -> [[UInt8]] {
        pool.pending(count, bytes: bytes)
    }

    private func notePool() {
        meter.poolTransactions.set(pool.count)
        meter.poolBytes.set(pool.byteCount)
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

    /// Builds a block from the mempool. Its transactions stay pooled until it is decided, or another.
    /// - Parameters:
    ///   - parent: digest of the beacon block to build on, which is final or is the one extended.
    ///   - extended: the undecided block that is built on.
    package func build(
        _ view: AnchoredView, beneficiary: Address, on parent: Hash32, _ extended: Extension?
    ) throws(ExecutionError) -> Proposal {
        if let extended {
            branches.keep(extended.candidate, of: parent, on: extended.parent)
            try branches.extend(parent, height: extended.height, deliveries: extended.deliveries)
        }
        guard let state = branches.state(after: parent) else {
            return Proposal(candidate: nil, isMandatory: false, nextDueTime: nil)
        }
        standPool(behind: extended?.candidate)
        pool.beginBlock(
            BlockCapacity(
                baseFee: state.baseFee(view), slots: state.freeSlots(view),
                dueEntries: state.parameters.transactionDueBound - state.due.count))
        let candidate = try state.build(
            view, beneficiary: beneficiary, from: &pool, pages: storage.view)
        lastBuilt = (parent, candidate)
        notePool()
        return Proposal(
            candidate: candidate, isMandatory: state.isMandatory(view),
            nextDueTime: state.nextDueTime(after: view.time))
    }

    /// Offers what an undecided block, or none, leaves of the pool.
    private func standPool(behind candidate: Candidate?) {
        guard let lastBuilt else {
            if let candidate { pool.skip(candidate.record.transactions) }
            return
        }
        if lastBuilt.candidate === candidate { return }
        pool.rewind()
        if let candidate { pool.skip(candidate.record.transactions) }
    }

    /// What executing a proposed block on the final head shows.
    package struct Verdict: Sendable {
        /// `nil` for a beacon block that holds none of this endpoint.
        package let candidate: Result<Candidate?, BlockRejection>
        /// A receipt waits or a due entry is runnable (RCPT-3).
        package let isMandatory: Bool

        init(
            _ core: ShardCore, _ block: ShardBlock?, _ view: AnchoredView, pages: StoreView
        ) throws(ExecutionError) {
            isMandatory = core.isMandatory(view)
            guard let block else {
                candidate = .success(nil)
                return
            }
            candidate = try core.check(block, view, pages: pages).map { $0 }
        }
    }

    /// Executes this shard's part of a proposed block on the final head.
    package func check(
        _ block: ShardBlock?, _ view: AnchoredView
    ) throws(ExecutionError) -> Verdict {
        try Verdict(core, block, view, pages: storage.view)
    }

    /// What passing a decided height leads to.
    package struct Advance: Sendable {
        package let snapshot: EndpointSnapshot
        /// Something can be in the next block.
        package let hasWork: Bool
    }

    /// Passes a decided height and returns what readers may see of it.
    package func advance(_ decided: Extension) throws(ExecutionError) -> Advance {
        branches.keep(decided.candidate, of: decided.digest, on: decided.parent)
        try branches.advance(
            to: decided.height, deciding: decided.digest, deliveries: decided.deliveries)
        settlePool(decided)
        notePool()
        if let candidate = decided.candidate {
            meter.count(candidate.record.results)
            storage.append(candidate.record)
        }
        return Advance(
            snapshot: storage.snapshot(core),
            hasWork: pool.hasReady || core.inbound.contains { $0.count > 0 })
    }

    /// Drops what is decided; offers again what a block took that lost.
    private func settlePool(_ decided: Extension) {
        if let candidate = decided.candidate { pool.included(candidate.record.transactions) }
        guard let lastBuilt, lastBuilt.parent != decided.digest else { return }
        self.lastBuilt = nil
        if lastBuilt.candidate !== decided.candidate { pool.rewind() }
    }

    /// What readers may see of the last decided height.
    package func snapshot() -> EndpointSnapshot { storage.snapshot(core) }

    // MARK: Checkpoints

    /// What to write as of the last decided height; taken at once, written elsewhere.
    package func beginCheckpoint() -> Checkpoint { storage.beginCheckpoint(core) }

    /// The checkpoint is durable: forgets what the store can give back.
    package func finishCheckpoint() throws(StoreError) {
        branches.flush(try storage.finishCheckpoint())
    }

    /// The checkpoint was not written: its blocks belong to the next one.
    package func abandonCheckpoint() { storage.abandonCheckpoint() }
}

/// A shard's part of a beacon block on the final head, decided or not.
package struct Extension: Sendable {
    /// Of the beacon block.
    package let digest: Hash32
    package let parent: Hash32
    package let height: Height
    /// What it holds of this shard.
    package let candidate: Candidate?
    /// What its other blocks send here.
    package let deliveries: [Delivery]
}
