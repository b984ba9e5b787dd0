import Foundation
import Glibc
import TallyCrypto
import TallyPrimitives
import TallyStore

/// What a row of an endpoint's section is (SNAP-4).
package enum SnapshotTable: UInt8, Hashable, Sendable, CaseIterable {
    case bucket = 1
    case payload = 2
    case receipt = 3
    case block = 4
    case transaction = 5
    case randomness = 6
}

/// Names and bounds of a snapshot's files (SNAP-3).
enum SnapshotFiles {
    /// A file is ended once it has so many bytes, so that what a disk or a wire damaged is named
    /// closely, and sent again cheaply.
    static let chunkBytes = 8 << 20
    /// A chunk and the longest row.
    static let byteLimit = 64 << 20
    static let elections = "elections"
    static let chain = "chain"

    static func section(_ endpoint: EndpointID, _ layout: ShardLayout) -> String {
        guard endpoint != layout.beacon else { return "beacon" }
        return "shard-" + padded(Int(endpoint.index), 2)
    }

    static func name(_ section: String, _ number: Int) -> String {
        section + "-" + padded(number, 6) + ".rlp"
    }

    private static func padded(_ number: Int, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }

    /// The section and number of a name that ``name(_:_:)`` gives; `nil` for any other.
    static func parse(_ name: String) -> (section: String, number: Int)? {
        guard name.hasSuffix(".rlp"), name.utf8.count < 64,
            let dash = name.lastIndex(of: "-"),
            let number = Int(name[name.index(after: dash)...].dropLast(4))
        else { return nil }
        let section = String(name[..<dash])
        return self.name(section, number) == name ? (section, number) : nil
    }

    /// Creates a file, which must not be there, and makes it durable.
    static func write(_ bytes: [UInt8], to path: String) throws(SnapshotError) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw failure(path) }
        defer { close(descriptor) }
        var position = 0
        while position < bytes.count {
            let count = bytes[position...].withUnsafeBytes {
                Glibc.write(descriptor, $0.baseAddress, $0.count)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw failure(path) }
            position += count
        }
        guard fsync(descriptor) == 0 else { throw failure(path) }
    }

    /// A regular file, whole; `nil` when it has more than `limit` bytes.
    static func read(_ path: String, limit: Int) throws(SnapshotError) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard descriptor >= 0 else { throw failure(path) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw failure(path) }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw .file(path: path, errno: EINVAL)
        }
        let size = Int(status.st_size)
        guard size <= limit else { return nil }
        guard size > 0 else { return [] }
        var code: Int32 = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
            while count < size {
                let rest = UnsafeMutableBufferPointer(rebasing: buffer[count...])
                let got = Glibc.read(descriptor, rest.baseAddress, rest.count)
                if got < 0, errno == EINTR { continue }
                if got < 0 { code = errno }
                guard got > 0 else { return }
                count += got
            }
        }
        guard code == 0 else { throw .file(path: path, errno: code) }
        return bytes
    }

    static func entries(of path: String) throws(SnapshotError) -> [String] {
        guard let directory = opendir(path) else { throw failure(path) }
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

    static func failure(_ path: String) -> SnapshotError { .file(path: path, errno: errno) }

    static func digest(_ bytes: [UInt8]) -> String {
        String(SHA256.plain(bytes).description.dropFirst(2))
    }
}

/// Writes the files of one section.
struct SnapshotSection {
    private let directory: String
    private let section: String
    private var buffer = RLPEncoder(capacity: SnapshotFiles.chunkBytes + (1 << 16))
    private(set) var files: [SnapshotManifest.File] = []

    init(_ section: String, in directory: String) {
        self.directory = directory
        self.section = section
    }

    mutating func append(_ row: (inout RLPEncoder) -> Void) throws(SnapshotError) {
        buffer.list(row)
        if buffer.bytes.count >= SnapshotFiles.chunkBytes { try flush() }
    }

    mutating func append(
        _ table: SnapshotTable, _ key: [UInt8], _ value: [UInt8]
    ) throws(SnapshotError) {
        try append { row in
            row.append(table.rawValue)
            row.append(key)
            row.append(value)
        }
    }

    /// - Returns: the files of the section, at least one.
    mutating func finish() throws(SnapshotError) -> [SnapshotManifest.File] {
        if !buffer.bytes.isEmpty || files.isEmpty { try flush() }
        return files
    }

    private mutating func flush() throws(SnapshotError) {
        let name = SnapshotFiles.name(section, files.count)
        let bytes = buffer.bytes
        try SnapshotFiles.write(bytes, to: directory + "/" + name)
        files.append(
            .init(name: name, bytes: bytes.count, sha256: SnapshotFiles.digest(bytes)))
        buffer.removeAll()
    }
}
