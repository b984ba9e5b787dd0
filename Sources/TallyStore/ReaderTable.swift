internal import Glibc

/// The file of reader slots that LMDB maps and writes to.
enum ReaderTable {
    static let name = "lock.mdb"
    private static let slotBytes = 64
    /// What precedes the slots. Were it too little for some build of LMDB, that extends the file.
    private static let headerBytes = 128

    /// Gives the file all its space, creating it if need be: on a full disk, the first touch of a page
    /// that has none would kill the process (STORE-18). LMDB takes the number of slots from the
    /// length.
    ///
    /// To be called before LMDB opens the file: closing it here would drop LMDB's locks.
    /// - Throws: `diskFull`, `permission`, `other`.
    static func reserve(in directory: String, readers: Int) throws(StoreError) {
        let path = directory + "/" + name
        let descriptor = Glibc.open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw StoreError(errno, .open, path: directory) }
        defer { close(descriptor) }
        let length = lseek(descriptor, 0, SEEK_END)
        // One that has slots may be mapped by a process that reads: its length stays.
        let wanted = length > 0 ? length : off_t(headerBytes + slotBytes * readers)
        let status = posix_fallocate(descriptor, 0, wanted)
        guard status == 0 || status == EOPNOTSUPP else {
            throw StoreError(status, .open, path: directory)
        }
    }
}
