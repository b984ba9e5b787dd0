import NIOCore
import NIOPosix
import Synchronization
import TallyClient
import Testing

@testable import TallyRPC

/// What hostile clients send over real sockets, and what it may cost: bytes held, by the server's
/// own count.
@Suite(.timeLimit(.minutes(1))) struct AbuseTests {
    static let echo = HTTPTests.echo

    /// Largest count of bytes held while `body` runs.
    private func most(
        of server: RPCServer<EchoDispatcher>, _ body: () async throws -> Void
    ) async throws -> Int {
        try await withThrowingTaskGroup(of: Int.self) { group in
            group.addTask {
                var most = 0
                while !Task.isCancelled {
                    most = max(most, server.bufferedBytes)
                    await Task.yield()
                }
                return most
            }
            let result: Result<Void, any Error>
            do { result = .success(try await body()) } catch { result = .failure(error) }
            group.cancelAll()
            let most = try await group.next() ?? 0
            try result.get()
            return most
        }
    }

    @Test func nestingCostsItsBytesAndNoMore() async throws {
        try await withServer { server, _ in
            var client = try await RawClient.connect(server.address.port)
            var socket = try await RawWebSocket.connect(server.address.port)
            let refused = JSONRPCTests.error(-32005, "a request is at most 32 levels deep")
            let most = try await most(of: server) { () async throws in
                for opening in ["[", "{\"a\":", "[[{\"a\":"] {
                    let body = String(repeating: opening, count: 100_000)
                    let answers = [try await client.call(body).body, try await socket.call(body)]
                    #expect(answers == [refused, refused])
                }
            }
            #expect(most <= 2 * 800_000 + 10_000)
        }
    }

    @Test func largeBatchesAreOneAnswer() async throws {
        try await withServer { server, dispatcher in
            var client = try await RawClient.connect(server.address.port)
            var socket = try await RawWebSocket.connect(server.address.port)
            for count in [101, 60_000, 100_000] {
                let batch = "[" + Array(repeating: "0", count: count).joined(separator: ",") + "]"
                let answers = [try await client.call(batch).body, try await socket.call(batch)]
                for answer in answers {
                    let json = try JSON.parse(Array(answer.utf8))
                    #expect(json["error"]?["code"] == -32005)
                }
            }
            #expect(dispatcher.batches.withLock { $0.isEmpty })
        }
    }

    /// A gigabyte is refused by its announcement, or once it is too much: it is never held.
    @Test func aGigabyteIsNotRead() async throws {
        try await withServer { server, _ in
            let most = try await most(of: server) { () async throws in
                var client = try await RawClient.connect(server.address.port)
                try await client.send(
                    "POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1073741824\r\n\r\n")
                #expect(try await client.response().status == 413)
                #expect(await client.isClosedSilently())
                var chunked = try await RawClient.connect(server.address.port)
                try await chunked.send(
                    "POST / HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n"
                        + "40000000\r\n")
                chunked.begin([UInt8](repeating: 0x20, count: 8 << 20))
                #expect(try await chunked.response().status == 413)
                var socket = try await RawWebSocket.connect(server.address.port)
                // In one write: the server may close as soon as it has read the length.
                try await socket.client.send(
                    [0x81, 0xff, 0, 0, 0, 0, 0x40, 0, 0, 0] + [1, 2, 3, 4])
                #expect(try await socket.closing().code == 1009)
            }
            #expect(most <= (5 << 20) + 100_000)
        }
    }

    @Test func idleConnectionsHoldNothing() async throws {
        var limits = RPCLimits()
        limits.connections = 2_100
        try await withServer(limits: limits) { server, _ in
            var idle: [RawClient] = []
            for index in 0..<2_000 {
                let client = try await RawClient.connect(server.address.port)
                // Some with half a request.
                if index.isMultiple(of: 2) { try await client.send("POST / HTTP/1.1\r\nhost: l") }
                idle.append(client)
            }
            while server.openConnections < 2_000 { await Task.yield() }
            #expect(server.bufferedBytes == 0)
            var client = try await RawClient.connect(server.address.port)
            #expect(try await client.call(Self.echo).status == 200)
            for client in idle { client.channel.close(promise: nil) }
            while server.openConnections > 1 { await Task.yield() }
        }
    }

    /// One byte of a body at a time does not keep a connection.
    @Test func aSlowBodyIsDropped() async throws {
        var limits = RPCLimits()
        limits.requestTimeout = .milliseconds(100)
        try await withServer(limits: limits) { server, _ in
            let client = try await RawClient.connect(server.address.port)
            try await client.send(
                "POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 5000000\r\n\r\n")
            while (try? await client.send(" ")) != nil { await Task.yield() }
            while server.bufferedBytes > 0 { await Task.yield() }
        }
    }

    /// Nor does one byte of a frame.
    @Test func aSlowFrameIsDropped() async throws {
        var limits = RPCLimits()
        limits.requestTimeout = .milliseconds(100)
        try await withServer(limits: limits) { server, _ in
            let socket = try await RawWebSocket.connect(server.address.port)
            let frame = RawWebSocket.frame(1, [UInt8](repeating: 0x20, count: 1_000_000))
            for byte in frame {
                guard (try? await socket.client.send([byte])) != nil else { break }
                await Task.yield()
            }
            while server.openConnections > 0 { await Task.yield() }
            #expect(server.bufferedBytes == 0)
        }
    }

    /// Answers of a client that sends and does not read stop at what the socket takes.
    @Test func pipeliningWithoutReadingIsBounded() async throws {
        try await withServer { server, _ in
            let client = try await RawClient.connect(server.address.port, reads: false)
            let call = RawClient.request(HTTPTests.call("big", id: 1, params: "[5000]"))
            client.begin(Array(String(repeating: call, count: 2_000).utf8))
            var other = try await RawClient.connect(server.address.port)
            for _ in 0..<300 {
                #expect(try await other.call(Self.echo).status == 200)
                #expect(server.bufferedBytes < 300_000)
            }
            await client.close()
        }
    }

    @Test func garbageIsRefused() async throws {
        try await withServer { server, _ in
            let garbage: [[UInt8]] = [
                [UInt8](repeating: 0, count: 10_000), [UInt8](repeating: 0xff, count: 100_000),
                [0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3], Array("SSH-2.0-client\r\n".utf8),
                Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8),
            ]
            for bytes in garbage {
                var client = try await RawClient.connect(server.address.port)
                client.begin(bytes)
                let status = try? await client.response().status
                #expect(status == nil || (400...431).contains(status ?? 0))
            }
            var client = try await RawClient.connect(server.address.port)
            #expect(try await client.call(Self.echo).status == 200)
        }
    }
}
