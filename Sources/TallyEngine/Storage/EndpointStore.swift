import TallyExecution
package import TallyPrimitives
package import TallySharding
package import TallyState
package import TallyStore
import TallyTransactions

/// The LMDB environment of one endpoint: its checkpoint, its history and the indexes over it.
///
/// Rows (`Specs/storage.md`, STORE-15): keys are big-endian, so that history is in order.
///
/// | database | key | value |
/// |---|---|---|
/// | meta | name | see `MetaKey` |
/// | buckets | prefix and depth | flat records |
/// | payloads | path | bytes |
/// | blocks | height | header, system result, number of transactions |
/// | transactions | height, index | raw, sender, result |
/// | hashes | era, first 12 bytes of the hash | height, index |
/// | outbox | destination, index | receipt |
/// | legs | source, index | height at which the receipt was consumed |
/// | due | sequence | height at which the entry ran |
package final class EndpointStore: Sendable {
    package let environment: Environment
    let databases: Databases
    private let limits: Limits

    package struct Databases: Sendable {
        let meta: Database
        let buckets: Database
        let payloads: Database
        let blocks: Database
        let transactions: Database
        let hashes: Database
        let outbox: Database
        let legs: Database
        let due: Database
        /// Only the beacon's environment has rows in these.
        let beaconBlocks: Database
        let beaconHashes: Database
        let elections: Database
    }

    /// Format of everything below the data directory.
    package static let formatVersion: UInt32 = 5

    package init(path: String, readOnly: Bool, limits: Limits) throws(StoreError) {
        environment = try Environment.open(
            .init(
                path: path, mapSizeBytes: limits.mapSizeBytes, maxDatabases: 16,
                maxReaders: limits.maxReaders, readOnly: readOnly))
        databases = Databases(
            meta: try environment.openDatabase("meta"),
            buckets: try environment.openDatabase("buckets"),
            payloads: try environment.openDatabase("payloads"),
            blocks: try environment.openDatabase("blocks"),
            transactions: try environment.openDatabase("transactions"),
            hashes: try environment.openDatabase("hashes"),
            outbox: try environment.openDatabase("outbox"),
            legs: try environment.openDatabase("legs"),
            due: try environment.openDatabase("due"),
            beaconBlocks: try environment.openDatabase("beacon-blocks"),
            beaconHashes: try environment.openDatabase("beacon-hashes"),
            elections: try environment.openDatabase("elections"))
        self.limits = limits
    }

    /// A view of the newest checkpoint.
    package func view() throws(StoreError) -> StoreView {
        StoreView(
            snapshot: try environment.snapshot(), databases: databases,
            eraTransactions: limits.eraTransactions)
    }

    /// Writes a checkpoint: state, cursors, results and outbox of whole heights in one transaction
    /// (RCPT-8, STORE-7).
    /// - Complexity: finding the pages is O(nodes that differ from the last checkpoint).
    package func write(_ checkpoint: Checkpoint) throws(StoreError) {
        // Before the transaction, which would hold back nobody but be open for longer.
        let pages = checkpoint.tree.pageChanges(since: checkpoint.previous)
        try environment.write { (tx) throws(StoreError) in
            try writePages(pages, &tx)
            let count = try writeBlocks(checkpoint, &tx)
            if let beacon = checkpoint.beacon { try writeBeacon(beacon, &tx) }
            let head = StoredHead(
                appliedHeight: checkpoint.height, header: checkpoint.header,
                transactionCount: count)
            try tx.put(MetaKey.chain, checkpoint.header.chain.bytes, in: databases.meta)
            try tx.put(MetaKey.head, head.encoded, in: databases.meta)
        }
    }

    private func writePages(
        _ pages: [PageChange], _ tx: inout WriteTransaction
    ) throws(StoreError) {
        for page in pages {
            switch page {
            case .putBucket(let prefix, let bytes):
                try tx.put(prefix.storageKey, bytes, in: databases.buckets)
            case .deleteBucket(let prefix):
                _ = try tx.delete(prefix.storageKey, in: databases.buckets)
            case .putPayload(let path, let bytes):
                try tx.put(path.bytes, bytes, in: databases.payloads)
            case .deletePayload(let path):
                _ = try tx.delete(path.bytes, in: databases.payloads)
            }
        }
    }

    /// - Returns: transactions of the endpoint, these included.
    private func writeBlocks(
        _ checkpoint: Checkpoint, _ tx: inout WriteTransaction
    ) throws(StoreError) -> UInt64 {
        var count = checkpoint.transactionCount
        var row = RLPEncoder(capacity: 512)
        var hashes: [(key: RowKey, position: RowKey)] = []
        hashes.reserveCapacity(checkpoint.records.reduce(0) { $0 + $1.transactions.count })
        for record in checkpoint.records {
            try writeBlock(record, &tx, &row)
            for (index, transaction) in record.transactions.enumerated() {
                let era = UInt32(truncatingIfNeeded: count / limits.eraTransactions)
                hashes.append(
                    (
                        RowKey.hash(era, transaction.hash),
                        RowKey.position(record.height, UInt32(index))
                    ))
                count += 1
            }
        }
        // In the order of keys, so that each page of the index is gone to once.
        hashes.sort { ($0.key, $0.position) < ($1.key, $1.position) }
        for (key, position) in hashes { try tx.put(key, position, in: databases.hashes) }
        return count
    }

    /// - Parameter row: memory for a row.
    private func writeBlock(
        _ record: BlockRecord, _ tx: inout WriteTransaction, _ row: inout RLPEncoder
    ) throws(StoreError) {
        let height = record.height
        let block = StoredBlock(
            header: record.header, systemResult: record.systemResult,
            transactionCount: UInt32(record.transactions.count))
        try tx.append(RowKey.height(height), block.encoded, in: databases.blocks)
        for (index, transaction) in record.transactions.enumerated() {
            row.removeAll()
            StoredTransaction.encode(
                raw: transaction.raw, sender: transaction.sender,
                result: record.results.encoding(index), to: &row)
            let position = RowKey.position(height, UInt32(index))
            try tx.append(position, row.bytes, in: databases.transactions)
        }
        for receipt in record.sent {
            row.removeAll()
            receipt.encode(to: &row)
            let place = receipt.reference
            try tx.put(
                RowKey.stream(place.destination, place.index), row.bytes, in: databases.outbox)
        }
        let passed = RowKey.height(height)
        for event in record.systemResult?.events ?? [] {
            if let reference = event.consumedReceipt {
                try tx.put(
                    RowKey.stream(reference.source, reference.index), passed, in: databases.legs)
            }
            if let entry = event.ranEntry {
                try tx.put(RowKey.sequence(entry), passed, in: databases.due)
            }
        }
    }

    private func writeBeacon(
        _ beacon: BeaconCheckpoint, _ tx: inout WriteTransaction
    ) throws(StoreError) {
        try tx.put(MetaKey.books, beacon.books, in: databases.meta)
        try tx.put(MetaKey.genesis, beacon.genesis.encoded, in: databases.meta)
        for block in beacon.blocks {
            let key = RowKey.height(block.header.height)
            try tx.append(key, block.encoded, in: databases.beaconBlocks)
            try tx.put(block.header.hash.bytes, key, in: databases.beaconHashes)
            if block.header.newValidators != nil {
                try tx.append(key, block.election.encoded, in: databases.elections)
            }
        }
    }
}

/// What one checkpoint writes. Immutable: it is written while later blocks are executed.
package struct Checkpoint: Sendable {
    package let height: Height
    /// Of the endpoint's last block.
    package let header: ShardHeader
    /// As of `height`, and as the store holds it: what to write is found by whoever writes, since the
    /// blocks that are being decided must not wait for it.
    package let tree: StateTree
    package let previous: StateTree
    /// Blocks since the last checkpoint.
    package let records: [BlockRecord]
    /// Transactions of the endpoint before these blocks.
    package let transactionCount: UInt64
    /// `nil` but for the beacon's environment.
    package let beacon: BeaconCheckpoint?

    package init(
        height: Height, header: ShardHeader, tree: StateTree, previous: StateTree,
        records: [BlockRecord], transactionCount: UInt64, beacon: BeaconCheckpoint? = nil
    ) {
        self.height = height
        self.header = header
        self.tree = tree
        self.previous = previous
        self.records = records
        self.transactionCount = transactionCount
        self.beacon = beacon
    }
}

/// The beacon's part of a checkpoint.
package struct BeaconCheckpoint: Sendable {
    /// `BeaconCore.encodedBooks`.
    package let books: [UInt8]
    /// The header of height 0.
    package let genesis: BeaconHeader
    package let blocks: [BeaconRow]

    package init(books: [UInt8], genesis: BeaconHeader, blocks: [BeaconRow]) {
        self.books = books
        self.genesis = genesis
        self.blocks = blocks
    }
}
