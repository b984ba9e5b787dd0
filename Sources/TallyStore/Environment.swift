internal import CLMDB
internal import Glibc
internal import Synchronization

/// One LMDB environment: the durable key-value store of one shard or of the beacon.
///
/// Responsibility: the C library behind one wrapper. Transactions run inside synchronous closures
/// (nothing awaits while one is open), borrowed bytes do not leave them, and every status becomes
/// a ``StoreError``. Always opened with `MDB_NOTLS`, never with `MDB_NOSYNC`, `MDB_WRITEMAP` or
/// `MDB_MAPASYNC`: a commit that returns is on disk (STORE-3).
///
/// The environment closes when the last reference to it, its snapshots included, is gone.
package final class Environment: Sendable {
    package struct Configuration: Hashable, Sendable {
        /// Directory that holds `data.mdb` and `lock.mdb`; created 0700 with its parents.
        package var path: String
        /// Address space reserved, in bytes; at least 1 MiB. A larger stored size prevails.
        package var mapSizeBytes: Int
        /// Named databases, 1 ... 1000.
        package var maxDatabases: Int
        /// Concurrent read transactions and snapshots of all processes, 1 ... 10 000.
        package var maxReaders: Int
        /// No writes; directory and file must exist.
        package var readOnly: Bool

        package init(
            path: String, mapSizeBytes: Int = 1 << 30, maxDatabases: Int = 64,
            maxReaders: Int = 256, readOnly: Bool = false
        ) {
            self.path = path
            self.mapSizeBytes = mapSizeBytes
            self.maxDatabases = maxDatabases
            self.maxReaders = maxReaders
            self.readOnly = readOnly
        }
    }

    /// What is known of the transactions of this process.
    struct Gate: Sendable {
        var openTransactions = 0
        /// A commit or sync failed: writing has ended (STORE-9).
        var stopped = false
    }

    package let path: String
    package let isReadOnly: Bool
    // SAFETY: LMDB's environment handle may be used by any number of threads; it is closed in
    // `deinit`, when no transaction, and so no other thread, refers to it.
    nonisolated(unsafe) let handle: OpaquePointer
    let gate = Mutex(Gate())
    /// Serialises `mdb_dbi_open`, and remembers what it gave.
    let databases = Mutex<[String: Database]>([:])
    /// The thread inside `write`, 0 for none: a second begin on it would wait for itself.
    let writer = Atomic<UInt>(0)
    private let identity: FileIdentity

    private init(
        _ configuration: Configuration, handle: sending OpaquePointer, identity: FileIdentity
    ) {
        self.handle = handle
        self.identity = identity
        path = configuration.path
        isReadOnly = configuration.readOnly
    }

    /// Opens or creates the environment, releases reader slots that dead processes left, and
    /// opens `databases`, creating those that are missing unless the environment is read-only.
    ///
    /// Not an initialiser: one of a class that throws and has fields without copies brings the
    /// optimiser of Swift 6.3 down in modules that import it.
    ///
    /// - Throws: `alreadyOpen`, `notFound` (read-only), `corrupted`, `versionMismatch`,
    ///   `permission`, `diskFull`, `databasesFull`, `unknownDatabase` (read-only), `other`.
    package static func open(
        _ configuration: Configuration, databases names: [String] = []
    ) throws(StoreError) -> Environment {
        precondition(configuration.mapSizeBytes >= 1 << 20, "map size below 1 MiB")
        precondition((1...1000).contains(configuration.maxDatabases))
        precondition((1...10_000).contains(configuration.maxReaders))
        let path = configuration.path
        if !configuration.readOnly { try Directories.create(path) }
        guard let identity = Directories.identity(of: path) else { throw .notFound(path: path) }
        guard OpenEnvironments.insert(identity) else { throw .alreadyOpen(path: path) }
        let handle: OpaquePointer
        do throws(StoreError) {
            handle = try openHandle(configuration)
        } catch {
            OpenEnvironments.remove(identity)
            throw error
        }
        // From here on its deinit cleans up.
        let environment = Environment(configuration, handle: handle, identity: identity)
        try environment.clearStaleReaders()
        for name in names { _ = try environment.openDatabase(name) }
        return environment
    }

    deinit {
        mdb_env_close(handle)
        OpenEnvironments.remove(identity)
    }

    private static func openHandle(
        _ configuration: Configuration
    ) throws(StoreError) -> OpaquePointer {
        let path = configuration.path
        let file = try DataFile.inspect(
            path + "/" + DataFile.name, readOnly: configuration.readOnly)
        if file.isNew, configuration.readOnly { throw .notFound(path: path) }
        if !configuration.readOnly {
            try ReaderTable.reserve(in: path, readers: configuration.maxReaders)
        }
        var created: OpaquePointer?
        var status = mdb_env_create(&created)
        guard status == 0, let handle = created else {
            throw StoreError(status, .open, path: path)
        }
        let mapSize = max(configuration.mapSizeBytes, Int(file.storedMapSizeBytes))
        status = mdb_env_set_mapsize(handle, mapSize)
        if status == 0 { status = mdb_env_set_maxdbs(handle, MDB_dbi(configuration.maxDatabases)) }
        if status == 0 { status = mdb_env_set_maxreaders(handle, UInt32(configuration.maxReaders)) }
        let flags = MDB_NOTLS | (configuration.readOnly ? MDB_RDONLY : 0)
        if status == 0 { status = mdb_env_open(handle, path, UInt32(flags), 0o600) }
        guard status == 0 else {
            mdb_env_close(handle)
            throw StoreError(status, .open, path: path)
        }
        guard file.isNew else { return handle }
        // LMDB does not sync the entry of the file it creates.
        do throws(StoreError) {
            try Directories.sync(path)
        } catch {
            mdb_env_close(handle)
            throw error
        }
        return handle
    }
}

/// The environments this process has open, by what the directory is and not how it is called
/// (STORE-1). A second handle would drop the POSIX locks of the first when it closes.
private enum OpenEnvironments {
    private static let open = Mutex<Set<FileIdentity>>([])

    static func insert(_ identity: FileIdentity) -> Bool {
        open.withLock { $0.insert(identity).inserted }
    }

    static func remove(_ identity: FileIdentity) {
        open.withLock { _ = $0.remove(identity) }
    }
}
