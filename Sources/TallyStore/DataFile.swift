internal import Glibc

/// A look at `data.mdb` before LMDB maps it.
///
/// LMDB trusts its meta pages: a page size of 0 divides by zero and a file shorter than the pages
/// in use ends in SIGBUS. What can be seen from outside is refused here with an error (STORE-8).
struct DataFile {
    /// Map size stored with the newest commit, in bytes; 0 for a new file.
    var storedMapSizeBytes: UInt64 = 0
    /// The file does not exist or is empty, so that LMDB will create it.
    var isNew = true

    static let name = "data.mdb"
    private static let magic: UInt32 = 0xBEEF_C0DE
    private static let version: UInt32 = 1
    private static let metaFlag: UInt16 = 0x08
    private static let headerLength = 16 + 136

    /// Checks the file at `path`; extends one that ends before the pages in use unless `readOnly`.
    ///
    /// A short file is legal: pages taken and freed within one transaction at the end of the map
    /// are never written. Zeroes in their place make LMDB report a page of a wrong kind.
    ///
    /// - Throws: `corrupted`, `versionMismatch`, `permission`, `other`.
    static func inspect(_ path: String, readOnly: Bool) throws(StoreError) -> DataFile {
        let descriptor = open(path, (readOnly ? O_RDONLY : O_RDWR) | O_CLOEXEC)
        if descriptor < 0, errno == ENOENT { return DataFile() }
        guard descriptor >= 0 else { throw StoreError(errno, .inspect, path: path) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            throw StoreError(errno, .inspect, path: path)
        }
        let size = UInt64(status.st_size)
        if size == 0 { return DataFile() }
        let first = try meta(descriptor, at: 0, path: path)
        let second = try meta(descriptor, at: off_t(first.pageSize), path: path)
        guard first.pageSize == second.pageSize else {
            throw .corrupted(path: path, damage: .implausibleMeta)
        }
        // The other is of the commit before, or of one that was cut off while it was written: LMDB
        // overwrites it by the next. The transaction's number comes last in it.
        let newest = first.transaction > second.transaction ? first : second
        guard newest.isPlausible else {
            throw .corrupted(path: path, damage: .implausibleMeta)
        }
        let used = (newest.lastPage + 1) * UInt64(newest.pageSize)
        if size < used {
            guard !readOnly, used <= 1 << 46, ftruncate(descriptor, off_t(used)) == 0 else {
                throw .corrupted(
                    path: path, damage: .shorterThanUsed(expected: used, actual: size))
            }
        }
        return DataFile(storedMapSizeBytes: newest.mapSize, isNew: false)
    }

    private struct Meta {
        var pageSize: UInt32
        var mapSize: UInt64
        var lastPage: UInt64
        var transaction: UInt64
        /// Of the free pages and of the databases.
        var roots: [UInt64]

        /// Whether LMDB can map and follow what the page says.
        var isPlausible: Bool {
            (1..<(1 << 34)).contains(lastPage) && mapSize < 1 << 47
                && roots.allSatisfy { $0 == .max || $0 >= 2 && $0 <= lastPage }
        }
    }

    /// The fields of LMDB 0.9's meta page, data format 1, on a 64-bit little-endian machine.
    private static func meta(
        _ descriptor: Int32, at offset: off_t, path: String
    ) throws(StoreError) -> Meta {
        var bytes = [UInt8](repeating: 0, count: headerLength)
        let count = bytes.withUnsafeMutableBytes {
            pread(descriptor, $0.baseAddress, $0.count, offset)
        }
        guard count == headerLength else { throw .corrupted(path: path, damage: .notLMDB) }
        func load<T: FixedWidthInteger>(_ offset: Int, as type: T.Type) -> T {
            bytes.withUnsafeBytes {
                T(littleEndian: $0.loadUnaligned(fromByteOffset: offset, as: type))
            }
        }
        guard load(10, as: UInt16.self) & metaFlag != 0, load(16, as: UInt32.self) == magic else {
            throw .corrupted(path: path, damage: .notLMDB)
        }
        guard load(20, as: UInt32.self) == version else { throw .versionMismatch(path: path) }
        let meta = Meta(
            pageSize: load(40, as: UInt32.self), mapSize: load(32, as: UInt64.self),
            lastPage: load(136, as: UInt64.self), transaction: load(144, as: UInt64.self),
            roots: [load(80, as: UInt64.self), load(128, as: UInt64.self)])
        guard (512...65_536).contains(meta.pageSize), meta.pageSize.nonzeroBitCount == 1 else {
            throw .corrupted(path: path, damage: .implausibleMeta)
        }
        return meta
    }
}
