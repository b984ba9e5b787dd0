import TallyConsensus
import TallyExecution
import TallyJournal
import TallyPrimitives
package import TallySharding
import TallyStore

/// Whether everything a stopped ledger has stored can be read: every row decodes, the pages form the
/// state trees of the checkpoints, and the log verifies. `SupplyAudit` asks what it all says.
package struct DatabaseVerification: Equatable, Sendable {
    /// Rows that were decoded, buckets and payloads included.
    package private(set) var rows = 0
    package private(set) var logRecords = 0
    /// Bytes of an unfinished, never acknowledged record at the end of the log.
    package private(set) var cutBytes: UInt64 = 0
    package private(set) var findings: [AuditFinding] = []
    package private(set) var droppedFindings = 0

    package var isClean: Bool { findings.isEmpty && droppedFindings == 0 }

    /// Verifies a directory whose lock the caller holds. Nothing is written.
    package static func run(
        directory: String, genesis: Genesis, limits: Limits = Limits()
    ) throws(AuditError) -> DatabaseVerification {
        var findings = AuditFindings()
        let source = try AuditSource(
            directory: directory, genesis: genesis, limits: limits, &findings)
        var result = DatabaseVerification()
        for (index, endpoint) in source.layout.endpoints.enumerated() {
            if let head = source.heads[index] {
                _ = AuditedState(
                    head.header, genesis.parameters, pages: source.views[index], &findings)
            }
            try result.decode(source.views[index], endpoint, &findings)
        }
        try result.verifyLog(directory, source, &findings)
        result.findings = findings.list
        result.droppedFindings = findings.dropped
        return result
    }

    private mutating func decode(
        _ view: StoreView, _ endpoint: EndpointID, _ findings: inout AuditFindings
    ) throws(AuditError) {
        for database in view.databases.all {
            var faults: [AuditFinding] = []
            var count = 0
            try view.forEachRow(in: database, AuditError.store) { (row) throws(AuditError) in
                count += 1
                if !row.decodes(in: database, of: view.databases) {
                    faults.append(
                        .corruptRow(endpoint, database: database.name, key: row.key))
                }
            }
            rows += count
            for fault in faults { findings.add(fault) }
        }
    }

    private mutating func verifyLog(
        _ directory: String, _ source: AuditSource, _ findings: inout AuditFindings
    ) throws(AuditError) {
        do throws(JournalOpenError) {
            let recovered = try ReadOnlyJournal.recover(source, directory) { record, payload in
                logRecords += 1
                do throws(LogRecoveryError) {
                    let read = try LogRecords(record, payload, of: .beacon)
                    for case .undecided(let block) in read.records {
                        if let error = block.decodingError {
                            findings.add(.logRecord(block.height, error))
                        }
                    }
                } catch { findings.add(.logRecords(error)) }
            }
            cutBytes = recovered.cut?.removedBytes ?? 0
        } catch {
            switch error {
            case .storage(let error): throw .log(error)
            case .log(let error): findings.add(.log(error))
            }
        }
    }
}

extension ProposedBlock {
    fileprivate var decodingError: BlockDecodingError? {
        do throws(BlockDecodingError) {
            _ = try BeaconBlock(body: body)
            return nil
        } catch { return error }
    }
}

extension StoredRow {
    /// Whether key and value are such as `EndpointStore` writes; buckets and payloads are checked
    /// with the tree.
    fileprivate func decodes(in database: Database, of all: EndpointStore.Databases) -> Bool {
        do throws(RLPError) {
            switch database {
            case all.meta:
                if key == MetaKey.chain { return value.count == 32 }
                if key == MetaKey.head { _ = try StoredHead(encoded: value) }
                if key == MetaKey.genesis { _ = try BeaconHeader(encoded: value) }
                if key == MetaKey.base { return RowKey.decodeHeight(value) != nil }
                return [MetaKey.head, MetaKey.books, MetaKey.genesis].contains(key)
            case all.payloads: return key.count == 32
            case all.blocks:
                _ = try StoredBlock(encoded: value)
                return RowKey.decodeHeight(key) != nil
            case all.transactions:
                _ = try StoredTransaction(encoded: value)
                return RowKey.decodePosition(key) != nil
            case all.hashes: return key.count == 16 && RowKey.decodePosition(value) != nil
            case all.outbox:
                _ = try Receipt(encoded: value)
                return RowKey.decodeStream(key) != nil
            case all.legs:
                return RowKey.decodeStream(key) != nil && RowKey.decodeHeight(value) != nil
            case all.due: return key.count == 8 && RowKey.decodeHeight(value) != nil
            case all.beaconBlocks, all.elections:
                _ = try BeaconRow(encoded: value)
                return RowKey.decodeHeight(key) != nil
            case all.beaconHashes: return key.count == 32 && RowKey.decodeHeight(value) != nil
            default: return true
            }
        } catch { return false }
    }
}
