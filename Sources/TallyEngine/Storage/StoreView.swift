import Synchronization
package import TallyExecution
package import TallyPrimitives
package import TallySharding
package import TallyState
package import TallyStore

/// One checkpoint of one endpoint, to be read from any thread (STORE-6).
package struct StoreView: Sendable {
    let snapshot: ReadSnapshot
    let databases: EndpointStore.Databases
    let eraTransactions: UInt64
    private let transactionCount = KnownCount()
    private let baseHeight = KnownCount()

    /// Figures of the environment that this is a view of.
    package var environmentInfo: EnvironmentInfo { snapshot.environment.info }

    init(snapshot: ReadSnapshot, databases: EndpointStore.Databases, eraTransactions: UInt64) {
        self.snapshot = snapshot
        self.databases = databases
        self.eraTransactions = eraTransactions
    }

    /// Genesis hash of the chain it belongs to; `nil` before the first checkpoint.
    package func chain() throws(ReadError) -> Hash32? {
        guard let bytes = try get(MetaKey.chain, databases.meta) else { return nil }
        guard let chain = Hash32(bytes) else { throw .corruptRow(database: "meta") }
        return chain
    }

    /// `nil` before the first checkpoint.
    package func head() throws(ReadError) -> StoredHead? {
        try decode(MetaKey.head, databases.meta)
    }

    /// The height of the snapshot that the ledger began from, below which its blocks are absent; 0 where
    /// it began at the genesis (SNAP-11).
    package func base() throws(ReadError) -> Height {
        if let known = baseHeight.value { return Height(UInt64(known)) }
        let base = try height(MetaKey.base, databases.meta) ?? .genesis
        baseHeight.store(Int(clamping: base.value))
        return base
    }

    package func books() throws(ReadError) -> [UInt8]? { try get(MetaKey.books, databases.meta) }

    /// The beacon header of height 0; `nil` in a shard's store.
    package func genesisHeader() throws(ReadError) -> BeaconHeader? {
        try decode(MetaKey.genesis, databases.meta)
    }

    package func block(_ height: Height) throws(ReadError) -> StoredBlock? {
        try decode(RowKey.height(height), databases.blocks)
    }

    package func transaction(
        _ height: Height, _ index: Int
    ) throws(ReadError) -> StoredTransaction? {
        try decode(RowKey.position(height, UInt32(index)), databases.transactions)
    }

    /// Where a transaction is, newest era first.
    package func position(of hash: Hash32) throws(ReadError) -> (Height, Int)? {
        var era = UInt32(truncatingIfNeeded: try eraCount())
        while era > 0 {
            era -= 1
            if let bytes = try get(RowKey.hash(era, hash), databases.hashes) {
                guard let position = RowKey.decodePosition(bytes) else {
                    throw .corruptRow(database: "hashes")
                }
                return position
            }
        }
        return nil
    }

    /// Eras of the hash index that have a transaction.
    func eraCount() throws(ReadError) -> Int {
        if let known = transactionCount.value { return known }
        let count = try head()?.transactionCount ?? 0
        let eras = Int((count + eraTransactions - 1) / eraTransactions)
        transactionCount.store(eras)
        return eras
    }

    package func receipt(
        to destination: EndpointID, _ index: UInt64
    ) throws(ReadError) -> Receipt? {
        try decode(RowKey.stream(destination, index), databases.outbox)
    }

    /// The height at which this endpoint consumed a receipt.
    package func consumed(
        from source: EndpointID, _ index: UInt64
    ) throws(ReadError) -> Height? {
        try height(RowKey.stream(source, index), databases.legs)
    }

    /// The height at which this endpoint ran a due entry.
    package func ran(_ sequence: UInt64) throws(ReadError) -> Height? {
        try height(RowKey.sequence(sequence), databases.due)
    }

    package func beaconBlock(_ height: Height) throws(ReadError) -> BeaconRow? {
        try decode(RowKey.height(height), databases.beaconBlocks)
    }

    /// The blocks that fixed another set than the one before, in order, with no anchors.
    package func elections() throws(ReadError) -> [BeaconRow] {
        var rows: [BeaconRow] = []
        var isSound = true
        try forEachRow(in: databases.elections, ReadError.store) { (row) throws(ReadError) in
            do throws(RLPError) {
                rows.append(try BeaconRow(encoded: row.value))
            } catch { isSound = false }
        }
        guard isSound else { throw .corruptRow(database: "elections") }
        return rows
    }

    package func beaconHeight(_ hash: Hash32) throws(ReadError) -> Height? {
        try height(hash, databases.beaconHashes)
    }

    private func height(_ key: some StoreBytes, _ database: Database) throws(ReadError) -> Height? {
        guard let bytes = try get(key, database) else { return nil }
        guard let height = RowKey.decodeHeight(bytes) else {
            throw .corruptRow(database: database.name)
        }
        return height
    }

    private func get(
        _ key: some StoreBytes, _ database: Database
    ) throws(ReadError) -> [UInt8]? {
        do throws(StoreError) {
            return try snapshot.get(key, in: database)
        } catch { throw .store(error) }
    }

    private func decode<Row: RLPValue>(
        _ key: some StoreBytes, _ database: Database
    ) throws(ReadError) -> Row? {
        guard let bytes = try get(key, database) else { return nil }
        do throws(RLPError) {
            return try Row(encoded: bytes)
        } catch { throw .corruptRow(database: database.name) }
    }
}

/// A number of a checkpoint that is read once: it does not change.
private final class KnownCount: Sendable {
    private let stored = Atomic(-1)

    var value: Int? {
        let value = stored.load(ordering: .relaxed)
        return value < 0 ? nil : value
    }

    func store(_ value: Int) { stored.store(value, ordering: .relaxed) }
}

/// Why something stored could not be read.
package enum ReadError: Error, Equatable, Sendable {
    case store(StoreError)
    /// The state tree's pages are damaged.
    case state(StateError)
    /// A row is not one this program wrote.
    case corruptRow(database: String)
    /// The ledger began from a snapshot: blocks below this height are absent (SNAP-11).
    case historyAbsent(below: Height)
}

extension ReadError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .store(let error): error.description
        case .state(let error):
            "stored state is damaged (\(error)): run `tally db verify`, restore a backup"
        case .corruptRow(let database):
            "a row of database \(database) is damaged: run `tally db verify`, restore a backup"
        case .historyAbsent(let base):
            "blocks below \(base) are not here: this ledger began from a snapshot of that height"
        }
    }
}

extension StoreView: PageReader {
    package func withBucket<R>(
        _ prefix: BucketPrefix, _ body: (UnsafeRawBufferPointer) throws(StateError) -> R
    ) throws(StateError) -> R? {
        // Copied out: the view's lock is not held while the bucket is searched.
        guard let bytes = try page(prefix.storageKey, databases.buckets) else { return nil }
        return try bytes.withUnsafeBufferPointer { (buffer) throws(StateError) in
            try body(UnsafeRawBufferPointer(buffer))
        }
    }

    package func payload(_ path: Hash32) throws(StateError) -> [UInt8]? {
        try page(path.bytes, databases.payloads)
    }

    private func page(_ key: [UInt8], _ database: Database) throws(StateError) -> [UInt8]? {
        do throws(StoreError) {
            return try snapshot.get(key, in: database)
        } catch { throw .pageStore(code: error.code) }
    }

    /// Reads a run of buckets at a time: `body` may read the view again, and others may meanwhile.
    package func forEachBucket(
        _ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) throws(StateError) -> Void
    ) throws(StateError) {
        var start: [UInt8]?
        while true {
            let run = try buckets(after: start)
            for (key, value) in run {
                try key.borrowed { (key) throws(StateError) in
                    try value.borrowed { (value) throws(StateError) in try body(key, value) }
                }
            }
            guard run.count == Self.runLength, let last = run.last else { return }
            start = last.0
        }
    }

    private static let runLength = 1_024

    private func buckets(after start: [UInt8]?) throws(StateError) -> [([UInt8], [UInt8])] {
        do throws(StoreError) {
            return try snapshot.read { (view) throws(StoreError) in
                var run: [([UInt8], [UInt8])] = []
                try view.forEach(in: databases.buckets, from: start) { key, value in
                    if let start, key.elementsEqual(start) { return .next }
                    run.append((Array(key), Array(value)))
                    return run.count == Self.runLength ? .stop : .next
                }
                return run
            }
        } catch { throw .pageStore(code: error.code) }
    }
}

extension [UInt8] {
    /// `withUnsafeBytes` that keeps the type of the error.
    fileprivate func borrowed(
        _ body: (UnsafeRawBufferPointer) throws(StateError) -> Void
    ) throws(StateError) {
        try withUnsafeBufferPointer { (buffer) throws(StateError) in
            try body(UnsafeRawBufferPointer(buffer))
        }
    }
}

extension StoreError {
    /// What a state error can carry of a store's: the operating system's number, or EIO.
    fileprivate var code: Int32 {
        if case .other(let code, _, _) = self { return code }
        return 5
    }
}
