import Synchronization
import TallyClient
import TallyPrimitives
import TallyTesting
import Testing

@testable import TallyRPC

@Suite(.timeLimit(.minutes(1))) struct HostileClientTests {
    static let echo = HTTPTests.echo

    @Test func refusesABodyThatIsAnnouncedTooLong() async throws {
        try await withServer { server, _ in
            var client = try await RawClient.connect(server.address.port)
            try await client.send(
                "POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: \((5 << 20) + 1)\r\n\r\nx")
            let response = try await client.response()
            #expect(response.status == 413)
            #expect(response.headers["connection"] == "close")
            #expect(await client.isClosedSilently())
            while server.bufferedBytes > 0 { await Task.yield() }
        }
    }

    @Test func refusesABodyThatGrowsTooLong() async throws {
        var limits = RPCLimits()
        limits.bodyBytes = 100_000
        try await withServer(limits: limits) { server, _ in
            var client = try await RawClient.connect(server.address.port)
            let chunk = "4000\r\n" + String(repeating: " ", count: 0x4000) + "\r\n"
            let head = "POST / HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n"
            client.begin(Array((head + String(repeating: chunk, count: 64)).utf8))
            #expect(try await client.response().status == 413)
            #expect(await client.isClosedSilently())
        }
    }

    @Test func acceptsABodyOfTheGreatestLength() async throws {
        var limits = RPCLimits()
        limits.bodyBytes = 200_000
        try await withServer(limits: limits) { server, _ in
            var client = try await RawClient.connect(server.address.port)
            let padding = String(repeating: " ", count: 200_000 - Self.echo.utf8.count)
            #expect(try await client.call(padding + Self.echo).status == 200)
            #expect(try await client.call(padding + Self.echo + " ").status == 413)
        }
    }

    @Test func refusesDeepNesting() async throws {
        try await withServer { server, _ in
            var client = try await RawClient.connect(server.address.port)
            let refused = JSONRPCTests.error(-32005, "a request is at most 32 levels deep")
            for opening in ["[", "{\"a\":"] {
                let body = String(repeating: opening, count: 100_000)
                #expect(try await client.call(body).body == refused)
            }
        }
    }

    @Test func refusesLargeBatches() async throws {
        try await withServer { server, dispatcher in
            var client = try await RawClient.connect(server.address.port)
            for count in [101, 100_000] {
                let batch = Array(repeating: "0", count: count).joined(separator: ",")
                let body = try await client.call("[\(batch)]").body
                let answer = try JSON.parse(Array(body.utf8))
                #expect(answer["error"]?["code"] == -32005)
                #expect(answer["id"] == .null)
            }
            #expect(dispatcher.batches.withLock { $0.isEmpty })
        }
    }

    @Test(arguments: [
        ("GARBAGE\r\n\r\n", 400), ("POST / HTTP/1.1\r\nhost localhost\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: -1\r\n\r\n", 400),
        (
            "POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1\r\n"
                + "transfer-encoding: chunked\r\n\r\n", 400
        ),
        (
            "POST / HTTP/1.1\r\nhost: localhost\r\nx: " + String(repeating: "x", count: 9_000)
                + "\r\n\r\n", 431
        ),
        (
            "POST / HTTP/1.1\r\nhost: localhost\r\n" + String(repeating: "x: y\r\n", count: 65)
                + "\r\n", 431
        ),
        ("POST / HTTP/1.1\r\nhost: localhost\r\nexpect: wonders\r\n\r\n", 417),
    ])
    func refusesBadHeads(_ head: String, _ status: Int) async throws {
        try await withServer { server, _ in
            var client = try await RawClient.connect(server.address.port)
            client.begin(Array(head.utf8))
            #expect(try await client.response().status == status)
        }
    }

    /// No sleeping: the server closes the socket, and each of these would wait for ever else.
    @Test(arguments: [
        "", "POST / HT", "POST / HTTP/1.1\r\nhost: localhost\r\n",
        "POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100\r\n\r\n{\"jsonrpc\"",
        "POST / HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n1\r\n",
    ])
    func dropsSlowClients(_ beginning: String) async throws {
        var limits = RPCLimits()
        limits.requestTimeout = .milliseconds(40)
        limits.idleTimeout = beginning.isEmpty ? .milliseconds(40) : .seconds(600)
        try await withServer(limits: limits) { server, _ in
            var client = try await RawClient.connect(server.address.port)
            if !beginning.isEmpty {
                // What was slow before does not count.
                #expect(try await client.call(Self.echo).status == 200)
                try await client.send(beginning)
            }
            #expect(await client.isClosedSilently())
            while server.bufferedBytes > 0 { await Task.yield() }
        }
    }

    @Test func dripsDoNotExtendTheTimeForARequest() async throws {
        var limits = RPCLimits()
        limits.requestTimeout = .milliseconds(100)
        try await withServer(limits: limits) { server, _ in
            let client = try await RawClient.connect(server.address.port)
            try await client.send("POST / HTTP/1.1\r\nhost: localhost\r\n")
            // Ends when a write fails, because the server has closed.
            while (try? await client.send("x: y\r\n")) != nil { await Task.yield() }
        }
    }

    @Test func dropsClientsThatDoNotRead() async throws {
        var limits = RPCLimits()
        limits.responseTimeout = .milliseconds(50)
        try await withServer(limits: limits) { server, _ in
            // Its system takes some megabytes on its behalf, and then no more.
            let client = try await RawClient.connect(server.address.port, reads: false)
            try await client.post(HTTPTests.call("huge", id: 1, params: "[24000000]"))
            while server.openConnections > 0 || server.bufferedBytes > 0 { await Task.yield() }
            await client.close()
        }
    }

    @Test func closesConnectionsBeyondTheLimit() async throws {
        var limits = RPCLimits()
        limits.connections = 3
        try await withServer(limits: limits) { server, _ in
            var clients: [RawClient] = []
            for _ in 0..<3 {
                var client = try await RawClient.connect(server.address.port)
                #expect(try await client.call(Self.echo).status == 200)
                clients.append(client)
            }
            var refused = try await RawClient.connect(server.address.port)
            #expect(await refused.isClosedSilently())
            #expect(try await clients[0].call(Self.echo).status == 200)
            await clients[1].close()
            while server.openConnections == 3 { await Task.yield() }
            var next = try await RawClient.connect(server.address.port)
            #expect(try await next.call(Self.echo).status == 200)
        }
    }

    @Test func refusesBodiesAndAnswersBeyondTheMemoryOfAll() async throws {
        var limits = RPCLimits()
        limits.bufferedBytes = 100_000
        try await withServer(limits: limits) { server, _ in
            var client = try await RawClient.connect(server.address.port)
            let big = HTTPTests.call("big", id: 1, params: "[10000]")
            #expect(try await client.call(big).status == 503)
            let padding = String(repeating: " ", count: 90_000)
            #expect(try await client.call(padding + Self.echo).status == 200)
            client.begin(Array(RawClient.request(padding + padding + Self.echo).utf8))
            #expect(try await client.response().status == 503)
            await client.close()
            while server.bufferedBytes > 0 { await Task.yield() }
        }
    }

    @Test func survivesRandomBytes() async throws {
        try await withServer { server, _ in
            let request = Array(RawClient.request("[\(Self.echo),\(Self.echo)]").utf8)
            for seed in UInt64(0)..<60 {
                var generator = SeededGenerator(seed: 0x6874_7470 + seed)
                var bytes = request + request
                for _ in 0..<4 {
                    let index = Int.random(in: 0..<bytes.count, using: &generator)
                    bytes[index] = UInt8.random(in: 0...255, using: &generator)
                }
                let client = try await RawClient.connect(server.address.port)
                try? await client.send(bytes)
                await client.close()
            }
            var client = try await RawClient.connect(server.address.port)
            #expect(try await client.call(Self.echo).status == 200)
        }
    }
}
