import Foundation
import TallyNode

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
