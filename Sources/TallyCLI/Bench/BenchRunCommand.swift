import ArgumentParser
import Foundation
import Glibc
import Synchronization
import TallyBench
import TallyClient
import TallyCrypto
import TallyNode
import TallyPrimitives
import TallyStore
import UnixSignals

struct BenchRunCommand: AsyncParsableCommand {
    enum Target: String, ExpressibleByArgument, CaseIterable {
        case dev, localnet
    }

    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Load a ledger and measure it.",
        discussion: """
            Without --rpc, a ledger is started for the run in a temporary directory, and removed after \
            it: one validator (dev), or several in a process each (localnet). Transactions are signed \
            ahead and offered at a fixed rate, whatever the ledger does; latencies count from when a \
            transaction was meant to be sent. With --closed, so many are on their way at any time. \
            After each repetition the balances of all accounts are compared with what they were.

            Exit code 1 when a repetition is not valid, when an acknowledged transaction is missing, or \
            when the books do not balance.

            Examples:
              tally bench run --rate 1000 --duration 60 --out results
              tally bench run --target localnet --closed 1000
              tally bench run --target localnet --rate 400 --duration 600 --kill-every 20 \\
                --repetitions 1 --check-all
              tally bench run --rpc http://127.0.0.1:8545 --keys funded.txt
            """)

    @Option(name: .long, help: "What to start: dev or localnet.")
    var target: Target?
    @Option(
        name: .long, parsing: .upToNextOption,
        help: ArgumentHelp(
            "Nodes of one ledger to load instead; when one fails, the next is taken.",
            valueName: "url"))
    var rpc: [String] = []
    @Option(
        name: .long,
        help: ArgumentHelp(
            "File of funded accounts' private keys, one a line (default: those of `tally dev`).",
            valueName: "file"), completion: .file())
    var keys: String?
    @Option(name: .long, help: "Validators of the localnet.")
    var validators = 4
    @Option(name: .long, help: "Shards of the ledger that is started.")
    var shards = 4
    @Option(
        name: .long,
        help: ArgumentHelp(
            "Kill a node of the localnet, drawn at random, and start it again.",
            valueName: "seconds"))
    var killEvery: Double?
    @OptionGroup(title: "Load") var load: BenchLoadOptions
    @OptionGroup(title: "Workload") var workload: BenchWorkloadOptions
    @Option(name: .long, help: "How often to measure.")
    var repetitions = 3
    @Flag(name: .long, help: "Look for every acknowledged transaction on every node.")
    var checkAll = false
    @Option(
        name: .long,
        help: ArgumentHelp(
            "Directory for results.json, seconds.csv and report.html.", valueName: "dir"),
        completion: .directory)
    var out: String?
    @Flag(
        name: .long,
        help: ArgumentHelp("Stop when standard input ends.", visibility: .hidden))
    var untilEof = false
    @OptionGroup var output: OutputOptions

    func validate() throws {
        func check(_ isRight: Bool, _ message: String) throws {
            if !isRight { throw ValidationError(message) }
        }
        try check(target == nil || rpc.isEmpty, "Give --target or --rpc.")
        try check(
            (1...Localnet.Size.maximumValidators).contains(validators),
            "--validators is 1 to \(Localnet.Size.maximumValidators)")
        try check(ShardLayout(shardCount: shards) != nil, "--shards is 1 to 1024")
        try check((1...100).contains(repetitions), "--repetitions is 1 to 100")
        try check(keys == nil || !rpc.isEmpty, "--keys goes with --rpc")
        if let killEvery {
            try check(target == .localnet, "--kill-every goes with --target localnet")
            try check((1...86_400).contains(killEvery), "--kill-every is 1 to 86400")
        }
    }

    func run() async throws {
        if let out { try Directories.create(out) }
        let signals = await UnixSignalsSequence(trapping: .sigint, .sigterm, .sighup)
        let results = try await withThrowingTaskGroup(of: BenchResults?.self) { group in
            group.addTask {
                for await _ in signals { break }
                return nil
            }
            if untilEof {
                group.addTask {
                    for await _ in StandardInput.end {}
                    return nil
                }
            }
            group.addTask { try await measured() }
            let first = try await group.next() ?? nil
            group.cancelAll()
            // What was started is removed before this ends.
            while let _ = try? await group.next() {}
            return first
        }
        guard let results else { throw CommandFailure("interrupted", "interrupted") }
        if let out { try write(results, out) }
        output.print(
            (try? BenchText.json(results, directory: out)) ?? .null,
            BenchText.text(results, directory: out))
        let problems = results.repetitions.flatMap { $0.faults + $0.invalid }
        if let first = problems.first { throw CommandFailure("bench", first) }
    }

    private func measured() async throws -> BenchResults {
        if !rpc.isEmpty { return try await measure(endpointTarget()) }
        switch target ?? .dev {
        case .dev:
            return try await BenchTargets.withDev(shards: shards) { try await measure($0) }
        case .localnet:
            return try await BenchTargets.withLocalnet(
                validators: validators, shards: shards, killEvery: killEvery, seed: workload.seed
            ) { try await measure($0) }
        }
    }

    private func endpointTarget() throws -> BenchTarget {
        let found: [PrivateKey]
        if let keys {
            let text = String(decoding: try Files.read(keys, limit: 1 << 20), as: UTF8.self)
            found = try text.split(whereSeparator: \.isNewline).map { line in
                guard let secret = Hash32(hex: String(line)), let key = try? PrivateKey(secret)
                else { throw CommandFailure("keys", "\(keys) has a line that is no private key") }
                return key
            }
        } else {
            guard let layout = ShardLayout(shardCount: shards) else {
                preconditionFailure("validated")
            }
            found = DevNetwork(layout: layout).accounts.map(\.key)
        }
        return BenchTarget(kind: "rpc", names: rpc, endpoints: rpc, keys: found)
    }

    private func measure(_ target: BenchTarget) async throws -> BenchResults {
        var options = SessionOptions()
        options.load = load.options
        options.findsMax = load.findMax
        options.closedRate = load.closedRate
        options.workload = workload.shape
        options.repetitions = repetitions
        options.checksAll = checkAll
        options.program = ProgramVersion.number
        var session = try await BenchSession(target, options, voice)
        return try await session.run()
    }

    /// What happens meanwhile goes to standard error, the line of each second to a terminal only.
    private var voice: SessionVoice {
        let console = Console.current
        let isTerminal = isatty(STDERR_FILENO) == 1
        let last = Mutex<LoadRun.Tick?>(nil)
        let clear = isTerminal ? "\r\u{1b}[K" : ""
        return SessionVoice(
            say: { text in console.complain(clear + text) },
            tick: { tick, seconds in
                guard isTerminal else { return }
                let before = last.withLock { last in
                    defer { last = tick }
                    return last.flatMap { $0.second < tick.second ? $0 : nil }
                }
                let line = clear + BenchText.progress(tick, of: seconds, since: before)
                FileHandle.standardError.write(Data(line.utf8))
            })
    }

    private func write(_ results: BenchResults, _ directory: String) throws {
        let files: [(String, [UInt8])] = [
            ("results.json", try results.encoded()), ("seconds.csv", Array(results.csv.utf8)),
            ("report.html", Array(HTMLReport(results).html.utf8)),
        ]
        for (name, bytes) in files { try Files.write(bytes, to: directory + "/" + name) }
    }
}

struct BenchLoadOptions: ParsableArguments {
    @Option(name: .long, help: "Transactions offered a second (default: 400).")
    var rate: Double?
    @Option(
        name: .long,
        help: ArgumentHelp(
            "Keep so many transactions on their way instead of a rate.", valueName: "count"))
    var closed: Int?
    @Option(
        name: .long,
        help: ArgumentHelp(
            "With --closed: transactions signed ahead for each second; a ledger that is faster ends the "
                + "run early.", valueName: "rate"))
    var closedRate: Double = 8_000
    @Flag(
        name: .long,
        help: "Look for the highest rate that is held first, from --rate on, and measure that.")
    var findMax = false
    @Option(name: .long, help: "Seconds that are measured.")
    var duration = 60.0
    @Option(name: .long, help: "Seconds of load before.")
    var warmup = 3.0
    @Option(name: .long, help: "Connections to each node.")
    var connections = 2
    @Option(
        name: .long,
        help: ArgumentHelp("How often to ask for the next block, in ms.", valueName: "ms"))
    var poll = 2.0

    func validate() throws {
        func check(_ isRight: Bool, _ message: String) throws {
            if !isRight { throw ValidationError(message) }
        }
        try check(closed == nil || (rate == nil && !findMax), "--closed goes without a rate")
        try check(rate.map { (0.1...1_000_000).contains($0) } ?? true, "--rate is 0.1 to 1000000")
        try check(closed.map { (1...100_000).contains($0) } ?? true, "--closed is 1 to 100000")
        try check((1...100_000).contains(closedRate), "--closed-rate is 1 to 100000")
        try check((1...86_400).contains(duration), "--duration is 1 to 86400")
        try check((0...3_600).contains(warmup), "--warmup is 0 to 3600")
        try check((1...64).contains(connections), "--connections is 1 to 64")
        try check((0.1...1_000).contains(poll), "--poll is 0.1 to 1000")
    }

    var options: LoadOptions {
        var options = LoadOptions()
        options.mode = closed.map { .closed(clients: $0) } ?? .open(rate: rate ?? 400)
        options.duration = duration
        options.warmup = warmup
        options.connections = connections
        options.pollMilliseconds = poll
        return options
    }
}

struct BenchWorkloadOptions: ParsableArguments {
    @Option(name: .long, help: "Accounts that send and receive.")
    var accounts = 1_000
    @Option(name: .long, help: "How unevenly they do: exponent of a Zipf distribution, 0 is even.")
    var zipf = 0.0
    @Option(
        name: .long,
        help: ArgumentHelp(
            "Part of the transfers that leave their shard, 0 to 1 (default: as drawn).",
            valueName: "part"))
    var crossRatio: Double?
    @Option(
        name: .long,
        help: ArgumentHelp(
            "Part of the transactions that are batches of 8 transfers, 0 to 1.",
            valueName: "part"))
    var mix = 0.0
    @Option(name: .long, help: "Decides accounts and transactions.")
    var seed: UInt64 = 1

    func validate() throws {
        func check(_ isRight: Bool, _ message: String) throws {
            if !isRight { throw ValidationError(message) }
        }
        try check((2...1_000_000).contains(accounts), "--accounts is 2 to 1000000")
        try check((0...10).contains(zipf), "--zipf is 0 to 10")
        try check(crossRatio.map { (0...1).contains($0) } ?? true, "--cross-ratio is 0 to 1")
        try check((0...1).contains(mix), "--mix is 0 to 1")
    }

    var shape: LoadShape {
        var shape = LoadShape()
        shape.accounts = accounts
        shape.zipf = zipf
        shape.crossRatio = crossRatio
        shape.batchRatio = mix
        shape.seed = seed
        return shape
    }
}
