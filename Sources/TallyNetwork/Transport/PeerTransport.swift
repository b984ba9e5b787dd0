import NIOCore
package import NIOPosix
import NIOSSL
package import TallyConsensus
package import TallyEngine
package import TallyPrimitives

/// Why the transport cannot listen.
package enum TransportError: Error, Hashable, Sendable {
    case addressInUse(PeerPlace)
    /// The host is no address of this machine, or the port is not ours to take.
    case cannotListen(PeerPlace, errno: Int32?)
}

/// How a node takes part in the network.
package struct TransportConfiguration: Sendable {
    package var identity: TransportIdentity
    /// The validator's key, or the observer's.
    package var signer: any VoteSigner
    package var role = PeerRole.validator
    package var chain: ChainIdentity
    /// Port 0 for any free one.
    package var listen = PeerPlace(host: "127.0.0.1", port: 0)
    /// Who is dialled, and where.
    package var places: [Address: PeerPlace] = [:]
    package var list: PeerList
    package var limits = NetworkLimits()
    /// Random: nodes do not dial in step (NET-21).
    package var seed: UInt64

    package init(
        identity: TransportIdentity, signer: any VoteSigner, chain: ChainIdentity,
        list: PeerList, seed: UInt64
    ) {
        self.identity = identity
        self.signer = signer
        self.chain = chain
        self.list = list
        self.seed = seed
    }
}

/// Connections with the peers of a ledger: listens, dials, and gives out a ``PeerLink`` for each peer
/// that was found good (`Specs/network.md`).
///
/// `bind` takes the port, `start` begins, `stop` ends it. Everything happens on event loops.
package final class PeerTransport: Sendable {
    /// Where it listens.
    package let place: PeerPlace
    private let core: TransportCore
    private let listener: any Channel
    private let dialler: Dialler
    /// Vouches for a certificate.
    private let vouch: @Sendable (TransportIdentity) -> PeerHello

    /// How often the book is asked whom to dial.
    private static let dialInterval = TimeAmount.milliseconds(50)

    private init(
        place: PeerPlace, core: TransportCore, listener: any Channel, dialler: Dialler,
        vouch: @escaping @Sendable (TransportIdentity) -> PeerHello
    ) {
        self.vouch = vouch
        self.place = place
        self.core = core
        self.listener = listener
        self.dialler = dialler
    }

    /// Takes a port; connections wait in the system's queue until ``start()``.
    /// - Throws: every case of `TransportError`.
    package static func bind(
        _ configuration: TransportConfiguration, clock: any NodeClock,
        group: MultiThreadedEventLoopGroup = .singleton,
        notify: @escaping @Sendable (PeerNotice) -> Void
    ) async throws(TransportError) -> PeerTransport {
        let vouch: @Sendable (TransportIdentity) -> PeerHello = { identity in
            let statement = PeerStatement(
                chain: configuration.chain, fingerprint: identity.fingerprint,
                role: configuration.role)
            return PeerHello(statement, height: .genesis, signer: configuration.signer)
        }
        let hello = vouch(configuration.identity)
        let book = PeerBook(
            own: hello.address, places: configuration.places, limits: configuration.limits,
            now: clock.uptime(), seed: configuration.seed)
        let core = TransportCore(
            book: book, identity: configuration.identity, hello: hello, list: configuration.list,
            limits: configuration.limits, clock: clock, notify: notify)
        let wanted = configuration.listen
        do {
            let listener = try await PeerChannel.server(core, group)
                .bind(host: wanted.host, port: wanted.port).get()
            let place = PeerPlace(
                host: listener.localAddress?.ipAddress ?? wanted.host,
                port: listener.localAddress?.port ?? wanted.port)
            return PeerTransport(
                place: place, core: core, listener: listener,
                dialler: Dialler(core: core, group: group), vouch: vouch)
        } catch {
            let number = (error as? IOError)?.errnoCode
            throw number == EADDRINUSE
                ? .addressInUse(wanted) : .cannotListen(wanted, errno: number)
        }
    }

    /// Begins to take connections, and to dial.
    /// - Parameter look: called every 50 ms, on an event loop.
    package func start(_ look: @escaping @Sendable () -> Void = {}) {
        listener.setOption(.autoRead, value: true).whenFailure { _ in }
        listener.eventLoop.scheduleRepeatedTask(initialDelay: .zero, delay: Self.dialInterval) {
            [listener, dialler] task in
            guard listener.isActive else { return task.cancel() }
            dialler.dial()
            look()
        }
    }

    /// Closes everything without a word.
    package func cutOff() {
        listener.close(promise: nil)
        for channel in core.beginStop().channels.values { channel.close(promise: nil) }
    }

    /// NET-24. Returns when every connection is closed.
    package func stop() async {
        listener.close(promise: nil)
        let (channels, links) = core.beginStop()
        for link in links { link.quiesce() }
        let taken = Set(links.map(\.id))
        let cutOff = listener.eventLoop.scheduleTask(in: TimeAmount(core.limits.farewell)) {
            for channel in channels.values { channel.close(promise: nil) }
        }
        for (id, channel) in channels where !taken.contains(id) { channel.close(promise: nil) }
        for channel in channels.values { try? await channel.closeFuture.get() }
        cutOff.cancel()
        try? await listener.closeFuture.get()
    }

    // MARK: Use

    /// Every peer that was found good, once a connection, until ``stop()``.
    package var established: AsyncStream<PeerLink> { core.established }
    package func link(to peer: Address) -> PeerLink? { core.link(to: peer) }
    /// Who is connected, by ascending address.
    package var links: [PeerLink] { core.links }

    /// The newest final height, for those who greet us from now on.
    package func setHeight(_ height: Height) { core.setHeight(height) }
    /// Who is taken as a validator from now on; who left the list is disconnected (NET-5).
    package func update(validators: Set<Address>) { core.update(validators: validators) }
    /// Another certificate from the next connection on; those that stand go on (NET-32).
    package func renew(_ identity: TransportIdentity) { core.renew(identity, vouch(identity)) }
    /// Of the certificate that the next connection shows.
    package var fingerprint: Hash32 { core.credentials.identity.fingerprint }
    /// Where a peer listens from now on.
    package func place(_ peer: Address, at place: PeerPlace) { core.place(peer, at: place) }
    /// Counts what came through a connection against its peer (NET-15).
    package func offence(_ refusal: PeerRefusal, by link: PeerLink) { core.offence(refusal, link) }
    package var counters: TransportCounters { core.counters }
    package var limits: NetworkLimits { core.limits }
}

/// Opens connections to those whose time has come.
private struct Dialler: Sendable {
    let core: TransportCore
    let group: MultiThreadedEventLoopGroup

    func dial() {
        for dial in core.dials() {
            PeerChannel.client(core, group, to: dial.peer)
                .connect(host: dial.place.host, port: dial.place.port)
                .whenFailure { _ in core.unreachable(dial) }
        }
    }
}
