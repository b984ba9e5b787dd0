import Foundation

/// A folder of this process, gone when it ends well. After a crash it stays, as do those of tests;
/// `tools/fuzz` gives it a place that is removed.
enum ScratchFolder {
    static let path: String = {
        let path = NSTemporaryDirectory() + "tally-fuzz-\(getpid())"
        do {
            try? FileManager.default.removeItem(atPath: path)
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true)
        } catch { preconditionFailure("no temporary directory: \(error)") }
        atexit { try? FileManager.default.removeItem(atPath: ScratchFolder.path) }
        return path
    }()
}
