import Glibc
import TallyConsensus
import TallyExecution
import TallyJournal
import TallyPrimitives
import TallySharding
import TallyState
import TallyStore
import TallyTransactions

/// A stopped ledger as of one final height: its checkpoints, and the blocks of the log up to there
/// executed again in memory (STORE-16). Changes no file.
struct LedgerAtHeight {
    let genesis: Genesis
    let certificate: FinalCertificate
    let replay: LedgerReplay<StoreView, StoredOutboxes>
    /// The tree that each store holds, by endpoint index.
    let checkpointed: [StateTree]
    let views: [StoreView]
    private let checkpoint: Height
    /// Blocks beyond the checkpoint.
    private let tail: [BeaconBlock]
    /// Of the blocks of `tail` that carry a set.
    private let tailElections: [BeaconRow]

    var head: BeaconHeader { replay.beacon.head }

    /// - Parameter height: `nil` for the last final one.
    init(
        directory: String, genesis: Genesis, limits: Limits, height: Height?
    ) throws(SnapshotError) {
        self.genesis = genesis
        let stored: StoredLedger
        let restored: RestoredLedger
        do throws(EngineError) {
            stored = try StoredLedger(directory, genesis, limits, readOnly: true)
            restored = try stored.restored(genesis)
        } catch { throw SnapshotError(error) }
        views = stored.views
        checkpointed = restored.checkpointed
        var tail = LogTail(restored.replay, until: height)
        checkpoint = tail.replay.beacon.head.height
        // STORE-16: a shard may be ahead of the beacon's checkpoint.
        let lowest = tail.replay.endpoints.map(\.appliedHeight).max() ?? checkpoint
        try tail.read(directory)
        let reached = tail.replay.beacon.head.height
        guard reached >= lowest, reached == height ?? reached else {
            throw .heightUnavailable(
                asked: height ?? reached, from: max(lowest, checkpoint), through: tail.end)
        }
        guard reached > .genesis else { throw .nothingFinal }
        replay = tail.replay
        self.tail = tail.blocks
        tailElections = tail.elections
        if let certificate = tail.certificate {
            self.certificate = certificate
            return
        }
        let row: BeaconRow?
        do throws(ReadError) {
            row = try views[views.count - 1].beaconBlock(reached)
        } catch { throw .read(error) }
        guard let row, let certificate = row.certificate else {
            throw .read(.corruptRow(database: "beacon-blocks"))
        }
        self.certificate = certificate
    }

    /// A beacon header up to here with the headers that it anchors.
    func block(
        _ height: Height
    ) throws(SnapshotError) -> (header: BeaconHeader, anchors: [ShardHeader]) {
        if height > checkpoint {
            let block = tail[Int(height.value - checkpoint.value - 1)]
            return (block.header, block.anchors.map(\.header))
        }
        do throws(ReadError) {
            guard let row = try views[views.count - 1].beaconBlock(height) else {
                throw .corruptRow(database: "beacon-blocks")
            }
            var anchors: [ShardHeader] = []
            for anchor in row.anchors {
                guard let block = try views[Int(anchor.endpoint.index)].block(height) else {
                    throw .corruptRow(database: "blocks")
                }
                anchors.append(block.header)
            }
            return (row.header, anchors)
        } catch { throw .read(error) }
    }

    /// The blocks up to here that fixed another set, in order, without anchors.
    func elections() throws(SnapshotError) -> [BeaconRow] {
        do throws(ReadError) {
            let stored = try views[views.count - 1].elections()
            return stored.filter { $0.header.height <= min(checkpoint, head.height) }
                + tailElections
        } catch { throw .read(error) }
    }

    /// The endpoint's block of the last height; `nil` when it has none there.
    func newest(
        _ index: Int
    ) throws(SnapshotError) -> (block: StoredBlock, transactions: [StoredTransaction])? {
        let core = replay.endpoints[index]
        guard core.header.height == head.height else { return nil }
        if let executed = replay.blocks.last, executed.header.height == head.height,
            let record = executed.records.first(where: { $0.header.endpoint == core.endpoint })
        {
            let block = StoredBlock(
                header: record.header, systemResult: record.systemResult,
                transactionCount: UInt32(record.transactions.count))
            let transactions = record.transactions.enumerated().map {
                StoredTransaction(
                    raw: $1.raw, sender: $1.sender, result: record.results[$0])
            }
            return (block, transactions)
        }
        do throws(ReadError) {
            guard let block = try views[index].block(head.height) else {
                throw .corruptRow(database: "blocks")
            }
            var transactions: [StoredTransaction] = []
            for number in 0..<Int(block.transactionCount) {
                guard let row = try views[index].transaction(head.height, number) else {
                    throw .corruptRow(database: "transactions")
                }
                transactions.append(row)
            }
            return (block, transactions)
        } catch { throw .read(error) }
    }
}

/// The decisions of the log, applied up to a height.
private struct LogTail {
    private(set) var replay: LedgerReplay<StoreView, StoredOutboxes>
    private(set) var blocks: [BeaconBlock] = []
    private(set) var elections: [BeaconRow] = []
    /// Of the last block that was applied.
    private(set) var certificate: FinalCertificate?
    /// The last decision there is.
    private(set) var end: Height
    private let limit: Height?
    private var records: LogRecovery
    private var failure: SnapshotError?

    init(_ replay: LedgerReplay<StoreView, StoredOutboxes>, until limit: Height?) {
        self.replay = replay
        self.limit = limit
        end = replay.beacon.head.height
        records = LogRecovery(checkpoint: end)
    }

    mutating func read(_ directory: String) throws(SnapshotError) {
        let genesis = replay.beacon.chain
        let limits = JournalLimits(payloadBytes: replay.beacon.parameters.recordByteLimit)
        do throws(JournalOpenError) {
            var journal = try ReadOnlyJournal.opened(in: directory)
            _ = try journal.recover(
                logID: genesis, freshSalt: JournalSalt(high: 0, low: 0), limits: limits
            ) { record, payload in
                guard failure == nil else { return }
                do throws(SnapshotError) {
                    try apply(record, payload)
                } catch { failure = error }
            }
        } catch {
            // Restored, and never started.
            if error == .storage(.failed(nil, code: ENOENT)) { return }
            throw .journal(error)
        }
        if let failure { throw failure }
    }

    private mutating func apply(
        _ record: JournalRecord, _ payload: ArraySlice<UInt8>
    ) throws(SnapshotError) {
        let decisions: [Ibft.Decision]
        do throws(LogRecoveryError) {
            decisions = try records.beacon(record, payload)
        } catch { throw .engine(description: error.description) }
        for decision in decisions {
            end = decision.block.height
            if let limit, end > limit { continue }
            let block: BeaconBlock
            do throws(BlockDecodingError) {
                block = try BeaconBlock(body: decision.block.body, ThreadMap())
            } catch { throw SnapshotError(.logRecord(end, error)) }
            do throws(RestoreError) {
                try replay.apply(block, ThreadMap())
            } catch { throw .restore(error) }
            blocks.append(block)
            certificate = decision.certificate
            guard block.header.newValidators != nil else { continue }
            elections.append(
                BeaconRow(header: block.header, certificate: decision.certificate, anchors: []))
        }
    }
}

extension SnapshotError {
    init(_ error: EngineError) {
        switch error {
        case .store(let error): self = .store(error)
        case .read(let error): self = .read(error)
        case .journal(let error): self = .journal(error)
        case .restore(let error): self = .restore(error)
        default: self = .engine(description: error.description)
        }
    }
}
