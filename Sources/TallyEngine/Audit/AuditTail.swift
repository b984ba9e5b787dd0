import Foundation
import TallyConsensus
import TallyExecution
import TallyJournal
import TallyPrimitives
import TallySharding
import TallyState
import TallyStore

/// The log, read without touching a file, and what its blocks beyond the checkpoints make of the
/// state when they are executed again, in memory.
struct AuditTail {
    /// Blocks beyond the beacon's checkpoint, by height.
    private(set) var blocks: [(header: BeaconHeader, anchors: [ShardHeader])] = []
    private(set) var cutBytes: UInt64 = 0
    private(set) var recordCount = 0
    private var replay: LedgerReplay<StoreView, StoredOutboxes>?
    /// The tree that each store holds, once something is replayed.
    private var checkpointed: [StateTree] = []
    private var failed = false
    private var end: Height
    private var lastDecision: Height?
    /// Bodies that no decision was found for yet.
    private var bodies: [Hash32: [UInt8]] = [:]
    private let source: AuditSource
    private var failure: AuditError?

    init(
        _ source: AuditSource, directory: String, _ findings: inout AuditFindings
    ) throws(AuditError) {
        self.source = source
        end = source.checkpoint
        try read(directory, &findings)
        if let failure { throw failure }
        let newest = source.heads.indices.map(source.applied).max() ?? .genesis
        if end < newest { findings.add(.logEnds(at: end, checkpoint: newest)) }
        // A shard ahead of the log is one of the findings above.
        do throws(RestoreError) { try replay?.finish() } catch { failed = true }
    }

    /// What executing the blocks of a height made, of the endpoints that were not ahead of it.
    func records(_ index: Int) -> [BlockRecord] { replay?.blocks[index].records ?? [] }

    /// The endpoint's state after the last block, and its pages; `nil` when its checkpoint is that.
    func final(
        _ index: Int
    ) -> (header: ShardHeader, pages: OverlayPages<StoreView>)? {
        guard !failed, let core = replay?.endpoints[index],
            core.appliedHeight > source.applied(index)
        else { return nil }
        let changes = core.tree.pageChanges(since: checkpointed[index])
        return (core.header, OverlayPages(source.views[index], changes))
    }

    private mutating func read(
        _ directory: String, _ findings: inout AuditFindings
    ) throws(AuditError) {
        do throws(JournalOpenError) {
            let recovered = try ReadOnlyJournal.recover(source, directory) { record, payload in
                visit(record, payload, &findings)
            }
            cutBytes = recovered.cut?.removedBytes ?? 0
            // All of it may be pruned.
            end = lastDecision ?? end
        } catch {
            switch error {
            case .storage(let error): throw .log(error)
            case .log(let error): findings.add(.log(error))
            }
            // What is not known is not to be called lost as well.
            end = source.heads.indices.map(source.applied).max() ?? .genesis
        }
    }

    private mutating func visit(
        _ record: JournalRecord, _ payload: ArraySlice<UInt8>, _ findings: inout AuditFindings
    ) {
        guard failure == nil else { return }
        recordCount += 1
        let records: [ConsensusRecord]
        do throws(LogRecoveryError) {
            records = try LogRecords(record, payload, of: .beacon).records
        } catch {
            findings.add(.logRecords(error))
            failed = true
            return
        }
        for item in records {
            switch item {
            case .undecided(let block): bodies[block.digest] = block.body
            case .decision(let certificate): visit(certificate, &findings)
            case .proposal, .prepare, .commit, .roundChange, .observing:
                findings.add(.logRecords(.misplaced(.beacon, sequence: record.sequence)))
            }
        }
    }

    private mutating func visit(
        _ certificate: FinalCertificate, _ findings: inout AuditFindings
    ) {
        let height = certificate.height
        lastDecision = height
        guard let body = bodies.removeValue(forKey: certificate.digest) else {
            // Of a height that is checkpointed, the body may be pruned already.
            guard height > source.checkpoint else { return }
            findings.add(.logRecords(.bodyMissing(height, digest: certificate.digest)))
            failed = true
            return
        }
        let block: BeaconBlock
        do throws(BlockDecodingError) {
            block = try BeaconBlock(body: body)
        } catch {
            findings.add(.logRecord(height, error))
            if height > source.checkpoint { failed = true }
            return
        }
        do throws(AuditError) {
            try compare(block, at: height, &findings)
        } catch { failure = error }
        guard height > source.checkpoint, !failed else { return }
        do throws(RestoreError) {
            try apply(block)
            blocks.append((block.header, block.anchors.map(\.header)))
        } catch {
            failed = true
            findings.add(.tailNotReplayed(from: height, error))
        }
    }

    /// The checkpoints and the log tell of the same blocks, where both do.
    private func compare(
        _ block: BeaconBlock, at height: Height, _ findings: inout AuditFindings
    ) throws(AuditError) {
        var agrees = block.header.height == height
        if height <= source.checkpoint {
            let view = source.views[source.beacon]
            let row = try findings.read(source.layout.beacon, RowKey.height(height).bytes) {
                () throws(ReadError) in try view.beaconBlock(height)
            }
            agrees = agrees && row.map { $0.header == block.header } ?? true
        }
        for anchor in block.anchors {
            let index = Int(anchor.header.endpoint.index)
            guard index < source.views.count else {
                agrees = false
                continue
            }
            guard height <= source.applied(index) else { continue }
            let view = source.views[index]
            let row = try findings.read(anchor.header.endpoint, RowKey.height(height).bytes) {
                () throws(ReadError) in try view.block(height)
            }
            agrees = agrees && row.map { $0.header == anchor.header } ?? true
        }
        if !agrees { findings.add(.logBlock(height)) }
    }

    private mutating func apply(_ block: BeaconBlock) throws(RestoreError) {
        if replay == nil { try restore() }
        try replay?.apply(block)
    }

    private mutating func restore() throws(RestoreError) {
        let restored = try RestoredLedger(
            source.genesis, source.states, heads: source.heads, views: source.views,
            books: source.books)
        checkpointed = restored.checkpointed
        replay = restored.replay
    }
}

/// A log whose recovery changes no file.
struct ReadOnlyJournal: JournalStorage {
    private let files: FileJournal

    /// Recovers the log as a start of the engine would, but changes nothing.
    static func recover(
        _ source: AuditSource, _ directory: String,
        _ visit: (JournalRecord, ArraySlice<UInt8>) -> Void
    ) throws(JournalOpenError) -> RecoveredJournal {
        var journal = try opened(in: directory)
        return try journal.recover(
            logID: source.genesis.hash, freshSalt: JournalSalt(high: 0, low: 0),
            limits: JournalLimits(payloadBytes: source.genesis.parameters.recordByteLimit),
            visit: visit)
    }

    /// The log of a data directory, whose lock the caller holds.
    static func opened(in directory: String) throws(JournalOpenError) -> ReadOnlyJournal {
        try opened(at: DataLayout.log(in: directory))
    }

    static func opened(at path: String) throws(JournalOpenError) -> ReadOnlyJournal {
        // Opening would create it.
        guard FileManager.default.fileExists(atPath: path) else {
            throw .storage(.failed(nil, code: ENOENT))
        }
        do throws(StoreError) {
            return ReadOnlyJournal(files: try FileJournal.open(directory: path))
        } catch { throw .storage(.failed(nil, code: EIO)) }
    }

    func perform(_ effects: [JournalEffect]) throws(JournalStorageError) {}
    func list() throws(JournalStorageError) -> [JournalSegment] { try files.list() }

    func read(_ segment: JournalSegment) throws(JournalStorageError) -> [UInt8] {
        try files.read(segment)
    }
}
