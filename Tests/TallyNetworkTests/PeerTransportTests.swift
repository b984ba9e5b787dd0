import Foundation
import NIOCore
import NIOPosix
import NIOSSL
import TallyConsensus
import TallyCrypto
import TallyEngine
import TallyNetwork
import TallyPrimitives
import Testing

/// Sockets of this process.
@Suite(.timeLimit(.minutes(1))) struct PeerTransportTests {
    /// A node of the tests: its transport, and what it told.
    private struct TestNode {
        let key: PrivateKey
        let transport: PeerTransport
        let notices: Happenings<PeerNotice>

        init(
            _ key: PrivateKey, list: [PrivateKey], chain: ChainIdentity = Fixtures.chain,
            dialling: TestNode? = nil, limits: NetworkLimits = NetworkLimits()
        ) async throws {
            self.key = key
            var configuration = TransportConfiguration(
                identity: try TransportIdentity(pem: TransportIdentity.makePEM()),
                signer: KeySigner(key), chain: chain,
                list: PeerList(validators: list.map(\.address)), seed: 1)
            configuration.limits = limits
            // Nobody waits for the other to dial.
            configuration.limits.courtesy = .zero
            if let dialling {
                configuration.places[dialling.key.address] = dialling.transport.place
            }
            let notices = Happenings<PeerNotice>()
            transport = try await PeerTransport.bind(
                configuration, clock: SystemClock(), notify: notices.add)
            self.notices = notices
            transport.start()
        }

        func link() async -> PeerLink? {
            for await link in transport.established { return link }
            return nil
        }

        func refusal() async -> PeerRefusal? {
            await notices.first { notice -> PeerRefusal? in
                if case .refused(let refusal, _) = notice { refusal } else { nil }
            }
        }
    }

    @Test func carriesFramesBothWays() async throws {
        let keys = try Fixtures.keys(2)
        let one = try await TestNode(keys[0], list: keys)
        let other = try await TestNode(keys[1], list: keys, dialling: one)
        let there = try #require(await other.link())
        let here = try #require(await one.link())
        #expect(here.address == keys[1].address && there.address == keys[0].address)
        #expect(there.weDialled && !here.weDialled)
        let frames = FrameTests.frames.filter { ![.ping, .pong].contains($0.kind) }
        for frame in frames { there.send(frame) }
        var received: [PeerFrame] = []
        while received.count < frames.count { received += await here.received() ?? [] }
        for traffic in TrafficClass.allCases {
            let sent = frames.filter { $0.kind.trafficClass == traffic }
            #expect(received.filter { $0.kind.trafficClass == traffic } == sent)
        }
        // A frame of the largest size that is sensible here, in many records of TLS.
        let body = [UInt8](repeating: 0xab, count: 3 << 20)
        here.send(.body(.zero, body))
        #expect(await there.received() == [.body(.zero, body)])
        #expect(one.transport.counters.framesReceived.votes > 0)
        await one.transport.stop()
        #expect(await there.received() == nil)
        #expect(
            await other.notices.first { notice -> PeerRefusal? in
                if case .disconnected(_, let refusal) = notice { refusal } else { nil }
            } == .goodbye(PeerRefusal.stopping.code))
        await other.transport.stop()
    }

    /// NET-32: what stands goes on, what comes next shows the new certificate.
    @Test func renewsItsCertificate() async throws {
        let keys = try Fixtures.keys(3)
        let one = try await TestNode(keys[0], list: keys)
        let early = try await TestNode(keys[1], list: keys, dialling: one)
        let there = try #require(await early.link())
        let here = try #require(await one.link())
        let before = one.transport.fingerprint
        let renewed = try TransportIdentity(pem: TransportIdentity.makePEM())
        one.transport.renew(renewed)
        #expect(one.transport.fingerprint == renewed.fingerprint)
        #expect(one.transport.fingerprint != before)
        // A statement for the old certificate would be refused beside the new one, and the reverse.
        let late = try await TestNode(keys[2], list: keys, dialling: one)
        let link = try #require(await late.link())
        #expect(link.address == keys[0].address)
        there.send(.head(Height(7), digest: .zero))
        #expect(await here.received() == [.head(Height(7), digest: .zero)])
        #expect(one.transport.links.map(\.address) == keys[1...].map(\.address).sorted())
        await late.transport.stop()
        await early.transport.stop()
        await one.transport.stop()
    }

    /// A node that was stopped comes back with another certificate of the same key.
    @Test func takesAnotherCertificateOfTheSameKey() async throws {
        let keys = try Fixtures.keys(2)
        let one = try await TestNode(keys[0], list: keys)
        for _ in 0..<2 {
            let other = try await TestNode(keys[1], list: keys, dialling: one)
            #expect(await other.link()?.address == keys[0].address)
            await other.transport.stop()
        }
        await one.transport.stop()
    }

    @Test func refusesAnotherChain() async throws {
        let keys = try Fixtures.keys(2)
        let one = try await TestNode(keys[0], list: keys)
        let chain = ChainIdentity(genesis: .zero, chainID: 1337)
        let other = try await TestNode(keys[1], list: keys, chain: chain, dialling: one)
        #expect(await one.refusal() == .wrongChain(chain))
        #expect(await other.refusal() != nil)
        await other.transport.stop()
        await one.transport.stop()
        #expect(one.transport.links.isEmpty)
    }

    @Test func refusesWhoIsNotOnTheList() async throws {
        let keys = try Fixtures.keys(2)
        let stranger = try Fixtures.key("stranger")
        let one = try await TestNode(keys[0], list: keys)
        let other = try await TestNode(stranger, list: keys + [stranger], dialling: one)
        #expect(await one.refusal() == .notOnTheList(stranger.address))
        await other.transport.stop()
        await one.transport.stop()
    }

    @Test func disconnectsWhoLeavesTheList() async throws {
        let keys = try Fixtures.keys(2)
        let one = try await TestNode(keys[0], list: keys)
        let other = try await TestNode(keys[1], list: keys, dialling: one)
        let link = try #require(await one.link())
        one.transport.update(validators: [keys[0].address])
        #expect(await link.received() == nil)
        #expect(await one.refusal() == .notOnTheList(keys[1].address), "when it comes again")
        await other.transport.stop()
        await one.transport.stop()
    }

    /// Both dial at once, again and again: one connection stays, and works.
    @Test func keepsOneOfTwoConnections() async throws {
        let keys = try Fixtures.keys(2)
        for _ in 0..<5 {
            let one = try await TestNode(keys[0], list: keys)
            let other = try await TestNode(keys[1], list: keys, dialling: one)
            one.transport.place(keys[1].address, at: other.transport.place)
            // On whichever connection there is: of those that stay, one is read to its end.
            async let sent: Void = {
                for await link in one.transport.established {
                    link.send(.head(Height(1), digest: .zero))
                }
            }()
            for await link in other.transport.established {
                if await link.received() == [.head(Height(1), digest: .zero)] { break }
            }
            #expect(one.transport.links.count == 1)
            await one.transport.stop()
            await other.transport.stop()
            await sent
        }
    }

    @Test func bansWhoOffends() async throws {
        let keys = try Fixtures.keys(2)
        let one = try await TestNode(keys[0], list: keys)
        let other = try await TestNode(keys[1], list: keys, dialling: one)
        let link = try #require(await one.link())
        // One more than five, since some is forgiven meanwhile.
        for _ in 0..<6 { one.transport.offence(.wrongBody(.zero), by: link) }
        #expect(await link.received() == nil)
        #expect(await one.refusal() == .banned(keys[1].address), "when it comes again")
        #expect(one.transport.counters.bans == 1)
        await other.transport.stop()
        await one.transport.stop()
    }

    // MARK: Strangers

    /// A client by hand, with a certificate or without.
    private func dial(
        _ node: TestNode, _ bytes: [UInt8] = [], configure: (inout TLSConfiguration) throws -> Void
    ) async throws {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.certificateVerification = .none
        try configure(&configuration)
        let context = try NIOSSLContext(configuration: configuration)
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(
                        NIOSSLClientHandler(context: context, serverHostname: nil))
                }
            }
            .connect(host: node.transport.place.host, port: node.transport.place.port).get()
        channel.writeAndFlush(ByteBuffer(bytes: bytes), promise: nil)
        try? await channel.closeFuture.get()
    }

    private static func certificate(_ configuration: inout TLSConfiguration) throws {
        let pem = try TransportIdentity.makePEM()
        configuration.certificateChain = try NIOSSLCertificate.fromPEMBytes(pem).map {
            .certificate($0)
        }
        configuration.privateKey = .privateKey(try NIOSSLPrivateKey(bytes: pem, format: .pem))
    }

    /// NET-1
    @Test func refusesWhoShowsNoCertificate() async throws {
        let keys = try Fixtures.keys(2)
        let node = try await TestNode(keys[0], list: keys)
        try await dial(node) { _ in }
        #expect(await node.refusal() == .noTLS)
        await node.transport.stop()
    }

    /// NET-1
    @Test func refusesOlderTLS() async throws {
        let keys = try Fixtures.keys(2)
        let node = try await TestNode(keys[0], list: keys)
        try await dial(node) { configuration in
            try Self.certificate(&configuration)
            configuration.maximumTLSVersion = .tlsv12
        }
        #expect(await node.refusal() == .noTLS)
        await node.transport.stop()
    }

    @Test func refusesWhatIsNoHello() async throws {
        let keys = try Fixtures.keys(2)
        let node = try await TestNode(keys[0], list: keys)
        try await dial(node, PeerFrame.ping(1).bytes, configure: Self.certificate)
        #expect(await node.refusal() == .tooEarly(.ping))
        await node.transport.stop()
    }

    /// NET-2: a HELLO that was good on another connection.
    @Test func refusesAReplayedHello() async throws {
        let keys = try Fixtures.keys(2)
        let node = try await TestNode(keys[0], list: keys)
        let hello = Fixtures.hello(keys[1], fingerprint: Fixtures.hash("its certificate"))
        try await dial(node, PeerFrame.hello(hello).bytes, configure: Self.certificate)
        #expect(await node.refusal() == .wrongSignature(claimed: keys[1].address))
        await node.transport.stop()
    }

    @Test func refusesAPlainConnection() async throws {
        let keys = try Fixtures.keys(2)
        let node = try await TestNode(keys[0], list: keys)
        let place = node.transport.place
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connect(host: place.host, port: place.port).get()
        channel.writeAndFlush(ByteBuffer(string: "GET / HTTP/1.1\r\n\r\n"), promise: nil)
        try? await channel.closeFuture.get()
        #expect(await node.refusal() == .noTLS)
        await node.transport.stop()
    }

    /// NET-19
    @Test func closesStrangersBeyondItsBound() async throws {
        let keys = try Fixtures.keys(2)
        var limits = NetworkLimits()
        limits.strangers = 1
        let node = try await TestNode(keys[0], list: keys, limits: limits)
        let place = node.transport.place
        let first = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connect(host: place.host, port: place.port).get()
        let second = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connect(host: place.host, port: place.port).get()
        try? await second.closeFuture.get()
        #expect(await node.refusal() == .tooManyStrangers)
        try? await first.close()
        await node.transport.stop()
    }

    @Test func aFileWithoutKeyIsNoIdentity() throws {
        let pem = try TransportIdentity.makePEM()
        let text = try #require(String(bytes: pem, encoding: .utf8))
        let start = try #require(text.range(of: "-----BEGIN CERTIFICATE"))
        for half in [text[..<start.lowerBound], text[start.lowerBound...], ""] {
            #expect(throws: TransportIdentityError.malformed) {
                _ = try TransportIdentity(pem: Array(half.utf8))
            }
        }
        let same = try TransportIdentity(pem: pem)
        #expect(try TransportIdentity(pem: pem).fingerprint == same.fingerprint)
        #expect(
            try TransportIdentity(pem: TransportIdentity.makePEM()).fingerprint
                != same.fingerprint)
    }
}
