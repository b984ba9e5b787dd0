import Foundation
import Logging
import TallyCLI
import TallyClient
import TallyCrypto
import TallyEngine
import TallyExecution
import TallyNode
import TallyPrimitives
import TallySharding
import TallyStore
import Testing

/// What a verb did.
struct Outcome: Sendable {
    let code: Int32
    let output: String
    let error: String

    /// Standard output as one JSON value.
    var json: JSON { get throws { try JSON.parse(Array(output.utf8)) } }
    /// `error.code` of the JSON on standard error.
    var errorCode: String? {
        (try? JSON.parse(Array(error.utf8)))?["error"]?["code"]?.stringValue
    }
}

/// Runs one command line in this process.
func tally(_ arguments: String...) async -> Outcome { await tally(arguments) }

/// Runs one command line in this process, `input` being its standard input.
func tally(_ arguments: [String], input: String = "") async -> Outcome {
    let captured = CapturedConsole(input: Array(input.utf8))
    let code = await CommandLineTool.run(arguments, console: captured.console)
    return Outcome(code: code, output: captured.output, error: captured.error)
}

/// A directory that is removed with the value.
final class Scratch {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "tally-cli-" + UUID().uuidString
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    subscript(_ name: String) -> String { path + "/" + name }

    /// Writes a file for its owner only.
    func write(_ text: String, to name: String) throws -> String {
        try Files.write(Array(text.utf8), to: self[name], mode: 0o600)
        return self[name]
    }
}

/// A dev node in this process.
struct RunningNode: Sendable {
    let network: DevNetwork
    let rpc: String
    let genesis: Genesis

    /// Runs a node in `directory` while `body` talks to it. Afterwards the ledger can be opened.
    static func with<Result: Sendable>(
        _ directory: String, shards: Int = 4,
        _ body: @Sendable (RunningNode) async throws -> Result
    ) async throws -> Result {
        let network = DevNetwork(layout: try #require(ShardLayout(shardCount: shards)))
        try DataDirectory(path: directory).create(network.genesis(time: SystemClock().now()))
        let (result, remains) = try await run(directory, network, body)
        await remains.waitUntilGone()
        return result
    }

    private static func run<Result: Sendable>(
        _ directory: String, _ network: DevNetwork,
        _ body: @Sendable (RunningNode) async throws -> Result
    ) async throws -> (Result, Remains) {
        var configuration = NodeConfiguration(dataDirectory: directory)
        configuration.rpcPort = 0
        let node = try await Node.open(
            configuration, in: try DataDirectory(path: directory),
            key: network.validator,
            logger: .node(level: .critical, format: .text))
        let running = RunningNode(network: network, rpc: node.rpcURL, genesis: node.genesis)
        let (end, ending) = AsyncStream<Void>.makeStream()
        async let finished: Void = node.run(signals: .none, until: end)
        let result: Result
        do {
            result = try await body(running)
        } catch {
            ending.finish()
            throw error
        }
        ending.finish()
        try await finished
        return (result, Remains(of: node, in: directory))
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
