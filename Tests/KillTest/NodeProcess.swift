import Foundation
import Glibc
import TallyClient

/// What went wrong with the test itself.
struct KillTestError: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

/// `tally dev` as a process.
final class NodeProcess {
    /// What a start needs.
    struct Launch {
        var executable: String
        var directory: String
        /// The library of `Shim`, built; `nil` for a node that is left alone.
        var shim: String?
        var control: KillControl
        var checkpointHeights = 3
        /// Where what nodes say is appended.
        var log: String

        /// The last line of the log.
        var lastWords: String {
            let text = (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""
            return text.split(separator: "\n").last.map(String.init) ?? "it said nothing"
        }
    }

    let process = Process()
    private(set) var rpc = ""
    private(set) var accounts: [(address: String, privateKey: String)] = []

    /// Starts the process and waits until it is ready.
    /// - Returns: `nil` when it ended first.
    static func start(_ launch: Launch) throws -> NodeProcess? {
        let node = NodeProcess()
        let output = Pipe()
        node.process.executableURL = URL(filePath: launch.executable)
        node.process.arguments = arguments(launch)
        // Nothing else: variables that begin with TALLY_ would be taken for settings.
        var environment = ["PATH": "/usr/bin:/bin", "SWIFT_BACKTRACE": "enable=no"]
        if let shim = launch.shim {
            environment["LD_PRELOAD"] = shim
            environment["KILL_SHIM_CONTROL"] = launch.control.path
        }
        node.process.environment = environment
        node.process.standardOutput = output
        node.process.standardError = try appending(to: launch.log)
        try node.process.run()
        var line: [UInt8] = []
        while !line.contains(10) {
            let data = output.fileHandleForReading.availableData
            if data.isEmpty {
                node.process.waitUntilExit()
                return nil
            }
            line += data
        }
        try node.read(line)
        return node
    }

    static func arguments(_ launch: Launch) -> [String] {
        [
            "dev", "--json", "--rpc-port", "0", "--data-dir", launch.directory,
            "--checkpoint-heights", "\(launch.checkpointHeights)",
            "--checkpoint-transactions", launch.checkpointHeights > 1_000 ? "1000000" : "400",
        ]
    }

    private static func appending(to path: String) throws -> FileHandle {
        if !FileManager.default.fileExists(atPath: path) {
            try Data().write(to: URL(filePath: path))
        }
        let file = try FileHandle(forWritingTo: URL(filePath: path))
        try file.seekToEnd()
        return file
    }

    private func read(_ line: [UInt8]) throws {
        let ready = try JSON.parse(line)
        guard let rpc = ready["rpc"]?.stringValue, let list = ready["accounts"]?.arrayValue else {
            throw KillTestError("the node said: \(String(decoding: line, as: UTF8.self))")
        }
        self.rpc = rpc
        accounts = list.compactMap { account in
            guard let address = account["address"]?.stringValue,
                let key = account["privateKey"]?.stringValue
            else { return nil }
            return (address, key)
        }
    }

    var isRunning: Bool { process.isRunning }

    func kill() {
        _ = Glibc.kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }

    /// Asks the process to stop.
    /// - Returns: its exit code.
    func stop() -> Int32 {
        _ = Glibc.kill(process.processIdentifier, SIGTERM)
        process.waitUntilExit()
        return process.terminationStatus
    }

    /// Runs a second node on the same directory to its end.
    static func second(_ launch: Launch) throws -> (code: Int32, message: String) {
        let process = Process()
        let errors = Pipe()
        process.executableURL = URL(filePath: launch.executable)
        process.arguments = arguments(launch)
        process.environment = ["PATH": "/usr/bin:/bin"]
        process.standardError = errors
        process.standardOutput = Pipe()
        try process.run()
        let message = errors.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return (
            process.terminationStatus,
            String(decoding: message, as: UTF8.self).trimmingCharacters(in: .newlines)
        )
    }
}
