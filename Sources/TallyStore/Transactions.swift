internal import CLMDB
internal import Glibc
internal import Synchronization

/// What read and write transactions share: everything that only looks.
package protocol StoreReader: ~Copyable {
    /// The transaction's raw parts; of use inside this module only.
    var raw: RawTransaction { get }
}

/// An LMDB transaction and its environment, borrowed from the transaction that owns them.
package struct RawTransaction {
    let transaction: OpaquePointer
    let environment: Environment

    /// Our own bug if it fails: a handle of another environment.
    func check(_ database: Database) {
        precondition(
            database.owner == ObjectIdentifier(environment),
            "a database of another environment")
    }

    func error(_ status: Int32, _ operation: StoreOperation, _ database: Database) -> StoreError {
        // EINVAL is LMDB's answer to a handle opened after this view began.
        StoreError(
            status == EINVAL ? MDB_BAD_DBI : status, operation, path: environment.path,
            database: database.name)
    }
}

/// One view of a commit; ends when it goes out of scope.
package struct ReadTransaction: ~Copyable, StoreReader {
    let transaction: OpaquePointer
    let environment: Environment
    /// LMDB has freed the transaction. (`discard self` bars a reference among the fields.)
    private var isOver = false

    init(_ transaction: OpaquePointer, in environment: Environment) {
        self.transaction = transaction
        self.environment = environment
    }

    deinit {
        if !isOver { mdb_txn_abort(transaction) }
        environment.ended()
    }

    package var raw: RawTransaction {
        RawTransaction(transaction: transaction, environment: environment)
    }

    /// Number of the commit seen.
    var id: Int { mdb_txn_id(transaction) }

    /// Ends the transaction so that the database handles it opened stay valid.
    consuming func keepHandles() throws(StoreError) {
        let status = mdb_txn_commit(transaction)
        isOver = true
        guard status == 0 else { throw StoreError(status, .commit, path: environment.path) }
    }
}

/// The write transaction: aborts when it goes out of scope uncommitted.
package struct WriteTransaction: ~Copyable, StoreReader {
    let transaction: OpaquePointer
    let environment: Environment
    /// LMDB has freed the transaction.
    private var isOver = false

    init(_ transaction: OpaquePointer, in environment: Environment) {
        self.transaction = transaction
        self.environment = environment
    }

    deinit {
        if !isOver {
            // First, since aborting lets the next writer in.
            environment.writer.store(0, ordering: .relaxed)
            mdb_txn_abort(transaction)
        }
        environment.ended()
    }

    package var raw: RawTransaction {
        RawTransaction(transaction: transaction, environment: environment)
    }

    consuming func commit() throws(StoreError) {
        if environment.gate.withLock({ $0.stopped }) { throw .stopped(path: environment.path) }
        // First, since committing lets the next writer in.
        environment.writer.store(0, ordering: .relaxed)
        var status = mdb_txn_commit(transaction)
        isOver = true
        // LMDB 0.9 calls a short write, which a disk filling up gives, an input/output error.
        if status == EIO, Directories.isFull(environment.path) { status = ENOSPC }
        guard status == 0 else {
            let error = StoreError(status, .commit, path: environment.path)
            if error.leavesDiskUnknown { environment.stop() }
            throw error
        }
    }
}

extension StoreReader where Self: ~Copyable {
    /// Calls `body` with the value of `key`, `nil` if there is none. The bytes lie in the map:
    /// they must not escape, and need not be aligned.
    ///
    /// - Throws: `invalidSize`, `unknownDatabase`, `corrupted`, and what `body` throws.
    /// - Complexity: O(log n); 0.9 µs at a million entries.
    package func withValue<R>(
        _ key: some StoreBytes, in database: Database,
        _ body: (UnsafeRawBufferPointer?) throws(StoreError) -> R
    ) throws(StoreError) -> R {
        let raw = raw
        raw.check(database)
        var value = MDB_val()
        let status = key.withStoreBytes { bytes in
            var key = MDB_val(bytes)
            return mdb_get(raw.transaction, database.dbi, &key, &value)
        }
        if status == MDB_NOTFOUND { return try body(nil) }
        guard status == 0 else { throw raw.error(status, .get, database) }
        return try body(value.bytes)
    }

    /// A copy of the value of `key`, `nil` if there is none.
    ///
    /// - Throws: as ``withValue(_:in:_:)``.
    package func get(
        _ key: some StoreBytes, in database: Database
    ) throws(StoreError) -> [UInt8]? {
        try withValue(key, in: database) { bytes in bytes.map { Array($0) } }
    }

    /// Whether `key` has a value.
    ///
    /// - Throws: as ``withValue(_:in:_:)``.
    package func contains(
        _ key: some StoreBytes, in database: Database
    ) throws(StoreError) -> Bool {
        try withValue(key, in: database) { $0 != nil }
    }

    /// Number of entries.
    ///
    /// - Throws: `unknownDatabase`, `other`.
    /// - Complexity: O(1).
    package func count(in database: Database) throws(StoreError) -> Int {
        let raw = raw
        raw.check(database)
        var stat = MDB_stat()
        let status = mdb_stat(raw.transaction, database.dbi, &stat)
        guard status == 0 else { throw raw.error(status, .get, database) }
        return stat.ms_entries
    }
}

extension MDB_val {
    /// For the duration of a call: LMDB does not write through keys and values handed in.
    init(_ bytes: UnsafeRawBufferPointer) {
        self.init(
            mv_size: bytes.count, mv_data: UnsafeMutableRawPointer(mutating: bytes.baseAddress))
    }

    var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: mv_data, count: mv_size) }
}
