internal import Glibc

/// Exclusive use of a data directory, from creation until the value ends (STORE-2).
///
/// An advisory `flock` on the file `LOCK`, which holds the process id as text. The kernel
/// releases it when the process ends in whatever way, so that a crash leaves nothing to clean up.
package struct DirectoryLock: ~Copyable, Sendable {
    package let directory: String
    private let descriptor: Int32

    /// Name of the lock file inside the directory.
    package static let fileName = "LOCK"

    /// Creates the directory (0700) if need be and locks it without waiting.
    ///
    /// - Throws: `locked` with the holder's process id, `permission`, `diskFull`, `other`.
    package init(directory: String) throws(StoreError) {
        try Directories.create(directory)
        let path = directory + "/" + Self.fileName
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw StoreError(errno, .lock, path: path) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let code = errno
            let holder = Self.holder(descriptor)
            close(descriptor)
            if code == EWOULDBLOCK { throw .locked(path: directory, pid: holder) }
            throw StoreError(code, .lock, path: path)
        }
        do throws(StoreError) {
            try Self.write(pid: getpid(), to: descriptor, path: path)
        } catch {
            close(descriptor)
            throw error
        }
        self.directory = directory
        self.descriptor = descriptor
    }

    deinit {
        // An empty file names nobody; the file stays, since unlinking it would race.
        _ = ftruncate(descriptor, 0)
        close(descriptor)
    }

    private static func write(pid: Int32, to descriptor: Int32, path: String) throws(StoreError) {
        var text = "\(pid)\n"
        let written = text.withUTF8 { utf8 -> Bool in
            ftruncate(descriptor, 0) == 0
                && pwrite(descriptor, utf8.baseAddress, utf8.count, 0) == utf8.count
        }
        guard written else { throw StoreError(errno, .lock, path: path) }
    }

    private static func holder(_ descriptor: Int32) -> Int32? {
        withUnsafeTemporaryAllocation(byteCount: 16, alignment: 1) { buffer in
            let count = pread(descriptor, buffer.baseAddress, buffer.count, 0)
            guard count > 0 else { return nil }
            let digits = buffer[..<count].prefix { (0x30...0x39).contains($0) }
            return Int32(String(decoding: digits, as: UTF8.self))
        }
    }
}
