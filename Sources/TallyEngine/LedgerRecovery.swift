import TallyConsensus
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
    private var records: LogRecovery
    private var finals = RecentFinals()
    /// Go on with the logs.
    private var writers: (beacon: JournalWriter, votes: JournalWriter)?
    private var failure: EngineError?

    init(
        _ configuration: EngineConfiguration, _ states: [GenesisState]?, _ stored: StoredLedger
    ) throws(EngineError) {
        genesis = configuration.genesis
        self.stored = stored
        do throws(RestoreError) {
            let restored = try RestoredLedger(
                genesis, states, heads: stored.heads, views: stored.views, books: stored.books)
            checkpointed = restored.checkpointed
            replay = restored.replay
            checkpoint = replay.beacon.head.height
            records = LogRecovery(checkpoint: checkpoint)
        } catch { throw .restore(error) }
    }

    var height: Height { replay.beacon.head.height }

    /// Applies the beacon log and reads the vote log.
    /// - Returns: bytes cut off the end of the beacon log.
    mutating func replay(
        _ logs: FileLogs, _ configuration: EngineConfiguration
    ) throws(EngineError) -> UInt64 {
        var logs = logs
        let salt = configuration.journalSalt
        let beacon = try recover(
            &logs.beacon, salt, JournalLimits(payloadBytes: genesis.parameters.recordByteLimit)
        ) { (recovery, record, payload) throws(EngineError) in
            try recovery.apply(record, payload)
        }
        do throws(RestoreError) { try replay.finish() } catch { throw .restore(error) }
        let votes = try recover(&logs.votes, salt.ofVotes, .votes) {
            (recovery, record, payload) throws(EngineError) in
            do throws(LogRecoveryError) {
                try recovery.records.votes(record, payload)
            } catch { throw .logs(error) }
        }
        writers = (beacon.writer, votes.writer)
        return beacon.cut?.removedBytes ?? 0
    }

    private mutating func recover(
        _ journal: inout FileJournal, _ salt: JournalSalt, _ limits: JournalLimits,
        _ visit: (inout Self, JournalRecord, ArraySlice<UInt8>) throws(EngineError) -> Void
    ) throws(EngineError) -> RecoveredJournal {
        let recovered: RecoveredJournal
        do throws(JournalOpenError) {
            recovered = try journal.recover(
                logID: genesis.hash, freshSalt: salt, limits: limits
            ) { record, payload in
                guard failure == nil else { return }
                do throws(EngineError) {
                    try visit(&self, record, payload)
                } catch { failure = error }
            }
        } catch { throw .journal(error) }
        if let failure { throw failure }
        return recovered
    }

    private mutating func apply(
        _ record: JournalRecord, _ payload: ArraySlice<UInt8>
    ) throws(EngineError) {
        let decisions: [Ibft.Decision]
        do throws(LogRecoveryError) {
            decisions = try records.beacon(record, payload)
        } catch { throw .logs(error) }
        for decision in decisions { try apply(decision) }
    }

    private mutating func apply(_ decision: Ibft.Decision) throws(EngineError) {
        let block: BeaconBlock
        do throws(BlockDecodingError) {
            block = try BeaconBlock(body: decision.block.body, ThreadMap())
        } catch { throw .logRecord(decision.block.height, error) }
        do throws(RestoreError) {
            try replay.apply(block, ThreadMap())
        } catch { throw .restore(error) }
        replayedBytes += decision.block.body.count
        replayedTransactions += block.transactionCount
        finals.append(decision.final)
        try appendRow(block, decision.certificate)
    }

    /// The row of a replayed block: a shard that was ahead holds its part already.
    private func appendRow(
        _ block: BeaconBlock, _ certificate: FinalCertificate
    ) throws(EngineError) {
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
        beaconHistory.append(
            BeaconRow(header: block.header, certificate: certificate, anchors: anchors))
    }

    /// Hands the recovered cores to their actors.
    mutating func parts(
        _ logs: FileLogs, _ configuration: EngineConfiguration
    ) throws(EngineError) -> Beacon.Parts {
        guard let writers else { preconditionFailure("the logs are read first") }
        let memory = try memory(configuration)
        let beacon = Int(genesis.parameters.layout.beacon.index)
        var records: [[BlockRecord]] = Array(repeating: [], count: stored.stores.count)
        for record in replay.blocks.lazy.flatMap(\.records) {
            records[Int(record.header.endpoint.index)].append(record)
        }
        let (stored, checkpointed, replayed) = (stored, checkpointed, records)
        let storages = ThreadMap().map(stored.stores.count) { index in
            EndpointStorage(
                store: stored.stores[index], view: stored.views[index],
                checkpointed: checkpointed[index],
                transactionCount: stored.heads[index]?.transactionCount ?? 0,
                replayed: replayed[index])
        }
        let snapshots = zip(storages, replay.endpoints).map { $0.snapshot($1) }
        shards = (0..<beacon).map { index in
            Shard(
                core: replay.endpoints[index], head: replay.beacon.headHash,
                storage: storages[index], limits: configuration.limits)
        }
        return Beacon.Parts(
            core: replay.beacon, own: replay.endpoints[beacon], ownStorage: storages[beacon],
            memory: memory,
            durability: Durability(
                self.records, beacon: writers.beacon, votes: writers.votes,
                policy: configuration.checkpoints,
                replayed: (replayedTransactions, replayedBytes)),
            logs: logs, shards: shards, snapshots: snapshots, beaconHistory: beaconHistory,
            finals: finals, checkpointed: checkpoint, space: WriteSpace())
    }

    /// What agreement remembers of the heights above the last decided one.
    private func memory(
        _ configuration: EngineConfiguration
    ) throws(EngineError) -> Ibft.Memory {
        let set = replay.beacon.schedule[height.next]
        let isAlone = set.count == 1 && set.contains(configuration.signer.address)
        do throws(LogRecoveryError) {
            return try records.memory(isAlone: isAlone)
        } catch { throw .logs(error) }
    }
}

/// The checkpoints of a ledger in memory, verified, with nothing of the log applied yet.
struct RestoredLedger {
    let replay: LedgerReplay<StoreView, StoredOutboxes>
    /// The tree that each store holds, by endpoint index.
    let checkpointed: [StateTree]

    /// - Parameters:
    ///   - states: at genesis; `nil` only if every endpoint has a checkpoint.
    ///   - heads: of the checkpoints; `nil` for an endpoint without one.
    ///   - books: the beacon's; `nil` without a checkpoint.
    init(
        _ genesis: Genesis, _ states: [GenesisState]?, heads: [StoredHead?], views: [StoreView],
        books: [UInt8]?
    ) throws(RestoreError) {
        let restored = ThreadMap().map(heads.count) { index in
            Result { () throws(RestoreError) in
                try Self.endpoint(genesis, states?[index], heads[index], views[index])
            }
        }
        var endpoints: [ShardCore] = []
        for result in restored { endpoints.append(try result.get()) }
        checkpointed = zip(endpoints, heads).map { $1 == nil ? .empty : $0.tree }
        replay = try LedgerReplay(
            beacon: try Self.beacon(genesis, states, books), endpoints: endpoints, pages: views,
            outboxes: StoredOutboxes(views))
    }

    private static func endpoint(
        _ genesis: Genesis, _ state: GenesisState?, _ head: StoredHead?, _ view: StoreView
    ) throws(RestoreError) -> ShardCore {
        if let head {
            return try ShardCore(
                restoring: head.header, appliedHeight: head.appliedHeight, chain: genesis.hash,
                parameters: genesis.parameters, pages: view)
        }
        guard let state else { preconditionFailure("neither checkpoint nor genesis") }
        return ShardCore(genesis: state, chain: genesis.hash, parameters: genesis.parameters)
    }

    private static func beacon(
        _ genesis: Genesis, _ states: [GenesisState]?, _ books: [UInt8]?
    ) throws(RestoreError) -> BeaconCore {
        guard let books else {
            guard let states else { preconditionFailure("neither books nor genesis") }
            return BeaconCore(genesis, states: states)
        }
        do throws(RLPError) {
            return try BeaconCore(genesis, encodedBooks: books)
        } catch { throw .corruptBeacon(error) }
    }
}
