import Foundation
package import TallyJournal
package import TallyStore

/// The files of a log in one directory. Belongs to one actor.
package final class FileJournal: JournalStorage {
    private let directory: String
    /// The file last written to, open.
    private var current: (segment: JournalSegment, descriptor: Int32)?

    /// Creates the directory (0700) if it is missing.
    package init(directory: String) throws(StoreError) {
        try Directories.create(directory)
        self.directory = directory
    }

    deinit { closeCurrent() }

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
                if current?.segment == segment { closeCurrent() }
                guard unlink(path(segment)) == 0 else { throw failure(segment) }
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
        guard let data = FileManager.default.contents(atPath: path(segment)) else {
            throw .failed(segment, code: errno)
        }
        return [UInt8](data)
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
        closeCurrent()
        let descriptor = open(path(segment), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw failure(segment) }
        current = (segment, descriptor)
        try write(header, at: 0, in: segment)
    }

    private func descriptor(of segment: JournalSegment) throws(JournalStorageError) -> Int32 {
        if let current, current.segment == segment { return current.descriptor }
        closeCurrent()
        let descriptor = open(path(segment), O_RDWR | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure(segment) }
        current = (segment, descriptor)
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
    }

    private func sync(_ segment: JournalSegment) throws(JournalStorageError) {
        let descriptor = try descriptor(of: segment)
        // Never tried again: the system may have dropped the pages it could not write (STORE-9).
        guard fdatasync(descriptor) == 0 else { throw failure(segment) }
    }

    private func syncDirectory() throws(JournalStorageError) {
        let descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure(nil) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw failure(nil) }
    }

    private func closeCurrent() {
        if let current { close(current.descriptor) }
        current = nil
    }
}
