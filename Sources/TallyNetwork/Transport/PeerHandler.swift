import NIOCore
import NIOSSL
import NIOTLS
import TallyPrimitives

/// Performs on a channel what its session says. Belongs to the channel's event loop.
final class PeerHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let core: TransportCore
    private let id: ConnectionID
    private let side: PeerSession.Side
    /// Vouches for the certificate of this channel.
    private let hello: PeerHello
    private var context: ChannelHandlerContext?
    private var session: PeerSession?
    private var link: PeerLink?
    private var timer: RepeatedTask?
    private var opened: Duration?
    /// Why it ended, as far as is known.
    private var reason: PeerRefusal?
    private var isQuiescing = false
    // Why nothing is read
    private var isInboxFull = false
    private var isOverBudget = false

    /// How often the session looks at the clock.
    private static let tick = TimeAmount.milliseconds(500)
    /// Bytes of frames in one write: several TLS records.
    private static let writeBytes = 64 << 10

    init(
        _ id: ConnectionID, side: PeerSession.Side, hello: PeerHello, core: TransportCore
    ) {
        self.id = id
        self.side = side
        self.hello = hello
        self.core = core
    }

    // MARK: Life of the channel

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        // One that was accepted may be active before it has handlers.
        if context.channel.isActive { begin(on: context) }
    }

    func channelActive(context: ChannelHandlerContext) {
        begin(on: context)
        context.fireChannelActive()
    }

    private func begin(on context: ChannelHandlerContext) {
        guard opened == nil else { return }
        opened = core.now
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        timer = context.eventLoop.scheduleRepeatedTask(
            initialDelay: Self.tick, delay: Self.tick
        ) { _ in bound.value.look() }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case TLSUserEvent.handshakeCompleted? = event as? TLSUserEvent { greet(context) }
        context.fireUserInboundEventTriggered(event)
    }

    private func greet(_ context: ChannelHandlerContext) {
        guard session == nil else { return }
        do {
            let tls = try context.pipeline.syncOperations.handler(type: NIOSSLHandler.self)
            guard let certificate = tls.peerCertificate else { return refuse(.noTLS) }
            let fingerprint = try TransportIdentity.fingerprint(certificate)
            let session = PeerSession(
                core.sessionContext(hello), side: side, fingerprint: fingerprint,
                now: core.now)
            self.session = session
            perform(session.greet())
        } catch { refuse(.unreadableCertificate) }
    }

    func channelInactive(context: ChannelHandlerContext) {
        timer?.cancel()
        session?.lost()
        finish()
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        timer?.cancel()
        self.context = nil
        if opened == nil { core.forget(id) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // Before TLS stands it is TLS that failed; after that, the socket.
        reason = reason ?? (session == nil ? .noTLS : .lost)
        context.close(promise: nil)
    }

    private func finish() {
        core.ended(id, side: side, link: link, reason: reason ?? (session == nil ? .noTLS : .lost))
        link = nil
    }

    // MARK: In

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let buffer = unwrapInboundIn(data)
        guard session != nil else { return }
        core.count { $0.bytesReceived += UInt64(buffer.readableBytes) }
        let now = core.now
        perform(
            buffer.withUnsafeReadableBytes { session?.receive($0, now: now) ?? [] })
    }

    private func look() {
        guard session != nil else {
            guard let opened, core.now - opened >= core.limits.greetingTimeout else { return }
            return refuse(.greetingTimeout)
        }
        perform(session?.tick(core.now) ?? [])
    }

    private func perform(_ effects: [PeerSession.Effect]) {
        var delivered: [PeerFrame] = []
        for effect in effects {
            switch effect {
            case .send(let frame): send(frame)
            case .established(let identity): establish(identity)
            case .deliver(let frame): delivered.append(frame)
            case .pauseReading(let duration): pause(duration)
            case .offence(let refusal): core.offence(refusal, link)
            case .close(let refusal): refuse(refusal)
            }
        }
        guard !delivered.isEmpty, let link else { return }
        core.count { counters in
            for frame in delivered { counters.framesReceived[frame.kind.trafficClass] += 1 }
        }
        if link.inbox.append(delivered) {
            isInboxFull = true
            updateReading()
        }
    }

    private func establish(_ identity: PeerIdentity) {
        guard let context else { return }
        let link = PeerLink(
            id, identity, weDialled: side != .listener, limits: core.limits, handler: self,
            loop: context.eventLoop)
        if let refusal = core.admit(link) {
            perform(session?.close(refusal) ?? [])
        } else {
            self.link = link
        }
    }

    // MARK: Reading

    private func pause(_ duration: Duration) {
        guard !isOverBudget, let context else { return }
        isOverBudget = true
        updateReading()
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        context.eventLoop.scheduleTask(in: TimeAmount(duration)) {
            bound.value.isOverBudget = false
            bound.value.updateReading()
        }
    }

    /// There is room in the inbox again.
    func resumeReading() {
        isInboxFull = false
        updateReading()
    }

    private func updateReading() {
        let reads = !isInboxFull && !isOverBudget
        context?.channel.setOption(.autoRead, value: reads).whenFailure { _ in }
    }

    // MARK: Out

    /// A frame of the session's own.
    private func send(_ frame: PeerFrame) {
        if let link, frame.kind != .goodbye { return link.send(frame) }
        guard let context else { return }
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: frame.bytes)), promise: nil)
    }

    /// Writes what is queued, as far as the socket takes it (NET-23).
    func flush() {
        guard let context, let link else { return }
        while context.channel.isWritable {
            var buffer = context.channel.allocator.buffer(capacity: 4 << 10)
            let count = link.drain(into: &buffer, limit: Self.writeBytes)
            guard count > 0 else {
                if isQuiescing { close(.stopping) }
                return
            }
            core.count { counters in
                counters.framesSent += UInt64(count)
                counters.bytesSent += UInt64(buffer.readableBytes)
            }
            context.writeAndFlush(wrapOutboundOut(buffer), promise: nil)
        }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable { flush() }
        context.fireChannelWritabilityChanged()
    }

    // MARK: The end

    /// Says why, and closes.
    func close(_ refusal: PeerRefusal) {
        guard session != nil else { return refuse(refusal) }
        perform(session?.close(refusal) ?? [])
    }

    /// Closes when what is queued has left (NET-24).
    func quiesce() {
        guard link != nil else { return close(.stopping) }
        isQuiescing = true
        flush()
    }

    private func refuse(_ refusal: PeerRefusal) {
        reason = reason ?? refusal
        context?.close(promise: nil)
    }
}
