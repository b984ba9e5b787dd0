import ArgumentParser
import TallyClient
import TallyNode
import TallyPrimitives

struct LocalnetCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "localnet", abstract: "Run a network of several nodes on this machine.",
        discussion: """
            Every node is a process of its own, a plain `tally start` on free ports of this machine, \
            with its data and its log in DIR/node-N. Accounts are those of `tally dev`, whose keys \
            are known to everybody: nothing of value belongs on such a network.

            Four validators go on deciding while one of them is away; with two away nothing is \
            decided until one is back.

            Examples:
              tally localnet start --detach
              tally localnet status
              tally localnet kill-node node-2
              tally localnet start-node node-2
              tally localnet reset
            """,
        subcommands: [
            LocalnetStartCommand.self, LocalnetStatusCommand.self, LocalnetStopCommand.self,
            LocalnetResetCommand.self, LocalnetKillNodeCommand.self,
            LocalnetStartNodeCommand.self,
        ])
}

/// `--dir`, which every verb of a localnet has.
struct LocalnetOptions: ParsableArguments {
    @Option(
        name: .long,
        help: ArgumentHelp("Directory of the localnet.", valueName: "path"),
        completion: .directory)
    var dir = ".tally-localnet"

    func validate() throws {
        if dir.isEmpty { throw ValidationError("--dir needs a path.") }
    }

    /// Changes a localnet, which nobody else does meanwhile.
    func change<Result>(_ body: (inout Localnet) async throws -> Result) async throws -> Result {
        // A directory that is not there is not made by looking for it.
        guard try Localnet.exists(dir) else { throw LocalnetError.none(path: dir) }
        return try await Localnet.locked(dir) {
            var localnet = try Localnet(of: dir)
            return try await body(&localnet)
        }
    }
}

/// `--timeout` of the verbs that start nodes.
struct ReadyOptions: ParsableArguments {
    @Option(
        name: .long,
        help: ArgumentHelp("How long nodes may take to be ready.", valueName: "seconds"))
    var timeout: UInt16 = 60

    var seconds: Int64 { Int64(timeout) }
}

struct LocalnetStatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Say what the nodes of a localnet do.",
        discussion: """
            The height is that of the newest final block, peers are the nodes that a node is \
            connected to.
            """)

    @OptionGroup var options: LocalnetOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let localnet = try Localnet(of: options.dir)
        let lines = Array(zip(localnet.state.nodes, await localnet.answers()))
        output.print(
            [
                "dir": .string(localnet.path),
                "nodes": .array(
                    lines.map { node, answer in
                        [
                            "id": .string(node.id), "role": .string(node.role.rawValue),
                            "address": .string(node.address.description),
                            "pid": node.pid.map { JSON($0) } ?? .null,
                            "running": .bool(node.isRunning),
                            "height": answer?.height.map { JSON($0) } ?? .null,
                            "peers": answer?.peers.map { JSON($0) } ?? .null,
                            "rpc": .string(node.rpc),
                        ]
                    }),
            ],
            Table(
                ["node", "role", "pid", "state", "height", "peers", "JSON-RPC"],
                lines.map { node, answer in
                    [
                        node.id, node.role.rawValue, node.pid.map { String($0) } ?? "-",
                        node.isRunning ? (answer == nil ? "silent" : "running") : "ended",
                        answer?.height.map { String($0) } ?? "-",
                        answer?.peers.map { String($0) } ?? "-", node.rpc,
                    ]
                }
            ).text)
    }
}

struct LocalnetStopCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stop", abstract: "Stop all nodes; the ledger continues at the next start.")

    @OptionGroup var options: LocalnetOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let stopped = try await options.change { try await $0.stopAll() }
        output.print(
            ["stopped": .array(stopped.map { .string($0) })],
            stopped.isEmpty
                ? "No node was running." : "Stopped \(stopped.joined(separator: ", ")).")
    }
}

struct LocalnetResetCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reset", abstract: "Stop all nodes and remove their ledger for good.",
        discussion: """
            What `tally localnet` made is removed, and the directory if nothing else is in it. A \
            directory without a localnet is refused.
            """)

    @OptionGroup var options: LocalnetOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let path = try await options.change { localnet in
            do {
                try await localnet.stopAll()
            } catch LocalnetError.stillRunning {
                // There is nothing left to lose.
                try await localnet.killAll()
            }
            try localnet.remove()
            return localnet.path
        }
        output.print(["removed": .string(path)], "Removed the localnet in \(path).")
    }
}

struct LocalnetKillNodeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "kill-node", abstract: "End a node without a warning, as a power cut would.",
        discussion: """
            Sends SIGKILL. What was final is in the node's log: `tally localnet start-node` continues \
            there.

            Example:
              tally localnet kill-node node-2
            """)

    @Argument(help: "The node, such as node-2 or 2.")
    var node: String
    @OptionGroup var options: LocalnetOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let (id, pid) = try await options.change { localnet in
            let index = try localnet.state.index(of: node)
            return (localnet.state.nodes[index].id, try await localnet.kill(index))
        }
        output.print(["id": .string(id), "pid": JSON(pid)], "Killed \(id), process \(pid).")
    }
}

struct LocalnetStartNodeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "start-node", abstract: "Start a node that ended, where it was.",
        discussion: """
            It has the same ports and directory, and catches up with what the others decided.

            Example:
              tally localnet start-node node-2
            """)

    @Argument(help: "The node, such as node-2 or 2.")
    var node: String
    @OptionGroup var options: LocalnetOptions
    @OptionGroup var ready: ReadyOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let started = try await options.change { localnet in
            guard localnet.state.isFinished else {
                throw LocalnetError.unfinished(path: localnet.path)
            }
            let index = try localnet.state.index(of: node)
            try await localnet.start(index, within: ready.seconds)
            return localnet.state.nodes[index]
        }
        output.print(
            started.ready,
            "Started \(started.id), process \(started.pid ?? 0), JSON-RPC at \(started.rpc).")
    }
}

extension LocalnetNode {
    /// What is said of a node that was started.
    var ready: JSON {
        ["id": .string(id), "rpc": .string(rpc), "pid": pid.map { JSON($0) } ?? .null]
    }
}
