import ArgumentParser
import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix
import TallyClient

/// The least that an HTTP/1.1 server on NIO does: reads a request, and answers with so many bytes.
struct EchoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "echo", abstract: "A server that does nothing.", shouldDisplay: false)

    @Option var answerBytes: Int

    func run() async throws {
        let body = ByteBuffer(repeating: UInt8(ascii: "0"), count: answerBytes)
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.backlog, value: 256)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    try pipeline.configureHTTPServerPipeline(
                        withPipeliningAssistance: false, withErrorHandling: false)
                    try pipeline.addHandler(EchoHandler(body: body))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let ready: JSON = ["port": JSON(channel.localAddress?.port ?? 0)]
        FileHandle.standardOutput.write(Data((ready.description + "\n").utf8))
        for await _ in StandardInput.lines {}
        try await channel.close()
    }
}

private final class EchoHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let body: ByteBuffer

    init(body: ByteBuffer) { self.body = body }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard case .end = unwrapInboundIn(data) else { return }
        var head = HTTPResponseHead(version: .http1_1, status: .ok)
        head.headers.add(name: "content-type", value: "application/json")
        head.headers.add(name: "content-length", value: String(body.readableBytes))
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.write(wrapOutboundOut(.body(.byteBuffer(body))), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    }
}
