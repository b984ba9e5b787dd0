import Synchronization
import TallyClient
import TallyPrimitives
import Testing

@testable import TallyRPC

@Suite(.timeLimit(.minutes(1))) struct WebSocketTests {
    static let echo = HTTPTests.echo

    // MARK: Handshake

    @Test(arguments: ["/", "/ws", "/ws?x=1"])
    func grantsTheSwitch(_ path: String) async throws {
        try await withServer { server, _ in
            var client = try await RawClient.connect(server.address.port)
            // Behind a request on the same connection.
            #expect(try await client.call(Self.echo).status == 200)
            try await client.send(RawWebSocket.request(path))
            let response = try await client.response()
            #expect(response.status == 101)
            // The example of RFC 6455, 1.3.
            #expect(response.headers["sec-websocket-accept"] == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
            var socket = RawWebSocket(client: client)
            #expect(try await socket.call(Self.echo) == JSONRPCTests.result("[]", id: "1"))
        }
    }

    @Test(arguments: [
        ("GET /other", "upgrade: websocket", 404),
        ("GET /", "upgrade: websocket\r\nsec-websocket-version: 8", 426),
        ("GET /", "upgrade: websocket\r\nsec-websocket-version: 13", 400),
        (
            "GET /",
            "upgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: c2hvcnQ=", 400
        ),
        ("GET /", "upgrade: websocket\r\ncontent-length: 1", 400),
        ("GET /", "upgrade: h2c", 405),
        ("GET /", "upgrade: websocket\r\norigin: https://evil.example", 403),
        ("GET /", "upgrade: websocket\r\norigin: null", 403),
    ])
    func refusesTheSwitch(_ line: String, _ headers: String, _ status: Int) async throws {
        try await withServer { server, _ in
            var client = try await RawClient.connect(server.address.port)
            try await client.send(
                "\(line) HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\n\(headers)\r\n\r\n")
            let response = try await client.response()
            #expect(response.status == status)
            #expect(response.headers["connection"] == "close")
            if status == 426 { #expect(response.headers["sec-websocket-version"] == "13") }
            #expect(await client.isClosedSilently())
        }
    }

    @Test(arguments: [("evil.example", 403), ("localhost", 101), ("node.example", 101)])
    func checksTheHost(_ host: String, _ status: Int) async throws {
        let access = RPCAccess(hosts: ["node.example"], origins: ["https://app.example"])
        try await withServer(access: access) { server, _ in
            var client = try await RawClient.connect(server.address.port)
            let request = RawWebSocket.request("/ws", headers: "origin: https://app.example\r\n")
            try await client.send(request.replacing("localhost", with: host))
            #expect(try await client.response().status == status)
        }
    }

    // MARK: Messages

    @Test func answersCallsBatchesAndNotifications() async throws {
        try await withServer { server, dispatcher in
            var socket = try await RawWebSocket.connect(server.address.port)
            for method in ["echo", "echoAtOnce", "undecided"] {
                let call = HTTPTests.call(method, id: 7, params: "[\"é\"]")
                #expect(try await socket.call(call) == JSONRPCTests.result("[\"é\"]", id: "7"))
            }
            let batch = try await socket.call(
                "[\(HTTPTests.call("echo", id: 1)),\(HTTPTests.call("nope", id: 2))]")
            let answers = try JSON.parse(Array(batch.utf8))
            #expect(answers[0]?["id"] == 1)
            #expect(answers[1]?["error"]?["code"] == -32601)
            try await socket.send("{\"jsonrpc\":\"2.0\",\"method\":\"echoAtOnce\"}")
            try await socket.send("{\"jsonrpc\":\"2.0\",\"method\":\"echo\"}")
            // Nothing came in between.
            let invalid = try await socket.call("{")
            #expect(invalid.contains("-32700"))
            #expect(dispatcher.notifications.withLock { $0 } == ["echoAtOnce", "echo"])
        }
    }

    @Test func takesFramesBehindTheRequestAndInPieces() async throws {
        try await withServer { server, _ in
            var client = try await RawClient.connect(server.address.port)
            let frames = (0..<50).flatMap {
                RawWebSocket.text(HTTPTests.call($0 % 2 == 0 ? "echoAtOnce" : "echo", id: $0))
            }
            client.begin(Array(RawWebSocket.request().utf8) + frames)
            #expect(try await client.response().status == 101)
            var socket = RawWebSocket(client: client)
            var ids: Set<Int64> = []
            for _ in 0..<50 { ids.insert(try await socket.json()["id"]?.int64Value ?? -1) }
            #expect(ids == Set(0..<50))
            for byte in RawWebSocket.text(Self.echo) { try await socket.client.send([byte]) }
            #expect(try await socket.frame().text == JSONRPCTests.result("[]", id: "1"))
        }
    }

    @Test func joinsFragmentsAroundAPing() async throws {
        try await withServer { server, _ in
            var socket = try await RawWebSocket.connect(server.address.port)
            let text = Array(HTTPTests.call("echoAtOnce", id: 1, params: "[\"ü\"]").utf8)
            // Inside the two bytes of the letter.
            let cut = try #require(text.firstIndex { $0 > 0x7f }) + 1
            try await socket.client.send(
                RawWebSocket.frame(1, Array(text[..<cut]), isFinal: false)
                    + RawWebSocket.frame(9, [1, 2, 3])
                    + RawWebSocket.frame(0, [], isFinal: false)
                    + RawWebSocket.frame(0, Array(text[cut...])))
            #expect(try await socket.frame() == .init(opcode: 10, payload: [1, 2, 3]))
            #expect(try await socket.frame().text == JSONRPCTests.result("[\"ü\"]", id: "1"))
            while server.bufferedBytes > 0 { await Task.yield() }
        }
    }

    @Test func answersOtherCallsWhileOneWaits() async throws {
        try await withServer { server, dispatcher in
            var socket = try await RawWebSocket.connect(server.address.port)
            try await socket.send(HTTPTests.call("wait", id: 1))
            await dispatcher.gate.arrived()
            #expect(try await socket.call(Self.echo) == JSONRPCTests.result("[]", id: "1"))
            #expect(
                try await socket.call(HTTPTests.call("echo", id: 2))
                    == JSONRPCTests.result("[]", id: "2"))
            dispatcher.gate.open()
            #expect(try await socket.json()["result"] == "waited")
        }
    }

    @Test func hasABoundOfCallsUnderWay() async throws {
        var limits = RPCLimits()
        limits.webSocketCalls = 3
        try await withServer(limits: limits) { server, dispatcher in
            var socket = try await RawWebSocket.connect(server.address.port)
            let calls = (0..<40).flatMap {
                RawWebSocket.text(HTTPTests.call($0 < 20 ? "wait" : "echoAtOnce", id: $0))
            }
            socket.client.begin(calls)
            await dispatcher.gate.arrived(3)
            var other = try await RawWebSocket.connect(server.address.port)
            for _ in 0..<20 { _ = try await other.call(HTTPTests.call("echo", id: 0)) }
            #expect(dispatcher.gate.arrivals == 3)
            dispatcher.gate.open()
            var ids: Set<Int64> = []
            for _ in 0..<40 { ids.insert(try await socket.json()["id"]?.int64Value ?? -1) }
            #expect(ids == Set(0..<40))
        }
    }

    // MARK: Closing

    @Test(arguments: [(1000, 1000), (3001, 3001), (1005, 1002), (999, 1002), (2500, 1002)])
    func answersAClosing(_ code: Int, _ answer: Int) async throws {
        try await withServer { server, _ in
            var socket = try await RawWebSocket.connect(server.address.port)
            try await socket.client.send(RawWebSocket.closing(code, Array("bye".utf8)))
            #expect(try await socket.closing().code == answer)
        }
    }

    @Test func answersAClosingWithoutACode() async throws {
        try await withServer { server, _ in
            var socket = try await RawWebSocket.connect(server.address.port)
            try await socket.client.send(RawWebSocket.frame(8, []))
            #expect(try await socket.closing().payload == [])
        }
    }

    static let violations: [([UInt8], Int)] = [
        (RawWebSocket.frame(1, [], isMasked: false), 1002),
        (RawWebSocket.frame(1, Array("{}".utf8), reserved: 0x40), 1002),
        (RawWebSocket.frame(1, [], reserved: 0x10), 1002),
        (RawWebSocket.frame(3, []), 1002), (RawWebSocket.frame(11, []), 1002),
        (RawWebSocket.frame(0, Array("{}".utf8)), 1002),
        (RawWebSocket.frame(1, [], isFinal: false) + RawWebSocket.frame(1, []), 1002),
        (RawWebSocket.frame(9, [], isFinal: false), 1002),
        (RawWebSocket.frame(9, [UInt8](repeating: 0, count: 126)), 1002),
        (RawWebSocket.frame(8, [3]), 1002),
        (RawWebSocket.closing(1000, [0xff]), 1007),
        (RawWebSocket.frame(2, Array("{}".utf8)), 1003),
        (RawWebSocket.frame(1, [0x22, 0xc3, 0x28, 0x22]), 1007),
        (RawWebSocket.frame(1, [UInt8](repeating: 0x20, count: 20_000) + [0xff]), 1007),
    ]

    @Test(arguments: violations)
    func refusesWhatIsNoRequest(_ bytes: [UInt8], _ code: Int) async throws {
        try await withServer { server, _ in
            var socket = try await RawWebSocket.connect(server.address.port)
            // What comes behind is thrown away.
            socket.client.begin(bytes + RawWebSocket.text(Self.echo))
            let frame = try await socket.closing()
            #expect(frame.code == code)
            while server.openConnections > 0 { await Task.yield() }
            #expect(server.bufferedBytes == 0)
        }
    }

    @Test func takesMessagesOfTheGreatestLengthOnly() async throws {
        var limits = RPCLimits()
        limits.bodyBytes = 200_000
        try await withServer(limits: limits) { server, _ in
            let echo = HTTPTests.call("echo", id: 1)
            let padding = String(repeating: " ", count: 200_000 - echo.utf8.count)
            var socket = try await RawWebSocket.connect(server.address.port)
            let whole = padding + echo
            #expect(try await socket.call(whole) == JSONRPCTests.result("[]", id: "1"))
            // Refused by its announced length: no more is sent.
            socket.client.begin(
                Array(RawWebSocket.frame(1, [UInt8](repeating: 32, count: 200_001)).prefix(100)))
            #expect(try await socket.closing().code == 1009)
            socket = try await RawWebSocket.connect(server.address.port)
            let part = RawWebSocket.frame(0, [UInt8](repeating: 32, count: 50_000), isFinal: false)
            socket.client.begin(
                RawWebSocket.frame(1, [32], isFinal: false) + part + part + part + part)
            #expect(try await socket.closing().code == 1009)
        }
    }

    // MARK: Time and memory

    @Test func dropsAMessageThatTakesTooLong() async throws {
        var limits = RPCLimits()
        limits.requestTimeout = .milliseconds(40)
        try await withServer(limits: limits) { server, _ in
            for bytes in [
                Array(RawWebSocket.text(Self.echo).dropLast()),
                RawWebSocket.frame(1, [32], isFinal: false), [0x81],
            ] {
                var socket = try await RawWebSocket.connect(server.address.port)
                #expect(try await socket.call(Self.echo) == JSONRPCTests.result("[]", id: "1"))
                try await socket.client.send(bytes)
                #expect(try await socket.closing().code == 1008)
            }
        }
    }

    @Test func dropsAClientThatIsSilent() async throws {
        var limits = RPCLimits()
        limits.pingInterval = .milliseconds(30)
        limits.idleTimeout = .milliseconds(20)
        try await withServer(limits: limits) { server, _ in
            var socket = try await RawWebSocket.connect(server.address.port)
            for _ in 0..<3 {
                #expect(try await socket.frame() == .init(opcode: 9, payload: []))
                try await socket.client.send(RawWebSocket.frame(10, []))
            }
            #expect(try await socket.frame().opcode == 9)
            let closing = try await socket.closing()
            #expect(closing.code == 1001)
            #expect(closing.reason == "no answer to a ping")
        }
    }

    @Test func dropsAReaderThatIsSlow() async throws {
        var limits = RPCLimits()
        limits.responseTimeout = .milliseconds(50)
        try await withServer(limits: limits) { server, _ in
            let socket = try await RawWebSocket.connect(server.address.port, reads: false)
            try await socket.send(HTTPTests.call("huge", id: 1, params: "[24000000]"))
            while server.openConnections > 0 || server.bufferedBytes > 0 { await Task.yield() }
            await socket.client.close()
        }
    }

    /// Answers may not pile up behind one that is not read.
    @Test func dropsAReaderWithTooMuchToRead() async throws {
        var limits = RPCLimits()
        limits.outboundBytes = 30_000_000
        try await withServer(limits: limits) { server, _ in
            let socket = try await RawWebSocket.connect(server.address.port, reads: false)
            var most = 0
            for id in 0..<4 {
                try await socket.send(HTTPTests.call("huge", id: id, params: "[14000000]"))
            }
            while server.openConnections > 0, most <= 30_000_000 {
                most = max(most, server.bufferedBytes)
                await Task.yield()
                if most >= 28_000_000 { break }
            }
            #expect(most <= 30_000_000)
            await socket.client.close()
            while server.bufferedBytes > 0 { await Task.yield() }
        }
    }

    @Test func readsNoFurtherWhileAnAnswerWaits() async throws {
        try await withServer { server, _ in
            var socket = try await RawWebSocket.connect(server.address.port, reads: false)
            try await socket.send(HTTPTests.call("huge", id: 1, params: "[20000000]"))
            while server.bufferedBytes < 20_000_000 { await Task.yield() }
            let ping = RawWebSocket.frame(9, [UInt8](repeating: 1, count: 125))
            socket.client.begin(Array(repeatElement(ping, count: 3_000).joined()))
            var other = try await RawWebSocket.connect(server.address.port)
            for _ in 0..<50 { _ = try await other.call(Self.echo) }
            #expect(server.bufferedBytes < 20_100_000)
            try await socket.client.startReading()
            #expect(try await socket.frame().payload.count > 20_000_000)
            for _ in 0..<3_000 { #expect(try await socket.frame().opcode == 10) }
        }
    }

    // MARK: Subscriptions

    @Test func pushesInOrderUntilUnsubscribed() async throws {
        try await withServer { server, _ in
            var socket = try await RawWebSocket.connect(server.address.port)
            try await socket.send(HTTPTests.call("count", id: 1, params: "[5000]"))
            let id = try #require(try await socket.json()["result"]?.stringValue)
            for number in 0..<5_000 {
                let text = try await socket.frame().text
                #expect(
                    text == "{\"jsonrpc\":\"2.0\",\"method\":\"counted\",\"params\":{"
                        + "\"subscription\":\"\(id)\",\"result\":\(number)}}")
            }
            for expected in ["\"result\":true", "subscription not found"] {
                let answer = try await socket.call(
                    HTTPTests.call("stop", id: 2, params: "[\"\(id)\"]"))
                #expect(answer.contains(expected))
            }
            #expect(try await socket.call(Self.echo) == JSONRPCTests.result("[]", id: "1"))
        }
    }

    @Test func hasABoundOfSubscriptions() async throws {
        var limits = RPCLimits()
        limits.subscriptions = 2
        try await withServer(limits: limits) { server, _ in
            var socket = try await RawWebSocket.connect(server.address.port)
            let count = HTTPTests.call("count", id: 1, params: "[0]")
            let first = try await socket.call(count)
            #expect(try await socket.call(count) != first)
            #expect(try await socket.call(count).contains("at most 2 subscriptions"))
            #expect(try await socket.call(HTTPTests.call("refuse", id: 1)).contains("not today"))
            let id = try JSON.parse(Array(first.utf8))["result"]?.stringValue ?? ""
            _ = try await socket.call(HTTPTests.call("stop", id: 2, params: "[\"\(id)\"]"))
            #expect(try await socket.call(count).contains("\"result\":\"0x"))
        }
    }

    @Test func dropsASubscriberThatLags() async throws {
        try await withServer { server, _ in
            var socket = try await RawWebSocket.connect(server.address.port)
            try await socket.send(HTTPTests.call("flood", id: 1))
            let closing = try await socket.closing()
            #expect(closing.code == 1008)
            #expect(closing.reason.hasPrefix("subscription too slow"))
        }
    }

    @Test func aSubscriberThatDoesNotReadHoldsItsWindowAndNoMore() async throws {
        try await withServer { server, _ in
            var socket = try await RawWebSocket.connect(server.address.port, reads: false)
            try await socket.send(HTTPTests.call("count", id: 1, params: "[1500,10000]"))
            var other = try await RawWebSocket.connect(server.address.port)
            while server.bufferedBytes < 600_000 { _ = try await other.call(Self.echo) }
            for _ in 0..<100 {
                _ = try await other.call(Self.echo)
                #expect(server.bufferedBytes < 64 * 10_300)
            }
            try await socket.client.startReading()
            _ = try await socket.frame()
            for number in 0..<1_500 {
                #expect(try await socket.frame().text.hasSuffix(" \(number)}}"))
            }
        }
    }

    // MARK: Stopping

    @Test func stopsWithAReason() async throws {
        try await withServer { server, dispatcher in
            var busy = try await RawWebSocket.connect(server.address.port)
            var idle = try await RawWebSocket.connect(server.address.port)
            _ = try await idle.call(HTTPTests.call("count", id: 1, params: "[0]"))
            try await busy.send(HTTPTests.call("wait", id: 1))
            await dispatcher.gate.arrived(2)
            async let stopping: Void = server.stop(within: .seconds(30))
            #expect(try await idle.closing().code == 1001)
            dispatcher.gate.open()
            #expect(try await busy.json()["result"] == "waited")
            #expect(try await busy.closing().code == 1001)
            await stopping
        }
    }

    @Test func cancelsWhatAClientLeft() async throws {
        try await withServer { server, dispatcher in
            let socket = try await RawWebSocket.connect(server.address.port)
            try await socket.send(HTTPTests.call("sleepUntilCancelled", id: 1))
            await dispatcher.gate.arrived()
            await socket.client.close()
            while server.openConnections > 0 { await Task.yield() }
        }
    }

    @Test func survivesRandomFrames() async throws {
        try await withServer { server, _ in
            let frames =
                RawWebSocket.text(Self.echo) + RawWebSocket.frame(9, [1])
                + RawWebSocket.frame(1, [0x5b], isFinal: false) + RawWebSocket.frame(0, [0x5d])
            for seed in UInt64(0)..<60 {
                var generator = SeededGenerator(seed: 0x7773_0000 + seed)
                var bytes = frames + frames
                for _ in 0..<4 {
                    let index = Int.random(in: 0..<bytes.count, using: &generator)
                    bytes[index] = UInt8.random(in: 0...255, using: &generator)
                }
                let socket = try await RawWebSocket.connect(server.address.port)
                try? await socket.client.send(bytes)
                await socket.client.close()
            }
            while server.openConnections > 0 { await Task.yield() }
            #expect(server.bufferedBytes == 0)
            var socket = try await RawWebSocket.connect(server.address.port)
            #expect(try await socket.call(Self.echo) == JSONRPCTests.result("[]", id: "1"))
        }
    }
}
