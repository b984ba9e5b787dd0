import Foundation
import Glibc
import Synchronization
package import TallyJournal
package import TallyStore

/// The files of a log in one directory.
package final class FileJournal: JournalStorage, Sendable {
    private struct OpenFile: Sendable {
        let segment: JournalSegment
        let descriptor: Int32
    }

    private let directory: String
    package let syncs = Histogram()
    package let bytesWritten = Counter()
    /// The file last written to, open.
    private let current = Mutex<OpenFile?>(nil)

    private init(existing directory: String) { self.directory = directory }

    /// Creates the directory (0700) if it is missing.
    package static func open(directory: String) throws(StoreError) -> FileJournal {
        try Directories.create(directory)
        return FileJournal(existing: directory)
    }

    deinit { setCurrent(nil) }

    package func perform(_ effects: [JournalEffect]) throws(JournalStorageError) {
        for effect in effects {
            switch effect {
            case .create(let segment, let header): try create(segment, header)
            case .write(let segment, let offset, let bytes):
                try write(bytes, at: offset, in: segment)
            case .sync(let segment): try sync(segment)
            case .syncDirectory: try syncDirectory()
            case .truncate(let segment, let length):
                let descriptor = try descriptor(of: segment)
                guard ftruncate(descriptor, off_t(length)) == 0 else { throw failure(segment) }
            case .delete(let segment):
                if openFile?.segment == segment { setCurrent(nil) }
                guard unlink(path(segment)) == 0 else { throw failure(segment) }
            case .discard(let segment):
                if openFile?.segment == segment { setCurrent(nil) }
                guard unlink(path(segment)) == 0 || errno == ENOENT else {
                    throw failure(segment)
                }
            }
        }
    }

    package func list() throws(JournalStorageError) -> [JournalSegment] {
        guard let names = try? FileManager.default.contentsOfDirectory(atPath: directory) else {
            throw .failed(nil, code: errno)
        }
        return names.compactMap { JournalSegment(fileName: $0) }.sorted()
    }

    package func read(_ segment: JournalSegment) throws(JournalStorageError) -> [UInt8] {
        let descriptor = Glibc.open(path(segment), O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .failed(segment, code: errno) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw .failed(segment, code: errno) }
        let size = Int(status.st_size)
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
        guard code == 0 else { throw .failed(segment, code: code) }
        return bytes
    }

    /// What the segments take on the disk: what the next start reads.
    package var byteCount: UInt64 {
        guard let segments = try? list() else { return 0 }
        return segments.reduce(0) { total, segment in
            var status = stat()
            guard stat(path(segment), &status) == 0 else { return total }
            return total + UInt64(clamping: status.st_size)
        }
    }

    // MARK: Files

    private func path(_ segment: JournalSegment) -> String { directory + "/" + segment.fileName }

    private func failure(_ segment: JournalSegment?) -> JournalStorageError {
        if let segment, errno == ENOSPC || errno == EDQUOT { return .diskFull(segment) }
        return .failed(segment, code: errno)
    }

    private func create(
        _ segment: JournalSegment, _ header: [UInt8]
    ) throws(JournalStorageError) {
        let descriptor = Glibc.open(path(segment), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw failure(segment) }
        setCurrent(OpenFile(segment: segment, descriptor: descriptor))
        try write(header, at: 0, in: segment)
    }

    private func descriptor(of segment: JournalSegment) throws(JournalStorageError) -> Int32 {
        if let openFile, openFile.segment == segment { return openFile.descriptor }
        let descriptor = Glibc.open(path(segment), O_RDWR | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure(segment) }
        setCurrent(OpenFile(segment: segment, descriptor: descriptor))
        return descriptor
    }

    private func write(
        _ bytes: [UInt8], at offset: UInt64, in segment: JournalSegment
    ) throws(JournalStorageError) {
        let descriptor = try descriptor(of: segment)
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes {
                pwrite(
                    descriptor, $0.baseAddress?.advanced(by: written), bytes.count - written,
                    off_t(offset) + off_t(written))
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw failure(segment) }
            written += count
        }
        bytesWritten.add(written)
    }

    private func sync(_ segment: JournalSegment) throws(JournalStorageError) {
        let descriptor = try descriptor(of: segment)
        // Never tried again: the system may have dropped the pages it could not write (STORE-9).
        // Not for lack of space either: LOG-10.
        let begun = ContinuousClock.now
        defer { syncs.observe(since: begun) }
        guard fdatasync(descriptor) == 0 else { throw .failed(segment, code: errno) }
    }

    private func syncDirectory() throws(JournalStorageError) {
        let descriptor = Glibc.open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure(nil) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw failure(nil) }
    }

    private var openFile: OpenFile? { current.withLock { $0 } }

    private func setCurrent(_ file: OpenFile?) {
        current.withLock { current in
            if let current { close(current.descriptor) }
            current = file
        }
    }
}

/// The files of both logs of a ledger.
package struct FileLogs: Sendable {
    package var beacon: FileJournal
    package var votes: FileJournal

    /// Opens those below a data directory, creating what is missing.
    package static func open(in directory: String) throws(StoreError) -> FileLogs {
        FileLogs(
            beacon: try FileJournal.open(directory: DataLayout.log(in: directory)),
            votes: try FileJournal.open(directory: DataLayout.votes(in: directory)))
    }
}
