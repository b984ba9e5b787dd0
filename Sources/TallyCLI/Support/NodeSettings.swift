import ArgumentParser
import Foundation
import Logging
import TallyNode

/// The flags of the verbs that run a node. Whatever they do not say comes from `TALLY_*`
/// variables, `config.toml` in the data directory, and defaults, in this order.
struct NodeSettings: ParsableArguments {
    @Option(name: .long, help: ArgumentHelp("Directory of the ledger.", valueName: "path"))
    var dataDir: String?
    @Option(
        name: .long,
        help: ArgumentHelp(
            "Address the JSON-RPC server listens at (default: 127.0.0.1).", valueName: "address"))
    var rpcHost: String?
    @Option(
        name: .long,
        help: ArgumentHelp(
            "Port of the JSON-RPC server, 0 for any free one (default: 8545).",
            valueName: "port"))
    var rpcPort: UInt16?
    @Option(
        name: .long,
        help: ArgumentHelp(
            "Least level of log lines: trace, debug, info, notice, warning, error or critical.",
            valueName: "level"))
    var logLevel: String?
    @Option(
        name: .long,
        help: ArgumentHelp(
            "Log lines as text or json (default: auto, which is text on a terminal).",
            valueName: "format"))
    var logFormat: String?
    @Option(
        name: .long,
        help: ArgumentHelp(
            "Write a checkpoint after so many transactions.", valueName: "count",
            visibility: .hidden))
    var checkpointTransactions: Int?
    @Option(
        name: .long,
        help: ArgumentHelp(
            "Write a checkpoint after so many bytes of log.", valueName: "bytes",
            visibility: .hidden))
    var checkpointBytes: Int?
    @Option(
        name: .long,
        help: ArgumentHelp(
            "Write a checkpoint after so many heights.", valueName: "count", visibility: .hidden))
    var checkpointHeights: UInt64?

    func configuration(
        extra: [Setting: String] = [:], defaults: NodeConfiguration? = nil
    ) throws(ConfigurationError) -> NodeConfiguration {
        try NodeConfiguration.load(
            flags: flags.merging(extra) { $1 },
            environment: ProcessInfo.processInfo.environment, defaults: defaults)
    }

    /// Those that were given.
    var flags: [Setting: String] {
        var flags: [Setting: String] = [:]
        flags[.dataDirectory] = dataDir
        flags[.rpcHost] = rpcHost
        flags[.rpcPort] = rpcPort.map(String.init)
        flags[.logLevel] = logLevel
        flags[.logFormat] = logFormat
        flags[.checkpointTransactions] = checkpointTransactions.map(String.init)
        flags[.checkpointBytes] = checkpointBytes.map(String.init)
        flags[.checkpointHeights] = checkpointHeights.map(String.init)
        return flags
    }
}

/// The variables of the process.
enum Environment {
    static subscript(name: String) -> String? { ProcessInfo.processInfo.environment[name] }
}
