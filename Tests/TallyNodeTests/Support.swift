import Foundation
import TallyEngine
import TallyExecution
import TallyNode
import TallyPrimitives
import TallySharding
import TallyStore
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
    private let stores: [String]

    init(of node: Node, in directory: String) {
        let layout = node.genesis.parameters.layout
        stores = layout.endpoints.map { DataLayout.endpoint($0, layout, in: directory) }
    }

    /// Whether a database is open. To open it oneself is the only way to know that it was closed.
    private static func isOpen(_ path: String) -> Bool {
        do throws(StoreError) {
            _ = try EndpointStore(path: path, readOnly: true, limits: Limits())
            return false
        } catch {
            guard case .alreadyOpen = error else { return false }
            return true
        }
    }

    /// Returns when nothing is left; a node that leaks is a failure.
    func waitUntilGone() async {
        let deadline = ContinuousClock.now + .seconds(10)
        for path in stores {
            while Self.isOpen(path) {
                guard ContinuousClock.now < deadline else {
                    Issue.record("something holds on to a node that has stopped: \(path)")
                    return
                }
                await Task.yield()
            }
        }
    }
}
