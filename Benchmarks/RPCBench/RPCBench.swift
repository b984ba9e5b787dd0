import Foundation
import NIOCore
import NIOPosix
import Synchronization
import TallyCrypto
import TallyEngine
import TallyExecution
import TallyJournal
import TallyPrimitives
import TallyRPC
import TallySharding
import TallyTransactions

// Answers per second of server CPU against a bare echo of the same size: the processor time of the
// process without that of the clients' threads.
// Usage: RPCBench [METHOD] [seconds]; methods: receipt, number, chain, balance, nonce, transaction.

/// A closed loop over some connections: each sends its next request when the answer is whole.
final class LoadHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    let requests: [ByteBuffer]
    let answerBytes: Int?
    var next: Int
    var received = 0
    var expected: Int?
    let answers: LoadCount

    init(_ requests: [ByteBuffer], first: Int, answerBytes: Int?, answers: LoadCount) {
        self.requests = requests
        self.answerBytes = answerBytes
        next = first
        self.answers = answers
    }

    func channelActive(context: ChannelHandlerContext) { send(context) }

    private func send(_ context: ChannelHandlerContext) {
        expected = answerBytes
        received = 0
        context.writeAndFlush(wrapOutboundOut(requests[next % requests.count]), promise: nil)
        next += 1
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let buffer = unwrapInboundIn(data)
        if expected == nil { expected = Self.length(buffer) }
        received += buffer.readableBytes
        guard let expected, received >= expected else { return }
        answers.add(bytes: received)
        send(context)
    }

    /// Of the message whose head is in the buffer.
    static func length(_ buffer: ByteBuffer) -> Int {
        let text = String(buffer: buffer)
        guard let end = text.range(of: "\r\n\r\n"),
            let field = text.range(of: "content-length: ")
        else { preconditionFailure("an answer without a head: \(text)") }
        let body = Int(text[field.upperBound...].prefix { $0.isNumber }) ?? 0
        return text[..<end.upperBound].utf8.count + body
    }
}

final class LoadCount: Sendable {
    let answers = Atomic(0)
    let bytes = Atomic(0)

    func add(bytes count: Int) {
        answers.add(1, ordering: .relaxed)
        bytes.add(count, ordering: .relaxed)
    }
}

/// Answers whatever comes in one read with the same bytes.
final class EchoHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer
    let answer: ByteBuffer

    init(_ answer: ByteBuffer) { self.answer = answer }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        context.writeAndFlush(wrapOutboundOut(answer), promise: nil)
    }
}

func processorSeconds(_ clock: clockid_t) -> Double {
    var time = timespec()
    clock_gettime(clock, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}

func threadSeconds(_ group: MultiThreadedEventLoopGroup) async throws -> Double {
    var total = 0.0
    for loop in group.makeIterator() {
        total += try await loop.submit { processorSeconds(CLOCK_THREAD_CPUTIME_ID) }.get()
    }
    return total
}

struct Rate {
    let perSecond: Double
    let bytes: Int
    let answers: Int
}

/// Answers per second of processor time outside the clients' threads.
func load(
    _ port: Int, _ requests: [ByteBuffer], answerBytes: Int?, seconds: Double, connections: Int = 32
) async throws -> Rate {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let count = LoadCount()
    var channels: [any Channel] = []
    for index in 0..<connections {
        channels.append(
            try await ClientBootstrap(group: group)
                .channelOption(.tcpOption(.tcp_nodelay), value: 1)
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(
                            LoadHandler(
                                requests, first: index * 131, answerBytes: answerBytes,
                                answers: count))
                    }
                }.connect(host: "127.0.0.1", port: port).get())
    }
    try await Task.sleep(for: .milliseconds(300))
    let start = processorSeconds(CLOCK_PROCESS_CPUTIME_ID)
    let clientStart = try await threadSeconds(group)
    let (answers, bytes) = (
        count.answers.load(ordering: .relaxed), count.bytes.load(ordering: .relaxed)
    )
    try await Task.sleep(for: .seconds(seconds))
    let done = count.answers.load(ordering: .relaxed) - answers
    let doneBytes = count.bytes.load(ordering: .relaxed) - bytes
    let client = try await threadSeconds(group) - clientStart
    let server = processorSeconds(CLOCK_PROCESS_CPUTIME_ID) - start - client
    for channel in channels { try await channel.close().get() }
    try await group.shutdownGracefully()
    return Rate(perSecond: Double(done) / server, bytes: doneBytes / max(done, 1), answers: done)
}

func request(_ body: String) -> ByteBuffer {
    ByteBuffer(
        string: "POST / HTTP/1.1\r\nHost: 127.0.0.1:8545\r\nUser-Agent: bench\r\n"
            + "Content-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\n\r\n"
            + body)
}

@main struct RPCBench {
    static let chainID: ChainID = 1337

    static func main() async throws {
        let arguments = CommandLine.arguments
        let method = arguments.count > 1 ? arguments[1] : "receipt"
        let seconds = arguments.count > 2 ? Double(arguments[2]) ?? 3 : 3
        let directory = NSTemporaryDirectory() + "rpc-bench-\(getpid())"
        defer { try? FileManager.default.removeItem(atPath: directory) }
        guard let layout = ShardLayout(shardCount: 4) else { return }
        let keys = try (1...64).map {
            try PrivateKey(SHA256.hash(.object, Array("bench \($0)".utf8)))
        }
        let genesis = try Genesis(
            parameters: NetworkParameters(chainID: chainID, layout: layout),
            time: BeaconTime(milliseconds: 1_000),
            accounts: keys.map {
                Genesis.Opening(address: $0.address, balance: Amount(1_000_000_000_000_000_000))
            }, validators: [keys[0].address])
        let (engine, _) = try Engine.open(
            EngineConfiguration(
                directory: directory, genesis: genesis, proposer: keys[0].address,
                journalSalt: JournalSalt(high: 1, low: 2)),
            clock: SystemClock(), notify: { _ in })
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let server = try await RPCServer.bind(
            port: 0,
            dispatcher: LedgerDispatcher(
                publisher: engine.publisher, intake: engine.intake, shards: engine.shards,
                genesis: genesis, clientVersion: "tallystick/bench"), group: group)
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await engine.run() }
            tasks.addTask { await server.run() }
            let hashes = try await fill(engine, keys)
            try await measure(method, seconds, server.address.port, hashes, keys)
            engine.stop()
            await server.stop(within: .seconds(1))
            try await tasks.waitForAll()
        }
        exit(0)
    }

    static func fill(_ engine: Engine, _ keys: [PrivateKey]) async throws -> [Hash32] {
        var hashes: [Hash32] = []
        for nonce in 0..<64 {
            let raws = keys.map { key in
                Envelope(
                    chainID: chainID, nonce: UInt64(nonce), weightLimit: 21_000,
                    maxFee: Amount(20_000_000_000), maxPriorityFee: Amount(1),
                    to: keys[(nonce + 1) % keys.count].address, value: Amount(1), data: []
                ).signed(by: key)
            }
            for result in await engine.intake.submit(raws) { hashes.append(try result.get()) }
        }
        while true {
            let snapshot = engine.publisher.current
            if try snapshot.position(of: hashes[hashes.count - 1]) != nil { break }
            try await Task.sleep(for: .milliseconds(20))
        }
        try await Task.sleep(for: .milliseconds(500))
        return hashes
    }

    static func measure(
        _ method: String, _ seconds: Double, _ port: Int, _ hashes: [Hash32], _ keys: [PrivateKey]
    ) async throws {
        func call(_ name: String, _ params: String) -> ByteBuffer {
            request("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\(name)\",\"params\":[\(params)]}")
        }
        let requests: [ByteBuffer]
        switch method {
        case "number": requests = [call("eth_blockNumber", "")]
        case "chain": requests = [call("eth_chainId", "")]
        case "balance": requests = keys.map { call("eth_getBalance", "\"\($0.address)\",\"latest\"") }
        case "nonce":
            requests = keys.map { call("eth_getTransactionCount", "\"\($0.address)\",\"latest\"") }
        case "transaction":
            requests = hashes.map { call("eth_getTransactionByHash", "\"\($0)\"") }
        default: requests = hashes.map { call("eth_getTransactionReceipt", "\"\($0)\"") }
        }
        let probe = try await load(port, requests, answerBytes: nil, seconds: 0.5)
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let answer = ByteBuffer(bytes: [UInt8](repeating: 0x20, count: probe.bytes))
        let echo = try await ServerBootstrap(group: group)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(EchoHandler(answer))
                }
            }.bind(host: "127.0.0.1", port: 0).get()
        guard let echoPort = echo.localAddress?.port else { return }
        print("\(method): answers of \(probe.bytes) bytes")
        for _ in 0..<3 {
            let echoed = try await load(
                echoPort, requests, answerBytes: probe.bytes, seconds: seconds)
            let ours = try await load(port, requests, answerBytes: nil, seconds: seconds)
            print(
                "echo \(Int(echoed.perSecond))/s (\(micros(echoed)) us), server "
                    + "\(Int(ours.perSecond))/s (\(micros(ours)) us), ratio "
                    + String(format: "%.3f", ours.perSecond / echoed.perSecond))
        }
        try await echo.close().get()
    }

    static func micros(_ rate: Rate) -> String { String(format: "%.1f", 1e6 / rate.perSecond) }
}
