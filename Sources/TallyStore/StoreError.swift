internal import CLMDB
internal import Glibc

/// What the store was doing when something failed.
package enum StoreOperation: String, Sendable {
    case createDirectory = "create the directory"
    case open = "open the environment"
    case openDatabase = "open a database"
    case inspect = "inspect the data file"
    case lock = "lock the data directory"
    case beginRead = "begin reading"
    case beginWrite = "begin writing"
    case get = "read a value"
    case put = "write a value"
    case append = "append a value"
    case delete = "delete a value"
    case iterate = "iterate over a database"
    case commit = "commit"
    case sync = "sync"
    case copy = "copy the environment"
    case grow = "grow the map"
    case checkReaders = "check for stale readers"
}

/// Why a data file cannot be used.
package enum StoreDamage: Hashable, Sendable {
    /// The file does not begin with two LMDB meta pages.
    case notLMDB
    /// A meta page names a page size, page or size that cannot be.
    case implausibleMeta
    /// The file ends before the pages its meta page counts. Sizes in bytes.
    case shorterThanUsed(expected: UInt64, actual: UInt64)
    /// LMDB met a page of a wrong kind, or none.
    case page
}

/// An operating failure of the store. Misuse by our own code is a precondition instead.
package enum StoreError: Error, Hashable, Sendable {
    /// The write needs more pages than the map has; the transaction is lost, the data is not.
    case mapFull(path: String)
    /// Every reader slot is taken.
    case readersFull(path: String)
    /// Another process enlarged the map beyond ours.
    case mapResized(path: String)
    /// One transaction touched too many pages.
    case transactionFull(path: String)
    /// More named databases than the environment was opened for.
    case databasesFull(path: String)
    /// The data on disk is damaged.
    case corrupted(path: String, damage: StoreDamage)
    /// The file belongs to another version of LMDB.
    case versionMismatch(path: String)
    /// The file system has no space, or the quota is used up; nothing committed is lost.
    case diskFull(path: String, operation: StoreOperation)
    /// This process has opened the environment already.
    case alreadyOpen(path: String)
    /// Another process holds the data directory; `pid` is `nil` if it did not say.
    case locked(path: String, pid: Int32?)
    /// There is no such directory, file or environment.
    case notFound(path: String)
    /// There is no database of this name, or it was opened after this view began.
    case unknownDatabase(path: String, name: String)
    /// The operating system denies the access.
    case permission(path: String, operation: StoreOperation)
    /// A key is empty or over 511 bytes, or a value over 2^32 - 1.
    case invalidSize(path: String, database: String, operation: StoreOperation)
    /// An appended key does not come after the last.
    case outOfOrder(path: String, database: String)
    /// A write failed earlier in this transaction, so it cannot commit.
    case failedTransaction(path: String)
    /// The map cannot change while `open` transactions are open.
    case busy(path: String, open: Int)
    /// The environment was opened for reading only.
    case readOnly(path: String)
    /// A commit or sync failed, so what is on disk is unknown until the next start.
    case stopped(path: String)
    /// Anything else: an LMDB status or an `errno`.
    case other(code: Int32, operation: StoreOperation, path: String)
}

extension StoreError {
    /// The one translation of an LMDB status or `errno`.
    init(_ status: Int32, _ operation: StoreOperation, path: String, database: String = "") {
        self =
            switch status {
            case MDB_MAP_FULL: .mapFull(path: path)
            case MDB_READERS_FULL: .readersFull(path: path)
            case MDB_MAP_RESIZED: .mapResized(path: path)
            case MDB_TXN_FULL: .transactionFull(path: path)
            case MDB_DBS_FULL: .databasesFull(path: path)
            case MDB_INVALID: .corrupted(path: path, damage: .notLMDB)
            case MDB_CORRUPTED, MDB_PAGE_NOTFOUND, MDB_CURSOR_FULL, MDB_PAGE_FULL:
                .corrupted(path: path, damage: .page)
            case MDB_VERSION_MISMATCH: .versionMismatch(path: path)
            case MDB_NOTFOUND, MDB_BAD_DBI: .unknownDatabase(path: path, name: database)
            case MDB_BAD_VALSIZE:
                .invalidSize(path: path, database: database, operation: operation)
            case MDB_KEYEXIST: .outOfOrder(path: path, database: database)
            case MDB_BAD_TXN: .failedTransaction(path: path)
            case MDB_PANIC: .stopped(path: path)
            case ENOSPC, EDQUOT: .diskFull(path: path, operation: operation)
            case ENOENT, ENOTDIR: .notFound(path: path)
            case EACCES, EPERM, EROFS: .permission(path: path, operation: operation)
            default: .other(code: status, operation: operation, path: path)
            }
    }

    /// Whether the disk may hold less than was believed, so that writing must end (STORE-9).
    var leavesDiskUnknown: Bool {
        switch self {
        case .other, .corrupted, .stopped, .permission: true
        case .mapFull, .readersFull, .mapResized, .transactionFull, .databasesFull,
            .versionMismatch, .diskFull, .alreadyOpen, .locked, .notFound, .unknownDatabase,
            .invalidSize, .outOfOrder, .failedTransaction, .busy, .readOnly:
            false
        }
    }
}

extension StoreError: CustomStringConvertible {
    /// What happened, where, and what to do.
    package var description: String {
        switch self {
        case .mapFull(let path):
            "The store \(path) has reached its map size. Nothing committed is lost. "
                + "Raise the map size in the configuration and start again."
        case .readersFull(let path):
            "All reader slots of the store \(path) are taken. "
                + "Look for readers that do not end, or raise the number of readers."
        case .mapResized(let path):
            "Another process enlarged the store \(path). Open it again."
        case .transactionFull(let path):
            "One transaction on the store \(path) changed too many pages. "
                + "Nothing was written; use smaller checkpoints."
        case .databasesFull(let path):
            "The store \(path) was opened for fewer named databases than are in use. "
                + "This is a defect of the program: report it."
        case .corrupted(let path, let damage):
            "The store \(path) is damaged: \(damage). Do not delete it. "
                + "Check the disk, then restore a backup or let the node synchronise again."
        case .versionMismatch(let path):
            "The store \(path) was written by another version of LMDB. "
                + "Use the version that wrote it, or restore a backup."
        case .diskFull(let path, let operation):
            "The disk is full: could not \(operation.rawValue) in \(path). "
                + "Nothing committed is lost. Free space and start again."
        default: accessDescription
        }
    }

    private var accessDescription: String {
        switch self {
        case .alreadyOpen(let path):
            "The store \(path) is open already in this process. "
                + "Two parts of the configuration may name the same directory."
        case .locked(let path, let pid):
            "The data directory \(path) is in use by "
                + (pid.map { "process \($0)" } ?? "another process")
                + ". Stop that process, or choose another directory. Do not delete the lock file."
        case .notFound(let path):
            "There is no \(path). Check the path in the configuration."
        case .unknownDatabase(let path, let name):
            "The store \(path) has no database '\(name)'. "
                + "It may have been written by another version of this program."
        case .permission(let path, let operation):
            "Not permitted to \(operation.rawValue): \(path). "
                + "Check that this user owns the directory, and that the disk is not read-only."
        case .readOnly(let path): "The store \(path) was opened for reading only."
        case .stopped(let path):
            "The store \(path) failed to reach the disk and takes no more writes. "
                + "Check the disk (dmesg), then start the node again: it verifies what it finds."
        default: misuseDescription
        }
    }

    private var misuseDescription: String {
        switch self {
        case .invalidSize(let path, let database, let operation):
            "Could not \(operation.rawValue) in database '\(database)' of the store \(path): "
                + "a key must have 1 to 511 bytes and a value less than 4 GiB."
        case .outOfOrder(let path, let database):
            "A key appended to database '\(database)' of the store \(path) is not above the last."
        case .failedTransaction(let path):
            "A transaction on the store \(path) went on after a failure; nothing was written."
        case .busy(let path, let open):
            "The map of the store \(path) cannot grow while \(open) transactions are open."
        case .other(let code, let operation, let path):
            "Could not \(operation.rawValue) in \(path): "
                + "\(String(cString: mdb_strerror(code))) (code \(code)). "
                + "Check the disk (dmesg), then start the node again."
        default: "The store failed."
        }
    }
}

extension StoreDamage: CustomStringConvertible {
    package var description: String {
        switch self {
        case .notLMDB: "the data file is not an LMDB file, or its first pages are overwritten"
        case .implausibleMeta: "the first pages of the data file hold impossible values"
        case .shorterThanUsed(let expected, let actual):
            "the data file has \(actual) bytes where \(expected) are in use"
        case .page: "a page is missing or of a wrong kind"
        }
    }
}
