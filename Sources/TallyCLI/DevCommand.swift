import ArgumentParser
import Foundation
import Glibc
import Logging
import TallyClient
import TallyCrypto
import TallyEngine
import TallyExecution
import TallyNode
import TallyPrimitives
import TallySharding

struct DevCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dev",
        abstract: "Run a ledger with funded accounts on this machine.",
        discussion: """
            All shards and one validator run in this process. The directory, ./.tally-dev unless \
            --data-dir names another, is created at the first start and continued at later ones. The keys of its accounts are known to \
            everybody: nothing of value belongs on such a ledger.

            Examples:
              tally dev
              tally dev --data-dir /tmp/ledger --shards 8 --rpc-port 0 --json

            With --json, one line is printed when the ledger is ready: \
            {"rpc", "chainId", "shards", "accounts": [{"address", "privateKey", "shard"}]}.
            """)

    @OptionGroup var settings: NodeSettings
    @Option(
        name: .long,
        help: ArgumentHelp(
            "Number of shards, 1 to 1024; given for a new ledger only (default: 4).",
            valueName: "count"))
    var shards: Int?
    @Option(
        name: .long,
        help: ArgumentHelp(
            "none, a ledger of transfers, or emc, the compute economy of EMC; given for a new ledger "
                + "only (default: none).", valueName: "profile"))
    var profile: NetworkProfile?
    @Flag(
        name: .long,
        help: ArgumentHelp("Stop when standard input ends.", visibility: .hidden))
    var untilEof = false
    @OptionGroup var output: OutputOptions

    func validate() throws {
        if let shards, ShardLayout(shardCount: shards) == nil {
            throw ValidationError(
                "--shards must be 1 to \(ShardLayout.maximumShardCount), not \(shards)")
        }
    }

    func run() async throws {
        let (node, network, dataDir) = try await open()
        let banner =
            output.json
            ? ready(node, network).description
            : DevBanner(node: node, network: network, path: dataDir).text
        let end = untilEof ? StandardInput.end : nil
        try await node.run(signals: .ofForeground, until: end) {
            Console.current.print(banner)
        }
        if !output.json { Console.current.print("Stopped at height \(node.height).") }
    }

    /// Opens the ledger, new or continued.
    func open() async throws -> (Node, DevNetwork, path: String) {
        var defaults = NodeConfiguration(dataDirectory: "./.tally-dev")
        defaults.logLevel = .warning
        let configuration = try settings.configuration(defaults: defaults)
        let path = configuration.dataDirectory
        let directory = try DataDirectory(path: path)
        let network: DevNetwork
        if try DataDirectory.hasLedger(path) {
            network = try continued(try directory.genesis(), path)
        } else {
            guard let layout = ShardLayout(shardCount: shards ?? GenesisDocument.defaultShards)
            else { preconditionFailure("validated") }
            network = DevNetwork(layout: layout, profile: profile ?? .none)
            try directory.create(network.genesis(time: SystemClock().now()))
        }
        let node = try await Node.open(
            configuration, in: directory, key: network.validator,
            taskKey: try StartCommand.taskKey(configuration),
            accounts: network.accounts.map(\.address),
            logger: .node(level: configuration.logLevel, format: configuration.logFormat))
        return (node, network, path)
    }

    private func continued(
        _ document: GenesisDocument, _ path: String
    ) throws(CommandFailure) -> DevNetwork {
        guard DevNetwork.isDev(document) else {
            throw CommandFailure(
                "notDev",
                "the ledger in \(path) is not one of `tally dev`; run it with `tally start`")
        }
        let layout = document.genesis.parameters.layout
        if let shards, shards != Int(layout.shardCount) {
            throw CommandFailure(
                "shards",
                "the ledger in \(path) has \(layout.shardCount) shards, not \(shards); leave "
                    + "--shards out to continue it, or choose another directory")
        }
        let economy = document.genesis.parameters.economy
        let begun: NetworkProfile = economy == nil ? .none : .emc
        if let profile, profile != begun {
            throw CommandFailure(
                "profile",
                "the ledger in \(path) has the profile \(begun), not \(profile); leave --profile "
                    + "out to continue it, or choose another directory")
        }
        return DevNetwork(parameters: document.genesis.parameters)
    }

    private func ready(_ node: Node, _ network: DevNetwork) -> JSON {
        [
            "rpc": .string(node.rpcURL),
            "chainId": JSON(node.genesis.parameters.chainID),
            "shards": JSON(network.layout.shardCount),
            "accounts": network.accountsJSON,
        ]
    }
}

/// What `tally dev` says when the ledger is ready.
struct DevBanner {
    let node: Node
    let network: DevNetwork
    let path: String

    var text: String {
        let shards = network.layout.shardCount
        let lines = [
            "",
            "  Tallystick \(ProgramVersion.number)",
            "",
            "  JSON-RPC    \(node.rpcURL)",
            "  chain id    \(node.genesis.parameters.chainID)",
            "  shards      \(shards)",
            "  validator   \(network.validator.address)",
            "  ledger      \(path), \(state)",
            "",
        ]
        return (lines + network.accountLines + examples).joined(separator: "\n")
    }

    private var state: String {
        let height = node.recovery.height
        return height == .genesis ? "new" : "continued at height \(height)"
    }

    private var examples: [String] {
        let sender = network.accounts[0]
        let receiver = network.accounts[network.accounts.count - 1]
        return [
            "",
            "  Try, in another terminal:",
            "    curl -s \(node.rpcURL) -H 'Content-Type: application/json' \\",
            "      -d '{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"eth_blockNumber\",\"params\":[]}'",
            "    echo \(Hex.encode(sender.key.exportBytes())) > key.txt && chmod 600 key.txt",
            "    tally tx send --key-file key.txt --to \(receiver.address) \\",
            "      \(network.exampleAmount) --wait settled --rpc \(node.rpcURL)",
            "",
            "  Stop with Ctrl-C; the ledger continues at the next start.",
            "",
        ]
    }
}

/// The process's input.
enum StandardInput {
    /// Finishes when the input does: when whoever started this process is gone, however it went.
    static var end: AsyncStream<Void> {
        AsyncStream { continuation in
            Thread.detachNewThread {
                var byte: UInt8 = 0
                while read(STDIN_FILENO, &byte, 1) > 0 {}
                continuation.finish()
            }
        }
    }
}
