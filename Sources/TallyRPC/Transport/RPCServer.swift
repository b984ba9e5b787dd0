import NIOCore
import NIOHTTP1
package import NIOPosix
import Synchronization
package import TallyEngine

/// Why the server cannot listen.
package enum RPCServerError: Error, Hashable, Sendable {
    case addressInUse(host: String, port: Int)
    /// The host is no address of this machine, or the port is not ours to take.
    case cannotListen(host: String, port: Int, errno: Int32?)
}

/// Where a server listens.
package struct RPCAddress: Hashable, Sendable, CustomStringConvertible {
    package let host: String
    package let port: Int

    package var description: String { (host.contains(":") ? "[\(host)]" : host) + ":\(port)" }
}

/// The JSON-RPC 2.0 server: HTTP/1.1 POST and WebSocket on one port.
///
/// `bind` takes the port, `run` serves until `stop` or the cancellation of its task. Event loops
/// parse and serialise; each connection has one task, a child of `run`, for what has to wait.
package struct RPCServer<Dispatcher: RPCDispatcher>: Sendable {
    package let address: RPCAddress
    private let listener: any Channel
    private let group: MultiThreadedEventLoopGroup
    private let context: RPCServerContext<Dispatcher>
    private let accepted: AsyncStream<RPCConnection>

    /// Takes a port; connections wait in the system's queue until `run`.
    ///
    /// - Parameters:
    ///   - port: 0 for any free one.
    ///   - pages: what GET requests are answered.
    ///   - connections: kept at the number of open connections.
    /// - Throws: every case of `RPCServerError`.
    package static func bind(
        host: String = "127.0.0.1", port: Int, dispatcher: Dispatcher,
        limits: RPCLimits = RPCLimits(), access: RPCAccess = RPCAccess(),
        pages: @escaping RPCPageSource = { _ in nil }, connections: Gauge = Gauge(),
        group: MultiThreadedEventLoopGroup = .singleton
    ) async throws(RPCServerError) -> RPCServer {
        let (accepted, continuation) = AsyncStream.makeStream(
            of: RPCConnection.self, bufferingPolicy: .bufferingOldest(limits.connections))
        let context = RPCServerContext(
            dispatcher: dispatcher, limits: limits, access: access, pages: pages,
            state: RPCServerState(
                limits: limits, gauge: connections, accepted: continuation))
        do {
            let listener = try await bootstrap(context, group).bind(host: host, port: port).get()
            let address = RPCAddress(
                host: listener.localAddress?.ipAddress ?? host,
                port: listener.localAddress?.port ?? port)
            return RPCServer(
                address: address, listener: listener, group: group, context: context,
                accepted: accepted)
        } catch {
            let number = (error as? IOError)?.errnoCode
            throw number == EADDRINUSE
                ? .addressInUse(host: host, port: port)
                : .cannotListen(host: host, port: port, errno: number)
        }
    }

    private static func bootstrap(
        _ context: RPCServerContext<Dispatcher>, _ group: MultiThreadedEventLoopGroup
    ) -> ServerBootstrap {
        ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 256)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .serverChannelOption(.autoRead, value: false)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(.autoRead, value: false)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelOption(.maxMessagesPerRead, value: 1)
            .childChannelOption(
                .recvAllocator,
                value: AdaptiveRecvByteBufferAllocator(
                    minimum: 1 << 10, initial: 4 << 10, maximum: 32 << 10)
            )
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let decoder = HTTPRequestDecoder(
                        leftOverBytesStrategy: .forwardBytes,
                        limitConfiguration: context.limits.decoderLimits)
                    let pipeline = channel.pipeline.syncOperations
                    try pipeline.addHandler(ByteToMessageHandler(decoder))
                    try pipeline.addHandler(RPCHandler(server: context))
                }
            }
    }

    /// Serves until `stop`, or until the task is cancelled, which cuts connections off.
    package func run() async {
        await withTaskCancellationHandler {
            await withDiscardingTaskGroup { group in
                listener.setOption(.autoRead, value: true).whenComplete { _ in }
                let executor = RequestExecutor()
                for await connection in accepted {
                    group.addTask(executorPreference: executor) { [context] in
                        await connection.serve(
                            context.dispatcher, limits: context.limits, pages: context.pages)
                        context.state.remove(connection)
                    }
                }
                if context.state.isCutOff.load(ordering: .acquiring) { group.cancelAll() }
            }
        } onCancel: {
            listener.close(promise: nil)
            context.state.cutOff()
        }
        context.state.forgetAll()
    }

    /// Takes no more connections, lets requests under way be answered, and returns when all
    /// connections are closed; after `deadline` they are cut off and their methods cancelled.
    package func stop(within deadline: Duration) async {
        listener.close(promise: nil)
        for connection in context.state.beginStop() { connection.quiesce() }
        let cutOff = listener.eventLoop.scheduleTask(in: TimeAmount(deadline)) { [context] in
            context.state.cutOff()
        }
        await context.state.waitUntilEmpty()
        cutOff.cancel()
    }

    /// After `run`: returns when nothing but this value holds the dispatcher.
    ///
    /// A closed channel lets go of its handlers on its event loop, after it said that it is closed.
    package func close() async {
        listener.close(promise: nil)
        try? await listener.closeFuture.get()
        // What the first round begins, the second sees done.
        for _ in 0..<2 {
            for loop in group.makeIterator() { try? await loop.submit {}.get() }
        }
    }

    /// Connections at present, those included whose method still runs after the client left.
    package var openConnections: Int { context.state.openConnections }

    /// Bytes of bodies and responses held at present.
    package var bufferedBytes: Int { context.state.bufferedBytes }
}

extension RPCLimits {
    fileprivate var decoderLimits: NIOHTTPDecoderLimitConfiguration {
        var configuration = NIOHTTPDecoderLimitConfiguration()
        configuration.maxHeaderFieldSize = headerFieldBytes
        configuration.maxHeaderListSize = headerBytes
        configuration.maxHeaderFieldCount = headerFields
        return configuration
    }
}
