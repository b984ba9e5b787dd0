import TallyConsensus
package import TallyExecution
package import TallyJournal
package import TallyPrimitives
package import TallySharding
package import TallyStore
import TallyTransactions

/// What the beacon tells whoever watches the node.
package enum BeaconNotice: Sendable {
    case checkpointed(Height)
    /// Not written: the log keeps everything. Tried again if it was for want of space.
    case checkpointFailed(Height, StoreError)
    /// No new transactions are taken until there is space (STORE-17). Once a shortage.
    case spaceRanOut(SpaceShortage)
    /// What found no space is written, and transactions are taken again.
    case spaceIsBack
    /// The shard builds no blocks until it is looked at (RCPT-3).
    case quarantined(EndpointID, ExecutionError)
}

/// The beacon: drives agreement, makes decisions durable and publishes them.
///
/// Performs the effects of `Finality` and `Durability`, in their order; holds the books and the
/// beacon's own endpoint. Shards are asked in parallel, one batch each a block.
package actor Beacon {
    private var core: BeaconCore
    private var own: ShardCore
    private var ownStorage: EndpointStorage
    private var finality: SingleValidator
    private var durability: Durability
    private var journal: FileJournal
    private let shards: [Shard]
    private let genesis: Genesis
    private let genesisHeader: BeaconHeader
    private let proposer: Address
    private let clock: any NodeClock
    private let notify: @Sendable (BeaconNotice) -> Void
    private let executor: QueueExecutor

    private var snapshots: [EndpointSnapshot]
    private let beaconHistory: BeaconHistory
    private var checkpointedRows: Height
    private var quarantined: Set<EndpointID> = []
    private var proposal: Proposal?
    private var afterDecision: [DurabilityEffect] = []
    private var nextDueTime: BeaconTime?
    private var isRunning = false
    private var hasWork = false
    /// The beacon's part of the checkpoint under way.
    private var beaconCheckpoint: Checkpoint?
    private var shortage = Shortage()
    private let space: WriteSpace
    private let checkpointJobs: AsyncStream<CheckpointJob>.Continuation

    /// Checkpoints to be written, for `Checkpointer`. At most one is under way.
    package nonisolated let checkpoints: AsyncStream<CheckpointJob>

    package nonisolated let publisher: HeadPublisher
    package nonisolated var unownedExecutor: UnownedSerialExecutor {
        executor.asUnownedSerialExecutor()
    }

    /// A block that is built and not yet decided.
    private struct Proposal {
        let block: BeaconBlock
        /// By endpoint index.
        let candidates: [Candidate?]
    }

    /// What found no space and is tried again (STORE-17).
    private struct Shortage {
        /// The record of a block that agreement waits for.
        var record: (work: JournalWork, digest: Hash32)?
        /// Segments that are not needed any more.
        var pruning = JournalWork()
        var needsCheckpoint = false
        /// Ticks since it was tried last.
        var ticks = 0

        var isOver: Bool { record == nil && !needsCheckpoint }
    }

    /// Everything the beacon is started with.
    package struct Parts {
        package var core: BeaconCore
        package var own: ShardCore
        package var ownStorage: EndpointStorage
        package var durability: Durability
        package var journal: FileJournal
        package var shards: [Shard]
        /// By endpoint index.
        package var snapshots: [EndpointSnapshot]
        package var beaconHistory: BeaconHistory
        package var checkpointed: Height
        package var space: WriteSpace
    }

    package init(
        genesis: Genesis, genesisHeader: BeaconHeader, parts: sending Parts, proposer: Address,
        clock: any NodeClock, notify: @escaping @Sendable (BeaconNotice) -> Void
    ) {
        core = parts.core
        own = parts.own
        ownStorage = parts.ownStorage
        finality = SingleValidator(decided: parts.core.head.height)
        durability = parts.durability
        journal = parts.journal
        shards = parts.shards
        snapshots = parts.snapshots
        beaconHistory = parts.beaconHistory
        checkpointedRows = parts.checkpointed
        space = parts.space
        self.genesis = genesis
        self.genesisHeader = genesisHeader
        self.proposer = proposer
        self.clock = clock
        self.notify = notify
        executor = QueueExecutor(label: "tally.beacon")
        (checkpoints, checkpointJobs) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(1))
        publisher = HeadPublisher(
            LedgerSnapshot(
                genesis: genesis, genesisHeader: genesisHeader, beacon: parts.core,
                endpoints: parts.snapshots, beaconHistory: parts.beaconHistory))
    }

    // MARK: Driving

    /// There may be something to propose. Builds blocks until there is nothing left.
    package func work() async throws(EngineError) {
        hasWork = true
        guard !isRunning else { return }
        isRunning = true
        defer { isRunning = false }
        while hasWork {
            hasWork = false
            try await perform(finality.handle(.work))
        }
    }

    /// Looks at the clock: proposes when a deadline has come or the heartbeat is due (R18).
    package func tick() async throws(EngineError) {
        try await retry()
        // Work that arrived while a snapshot was being refreshed is still to be done.
        if hasWork || mustAdvanceTime(clock.now()) { try await work() }
    }

    private func mustAdvanceTime(_ now: BeaconTime) -> Bool {
        if let nextDueTime, nextDueTime <= now, core.head.time < nextDueTime { return true }
        let silence = now.milliseconds - min(core.head.time.milliseconds, now.milliseconds)
        return silence >= core.parameters.heartbeatMilliseconds
    }

    /// Effects one after another; what one leads to comes behind those that stand.
    private func perform(_ effects: [FinalityEffect]) async throws(EngineError) {
        var queue = effects[...]
        while let effect = queue.popFirst() {
            switch effect {
            case .build:
                queue += finality.handle(try await build())
            case .persist(let height, _, let digest):
                guard try persist(height, digest) else { continue }
                queue += finality.handle(.persisted(digest: digest))
            case .decide(let height, _, _):
                try await decide(height)
                hasWork = true
            }
        }
    }

    // MARK: Building

    private func build() async throws(EngineError) -> FinalityInput {
        let view = core.view
        let now = clock.now()
        var proposals = await buildShards(view)
        let beacon = layout.beacon
        do throws(ExecutionError) {
            var none = NoTransactions()
            proposals.append(
                Shard.Proposal(
                    candidate: try own.build(
                        view, beneficiary: proposer, from: &none, pages: ownStorage.view),
                    isMandatory: own.isMandatory(view),
                    nextDueTime: own.nextDueTime(after: view.time)))
        } catch { throw .execution(beacon, error) }
        nextDueTime = proposals.compactMap(\.nextDueTime).min()
        let candidates = proposals.map(\.candidate)
        guard candidates.contains(where: { $0 != nil }) || mustAdvanceTime(now) else {
            return .nothingToBuild
        }
        let block = core.propose(
            candidates.compactMap { $0?.record.block }, now: now, proposer: proposer)
        let mandatory = zip(layout.endpoints, proposals)
            .filter { $0.1.isMandatory && !quarantined.contains($0.0) }.map(\.0)
        if let rejection = core.check(
            block.header, block.anchors.map(\.header), mandatory: mandatory)
        {
            throw .ownProposal(block.header.height, rejection)
        }
        proposal = Proposal(block: block, candidates: candidates)
        return .built(digest: block.header.hash)
    }

    /// Asks every shard at once. One whose state is damaged is left out from then on.
    private func buildShards(_ view: AnchoredView) async -> [Shard.Proposal] {
        let beneficiary = proposer
        let asked = shards.filter { !quarantined.contains($0.endpoint) }
        let answers = await withTaskGroup(
            of: (EndpointID, Result<Shard.Proposal, ExecutionError>).self
        ) { group in
            for shard in asked {
                group.addTask {
                    do throws(ExecutionError) {
                        return (
                            shard.endpoint,
                            .success(try await shard.build(view, beneficiary: beneficiary))
                        )
                    } catch { return (shard.endpoint, .failure(error)) }
                }
            }
            var answers: [EndpointID: Result<Shard.Proposal, ExecutionError>] = [:]
            for await (endpoint, answer) in group { answers[endpoint] = answer }
            return answers
        }
        return shards.map { shard in
            switch answers[shard.endpoint] {
            case .success(let proposal): return proposal
            case .failure(let error):
                quarantined.insert(shard.endpoint)
                notify(.quarantined(shard.endpoint, error))
            case nil: break
            }
            return Shard.Proposal(candidate: nil, isMandatory: false, nextDueTime: nil)
        }
    }

    // MARK: Deciding

    /// - Returns: whether the block is durable. If not, there is no space for it, and `retry` goes on.
    private func persist(_ height: Height, _ digest: Hash32) throws(EngineError) -> Bool {
        guard let block = proposal?.block else { preconditionFailure("nothing was proposed") }
        let count = block.anchors.reduce(0) { $0 + $1.transactions.count }
        let effects: [DurabilityEffect]
        do throws(JournalRefusal) {
            effects = try durability.decided(height, record: block.logRecord, transactions: count)
        } catch { throw .journalRefused(error) }
        var work = JournalWork()
        var rest = effects[...]
        while case .journal(let writes)? = rest.first {
            work.add(writes)
            rest.removeFirst()
        }
        afterDecision = Array(rest)
        guard let full = try write(&work) else { return true }
        shortage.record = (work, digest)
        ranShort(.log(full))
        return false
    }

    /// - Returns: the segment that there is no space for.
    private func write(_ work: inout JournalWork) throws(EngineError) -> JournalSegment? {
        do throws(JournalStorageError) {
            return try work.run(on: &journal)
        } catch {
            durability.journalFailed()
            throw .journalWrite(error)
        }
    }

    private func decide(_ height: Height) async throws(EngineError) {
        guard let proposal else { preconditionFailure("nothing was proposed") }
        self.proposal = nil
        let effects = afterDecision
        afterDecision = []
        for effect in effects {
            switch effect {
            case .journal: preconditionFailure("the log is written before the decision")
            case .publish: try await publish(proposal)
            case .checkpointShards(let height): await startCheckpoint(height)
            case .checkpointBeacon: preconditionFailure("the shards come first")
            }
        }
    }

    private func publish(_ proposal: Proposal) async throws(EngineError) {
        let height = proposal.block.header.height
        let records = proposal.candidates.compactMap { $0?.record }
        core.commit(proposal.block.header, records.map(\.header))
        let deliveries = Delivery.group(records, layout: layout)
        try await advanceShards(to: height, proposal.candidates, deliveries)
        let beacon = Int(layout.beacon.index)
        do throws(ExecutionError) {
            try own.advance(to: height, proposal.candidates[beacon], deliveries[beacon])
        } catch { throw .execution(layout.beacon, error) }
        if let candidate = proposal.candidates[beacon] { ownStorage.append(candidate.record) }
        snapshots[beacon] = ownStorage.snapshot(own)
        beaconHistory.append(BeaconRow(header: proposal.block.header, records: records))
        publishSnapshot()
    }

    private func publishSnapshot() {
        publisher.publish(
            LedgerSnapshot(
                genesis: genesis, genesisHeader: genesisHeader, beacon: core,
                endpoints: snapshots, beaconHistory: beaconHistory))
    }

    private func advanceShards(
        to height: Height, _ candidates: [Candidate?], _ deliveries: [[Delivery]]
    ) async throws(EngineError) {
        let results = await withTaskGroup(
            of: (EndpointID, Result<EndpointSnapshot, ExecutionError>).self
        ) { group in
            for (index, shard) in shards.enumerated() {
                let candidate = candidates[index]
                let arrived = deliveries[index]
                group.addTask {
                    do throws(ExecutionError) {
                        return (
                            shard.endpoint,
                            .success(try await shard.advance(to: height, candidate, arrived))
                        )
                    } catch { return (shard.endpoint, .failure(error)) }
                }
            }
            var results: [(EndpointID, Result<EndpointSnapshot, ExecutionError>)] = []
            for await result in group { results.append(result) }
            return results
        }
        for (endpoint, result) in results {
            switch result {
            case .success(let snapshot): snapshots[Int(endpoint.index)] = snapshot
            case .failure(let error): throw .execution(endpoint, error)
            }
        }
    }

    private var layout: ShardLayout { core.parameters.layout }

    // MARK: Checkpoints

    /// What one checkpoint writes, taken at one height.
    package struct CheckpointJob: Sendable {
        package let height: Height
        package let shards: [(shard: Shard, checkpoint: Checkpoint)]
    }

    /// Takes the state of every endpoint as of the height just published. Nothing is executed
    /// meanwhile, so all are of the same height.
    private func startCheckpoint(_ height: Height) async {
        var parts: [(shard: Shard, checkpoint: Checkpoint)] = []
        for shard in shards { parts.append((shard, await shard.beginCheckpoint())) }
        let rows = beaconHistory.rows(after: checkpointedRows, through: height)
        beaconCheckpoint = ownStorage.beginCheckpoint(
            own, beacon: BeaconCheckpoint(books: core.encodedBooks, blocks: rows))
        checkpointJobs.yield(CheckpointJob(height: height, shards: parts))
    }

    /// Writes the state of the last published height, unless it is written already.
    package func requestCheckpoint() async {
        // A record that waits for space is of a height whose state there is not yet.
        guard !isRunning, shortage.record == nil else { return }
        isRunning = true
        for case .checkpointShards(let height) in durability.requestCheckpoint() {
            await startCheckpoint(height)
        }
        isRunning = false
    }

    /// No checkpoint is asked for any more: ends `Checkpointer.run` once it has written what was.
    package func endCheckpoints() { checkpointJobs.finish() }

    /// The checkpoints of all shards are durable.
    /// - Returns: the beacon's, to be written next (STORE-12).
    package func shardsCheckpointed(_ height: Height) -> Checkpoint {
        let effects = durability.shardsCheckpointed(height)
        guard effects == [.checkpointBeacon(height)], let beaconCheckpoint else {
            preconditionFailure("the beacon's checkpoint follows the shards'")
        }
        return beaconCheckpoint
    }

    /// The beacon's checkpoint is durable too.
    package func beaconCheckpointed(_ height: Height) async throws(EngineError) {
        do throws(StoreError) {
            try ownStorage.finishCheckpoint(&own)
        } catch { throw .store(error) }
        beaconCheckpoint = nil
        checkpointedRows = height
        beaconHistory.checkpointed(height)
        let effects: [DurabilityEffect]
        do throws(JournalRefusal) {
            effects = try durability.beaconCheckpointed(height)
        } catch { throw .journalRefused(error) }
        for case .journal(let writes) in effects { shortage.pruning.add(writes) }
        try prune()
        notify(.checkpointed(height))
        shortage.needsCheckpoint = false
        endShortage()
        await refresh()
    }

    /// Deletes what the log needs no more. Some file systems need space to do that.
    private func prune() throws(EngineError) { _ = try write(&shortage.pruning) }

    /// A checkpoint could not be written. The log keeps everything it would have held.
    package func checkpointFailed(_ height: Height, _ error: StoreError) {
        durability.checkpointFailed()
        ownStorage.abandonCheckpoint()
        beaconCheckpoint = nil
        notify(.checkpointFailed(height, error))
        guard error.isLackOfSpace else { return }
        shortage.needsCheckpoint = true
        ranShort(.checkpoint(error))
    }

    // MARK: Shortage of space

    /// Half a second, and two for a checkpoint, which writes until the disk is full again. In ticks,
    /// as a clock may be set back.
    private static let recordTicks = 25
    private static let checkpointTicks = 100

    private func ranShort(_ what: SpaceShortage) {
        guard !space.isShort else { return }
        space.set(isShort: true)
        shortage.ticks = 0
        notify(.spaceRanOut(what))
    }

    private func endShortage() {
        guard space.isShort, shortage.isOver else { return }
        space.set(isShort: false)
        notify(.spaceIsBack)
    }

    /// Tries now and then what found no space, and goes on from there.
    private func retry() async throws(EngineError) {
        guard space.isShort || !shortage.pruning.isDone, !isRunning else { return }
        shortage.ticks += 1
        guard shortage.ticks % Self.recordTicks == 0 else { return }
        try prune()
        if var record = shortage.record {
            let full = try write(&record.work)
            shortage.record = full == nil ? nil : record
            guard full == nil else { return }
            endShortage()
            isRunning = true
            defer { isRunning = false }
            try await perform(finality.handle(.persisted(digest: record.digest)))
        }
        if shortage.needsCheckpoint, shortage.ticks % Self.checkpointTicks == 0 {
            await requestCheckpoint()
        }
    }

    /// Publishes the same height over the new checkpoint, so that an idle ledger does not hold on to
    /// an old view of the store.
    private func refresh() async {
        guard !isRunning else { return }
        isRunning = true
        for shard in shards {
            snapshots[Int(shard.endpoint.index)] = await shard.snapshot()
        }
        snapshots[Int(layout.beacon.index)] = ownStorage.snapshot(own)
        publishSnapshot()
        isRunning = false
    }
}

/// The beacon's own endpoint takes no signed transactions.
private struct NoTransactions: TransactionSource {
    mutating func next(remaining: Weight) -> Transaction? { nil }
    mutating func refused(_ transaction: Transaction, _ reason: Ineligibility) -> Bool { false }
}
