import Glibc
import TallyStore

/// What was being done with a file when the system refused.
package enum FileOperation: String, Sendable {
    case read
    case write
    case inspect
    case list
    case remove
}

/// The system refused an operation on a file.
package struct FileError: Error, Hashable, Sendable, CustomStringConvertible {
    package let operation: FileOperation
    package let path: String
    package let errno: Int32

    package init(operation: FileOperation, path: String, errno: Int32) {
        self.operation = operation
        self.path = path
        self.errno = errno
    }

    package var description: String {
        "cannot \(operation.rawValue) \(path): \(String(cString: strerror(errno)))"
    }
}

/// Small files read and written whole.
package enum Files {
    /// The bytes of a file.
    /// - Parameter limit: more bytes than this are refused with `EFBIG`.
    package static func read(_ path: String, limit: Int = 64 << 20) throws(FileError) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure(.read, path) }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            guard count >= 0 else { throw failure(.read, path) }
            guard count > 0 else { return bytes }
            bytes.append(contentsOf: buffer[..<count])
            guard bytes.count <= limit else {
                throw FileError(operation: .read, path: path, errno: EFBIG)
            }
        }
    }

    /// Writes a whole file durably: after a crash there is the old one or the new one. What is no
    /// file, such as `/dev/stdout` or a link, is written to and stays what it is.
    /// - Parameter mode: permissions, set before the first byte is written.
    package static func write(
        _ bytes: [UInt8], to path: String, mode: UInt32 = 0o644
    ) throws(FileError) {
        var status = stat()
        if lstat(path, &status) == 0, status.st_mode & S_IFMT != S_IFREG {
            return try writeThrough(bytes, path, mode)
        }
        let temporary = path + ".new"
        unlink(temporary)
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)
        guard descriptor >= 0 else { throw failure(.write, path) }
        var isWritten = false
        defer { if !isWritten { unlink(temporary) } }
        do {
            defer { close(descriptor) }
            guard fchmod(descriptor, mode) == 0 else { throw failure(.write, path) }
            try write(bytes, descriptor, path)
            guard fsync(descriptor) == 0 else { throw failure(.write, path) }
        }
        guard rename(temporary, path) == 0 else { throw failure(.write, path) }
        isWritten = true
        do throws(StoreError) {
            try Directories.sync(parent(of: path))
        } catch { throw FileError(operation: .write, path: path, errno: EIO) }
    }

    private static func writeThrough(
        _ bytes: [UInt8], _ path: String, _ mode: UInt32
    ) throws(FileError) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode)
        guard descriptor >= 0 else { throw failure(.write, path) }
        defer { close(descriptor) }
        try write(bytes, descriptor, path)
    }

    /// Permission bits; `nil` when there is no such file.
    package static func mode(of path: String) throws(FileError) -> UInt32? {
        var status = stat()
        guard stat(path, &status) == 0 else {
            if errno == ENOENT { return nil }
            throw failure(.inspect, path)
        }
        return status.st_mode & 0o7777
    }

    /// Names in a directory, ascending; none when there is no such directory.
    package static func entries(of path: String) throws(FileError) -> [String] {
        guard let directory = opendir(path) else {
            if errno == ENOENT { return [] }
            throw failure(.list, path)
        }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    private static func write(
        _ bytes: [UInt8], _ descriptor: Int32, _ path: String
    ) throws(FileError) {
        var position = 0
        while position < bytes.count {
            let count = bytes[position...].withUnsafeBytes {
                Glibc.write(descriptor, $0.baseAddress, $0.count)
            }
            guard count > 0 else { throw failure(.write, path) }
            position += count
        }
    }

    private static func parent(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    private static func failure(_ operation: FileOperation, _ path: String) -> FileError {
        FileError(operation: operation, path: path, errno: errno)
    }
}
