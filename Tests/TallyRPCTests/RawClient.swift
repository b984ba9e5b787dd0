import NIOCore
import NIOPosix

/// A client that sends any bytes and reads HTTP responses, sharing no code with the server.
struct RawClient {
    struct Response: Equatable {
        var status: Int
        var headers: [String: String]
        var body: String
    }

    enum Failure: Error { case closed, malformed(String) }

    private final class Collector: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        let continuation: AsyncStream<[UInt8]>.Continuation

        init(_ continuation: AsyncStream<[UInt8]>.Continuation) {
            self.continuation = continuation
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            continuation.yield(Array(unwrapInboundIn(data).readableBytesView))
        }

        func channelInactive(context: ChannelHandlerContext) { continuation.finish() }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            context.close(promise: nil)
        }
    }

    let channel: any Channel
    private var iterator: AsyncStream<[UInt8]>.Iterator
    private var received: [UInt8] = []

    static func connect(_ port: Int, reads: Bool = true) async throws -> RawClient {
        let (stream, continuation) = AsyncStream.makeStream(of: [UInt8].self)
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelOption(.autoRead, value: reads)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Collector(continuation))
                }
            }
            .connect(host: "127.0.0.1", port: port).get()
        return RawClient(channel: channel, iterator: stream.makeAsyncIterator())
    }

    func send(_ text: String) async throws { try await send(Array(text.utf8)) }

    func send(_ bytes: [UInt8]) async throws {
        try await channel.writeAndFlush(ByteBuffer(bytes: bytes)).get()
    }

    /// Sends without waiting until the peer has taken it.
    func begin(_ bytes: [UInt8]) { channel.writeAndFlush(ByteBuffer(bytes: bytes), promise: nil) }

    func post(_ body: String, headers: String = "") async throws {
        try await send(Self.request(body, headers: headers))
    }

    static func request(_ body: String, headers: String = "") -> String {
        "POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: \(body.utf8.count)\r\n\(headers)"
            + "\r\n\(body)"
    }

    mutating func response() async throws -> Response {
        var head: [UInt8] = []
        while !head.ends(with: "\r\n\r\n") { head.append(try await byte()) }
        let lines = String(decoding: head, as: UTF8.self).split(separator: "\r\n")
        let words = lines.first?.split(separator: " ") ?? []
        guard words.count >= 2, words[0] == "HTTP/1.1", let status = Int(words[1]) else {
            throw Failure.malformed(String(decoding: head, as: UTF8.self))
        }
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            let name = line.prefix { $0 != ":" }
            headers[name.lowercased()] = String(line.dropFirst(name.count + 2))
        }
        var body: [UInt8] = []
        let length = headers["content-length"].flatMap { Int($0) } ?? 0
        while body.count < length {
            if received.isEmpty { try await receive() }
            let count = min(received.count, length - body.count)
            body.append(contentsOf: received.prefix(count))
            received.removeFirst(count)
        }
        return Response(
            status: status, headers: headers, body: String(decoding: body, as: UTF8.self))
    }

    mutating func call(_ body: String, headers: String = "") async throws -> Response {
        try await post(body, headers: headers)
        return try await response()
    }

    /// Waits until the server closes; whether nothing came before that.
    mutating func isClosedSilently() async -> Bool {
        guard received.isEmpty else { return false }
        return await iterator.next(isolation: #isolation) == nil
    }

    func startReading() async throws { try await channel.setOption(.autoRead, value: true).get() }

    func stopReading() async throws { try await channel.setOption(.autoRead, value: false).get() }

    func closeOutput() async throws { try await channel.close(mode: .output).get() }

    func close() async { try? await channel.close().get() }

    mutating func bytes(_ count: Int) async throws -> [UInt8] {
        while received.count < count {
            guard let more = await iterator.next(isolation: #isolation) else {
                throw Failure.closed
            }
            received += more
        }
        defer { received.removeFirst(count) }
        return Array(received.prefix(count))
    }

    private mutating func byte() async throws -> UInt8 {
        if received.isEmpty { try await receive() }
        return received.removeFirst()
    }

    private mutating func receive() async throws {
        guard let bytes = await iterator.next(isolation: #isolation) else { throw Failure.closed }
        received = bytes
    }
}

extension [UInt8] {
    fileprivate func ends(with text: String) -> Bool {
        suffix(text.utf8.count).elementsEqual(text.utf8)
    }
}
