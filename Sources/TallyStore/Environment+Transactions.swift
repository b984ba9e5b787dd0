internal import CLMDB
internal import Glibc
internal import Synchronization

/// A named database of one environment. Cheap to copy; valid while the environment is open.
package struct Database: Hashable, Sendable {
    package let name: String
    let dbi: UInt32
    /// Which environment it belongs to, so that a mix-up is seen.
    let owner: ObjectIdentifier
}

extension Environment {
    /// The database `name`, created if it is missing and the environment is not read-only.
    ///
    /// Costs a write transaction the first time in a process. Snapshots begun earlier cannot read
    /// a database opened later.
    ///
    /// - Throws: `databasesFull`, `unknownDatabase` (read-only), `mapFull`, `diskFull`, `stopped`,
    ///   `other`.
    package func openDatabase(_ name: String) throws(StoreError) -> Database {
        precondition(!name.isEmpty)
        precondition(
            writer.load(ordering: .relaxed) != UInt(pthread_self()),
            "a database opened inside a write transaction")
        return try databases.withLock { (known) throws(StoreError) -> Database in
            if let database = known[name] { return database }
            var dbi: MDB_dbi = 0
            if isReadOnly {
                let transaction = try beginRead()
                let status = mdb_dbi_open(transaction.transaction, name, 0, &dbi)
                guard status == 0 else {
                    throw StoreError(status, .openDatabase, path: path, database: name)
                }
                // Committing a read transaction keeps the handles it opened.
                try transaction.keepHandles()
            } else {
                let transaction = try beginWrite()
                let status = mdb_dbi_open(
                    transaction.transaction, name, UInt32(MDB_CREATE), &dbi)
                guard status == 0 else {
                    throw StoreError(status, .openDatabase, path: path, database: name)
                }
                try transaction.commit()
            }
            let database = Database(name: name, dbi: dbi, owner: ObjectIdentifier(self))
            known[name] = database
            return database
        }
    }

    /// Runs `body` on one view of the newest commit.
    ///
    /// Keep it short: while it runs, pages it can see are not reused.
    ///
    /// - Throws: `readersFull`, `mapResized`, and what `body` throws.
    package func read<R>(
        _ body: (borrowing ReadTransaction) throws(StoreError) -> R
    ) throws(StoreError) -> R {
        let transaction = try beginRead()
        return try body(transaction)
    }

    /// Runs `body` in the only write transaction there is, waiting for another to end; commits
    /// when it returns and leaves nothing behind when it throws.
    ///
    /// A commit that returns is durable. After one that fails for another reason than space the
    /// environment takes no more writes (STORE-9).
    ///
    /// - Throws: `readOnly`, `stopped`, `mapFull`, `diskFull`, `failedTransaction`, `other`, and
    ///   what `body` throws.
    package func write<R>(
        _ body: (inout WriteTransaction) throws(StoreError) -> R
    ) throws(StoreError) -> R {
        var transaction = try beginWrite()
        let result = try body(&transaction)
        try transaction.commit()
        return result
    }

    /// A view of the newest commit that stays until it is released.
    ///
    /// - Throws: `readersFull`, `mapResized`, `other`.
    package func snapshot() throws(StoreError) -> ReadSnapshot {
        ReadSnapshot(try beginRead())
    }

    func beginRead() throws(StoreError) -> ReadTransaction {
        ReadTransaction(try begin(UInt32(MDB_RDONLY), .beginRead), in: self)
    }

    func beginWrite() throws(StoreError) -> WriteTransaction {
        if isReadOnly { throw .readOnly(path: path) }
        let thread = UInt(pthread_self())
        precondition(
            writer.load(ordering: .relaxed) != thread, "a write transaction inside another")
        if gate.withLock({ $0.stopped }) { throw .stopped(path: path) }
        let transaction = try begin(0, .beginWrite)
        writer.store(thread, ordering: .relaxed)
        return WriteTransaction(transaction, in: self)
    }

    private func begin(_ flags: UInt32, _ operation: StoreOperation) throws(StoreError)
        -> OpaquePointer
    {
        // Counted before it begins, so that the map cannot move in between.
        gate.withLock { $0.openTransactions += 1 }
        var begun: OpaquePointer?
        let status = mdb_txn_begin(handle, nil, flags, &begun)
        guard status == 0, let begun else {
            ended()
            throw StoreError(status, operation, path: path)
        }
        return begun
    }

    /// Takes note that a transaction has ended.
    func ended() {
        gate.withLock { $0.openTransactions -= 1 }
    }

    /// Refuses every later write.
    func stop() {
        gate.withLock { $0.stopped = true }
    }
}
