import TallyExecution
import TallyJournal
import TallyPrimitives
import TallySharding
import TallyState
import TallyStore

/// From checkpoints and log to running parts.
struct LedgerRecovery {
    private let genesis: Genesis
    private let stored: StoredLedger
    private var replay: LedgerReplay<StoreView, StoredOutboxes>
    /// The tree that each store holds.
    private let checkpointed: [StateTree]
    private let beaconHistory = BeaconHistory()
    private(set) var shards: [Shard] = []
    /// Of the beacon's checkpoint.
    let checkpoint: Height
    private(set) var replayedTransactions = 0
    private var replayedBytes = 0
    private var failure: EngineError?

    init(
        _ configuration: EngineConfiguration, _ states: [GenesisState], _ stored: StoredLedger
    ) throws(EngineError) {
        genesis = configuration.genesis
        self.stored = stored
        do throws(RestoreError) {
            let restored = try RestoredLedger(
                genesis, states, heads: stored.heads, views: stored.views, books: stored.books)
            checkpointed = restored.checkpointed
            replay = restored.replay
            checkpoint = replay.beacon.head.height
        } catch { throw .restore(error) }
    }

    var height: Height { replay.beacon.head.height }

    /// Applies the log.
    mutating func replay(
        _ journal: FileJournal, _ configuration: EngineConfiguration
    ) throws(EngineError) -> RecoveredJournal {
        var journal = journal
        let recovered: RecoveredJournal
        do throws(JournalOpenError) {
            recovered = try journal.recover(
                logID: genesis.hash, freshSalt: configuration.journalSalt,
                limits: JournalLimits(payloadBytes: genesis.parameters.recordByteLimit),
                firstSequence: checkpoint.next.value
            ) { record, payload in
                guard failure == nil, record.kind == Durability.decidedBlock else { return }
                do throws(EngineError) {
                    try apply(record, payload)
                } catch { failure = error }
            }
        } catch { throw .journal(error) }
        if let failure { throw failure }
        do throws(RestoreError) { try replay.finish() } catch { throw .restore(error) }
        let next = height.next
        guard recovered.writer.nextSequence == next.value else {
            throw .restore(
                .heightGap(expected: next, actual: Height(recovered.writer.nextSequence)))
        }
        return recovered
    }

    private mutating func apply(
        _ record: JournalRecord, _ payload: ArraySlice<UInt8>
    ) throws(EngineError) {
        guard Height(record.sequence) > height else { return }
        let block: BeaconBlock
        do throws(BlockDecodingError) {
            block = try BeaconBlock(logRecord: Array(payload))
        } catch { throw .logRecord(Height(record.sequence), error) }
        do throws(RestoreError) { try replay.apply(block) } catch { throw .restore(error) }
        replayedBytes += payload.count
        replayedTransactions += block.anchors.reduce(0) { $0 + $1.transactions.count }
        try appendRow(block)
    }

    /// The row of a replayed block: a shard that was ahead holds its part already.
    private func appendRow(_ block: BeaconBlock) throws(EngineError) {
        let records = replay.blocks.last?.records ?? []
        var anchors: [BeaconRow.Anchor] = []
        for anchor in block.anchors {
            let endpoint = anchor.header.endpoint
            if let record = records.first(where: { $0.header.endpoint == endpoint }) {
                anchors.append(BeaconRow.Anchor(record))
                continue
            }
            do throws(ReadError) {
                let view = stored.views[Int(endpoint.index)]
                guard let row = try view.block(anchor.header.height) else {
                    throw .corruptRow(database: "blocks")
                }
                anchors.append(BeaconRow.Anchor(row))
            } catch { throw .read(error) }
        }
        beaconHistory.append(BeaconRow(header: block.header, anchors: anchors))
    }

    /// Hands the recovered cores to their actors.
    mutating func parts(
        journal: FileJournal, writer: JournalWriter, _ configuration: EngineConfiguration
    ) -> Beacon.Parts {
        let beacon = Int(genesis.parameters.layout.beacon.index)
        var storages: [EndpointStorage] = []
        var snapshots: [EndpointSnapshot] = []
        for (index, core) in replay.endpoints.enumerated() {
            let storage = EndpointStorage(
                store: stored.stores[index], view: stored.views[index],
                checkpointed: checkpointed[index],
                transactionCount: stored.heads[index]?.transactionCount ?? 0,
                replayed: replay.blocks.flatMap(\.records).filter {
                    $0.header.endpoint == core.endpoint
                })
            storages.append(storage)
            snapshots.append(storage.snapshot(core))
        }
        shards = (0..<beacon).map { index in
            Shard(
                core: replay.endpoints[index], storage: storages[index],
                limits: configuration.limits)
        }
        return Beacon.Parts(
            core: replay.beacon, own: replay.endpoints[beacon], ownStorage: storages[beacon],
            durability: Durability(
                writer: writer, policy: configuration.checkpoints, checkpointed: checkpoint,
                published: height, replayed: (replayedTransactions, replayedBytes)),
            journal: journal, shards: shards, snapshots: snapshots,
            beaconHistory: beaconHistory, checkpointed: checkpoint, space: WriteSpace())
    }
}

/// The checkpoints of a ledger in memory, verified, with nothing of the log applied yet.
struct RestoredLedger {
    let replay: LedgerReplay<StoreView, StoredOutboxes>
    /// The tree that each store holds, by endpoint index.
    let checkpointed: [StateTree]

    /// - Parameters:
    ///   - states: at genesis, of endpoints that have no checkpoint.
    ///   - heads: of the checkpoints; `nil` for an endpoint without one.
    ///   - books: the beacon's; `nil` without a checkpoint.
    init(
        _ genesis: Genesis, _ states: [GenesisState], heads: [StoredHead?], views: [StoreView],
        books: [UInt8]?
    ) throws(RestoreError) {
        let chain = genesis.hash
        var endpoints: [ShardCore] = []
        var checkpointed: [StateTree] = []
        for (index, state) in states.enumerated() {
            guard let head = heads[index] else {
                endpoints.append(
                    ShardCore(genesis: state, chain: chain, parameters: genesis.parameters))
                checkpointed.append(.empty)
                continue
            }
            let core = try ShardCore(
                restoring: head.header, appliedHeight: head.appliedHeight, chain: chain,
                parameters: genesis.parameters, pages: views[index])
            endpoints.append(core)
            checkpointed.append(core.tree)
        }
        self.checkpointed = checkpointed
        replay = try LedgerReplay(
            beacon: try Self.beacon(genesis, states, books), endpoints: endpoints, pages: views,
            outboxes: StoredOutboxes(views))
    }

    private static func beacon(
        _ genesis: Genesis, _ states: [GenesisState], _ books: [UInt8]?
    ) throws(RestoreError) -> BeaconCore {
        guard let books else { return BeaconCore(genesis, states: states) }
        do throws(RLPError) {
            return try BeaconCore(genesis, encodedBooks: books)
        } catch { throw .corruptBeacon(error) }
    }
}
