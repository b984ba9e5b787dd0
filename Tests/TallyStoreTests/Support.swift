import Foundation
import Glibc
import TallyStore

/// A directory that is removed with the value.
final class TemporaryDirectory {
    let path: String

    init() {
        var template = Array("/tmp/tally-store-XXXXXX".utf8CString)
        path = template.withUnsafeMutableBufferPointer { buffer in
            guard let base = buffer.baseAddress, mkdtemp(base) != nil else {
                preconditionFailure("no temporary directory")
            }
            return String(cString: base)
        }
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    subscript(_ name: String) -> String { path + "/" + name }

    func configuration(
        _ name: String = "env", mapSizeBytes: Int = 16 << 20, maxReaders: Int = 16,
        maxDatabases: Int = 8, readOnly: Bool = false
    ) -> Environment.Configuration {
        Environment.Configuration(
            path: self[name], mapSizeBytes: mapSizeBytes, maxDatabases: maxDatabases,
            maxReaders: maxReaders, readOnly: readOnly)
    }
}

/// A shell that runs `script`, says a line when it is ready, and ends when told.
final class HelperProcess {
    private let process = Process()
    private let input = Pipe()
    private let output = Pipe()
    var pid: Int32 { process.processIdentifier }

    /// Returns once the script has printed its first line.
    init(_ script: String) throws {
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = ["-c", script]
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        _ = output.fileHandleForReading.availableData
    }

    func end() {
        try? input.fileHandleForWriting.close()
        process.waitUntilExit()
    }
}

/// Overwrites `bytes` of a file at `offset`.
func overwrite(_ path: String, at offset: Int, with bytes: [UInt8]) {
    let descriptor = open(path, O_WRONLY)
    precondition(descriptor >= 0)
    precondition(pwrite(descriptor, bytes, bytes.count, off_t(offset)) == bytes.count)
    close(descriptor)
}

func permissions(_ path: String) -> UInt32 {
    var status = stat()
    precondition(stat(path, &status) == 0)
    return status.st_mode & 0o777
}

extension Environment {
    func value(_ key: some StoreBytes, in database: Database) throws(StoreError) -> [UInt8]? {
        try read { tx throws(StoreError) in try tx.get(key, in: database) }
    }

    func count(in database: Database) throws(StoreError) -> Int {
        try read { tx throws(StoreError) in try tx.count(in: database) }
    }

    func put(
        _ key: some StoreBytes, _ value: some StoreBytes, in database: Database
    ) throws(StoreError) {
        try write { tx throws(StoreError) in try tx.put(key, value, in: database) }
    }
}

func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }
