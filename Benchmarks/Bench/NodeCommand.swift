import ArgumentParser
import Foundation
import TallyClient
import TallyEngine
import TallyJournal
import TallyPrimitives
import TallyRPC
import TallySharding

/// A ledger with its server as a process of its own, driven by lines on standard input: the engine
/// and the server of `tally start`, with a genesis that lists no more than addresses.
///
///     final N      answers when N transactions of this process are final
///     checkpoint   answers when everything final is in the stores
///     written      answers when one more checkpoint was written
struct NodeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "node", abstract: "A ledger to be measured.", shouldDisplay: false)

    @Option var directory: String
    /// File of the accounts' addresses, one after the other.
    @Option var addresses: String
    @Option var shards: Int
    @Option var checkpointEvery: Int

    func run() async throws {
        let bytes = Array(try Data(contentsOf: URL(filePath: addresses)))
        let accounts = stride(from: 0, to: bytes.count, by: 20).compactMap {
            Address(Array(bytes[$0..<min($0 + 20, bytes.count)]))
        }
        let genesis = try WorkloadShape(accounts: accounts.count, shards: shards, transfers: 0)
            .genesis(accounts)
        try await LedgerRun.with(
            genesis, checkpointEvery: checkpointEvery, directory: directory
        ) { ledger in
            let engine = ledger.engine
            let server = try await RPCServer.bind(
                port: 0,
                dispatcher: LedgerDispatcher(
                    publisher: engine.publisher, intake: engine.intake, shards: engine.shards,
                    genesis: genesis, clientVersion: "bench"))
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await server.run() }
                Self.answer([
                    "port": JSON(server.address.port), "height": JSON(ledger.report.height.value),
                    "replayed": JSON(ledger.report.replayedTransactions),
                ])
                try await Self.obey(ledger)
                await server.stop(within: .seconds(1))
            }
        }
    }

    private static func obey(_ ledger: LedgerRun) async throws {
        var watch = FinalWatch(ledger.engine)
        for await line in StandardInput.lines {
            let words = line.split(separator: " ")
            switch words.first {
            case "final":
                guard let count = words.dropFirst().first.flatMap({ Int($0) }) else {
                    throw BenchError("how many?")
                }
                try await watch.wait(until: count)
            case "checkpoint": try await ledger.checkpoint()
            case "written": try await ledger.waitForCheckpoint()
            default: throw BenchError("what is \(line)?")
            }
            answer(["final": JSON(watch.final)])
        }
    }

    private static func answer(_ json: JSON) {
        FileHandle.standardOutput.write(Data((json.description + "\n").utf8))
    }
}

enum StandardInput {
    /// Until its end.
    static var lines: AsyncStream<String> {
        let (lines, continuation) = AsyncStream.makeStream(of: String.self)
        // Reading blocks: not on a thread that tasks share.
        Thread.detachNewThread {
            while let line = readLine() { continuation.yield(line) }
            continuation.finish()
        }
        return lines
    }
}

/// A node process, as its driver sees it.
final class NodeProcess {
    let process: ChildProcess
    let port: Int
    let height: UInt64
    let replayed: Int

    init(
        directory: String, addresses: String, shards: Int, checkpointEvery: Int
    ) throws {
        process = try ChildProcess([
            "node", "--directory", directory, "--addresses", addresses, "--shards", "\(shards)",
            "--checkpoint-every", "\(checkpointEvery)",
        ])
        let ready = try JSON.parse(try process.line())
        guard let port = ready["port"]?.int64Value, let height = ready["height"]?.uint64Value,
            let replayed = ready["replayed"]?.int64Value
        else { throw BenchError("the node said \(ready)") }
        self.port = Int(port)
        self.height = height
        self.replayed = Int(replayed)
    }

    /// Tells the node to do something, and waits until it has.
    func await(_ command: String) throws {
        try process.tell(command)
        _ = try process.line()
    }

    var cpuSeconds: Double { get throws { try Clocks.process(process.id) } }
}

/// The addresses of a genesis, for a node process.
func writeAddresses(of genesis: Genesis, to path: String) throws {
    var bytes: [UInt8] = []
    for account in genesis.accounts { bytes += account.address.bytes }
    try Data(bytes).write(to: URL(filePath: path))
}
