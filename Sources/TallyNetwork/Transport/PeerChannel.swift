import NIOCore
import NIOPosix
import NIOSSL
import TallyPrimitives

/// Channels with TLS and a handler, of either side.
enum PeerChannel {
    static func server(
        _ core: TransportCore, _ group: MultiThreadedEventLoopGroup
    ) -> ServerBootstrap {
        ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 256)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .serverChannelOption(.autoRead, value: false)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    guard let id = core.open(channel, dialled: false) else {
                        throw PeerRefusal.tooManyStrangers
                    }
                    let (identity, hello) = core.credentials
                    let tls = NIOSSLServerHandler(
                        context: identity.server, customVerificationCallback: judge)
                    let pipeline = channel.pipeline.syncOperations
                    try pipeline.addHandler(tls)
                    try pipeline.addHandler(
                        PeerHandler(id, side: .listener, hello: hello, core: core))
                }
            }
    }

    static func client(
        _ core: TransportCore, _ group: MultiThreadedEventLoopGroup, to peer: Address
    ) -> ClientBootstrap {
        ClientBootstrap(group: group)
            .connectTimeout(TimeAmount(core.limits.connectTimeout))
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    guard let id = core.open(channel, dialled: true) else {
                        throw PeerRefusal.stopping
                    }
                    let (identity, hello) = core.credentials
                    let tls = try NIOSSLClientHandler(
                        context: identity.client, serverHostname: nil,
                        customVerificationCallback: judge)
                    let pipeline = channel.pipeline.syncOperations
                    try pipeline.addHandler(tls)
                    try pipeline.addHandler(
                        PeerHandler(id, side: .dialler(peer), hello: hello, core: core))
                }
            }
    }

    /// NET-1: any certificate by itself will do, since the HELLO says whose it is. TLS checks that
    /// the other side holds its key.
    @Sendable private static func judge(
        _ certificates: [NIOSSLCertificate], _ promise: EventLoopPromise<NIOSSLVerificationResult>
    ) {
        promise.succeed(certificates.count == 1 ? .certificateVerified : .failed)
    }
}
