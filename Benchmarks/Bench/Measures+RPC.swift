import BenchSupport
import TallyBench
import TallyClient
import TallyCrypto
import TallyJournal
import TallyPrimitives

/// P1-rpc: final transfers a second through JSON-RPC.
enum RPCThroughput: Measurement {
    static let id = "P1-rpc"
    static let kind = MeasureKind(
        id: "P1-rpc", name: "final transfers, 4 shards, JSON-RPC batches of 100", unit: "/s",
        boundName: "bare recoveries a second on all cores",
        goal: Goal(.ratio, .atLeast, 0.65))
    private static let batch = 100
    private static let connections = 4

    static func kinds(_ options: BenchOptions) -> [MeasureKind] { [kind] }

    static func run(_ options: BenchOptions) async throws -> [Measure] {
        let size = options.isQuick ? 60_000 : CheckpointPolicy().transactions
        let windows = 3
        let prefix = 1 + size / 2
        progress("P1-rpc: signing \(prefix + windows * size) transfers")
        let workload = try await Workload(
            WorkloadShape(accounts: 100_000, shards: 4, transfers: prefix + windows * size))
        let raws = workload.raws
        let bound = try RecoverBound(raws.prefix(options.isQuick ? 20_000 : 60_000))
        return try await withDirectory { directory in
            let addresses = directory + "/addresses"
            try writeAddresses(of: workload.genesis, to: addresses)
            let node = try NodeProcess(
                directory: directory + "/ledger", addresses: addresses, shards: 4,
                checkpointEvery: size)
            defer { node.process.stop() }
            var load = try RPCLoad(node, connections: connections, batch: batch)
            _ = try load.window(raws[..<1])
            try node.await("checkpoint")
            _ = try load.window(raws[1..<prefix])
            var pairs: [Pair] = []
            var taken: [RPCLoad.Window] = []
            for window in 0..<windows {
                let recoveries = try await bound.perSecond()
                let start = prefix + window * size
                let done = try load.window(raws[start..<(start + size)], withCheckpoint: true)
                progress("P1-rpc: \(Int(done.perSecond))/s beside \(Int(recoveries)) recoveries/s")
                pairs.append(Pair(done.perServerSecond, bound: recoveries))
                taken.append(done)
            }
            return [Measure(kind, pairs, details: details(taken))]
        }
    }

    private static func details(_ windows: [RPCLoad.Window]) -> [Measure.Detail] {
        [
            .init("by the clock, client included", Samples(windows.map(\.perSecond)).median),
            .init("server's CPU-µs a transfer", Samples(windows.map(\.serverMicroseconds)).median),
            .init("client's CPU-µs a transfer", Samples(windows.map(\.clientMicroseconds)).median),
        ]
    }
}

/// Loads a node with batches of raw transactions.
struct RPCLoad: ~Copyable {
    private let node: NodeProcess
    private var client: PollClient
    private let batch: Int
    private var offered = 0

    struct Window: Sendable {
        let transfers: Int
        let seconds: Double
        let serverSeconds: Double
        let clientSeconds: Double

        var perSecond: Double { Double(transfers) / seconds }
        /// As if the client had run on a machine of its own: the cores' time that it took is not
        /// counted.
        var perServerSecond: Double {
            Double(transfers) / (seconds - clientSeconds / Double(Clocks.cores))
        }
        var serverMicroseconds: Double { serverSeconds * 1e6 / Double(transfers) }
        var clientMicroseconds: Double { clientSeconds * 1e6 / Double(transfers) }
    }

    init(_ node: NodeProcess, connections: Int, batch: Int) throws {
        self.node = node
        self.batch = batch
        client = try PollClient(port: node.port, connections: connections)
    }

    /// Offers transfers and waits until they are final.
    mutating func window(
        _ raws: ArraySlice<[UInt8]>, withCheckpoint: Bool = false
    ) throws -> Window {
        var requests = Self.requests(raws, batch: batch)[...]
        let server = try node.cpuSeconds
        let cpu = Clocks.process
        let start = Clocks.wall
        offered += raws.count
        _ = try client.run {
            requests.popFirst()
        } answered: { body in
            // An answer is a hash; a refusal would be an object with an `error`.
            guard !body.contains(sequence: Array("\"error\"".utf8)) else {
                throw BenchError(String(decoding: body.prefix(300), as: UTF8.self))
            }
        }
        try node.await("final \(offered)")
        if withCheckpoint { try node.await("written") }
        return Window(
            transfers: raws.count, seconds: Clocks.wall - start,
            serverSeconds: try node.cpuSeconds - server, clientSeconds: Clocks.process - cpu)
    }

    private static func requests(_ raws: ArraySlice<[UInt8]>, batch: Int) -> [[UInt8]] {
        stride(from: raws.startIndex, to: raws.endIndex, by: batch).map { start in
            var body: [UInt8] = []
            for index in start..<min(start + batch, raws.endIndex) {
                body += Array((body.isEmpty ? "[" : ",").utf8)
                body += Array(
                    """
                    {"jsonrpc":"2.0","id":\(index),"method":"eth_sendRawTransaction",\
                    "params":["\(Hex.encode(raws[index]))"]}
                    """.utf8)
            }
            return PollClient.request(body + Array("]".utf8))
        }
    }
}

extension ArraySlice<UInt8> {
    fileprivate func contains(sequence: [UInt8]) -> Bool {
        guard let first = sequence.first else { return true }
        var rest = self
        while let start = rest.firstIndex(of: first) {
            if rest[start...].starts(with: sequence) { return true }
            rest = rest[(start + 1)...]
        }
        return false
    }
}

/// P8: receipts a second of the server's processor time.
enum ReceiptReads: Measurement {
    static let id = "P8"
    static let kind = MeasureKind(
        id: "P8", name: "eth_getTransactionReceipt", unit: "/CPU-s",
        boundName: "answers of a bare NIO server, same sizes, same client",
        goal: Goal(.ratio, .atLeast, 0.6))
    private static let connections = 8

    static func kinds(_ options: BenchOptions) -> [MeasureKind] { [kind] }

    static func run(_ options: BenchOptions) async throws -> [Measure] {
        let transfers = 20_000
        let workload = try await Workload(
            WorkloadShape(accounts: 1_000, shards: 4, transfers: transfers))
        var random = SeededGenerator(seed: 8)
        let requests = (0..<(options.isQuick ? 60_000 : 200_000)).map { index in
            let hash = Keccak256.hash(workload.raws[Int.random(in: 0..<transfers, using: &random)])
            return PollClient.request(
                Array(
                    """
                    {"jsonrpc":"2.0","id":\(index),"method":"eth_getTransactionReceipt",\
                    "params":["\(hash)"]}
                    """.utf8))
        }
        return try await withDirectory { directory in
            let addresses = directory + "/addresses"
            try writeAddresses(of: workload.genesis, to: addresses)
            let node = try NodeProcess(
                directory: directory + "/ledger", addresses: addresses, shards: 4,
                checkpointEvery: 1_000_000)
            defer { node.process.stop() }
            var load = try RPCLoad(node, connections: 2, batch: 100)
            _ = try load.window(workload.raws[...])
            try node.await("checkpoint")
            return [try compare(requests, node.process, port: node.port)]
        }
    }

    private static func compare(
        _ requests: [[UInt8]], _ node: ChildProcess, port: Int
    ) throws -> Measure {
        let first = try serve(requests.prefix(2_000), node, port: port)
        let bytes = Int(first.answerBytes)
        let echo = try ChildProcess(["echo", "--answer-bytes", "\(bytes)"])
        defer { echo.stop() }
        guard let echoPort = try JSON.parse(try echo.line())["port"]?.int64Value else {
            throw BenchError("the bare server did not say its port")
        }
        _ = try serve(requests.prefix(2_000), echo, port: Int(echoPort))
        var pairs: [Pair] = []
        for _ in 0..<3 {
            let bare = try serve(requests[...], echo, port: Int(echoPort))
            let done = try serve(requests[...], node, port: port)
            progress("P8: \(Int(done.perCPUSecond)) beside \(Int(bare.perCPUSecond))")
            pairs.append(Pair(done.perCPUSecond, bound: bare.perCPUSecond))
        }
        return Measure(
            kind, pairs,
            details: [
                .init("bytes of an answer", Double(bytes)),
                .init("bytes of a request", Double(requests[0].count)),
                .init("connections", Double(connections)),
            ])
    }

    private static func serve(
        _ requests: ArraySlice<[UInt8]>, _ server: ChildProcess, port: Int
    ) throws -> (perCPUSecond: Double, answerBytes: Double) {
        var rest = requests
        var client = try PollClient(port: port, connections: connections)
        let cpu = try Clocks.process(server.id)
        var bytes = 0
        let count = try client.run {
            rest.popFirst()
        } answered: { body in
            bytes += body.count
            // A receipt; `null` would be for a transaction that nobody knows.
            guard body.count > 300 else {
                throw BenchError(String(decoding: body, as: UTF8.self))
            }
        }
        let seconds = try Clocks.process(server.id) - cpu
        guard count == requests.count else { throw BenchError("answers are missing") }
        return (Double(count) / seconds, Double(bytes) / Double(count))
    }
}
