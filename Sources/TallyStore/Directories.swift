internal import Glibc

/// The few file-system calls the store needs.
package enum Directories {
    /// Creates `path` and what is missing above it, each 0700 and synced into its parent.
    ///
    /// - Throws: `permission`, `diskFull`, `notFound`, `other`.
    package static func create(_ path: String) throws(StoreError) {
        if identity(of: path) != nil { return }
        let parent = parent(of: path)
        if parent != path { try create(parent) }
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else {
            throw StoreError(errno, .createDirectory, path: path)
        }
        try sync(parent)
    }

    /// Makes the entries of a directory durable.
    ///
    /// - Throws: `notFound`, `permission`, `other`.
    package static func sync(_ path: String) throws(StoreError) {
        let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw StoreError(errno, .sync, path: path) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw StoreError(errno, .sync, path: path) }
    }

    /// What `path` is whatever it is called; `nil` if it does not exist.
    static func identity(of path: String) -> FileIdentity? {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        return FileIdentity(device: UInt64(status.st_dev), inode: UInt64(status.st_ino))
    }

    /// Whether the file system of `path` has less than 64 KiB left for this user.
    static func isFull(_ path: String) -> Bool {
        var status = statvfs()
        guard statvfs(path, &status) == 0 else { return false }
        return UInt64(status.f_bavail) * UInt64(status.f_frsize) < 64 << 10
    }

    static func parent(of path: String) -> String {
        var trimmed = Substring(path)
        while trimmed.count > 1, trimmed.last == "/" { trimmed = trimmed.dropLast() }
        guard let slash = trimmed.lastIndex(of: "/") else { return "." }
        return slash == trimmed.startIndex ? "/" : String(trimmed[..<slash])
    }
}

/// Device and inode.
struct FileIdentity: Hashable, Sendable {
    let device: UInt64
    let inode: UInt64
}
