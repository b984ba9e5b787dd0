import NIOCore
import NIOPosix
import Synchronization
import TallyClient
import Testing

@testable import TallyRPC

/// The client of TallyClient, against the server and against servers that misbehave.
@Suite(.timeLimit(.minutes(1))) struct RPCClientTests {
    @Test func getsResultsAndErrors() async throws {
        try await withServer { server, _ in
            let client = try RPCClient("http://\(server.address)")
            #expect(try await client.call("echo", [1, "a"]) == [1, "a"])
            let written = try await client.call("echoAtOnce") { $0.hex([1, 2]) }
            #expect(written == ["0x0102"])
            let error = RPCRemoteError(
                code: -32_000, message: "nonce too low", data: ["retryable": false])
            await #expect(throws: RPCClientError.rpcError(error)) { try await client.call("fail") }
            client.close()
            await #expect(throws: RPCClientError.closed) { try await client.call("echo") }
        }
    }

    @Test func keepsTheOrderOfABatch() async throws {
        try await withServer { server, dispatcher in
            let client = try RPCClient("\(server.address)")
            let results = try await client.batch([
                RPCRequest("echo", [1]), RPCRequest("nope"), RPCRequest("echoAtOnce", [3]),
            ])
            #expect(results.map { try? $0.get() } == [[1], nil, [3]])
            let many = try await client.batch("echo", count: 100) { $1.integer($0) }
            #expect(many.map { try? $0.get() } == (0..<100).map { [JSON($0)] })
            #expect(dispatcher.batches.withLock { $0 } == [3, 100])
            #expect(try await client.batch([]).isEmpty)
            await #expect {
                try await client.batch("echo", count: 101) { _, _ in }
            } throws: { error in
                guard case .rpcError(let error) = error as? RPCClientError else { return false }
                return error.code == -32_005
            }
        }
    }

    @Test func queuesCallsOfManyTasks() async throws {
        try await withServer { server, _ in
            let client = try RPCClient("\(server.address)")
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<100 {
                    group.addTask {
                        let result = try await client.call("echo", [JSON(number)])
                        #expect(result == [JSON(number)])
                    }
                }
                try await group.waitForAll()
            }
            #expect(server.openConnections == 1)
        }
    }

    @Test func connectsAgainAfterTheServerClosed() async throws {
        let calls = Atomic(0)
        try await withHandler {
            OneAnswer(closes: true) { calls.wrappingAdd(1, ordering: .relaxed).newValue }
        } _: { client in
            for call in 1...3 {
                let result = try await client.call("echo")
                #expect(result == JSON(call))
            }
        }
    }

    /// As when a server's idle timeout strikes at the moment of a call.
    @Test func repeatsACallThatMetAClosingConnection() async throws {
        let calls = Atomic(0)
        try await withHandler {
            OneAnswer(closes: false) { calls.wrappingAdd(1, ordering: .relaxed).newValue }
        } _: { client in
            for call in 1...3 {
                let result = try await client.call("echo")
                #expect(result == JSON(call))
            }
        }
    }

    @Test func namesAPortWhereNobodyListens() async throws {
        let server = try await RPCServer.bind(port: 0, dispatcher: EchoDispatcher())
        let port = server.address.port
        await server.stop(within: .seconds(1))
        await server.close()
        let client = try RPCClient("127.0.0.1:\(port)")
        let refused = RPCClientError.connectionRefused(host: "127.0.0.1", port: port)
        await #expect(throws: refused) { try await client.call("echo") }
        #expect(refused.description.contains("127.0.0.1:\(port); start one with `tally dev`"))
    }

    @Test func givesUpAfterItsTimeoutAndStaysUsable() async throws {
        try await withServer { server, _ in
            let client = try RPCClient("\(server.address)", timeout: .milliseconds(100))
            await #expect(throws: RPCClientError.timeout(after: .milliseconds(100))) {
                try await client.call("wait")
            }
            // A busy machine may take longer than the timeout.
            var result: JSON?
            while result == nil { result = try? await client.call("echo", [2]) }
            #expect(result == [2])
        }
    }

    @Test func endsWithItsTask() async throws {
        try await withServer { server, dispatcher in
            let client = try RPCClient("\(server.address)")
            let calls = ["wait", "echo"]
            await withTaskGroup(of: Bool.self) { group in
                for method in calls {
                    group.addTask {
                        do throws(RPCClientError) {
                            _ = try await client.call(method)
                            return false
                        } catch { return error == .cancelled }
                    }
                    // The second waits for the first.
                    await dispatcher.gate.arrived()
                }
                group.cancelAll()
                for await isCancelled in group { #expect(isCancelled) }
            }
            #expect(try await client.call("echo", [2]) == [2])
        }
    }

    @Test func reportsRefusalsOfHTTP() async throws {
        try await withServer { server, _ in
            let client = try RPCClient("http://\(server.address)/other")
            await #expect(throws: RPCClientError.httpStatus(404, text: "POST to /\n")) {
                try await client.call("echo")
            }
        }
    }

    @Test func boundsTheAnswer() async throws {
        try await withServer { server, _ in
            let client = try RPCClient("\(server.address)", responseLimit: 1_000)
            await #expect(throws: RPCClientError.responseTooLarge(limit: 1_000)) {
                try await client.call("big", [100])
            }
            #expect(try await client.call("echo", [2]) == [2])
        }
    }

    struct Malformed: Sendable {
        let answer: String
        let error: RPCClientError

        init(_ body: String, _ reason: RPCMalformedResponse) {
            answer = "HTTP/1.1 200 OK\r\ncontent-length: \(body.utf8.count)\r\n\r\n\(body)"
            error = .malformedResponse(reason)
        }

        init(raw: String, _ reason: RPCMalformedResponse) {
            answer = raw
            error = .malformedResponse(reason)
        }
    }

    @Test(arguments: [
        Malformed("", .notJSON(.unexpectedEnd(offset: 0))),
        Malformed("{}", .notAResponse), Malformed("[]", .notAResponse),
        Malformed("{\"jsonrpc\":\"2.0\",\"id\":1}", .notAResponse),
        Malformed("{\"jsonrpc\":\"1.0\",\"id\":1,\"result\":1}", .notAResponse),
        Malformed("{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":1,\"error\":{}}", .notAResponse),
        Malformed("{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":1}}", .notAResponse),
        Malformed("{\"jsonrpc\":\"2.0\",\"id\":77,\"result\":1}", .unknownID),
        Malformed("{\"jsonrpc\":\"2.0\",\"id\":null,\"result\":1}", .unknownID),
        Malformed(raw: "SSH-2.0-server\r\n\r\n", .notHTTP),
    ])
    func refusesMalformedAnswers(_ malformed: Malformed) async throws {
        try await withAnswer(malformed.answer) { client in
            await #expect(throws: malformed.error) { try await client.call("echo") }
        }
    }

    @Test(arguments: [
        ("[]", RPCMalformedResponse.missingAnswer(index: 0)),
        ("[{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":1}]", .missingAnswer(index: 0)),
        (
            "[{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":1},{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":1}]",
            .unknownID
        ),
        ("[{\"jsonrpc\":\"2.0\",\"id\":3,\"result\":1}]", .unknownID),
    ])
    func refusesIncompleteBatches(_ body: String, _ reason: RPCMalformedResponse) async throws {
        let malformed = Malformed(body, reason)
        try await withAnswer(malformed.answer) { client in
            await #expect(throws: malformed.error) {
                try await client.batch("echo", count: 2) { _, _ in }
            }
        }
    }

    @Test func reportsAConnectionClosedBeforeTheAnswer() async throws {
        try await withAnswer("") { client in
            let port = client.endpoint.port
            await #expect(throws: RPCClientError.connectionClosed(host: "127.0.0.1", port: port)) {
                try await client.call("echo")
            }
        }
    }

    @Test(arguments: [
        ("http://localhost:8545", "localhost", 8545, "/"), ("localhost:1", "localhost", 1, "/"),
        ("HTTP://[::1]:8545/rpc?x=1", "::1", 8545, "/rpc?x=1"),
        ("node.example", "node.example", 80, "/"),
        ("http://node?key=a#part", "node", 80, "/?key=a"),
    ])
    func readsEndpoints(_ text: String, _ host: String, _ port: Int, _ path: String) throws {
        let endpoint = try RPCEndpoint(text)
        #expect(endpoint.host == host)
        #expect(endpoint.port == port)
        #expect(endpoint.path == path)
    }

    @Test(arguments: [
        "", "https://node", "http://", "node:0", "node:65536", "node:x", "a b:1", "u:p@node:1",
        "[::1", "http://[::1]x", ":8545",
    ])
    func refusesEndpoints(_ text: String) {
        #expect(throws: RPCClientError.invalidEndpoint(text)) { try RPCClient(text) }
    }

    /// A server that sends `answer` to whatever comes first, and closes.
    private func withAnswer(
        _ answer: String, _ body: (RPCClient) async throws -> Void
    ) async throws {
        try await withHandler({ FixedAnswer(answer) }, body)
    }

    private func withHandler(
        _ handler: @escaping @Sendable () -> some ChannelInboundHandler,
        _ body: (RPCClient) async throws -> Void
    ) async throws {
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(handler())
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let port = listener.localAddress?.port ?? 0
        try await body(try RPCClient("127.0.0.1:\(port)"))
        try await listener.close().get()
    }

    private final class FixedAnswer: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        private let answer: String

        init(_ answer: String) { self.answer = answer }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            context.writeAndFlush(NIOAny(ByteBuffer(string: answer)), promise: nil)
            context.close(promise: nil)
        }
    }

    /// Answers the first call of each connection, and closes then or when the second comes.
    private final class OneAnswer: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        private let closes: Bool
        private let number: () -> Int
        private var hasAnswered = false

        init(closes: Bool, _ number: @escaping () -> Int) {
            self.closes = closes
            self.number = number
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let text = String(buffer: unwrapInboundIn(data))
            // The last piece of a request.
            guard text.hasSuffix("}") else { return }
            guard !hasAnswered else { return context.close(promise: nil) }
            hasAnswered = true
            let id = number()
            let body = "{\"jsonrpc\":\"2.0\",\"id\":\(id),\"result\":\(id)}"
            let head = "HTTP/1.1 200 OK\r\ncontent-length: \(body.utf8.count)\r\n\r\n"
            context.writeAndFlush(NIOAny(ByteBuffer(string: head + body)), promise: nil)
            if closes { context.close(promise: nil) }
        }
    }
}
