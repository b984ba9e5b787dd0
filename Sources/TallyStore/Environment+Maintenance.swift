internal import CLMDB
internal import Glibc
internal import Synchronization

/// Figures of an environment, for metrics and for the decision to grow.
package struct EnvironmentInfo: Hashable, Sendable {
    /// Address space reserved, in bytes.
    package let mapSizeBytes: Int
    /// Bytes up to the last page ever used, free pages included.
    package let usedBytes: Int
    package let pageSizeBytes: Int
    /// Number of the newest commit.
    package let lastTransactionID: Int
    package let maxReaders: Int
    /// Highest number of reader slots taken at once since the lock file was made.
    package let readerSlotsUsed: Int
    /// Transactions and snapshots of this process that are open now.
    package let openTransactions: Int
}

extension Environment {
    package var info: EnvironmentInfo {
        var info = MDB_envinfo()
        var stat = MDB_stat()
        // Both fail for a missing argument only.
        precondition(mdb_env_info(handle, &info) == 0 && mdb_env_stat(handle, &stat) == 0)
        return EnvironmentInfo(
            mapSizeBytes: info.me_mapsize,
            usedBytes: (info.me_last_pgno + 1) * Int(stat.ms_psize),
            pageSizeBytes: Int(stat.ms_psize),
            lastTransactionID: info.me_last_txnid,
            maxReaders: Int(info.me_maxreaders),
            readerSlotsUsed: Int(info.me_numreaders),
            openTransactions: gate.withLock { $0.openTransactions })
    }

    /// Frees the slots of processes that ended without releasing them; returns how many.
    ///
    /// A stale slot keeps old pages from being reused, so the file would grow for ever (STORE-5).
    ///
    /// - Throws: `other`.
    @discardableResult
    package func clearStaleReaders() throws(StoreError) -> Int {
        var dead: Int32 = 0
        let status = mdb_reader_check(handle, &dead)
        guard status == 0 else { throw StoreError(status, .checkReaders, path: path) }
        return Int(dead)
    }

    /// Syncs data and metadata. Commits do so already; this is for a belt with the braces.
    ///
    /// - Throws: `readOnly`, `stopped`, `diskFull`, `other`.
    package func sync() throws(StoreError) {
        if isReadOnly { throw .readOnly(path: path) }
        if gate.withLock({ $0.stopped }) { throw .stopped(path: path) }
        let status = mdb_env_sync(handle, 1)
        guard status == 0 else {
            stop()
            throw StoreError(status, .sync, path: path)
        }
    }

    /// Enlarges the map. The size is stored with the next commit and kept over a restart.
    ///
    /// - Throws: `busy` while a transaction or snapshot of this process is open, `other`.
    package func growMap(to bytes: Int) throws(StoreError) {
        // The gate stays shut meanwhile: a transaction would read a map that moves.
        try gate.withLock { (gate) throws(StoreError) in
            guard gate.openTransactions == 0 else {
                throw .busy(path: path, open: gate.openTransactions)
            }
            var info = MDB_envinfo()
            precondition(mdb_env_info(handle, &info) == 0)
            precondition(bytes >= info.me_mapsize, "a map does not shrink")
            let status = mdb_env_set_mapsize(handle, bytes)
            guard status == 0 else { throw StoreError(status, .grow, path: path) }
        }
    }

    /// Writes a compacted copy of the newest commit into `directory`, which can be opened as an
    /// environment. Readers and the writer go on meanwhile; the copy appears whole or not at all.
    ///
    /// - Throws: `permission`, `diskFull`, `readersFull`, `other` (`EEXIST` for a copy that is
    ///   there already).
    package func copy(to directory: String) throws(StoreError) {
        try Directories.create(directory)
        let target = directory + "/" + DataFile.name
        guard Directories.identity(of: target) == nil else {
            throw StoreError(EEXIST, .copy, path: target)
        }
        let partial = target + ".partial"
        unlink(partial)
        // mdb_env_copy2 would create the file readable for everybody.
        let descriptor = Glibc.open(partial, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw StoreError(errno, .copy, path: partial) }
        gate.withLock { $0.openTransactions += 1 }
        var status = mdb_env_copyfd2(handle, descriptor, UInt32(MDB_CP_COMPACT))
        ended()
        if status == 0, fsync(descriptor) != 0 { status = errno }
        if close(descriptor) != 0, status == 0 { status = errno }
        if status == 0, rename(partial, target) != 0 { status = errno }
        guard status == 0 else {
            unlink(partial)
            throw StoreError(status, .copy, path: target)
        }
        try Directories.sync(directory)
    }
}
