import ArgumentParser
import TallyClient
import TallyExecution
import TallyNode
import TallyPrimitives
import TallySharding
import UnixSignals

struct LocalnetStartCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "start", abstract: "Make a localnet, or continue one, and run its nodes.",
        discussion: """
            Stays until Ctrl-C, which stops every node; with --detach the nodes run on until \
            `tally localnet stop`. Observers follow the ledger and serve JSON-RPC without voting.

            Examples:
              tally localnet start
              tally localnet start --validators 7 --shards 16 --dir /tmp/net --detach
              tally localnet start --observers 1 --json
              tally localnet start --profile emc

            With --json, one line is printed when all nodes are ready: {"nodes": [{"id", "rpc", \
            "pid"}], "accounts": [{"address", "privateKey", "shard"}]}.
            """)

    @Option(
        name: .long,
        help: ArgumentHelp(
            "Number of validators, 1 to \(Localnet.Size.maximumValidators); for a new localnet "
                + "only (default: 4).", valueName: "count"))
    var validators: Int?
    @Option(
        name: .long,
        help: ArgumentHelp(
            "Number of observers, 0 to \(Localnet.Size.maximumObservers); for a new localnet only "
                + "(default: 0).", valueName: "count"))
    var observers: Int?
    @Option(
        name: .long,
        help: ArgumentHelp(
            "Number of shards, 1 to 1024; for a new localnet only (default: 4).",
            valueName: "count"))
    var shards: Int?
    @Option(
        name: .long,
        help: ArgumentHelp(
            "none, a ledger of transfers, or emc, the compute economy of EMC; for a new localnet only "
                + "(default: none).", valueName: "profile"))
    var profile: NetworkProfile?
    @Option(
        name: .long,
        help: ArgumentHelp(
            "Genesis document whose parameters the new localnet takes; accounts, validators and chain "
                + "id are its own.", valueName: "file"))
    var parameters: String?
    @Flag(name: .long, help: "Return when all nodes are ready, and let them run.")
    var detach = false
    @Flag(
        name: .long,
        help: ArgumentHelp("Stop when standard input ends.", visibility: .hidden))
    var untilEof = false
    @OptionGroup var options: LocalnetOptions
    @OptionGroup var ready: ReadyOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        let most = Localnet.Size.maximumValidators
        if let validators, !(1...most).contains(validators) {
            throw ValidationError("--validators must be 1 to \(most), not \(validators)")
        }
        if let observers, !(0...Localnet.Size.maximumObservers).contains(observers) {
            throw ValidationError(
                "--observers must be 0 to \(Localnet.Size.maximumObservers), not \(observers)")
        }
        if let shards, ShardLayout(shardCount: shards) == nil {
            throw ValidationError(
                "--shards must be 1 to \(ShardLayout.maximumShardCount), not \(shards)")
        }
        if profile != nil, parameters != nil {
            throw ValidationError("--profile does not go with --parameters: the file says it all.")
        }
        if detach, untilEof { throw ValidationError("--until-eof does not go with --detach.") }
    }

    func run() async throws {
        // Before any node is there, so that none is forgotten.
        let (early, late) = (await Self.signals(), await Self.signals())
        guard let localnet = try await result(before: early, { try await launch() }) else {
            // All may have become ready in the same moment.
            if try Localnet.exists(options.dir) {
                try await options.change { _ = try await $0.stopAll() }
            }
            throw LocalnetError.interrupted
        }
        let network = try localnet.network
        output.print(
            [
                "nodes": .array(localnet.state.nodes.map(\.ready)),
                "accounts": network.accountsJSON,
            ], LocalnetBanner(localnet: localnet, network: network, isDetached: detach).text)
        guard !detach, try await result(before: late, { try await watch() }) == nil else { return }
        let stopped = try await options.change { try await $0.stopAll() }
        if !output.json, !stopped.isEmpty {
            Console.current.print("Stopped \(stopped.joined(separator: ", ")).")
        }
    }

    private static func signals() async -> UnixSignalsSequence {
        await UnixSignalsSequence(trapping: .sigint, .sigterm, .sighup)
    }

    /// What `body` gives; `nil` when a signal comes before, which cancels it.
    private func result<Value: Sendable>(
        before signals: UnixSignalsSequence,
        _ body: @escaping @Sendable () async throws -> Value
    ) async throws -> Value? {
        try await withThrowingTaskGroup(of: Value?.self) { group in
            group.addTask {
                for await _ in signals { break }
                return nil
            }
            group.addTask { try await body() }
            defer { group.cancelAll() }
            return try await group.next() ?? nil
        }
    }

    /// What the options say the network's numbers are.
    private func newParameters() throws -> NetworkParameters? {
        if let parameters { return try GenesisCommand.readParameters(parameters) }
        guard let profile, let layout = ShardLayout(shardCount: Localnet.Size().shards) else {
            return nil
        }
        return DevNetwork(layout: layout, profile: profile).parameters
    }

    /// Makes or continues the localnet, and waits until all nodes are ready.
    private func launch() async throws -> Localnet {
        try await Localnet.locked(options.dir) {
            var localnet: Localnet
            if try Localnet.exists(options.dir) {
                localnet = try Localnet(of: options.dir)
                try localnet.check(
                    validators: validators, observers: observers, shards: shards)
            } else {
                var size = Localnet.Size()
                size.validators = validators ?? size.validators
                size.observers = observers ?? size.observers
                size.parameters = try newParameters()
                size.shards =
                    shards ?? (size.parameters.map { Int($0.layout.shardCount) } ?? size.shards)
                localnet = try Localnet.create(in: options.dir, size)
            }
            try await localnet.startAll(within: ready.seconds)
            return localnet
        }
    }

    /// Tells which nodes end and come back, until none is left. With `--until-eof`, stops them when
    /// standard input ends.
    private func watch() async throws {
        guard untilEof else { return try await watchNodes() }
        let isEnd = try await withThrowingTaskGroup(of: Bool.self) { group in
            group.addTask {
                for await _ in StandardInput.end {}
                return true
            }
            group.addTask {
                try await watchNodes()
                return false
            }
            defer { group.cancelAll() }
            return try await group.next() ?? false
        }
        if isEnd, !Task.isCancelled { try await options.change { _ = try await $0.stopAll() } }
    }

    private func watchNodes() async throws {
        var localnet = try Localnet(of: options.dir)
        var known = localnet.state.nodes.map(\.isRunning)
        while known.contains(true) {
            try await Task.sleep(for: .milliseconds(200))
            DetachedProcess.reap()
            // One that is being removed.
            guard (try? localnet.refresh()) != nil else { break }
            let now = localnet.state.nodes.map(\.isRunning)
            for (index, node) in localnet.state.nodes.enumerated() where !output.json {
                if known[index], !now[index] {
                    Console.current.print("\(node.id) has ended; see \(localnet.log(of: node))")
                } else if !known[index], now[index] {
                    Console.current.print("\(node.id) runs again, process \(node.pid ?? 0)")
                }
            }
            known = now
        }
        if !output.json { Console.current.print("No node runs any more.") }
    }
}

/// What `tally localnet start` says when the nodes are ready.
struct LocalnetBanner {
    let localnet: Localnet
    let network: DevNetwork
    let isDetached: Bool

    var text: String {
        let nodes = Table(
            ["node", "role", "pid", "JSON-RPC"],
            localnet.state.nodes.map { node in
                [node.id, node.role.rawValue, node.pid.map { String($0) } ?? "-", node.rpc]
            }
        ).text.split(separator: "\n").map { "  " + $0 }
        let lines =
            ["", "  Tallystick \(ProgramVersion.number), localnet in \(localnet.path)", ""]
            + nodes + [""] + network.accountLines + [""]
        let flag = "--dir \(localnet.path)"
        let end =
            isDetached
            ? [
                "  What they do: tally localnet status \(flag)",
                "  Stop them:    tally localnet stop \(flag)",
            ]
            : ["  Stop with Ctrl-C; the ledger continues at the next start."]
        return (lines + end + [""]).joined(separator: "\n")
    }
}
