import Foundation
import TallyEngine
import TallyNode
import Testing

/// A path in a directory that is removed with the value; nothing is there at first.
final class Scratch {
    private let root: String
    let path: String

    init() throws {
        root = NSTemporaryDirectory() + "tally-node-" + UUID().uuidString
        path = root + "/ledger"
        try FileManager.default.createDirectory(
            atPath: root, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: root) }

    subscript(_ name: String) -> String { path + "/" + name }

    func write(_ text: String, to name: String) throws {
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        try Files.write(Array(text.utf8), to: self[name])
    }

    func setMode(_ mode: Int, of name: String) throws {
        try FileManager.default.setAttributes(
            [.posixPermissions: mode], ofItemAtPath: self[name])
    }
}

/// What keeps the databases of a node open in this process.
///
/// Event loops let go of a closed connection's handlers, and with them of the ledger, a moment after
/// the server has stopped; a real restart is another process.
struct Remains {
    private weak var engine: Engine?
    private weak var publisher: HeadPublisher?
    private weak var intake: Intake?
    private weak var beacon: Beacon?

    init(of node: Node) {
        engine = node.engine
        publisher = node.engine.publisher
        intake = node.engine.intake
        beacon = node.engine.beacon
    }

    private var isGone: Bool {
        engine == nil && publisher == nil && intake == nil && beacon == nil
    }

    /// Returns when nothing is left; a node that leaks is a failure.
    func waitUntilGone() async {
        let deadline = ContinuousClock.now + .seconds(10)
        while !isGone {
            guard ContinuousClock.now < deadline else {
                Issue.record("something holds on to a node that has stopped")
                return
            }
            await Task.yield()
        }
    }
}
