import TallyConsensus
import TallyCrypto
import TallyExecution
package import TallyPrimitives
package import TallySharding
import TallyState
import TallyStore
import TallyTransactions

extension Snapshot {
    /// Makes the environments of a ledger from a snapshot, verifying all of it. They are durable when
    /// it returns; it has no log and no votes (SNAP-10).
    /// - Parameter directory: an empty one, where `beacon`, `shard-00` … are created. After an error it
    ///   holds what nothing may be started on.
    /// - Throws: every case of `SnapshotError`.
    package static func restore(
        _ path: String, into directory: String, genesis: Genesis,
        expecting expected: Hash32? = nil, limits: Limits = Limits(), watch: Watch = { _ in }
    ) throws(SnapshotError) -> SnapshotSummary {
        var ledger = try SnapshotLedger(path, genesis, expecting: expected, watch)
        let layout = genesis.parameters.layout
        let shared = limits.shared(by: layout)
        var stores: [EndpointStore] = []
        for endpoint in layout.endpoints {
            let place = DataLayout.endpoint(endpoint, layout, in: directory)
            let store: EndpointStore
            do throws(StoreError) {
                store = try EndpointStore(path: place, readOnly: false, limits: shared)
            } catch { throw .store(error) }
            stores.append(store)
            var pages = PageRun(store)
            try ledger.readEndpoint(watch) { (table, key, value) throws(SnapshotError) in
                try pages.put(table, key, value)
            } pages: { () throws(SnapshotError) in
                try pages.flush()
                return try pages.view()
            }
        }
        let beacon = try ledger.finish()
        try writeHistory(ledger, stores)
        do throws(StoreError) {
            try stores[stores.count - 1].writeElections(ledger.anchors.elections)
        } catch { throw .store(error) }
        for (index, store) in stores.enumerated() {
            let core = ledger.cores[index]
            let rows = ledger.rows[index]
            let checkpoint =
                index == stores.count - 1
                ? BeaconCheckpoint(
                    books: beacon.encodedBooks, genesis: ledger.anchors.genesisHeader, blocks: [])
                : nil
            do throws(StoreError) {
                try store.writeRestored(core, rows, beacon: checkpoint)
            } catch { throw .store(error) }
        }
        // Empty: what reads a ledger looks for it.
        do throws(StoreError) {
            try Directories.create(DataLayout.log(in: directory))
        } catch { throw .store(error) }
        return summary(path, ledger.reader.manifest, genesis, ledger.anchors)
    }

    /// The headers: proofs need those of endpoints that have stood still, and so does a snapshot of
    /// this ledger.
    private static func writeHistory(
        _ ledger: SnapshotLedger, _ stores: [EndpointStore]
    ) throws(SnapshotError) {
        var run: [(BeaconHeader, [ShardHeader])] = []
        func flush() throws(SnapshotError) {
            do throws(StoreError) {
                for (index, store) in stores.enumerated() {
                    try store.writeHeaders(run, index, stores.count - 1, ledger)
                }
            } catch { throw .store(error) }
            run.removeAll()
        }
        try ledger.reader.forEachBlock({ _ in }) { (header, anchors) throws(SnapshotError) in
            run.append((header, anchors))
            if run.count == 4_096 { try flush() }
        }
        try flush()
    }
}

/// Pages on their way into a store, some megabytes a transaction.
private struct PageRun {
    private let store: EndpointStore
    private var rows: [(table: SnapshotTable, key: [UInt8], value: [UInt8])] = []
    private var bytes = 0
    private var payloads = 0

    init(_ store: EndpointStore) { self.store = store }

    mutating func put(
        _ table: SnapshotTable, _ key: [UInt8], _ value: [UInt8]
    ) throws(SnapshotError) {
        rows.append((table, key, value))
        bytes += key.count + value.count
        if table == .payload { payloads += 1 }
        if bytes > 16 << 20 { try flush() }
    }

    mutating func flush() throws(SnapshotError) {
        let rows = rows
        do throws(StoreError) {
            try store.environment.write { (tx) throws(StoreError) in
                for row in rows {
                    let database =
                        row.table == .bucket ? store.databases.buckets : store.databases.payloads
                    // Keys ascend within a table (SNAP-4).
                    try tx.append(row.key, row.value, in: database)
                }
            }
        } catch { throw .store(error) }
        self.rows.removeAll(keepingCapacity: true)
        bytes = 0
    }

    func view() throws(SnapshotError) -> (any PageReader, payloads: Int) {
        do throws(StoreError) {
            return (try store.view(), payloads)
        } catch { throw .store(error) }
    }
}

extension EndpointStore {
    fileprivate func writeElections(_ rows: [BeaconRow]) throws(StoreError) {
        try environment.write { (tx) throws(StoreError) in
            for row in rows {
                try tx.append(
                    RowKey.height(row.header.height), row.encoded, in: databases.elections)
            }
        }
    }

    /// Headers of blocks below the snapshot's, whose transactions are absent.
    fileprivate func writeHeaders(
        _ run: [(BeaconHeader, [ShardHeader])], _ index: Int, _ beacon: Int,
        _ ledger: SnapshotLedger
    ) throws(StoreError) {
        try environment.write { (tx) throws(StoreError) in
            for (header, anchors) in run {
                let key = RowKey.height(header.height)
                if let anchor = anchors.first(where: { Int($0.endpoint.index) == index }) {
                    let block = Self.block(anchor, ledger)
                    try tx.append(key, block.encoded, in: databases.blocks)
                }
                guard index == beacon else { continue }
                let isHead = header.height == ledger.height
                let row = BeaconRow(
                    header: header, certificate: isHead ? ledger.anchors.certificate : nil,
                    anchors: anchors.map { BeaconRow.Anchor(Self.block($0, ledger)) })
                try tx.append(key, row.encoded, in: databases.beaconBlocks)
                try tx.put(header.hash.bytes, key, in: databases.beaconHashes)
            }
        }
    }

    /// The block of a header: whole at the height of the snapshot, without contents below.
    private static func block(_ header: ShardHeader, _ ledger: SnapshotLedger) -> StoredBlock {
        if header.height == ledger.height,
            let block = ledger.rows[Int(header.endpoint.index)].block
        {
            return block
        }
        return StoredBlock(header: header, systemResult: nil, transactionCount: 0)
    }

    /// What a checkpoint of the snapshot's height has besides pages and headers.
    fileprivate func writeRestored(
        _ core: ShardCore, _ rows: SnapshotRows, beacon: BeaconCheckpoint?
    ) throws(StoreError) {
        let height = RowKey.height(core.appliedHeight)
        try environment.write { (tx) throws(StoreError) in
            for receipt in rows.receipts.joined() {
                let place = receipt.reference
                try tx.put(
                    RowKey.stream(place.destination, place.index), receipt.encoded,
                    in: databases.outbox)
            }
            for event in rows.block?.systemResult?.events ?? [] {
                if let place = event.consumedReceipt {
                    try tx.put(
                        RowKey.stream(place.source, place.index), height, in: databases.legs)
                }
                if let entry = event.ranEntry {
                    try tx.put(RowKey.sequence(entry), height, in: databases.due)
                }
            }
            for (index, row) in rows.transactions.enumerated() {
                let position = RowKey.position(core.appliedHeight, UInt32(index))
                try tx.append(position, row.encoded, in: databases.transactions)
                // One block fits an era.
                let hash = Keccak256.hash(row.raw)
                try tx.put(RowKey.hash(0, hash), position, in: databases.hashes)
            }
            if let beacon {
                try tx.put(MetaKey.books, beacon.books, in: databases.meta)
                try tx.put(MetaKey.genesis, beacon.genesis.encoded, in: databases.meta)
            }
            let head = StoredHead(
                appliedHeight: core.appliedHeight, header: core.header,
                transactionCount: UInt64(rows.transactions.count))
            try tx.put(MetaKey.chain, core.chain.bytes, in: databases.meta)
            try tx.put(MetaKey.base, height, in: databases.meta)
            try tx.put(MetaKey.head, head.encoded, in: databases.meta)
        }
    }
}
