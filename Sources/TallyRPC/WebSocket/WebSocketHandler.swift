import NIOCore
import NIOWebSocket
import TallyClient

/// One WebSocket of the server, on its event loop (RPC-10 to RPC-16).
///
/// Small messages are parsed and, where memory suffices, answered at once; the others go to the
/// connection's task, several at a time. Once so many are under way, or the client does not take
/// what it is sent, the socket is read no further.
final class WebSocketHandler<Dispatcher: RPCDispatcher>: ChannelInboundHandler {
    typealias InboundIn = WebSocketFrame
    typealias OutboundOut = WebSocketFrame

    enum Phase {
        case open
        /// Our close frame is on its way, or out; what comes in is thrown away.
        case closing
        case closed
    }

    let server: RPCServerContext<Dispatcher>
    private(set) var phase = Phase.open
    /// Whether the decoder has part of a frame.
    var isInFrame: () -> Bool = { false }
    private var connection: RPCConnection?
    private var session: WebSocketSession?
    var context: ChannelHandlerContext?
    private var writer: JSONWriter
    /// The parts of a message so far; `nil` between messages.
    private var fragments: ByteBuffer?
    /// Complete messages behind those being answered.
    private var parked = CircularBuffer<ByteBuffer>()
    /// Messages that the task has.
    private var underWay = 0
    /// By id: ends the subscription when it finishes.
    private var subscriptions: [String: AsyncStream<Void>.Continuation] = [:]
    /// Bytes counted against the server's limit: what came in, and what goes out.
    private var held = 0
    private var undecoded = 0
    private var outbound = 0
    private var closesWhenDone = false
    private var isPinged = false
    private var arrival = ConnectionTimer()
    private var sending = ConnectionTimer()
    private var silence = ConnectionTimer()

    init(server: RPCServerContext<Dispatcher>, connection: RPCConnection) {
        self.server = server
        self.connection = connection
        writer = JSONWriter(limit: server.limits.responseBytes)
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        let loop = context.eventLoop
        let bound = NIOLoopBound(self, eventLoop: loop)
        let session = WebSocketSession(notifications: server.limits.notifications) {
            outcome, held in
            loop.execute { bound.value.finished(outcome, held: held) }
        } notify: { id, text in
            loop.execute { bound.value.notify(id, text) }
        } ended: { id, closing in
            loop.execute { bound.value.ended(id, closing) }
        }
        self.session = session
        connection?.submit(.session(session))
        waitForSign()
    }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func channelInactive(context: ChannelHandlerContext) {
        phase = .closed
        endSession()
        for timer in [\WebSocketHandler.arrival, \.sending, \.silence] {
            self[keyPath: timer].cancel()
        }
        server.state.release(held + undecoded + outbound)
        (held, undecoded, outbound) = (0, 0, 0)
        isInFrame = { false }
        connection?.close()
        connection = nil
    }

    /// Ends what works for the client.
    private func endSession() {
        for stop in subscriptions.values { stop.finish() }
        subscriptions = [:]
        session?.close()
        session = nil
        parked.removeAll()
        fragments = nil
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        isPinged = false
        waitForSign()
        if case .open = phase { receive(unwrapInboundIn(data)) }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        context.flush()
        watchArrival()
        readOn()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable { goOn() }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case .inputClosed = event as? ChannelEvent else {
            return context.fireUserInboundEventTriggered(event)
        }
        // Without a close frame nobody waits for answers.
        context.close(promise: nil)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard case .open = phase else { return }
        switch error as? NIOWebSocketError {
        case .invalidFrameLength?: close(.tooLong)
        case .fragmentedControlFrame?, .multiByteControlFrameLength?:
            close(.protocolError("a control frame has at most 125 bytes and no parts"))
        case nil: context.close(promise: nil)
        }
    }

    /// The server stops: answers what is under way, and closes.
    func quiesce() {
        closesWhenDone = true
        if underWay == 0 { close(.goingAway) }
    }
}

// Receiving.
extension WebSocketHandler {
    /// Told by the decoder how many bytes wait in it.
    func isWaiting(_ bytes: Int) -> Bool {
        guard case .open = phase else { return false }
        if bytes > undecoded {
            guard server.state.reserve(bytes - undecoded) else {
                close(.noRoom)
                return false
            }
        } else {
            server.state.release(undecoded - bytes)
        }
        undecoded = bytes
        return true
    }

    private func receive(_ frame: WebSocketFrame) {
        guard frame.reservedBits.isEmpty else {
            return close(.protocolError("no extension was agreed on"))
        }
        guard frame.maskKey != nil else { return close(.unmasked) }
        switch frame.opcode {
        // Clients send JSON as either: web3.py's messages are binary, as geth takes them too.
        case .text, .binary:
            guard fragments == nil else {
                return close(.protocolError("a message inside another"))
            }
            append(frame)
        case .continuation:
            guard fragments != nil else {
                return close(.protocolError("a part of no message"))
            }
            append(frame)
        case .ping: send(.pong, frame.unmaskedData)
        case .pong: break
        case .connectionClose: answerClosing(frame.unmaskedData)
        default: close(.protocolError("an unknown kind of frame"))
        }
    }

    private func append(_ frame: WebSocketFrame) {
        let bytes = frame.unmaskedData
        var message = fragments ?? ByteBuffer()
        guard message.readableBytes + bytes.readableBytes <= server.limits.bodyBytes else {
            return close(.tooLong)
        }
        if !frame.fin || fragments != nil {
            guard hold(bytes.readableBytes) else { return }
        }
        if message.readableBytes == 0 {
            message = bytes
        } else {
            message.writeImmutableBuffer(bytes)
        }
        guard frame.fin else {
            fragments = message
            return
        }
        if fragments != nil { release(message.readableBytes) }
        fragments = nil
        guard isBusy else { return answer(message) }
        guard parked.count < server.limits.pipelinedParts else { return close(.noRoom) }
        if hold(message.readableBytes) { parked.append(message) }
    }

    /// Whether messages have to wait.
    private var isBusy: Bool {
        underWay >= server.limits.webSocketCalls || closesWhenDone || !parked.isEmpty
            || context?.channel.isWritable != true
    }

    private func readOn() {
        switch phase {
        case .open where !isBusy: context?.read()
        case .closing: context?.read()
        case .open, .closed: break
        }
    }

    /// Takes up what was parked, and reads on.
    func goOn() {
        while case .open = phase, !parked.isEmpty, context?.channel.isWritable == true,
            underWay < server.limits.webSocketCalls, let message = parked.popFirst()
        {
            release(message.readableBytes)
            answer(message)
        }
        context?.flush()
        if case .open = phase, closesWhenDone, underWay == 0 { return close(.goingAway) }
        readOn()
    }

    // MARK: Answering

    private func answer(_ body: ByteBuffer) {
        guard body.readableBytes <= server.limits.inlineBytes else {
            guard hold(body.readableBytes) else { return }
            underWay += 1
            session?.submit(.body(body))
            return
        }
        let limits = server.limits
        let message = body.withUnsafeReadableBytes { bytes in
            UTF8Text.isValid(bytes) ? RPCMessage(bytes, limits: limits) : nil
        }
        guard let message else { return close(.invalidText) }
        if case .single(.call(let call)) = message, push(call) { return }
        let start = writer.mark
        guard let response = RPCReply.atOnce(message, by: server.dispatcher, into: &writer) else {
            underWay += 1
            session?.submit(.message(message))
            return
        }
        if let text = response.text { send(text) }
        if writer.bytes.count > 64 << 10 {
            writer = JSONWriter(limit: limits.responseBytes)
        } else {
            writer.rewind(to: start)
        }
    }

    private func finished(_ outcome: WebSocketOutcome, held: Int) {
        guard case .open = phase else { return }
        underWay -= 1
        release(held)
        switch outcome {
        case .answered(let text): if let text { send(text) }
        case .closing(let closing): close(closing)
        }
        goOn()
    }

    // MARK: Subscriptions

    /// Whether the call was one that this connection answers itself.
    private func push(_ call: RPCCall) -> Bool {
        let start = writer.mark
        let answer = RPCAnswer(call.id ?? .null, &writer)
        defer { writer.rewind(to: start) }
        do throws(RPCFailure) {
            switch try server.dispatcher.push(for: call) {
            case nil: return false
            case .subscribe(let subscription)?:
                guard call.id != nil else { break }
                try subscribe(subscription, answer)
                return true
            case .unsubscribe(let id)?:
                guard let stop = subscriptions.removeValue(forKey: id) else {
                    throw .because(
                        RPCFailure.invalidInputCode, "subscription not found",
                        reason: "unknownSubscription")
                }
                stop.finish()
                writer.bool(true)
                answer.finish(&writer)
            }
        } catch { answer.fail(error, &writer) }
        if call.id != nil { send(writer.bytes) }
        return true
    }

    private func subscribe(
        _ subscription: RPCSubscription, _ answer: RPCAnswer
    ) throws(RPCFailure) {
        guard subscriptions.count < server.limits.subscriptions else {
            throw .limitExceeded(
                "a connection has at most \(server.limits.subscriptions) subscriptions")
        }
        let number = UInt128.random(in: (UInt128(1) << 124)...UInt128.max)
        let id = "0x" + String(number, radix: 16)
        let (stop, stopper) = AsyncStream<Void>.makeStream()
        subscriptions[id] = stopper
        writer.string(id)
        answer.finish(&writer)
        // Before the first notification.
        send(writer.bytes)
        session?.submit(.subscription(id: id, subscription, stop: stop))
    }

    private func notify(_ id: String, _ text: [UInt8]) {
        guard case .open = phase, subscriptions[id] != nil else {
            session?.window.taken()
            return
        }
        send(text, isNotification: true)
        context?.flush()
    }

    private func ended(_ id: String, _ closing: WebSocketClosing) {
        if case .open = phase, subscriptions[id] != nil { close(closing) }
    }
}

// Sending.
extension WebSocketHandler {
    private func send(_ text: [UInt8], isNotification: Bool = false) {
        send(.text, ByteBuffer(bytes: text), isNotification: isNotification)
    }

    private func send(
        _ opcode: WebSocketOpcode, _ bytes: ByteBuffer, isNotification: Bool = false
    ) {
        guard let context else { return }
        let count = bytes.readableBytes + 16
        guard outbound + count <= server.limits.outboundBytes else { return close(.slowReader) }
        guard server.state.reserve(count) else { return close(.noRoom) }
        if outbound == 0 { watchSending() }
        outbound += count
        let window = isNotification ? session?.window : nil
        let frame = WebSocketFrame(fin: true, opcode: opcode, data: bytes)
        context.write(wrapOutboundOut(frame)).assumeIsolated().whenComplete { _ in
            window?.taken()
            self.taken(count)
        }
    }

    private func taken(_ count: Int) {
        guard outbound > 0 else { return }
        outbound -= count
        server.state.release(count)
        guard case .open = phase else { return }
        if outbound > 0 { watchSending() } else { sending.clear() }
    }

    private func answerClosing(_ payload: ByteBuffer) {
        let answer = WebSocketClosing.answer(to: payload)
        phase = .closing
        endSession()
        let frame = WebSocketFrame(
            fin: true, opcode: .connectionClose, data: answer?.payload ?? ByteBuffer())
        watchSending()
        context?.writeAndFlush(wrapOutboundOut(frame)).assumeIsolated().whenComplete { _ in
            self.context?.close(promise: nil)
        }
    }

    /// Says why, throws away what still comes, and closes when the client has, or after a while.
    private func close(_ closing: WebSocketClosing) {
        guard case .open = phase, let context else { return }
        phase = .closing
        endSession()
        server.state.release(held + undecoded)
        (held, undecoded) = (0, 0)
        arrival.clear()
        silence.clear()
        watchSending()
        let frame = WebSocketFrame(fin: true, opcode: .connectionClose, data: closing.payload)
        context.writeAndFlush(wrapOutboundOut(frame)).assumeIsolated().whenComplete { _ in
            guard case .closing = self.phase else { return }
            self.sending.set(self.server.limits.lingerTimeout, on: context.eventLoop) {
                self.sendingFired()
            }
            self.context?.close(mode: .output, promise: nil)
        }
        context.read()
    }

    // MARK: Memory

    private func hold(_ bytes: Int) -> Bool {
        guard server.state.reserve(bytes) else {
            close(.noRoom)
            return false
        }
        held += bytes
        return true
    }

    private func release(_ bytes: Int) {
        held -= bytes
        server.state.release(bytes)
    }
}

// Time.
extension WebSocketHandler {
    /// A message that has begun must end soon.
    private func watchArrival() {
        guard case .open = phase else { return }
        guard isInFrame() || fragments != nil else { return arrival.clear() }
        guard arrival.deadline == nil, let context else { return }
        arrival.set(server.limits.requestTimeout, on: context.eventLoop) { self.arrivalFired() }
    }

    private func arrivalFired() {
        guard let context else { return }
        if arrival.isDue(on: context.eventLoop, { self.arrivalFired() }) { close(.slowRequest) }
    }

    /// What is sent must be taken soon.
    private func watchSending() {
        guard let context else { return }
        sending.set(server.limits.responseTimeout, on: context.eventLoop) { self.sendingFired() }
    }

    private func sendingFired() {
        guard let context, sending.isDue(on: context.eventLoop, { self.sendingFired() }) else {
            return
        }
        // One that does not read would not read why either.
        context.close(promise: nil)
    }

    private func waitForSign() {
        guard let context, case .open = phase else { return }
        silence.set(server.limits.pingInterval, on: context.eventLoop) { self.silenceFired() }
    }

    private func silenceFired() {
        guard let context, silence.isDue(on: context.eventLoop, { self.silenceFired() }) else {
            return
        }
        // A client that is not read cannot be heard.
        if isPinged, !isBusy { return close(.idle) }
        isPinged = true
        send(.ping, ByteBuffer())
        context.flush()
        waitForSign()
    }
}
