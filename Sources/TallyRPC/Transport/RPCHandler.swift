import NIOCore
import NIOHTTP1
import NIOWebSocket
import TallyClient

/// What every connection of a server needs.
struct RPCServerContext<Dispatcher: RPCDispatcher>: Sendable {
    let dispatcher: Dispatcher
    let limits: RPCLimits
    let access: RPCAccess
    let pages: RPCPageSource
    let state: RPCServerState
}

/// One HTTP/1.1 connection of the server, on its event loop.
///
/// Reads a request, answers it at once or hands it to the connection's task, and only then goes
/// on: the socket is not read meanwhile, so that a client has one request under way, and behind it
/// what fits into one read. Requests are thereby answered in order.
final class RPCHandler<Dispatcher: RPCDispatcher>: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = ByteBuffer

    enum Phase {
        /// Between requests.
        case idle
        /// The head has come, the body is coming.
        case receiving(HTTPRequest)
        /// The connection's task has the request.
        case answering(HTTPRequest)
        /// A response waits for the client to read.
        case writing
        /// The last response is on its way; what still comes in is thrown away.
        case flushing(lingers: Bool)
        /// The last response is out and our side closed; what still comes in is thrown away.
        case lingering
        /// The connection is a WebSocket's.
        case upgraded
    }

    let server: RPCServerContext<Dispatcher>
    var phase = Phase.idle
    var connection: RPCConnection?
    /// The context between being added to the pipeline and being removed.
    var channelContext: ChannelHandlerContext?
    var writer: JSONWriter
    var needsFlush = false
    /// Whether the next response is the last: the server stops, or the peer's bytes make no sense.
    var closesAfterReply = false
    private var body = ByteBuffer()
    /// Bytes of body and response counted against the server's limit.
    private var reserved = 0
    /// Parts of later requests, parsed from the bytes behind the present one.
    private var parsedAhead = CircularBuffer<HTTPServerRequestPart>()
    /// Whether the present read brought a part, and whether one before brought half a head.
    private var sawPart = false
    private var isHeadPartial = false
    private var isInputClosed = false
    private var timer = ConnectionTimer()
    private var webSocket: WebSocketHandler<Dispatcher>?

    init(server: RPCServerContext<Dispatcher>) {
        self.server = server
        writer = JSONWriter(limit: server.limits.responseBytes)
    }

    var isBusy: Bool {
        switch phase {
        case .answering, .writing: true
        case .idle, .receiving, .flushing, .lingering, .upgraded: false
        }
    }

    func handlerAdded(context: ChannelHandlerContext) { channelContext = context }
    func handlerRemoved(context: ChannelHandlerContext) { channelContext = nil }

    func channelActive(context: ChannelHandlerContext) {
        let loop = context.eventLoop
        let bound = NIOLoopBound(self, eventLoop: loop)
        let connection = RPCConnection(channel: context.channel) { response in
            loop.execute { bound.value.replied(response) }
        } quiesce: {
            loop.execute { bound.value.quiesce() }
        }
        guard server.state.admit(connection) else { return context.close(promise: nil) }
        self.connection = connection
        setDeadline(server.limits.idleTimeout)
        context.read()
    }

    func channelInactive(context: ChannelHandlerContext) {
        connection?.close()
        connection = nil
        timer.cancel()
        parsedAhead.removeAll()
        releaseAll()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        sawPart = true
        let part = unwrapInboundIn(data)
        guard isBusy else { return receive(part) }
        guard parsedAhead.count < server.limits.pipelinedParts else {
            return context.close(promise: nil)
        }
        parsedAhead.append(part)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        if case .idle = phase, !sawPart, !isHeadPartial {
            isHeadPartial = true
            setDeadline(server.limits.requestTimeout)
        }
        sawPart = false
        flushIfNeeded()
        if !isBusy { context.read() }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        guard case .writing = phase, context.channel.isWritable else { return }
        requestEnded()
        goOn()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case .inputClosed = event as? ChannelEvent else {
            return context.fireUserInboundEventTriggered(event)
        }
        isInputClosed = true
        switch phase {
        case .idle: closeAfterWrites()
        case .receiving, .lingering: context.close(promise: nil)
        // The client may still read what it asked for.
        case .answering, .writing, .flushing, .upgraded: break
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard let error = error as? HTTPParserError else { return context.close(promise: nil) }
        switch phase {
        case .idle, .receiving:
            refuse(
                error == .headerOverflow
                    ? .refusal(431, "the header is too long") : .refusal(400, "no valid HTTP/1.1"))
        case .answering, .writing: closesAfterReply = true
        case .flushing, .lingering, .upgraded: break
        }
    }

    private func quiesce() {
        if let webSocket { return webSocket.quiesce() }
        closesAfterReply = true
        if case .idle = phase { closeAfterWrites() }
    }
}

// Receiving.
extension RPCHandler {
    private func receive(_ part: HTTPServerRequestPart) {
        switch (part, phase) {
        case (.head(let head), .idle): begin(head)
        case (.body(let bytes), .receiving(let request)): append(bytes, to: request)
        case (.end, .receiving(let request)): complete(request)
        // Of a refused request.
        case (_, .flushing), (_, .lingering), (_, .idle), (_, .upgraded): break
        case (.head, .receiving): preconditionFailure("the decoder begins a request inside another")
        case (_, .answering), (_, .writing): preconditionFailure("a part taken while busy")
        }
    }

    private func begin(_ head: HTTPRequestHead) {
        if !isHeadPartial { setDeadline(server.limits.requestTimeout) }
        isHeadPartial = false
        let request = HTTPRequest(head, access: server.access, limits: server.limits)
        phase = .receiving(request)
        if case .refused(let response) = request.purpose, request.hasBody {
            return refuse(response)
        }
        if request.expectsContinue, request.hasBody {
            channelContext?.writeAndFlush(
                wrapOutboundOut(ByteBuffer(staticString: "HTTP/1.1 100 Continue\r\n\r\n")),
                promise: nil)
        }
    }

    private func append(_ bytes: ByteBuffer, to request: HTTPRequest) {
        guard case .call = request.purpose else { return }
        guard body.readableBytes + bytes.readableBytes <= server.limits.bodyBytes else {
            return refuse(.tooLong)
        }
        guard reserve(bytes.readableBytes) else { return refuse(RPCReply.noRoom()) }
        if body.readableBytes == 0 {
            body = bytes
        } else {
            body.writeImmutableBuffer(bytes)
        }
    }

    private func complete(_ request: HTTPRequest) {
        switch request.purpose {
        case .call: answer(request)
        case .page:
            timer.clear()
            phase = .answering(request)
            connection?.submit(.page(target: request.target))
        case .preflight: send(.noContent, to: request)
        case .webSocket(let answer): upgrade(answer)
        case .refused(let response): send(response, to: request)
        }
    }

    private func answer(_ request: HTTPRequest) {
        let body = self.body
        self.body = ByteBuffer()
        timer.clear()
        guard body.readableBytes <= server.limits.inlineBytes else {
            phase = .answering(request)
            connection?.submit(.body(body))
            return
        }
        let limits = server.limits
        let message = body.withUnsafeReadableBytes { RPCMessage($0, limits: limits) }
        let start = writer.mark
        let response = RPCReply.atOnce(message, by: server.dispatcher, into: &writer)
        guard let response else {
            phase = .answering(request)
            connection?.submit(.message(message))
            return
        }
        send(response, to: request)
        // A buffer of ordinary size is kept for the next answer.
        if writer.bytes.count > 64 << 10 {
            writer = JSONWriter(limit: limits.responseBytes)
        } else {
            writer.rewind(to: start)
        }
    }

    /// The answer of the connection's task.
    private func replied(_ response: HTTPResponse) {
        guard case .answering(let request) = phase else { return }
        send(response, to: request)
        goOn()
    }

    /// Takes up what has been parsed ahead, and reads on when there is nothing left.
    private func goOn() {
        while !isBusy, let part = parsedAhead.popFirst() { receive(part) }
        flushIfNeeded()
        guard !isBusy else { return }
        if isInputClosed || closesAfterReply, case .idle = phase {
            closeAfterWrites()
        } else {
            channelContext?.read()
        }
    }
}

// Answering.
extension RPCHandler {
    private func send(_ response: HTTPResponse, to request: HTTPRequest) {
        guard let channelContext else { return }
        let response = reserve(response.body.count) ? response : RPCReply.noRoom()
        let closes = closesAfterReply || !request.keepsAlive
        var isPreflight = false
        if case .preflight = request.purpose { isPreflight = true }
        let bytes = response.encoded(
            closes: closes, origin: request.crossOrigin, isPreflight: isPreflight,
            allocator: channelContext.channel.allocator)
        guard !closes else { return end(bytes, lingers: false) }
        channelContext.write(wrapOutboundOut(bytes), promise: nil)
        needsFlush = true
        if !channelContext.channel.isWritable { flushIfNeeded() }
        if channelContext.channel.isWritable {
            requestEnded()
        } else {
            phase = .writing
            setDeadline(server.limits.responseTimeout)
        }
    }

    private func requestEnded() {
        releaseAll()
        phase = .idle
        setDeadline(server.limits.idleTimeout)
    }

    /// Answers a request that will not be read to its end.
    private func refuse(_ response: HTTPResponse) {
        guard let channelContext else { return }
        body = ByteBuffer()
        end(
            response.encoded(
                closes: true, origin: nil, isPreflight: false,
                allocator: channelContext.channel.allocator),
            lingers: true)
    }

    /// Sends the last response of the connection.
    private func end(_ bytes: ByteBuffer, lingers: Bool) {
        guard let channelContext else { return }
        phase = .flushing(lingers: lingers)
        setDeadline(server.limits.responseTimeout)
        needsFlush = false
        parsedAhead.removeAll()
        channelContext.writeAndFlush(wrapOutboundOut(bytes)).assumeIsolated().whenComplete { _ in
            self.flushed()
        }
    }

    /// A channel may be written to long before all is sent, and what is not sent when it closes is lost.
    private func closeAfterWrites() { end(ByteBuffer(), lingers: false) }

    private func flushed() {
        guard let channelContext, case .flushing(let lingers) = phase else { return }
        releaseAll()
        phase = .lingering
        guard lingers, !isInputClosed else { return channelContext.close(promise: nil) }
        setDeadline(server.limits.lingerTimeout)
        channelContext.close(mode: .output, promise: nil)
        channelContext.read()
    }

    private func flushIfNeeded() {
        guard needsFlush else { return }
        needsFlush = false
        channelContext?.flush()
    }

    private func reserve(_ bytes: Int) -> Bool {
        guard server.state.reserve(bytes) else { return false }
        reserved += bytes
        return true
    }

    private func releaseAll() {
        server.state.release(reserved)
        reserved = 0
    }
}

// Time.
extension RPCHandler {
    /// The connection is closed unless its phase changes within `duration`.
    private func setDeadline(_ duration: Duration) {
        guard let channelContext else { return }
        timer.set(duration, on: channelContext.eventLoop) { self.timerFired() }
    }

    private func timerFired() {
        guard let channelContext else { return }
        guard timer.isDue(on: channelContext.eventLoop, { self.timerFired() }) else { return }
        channelContext.close(promise: nil)
    }
}

// Switching.
extension RPCHandler {
    /// Grants a WebSocket, and gives it the connection with what has come behind the request.
    private func upgrade(_ answer: ByteBuffer) {
        guard let channelContext, let connection, !closesAfterReply else {
            channelContext?.close(promise: nil)
            return
        }
        channelContext.writeAndFlush(wrapOutboundOut(answer), promise: nil)
        phase = .upgraded
        timer.cancel()
        releaseAll()
        self.connection = nil
        let socket = WebSocketHandler(server: server, connection: connection)
        webSocket = socket
        let decoder = WebSocketDecoder(maxFrameSize: server.limits.bodyBytes) { [weak socket] in
            socket?.isWaiting($0) ?? false
        }
        socket.isInFrame = { decoder.isInFrame }
        let pipeline = channelContext.pipeline.syncOperations
        do {
            try pipeline.addHandlers(
                [ByteToMessageHandler(decoder), WebSocketFrameEncoder(), socket],
                position: .after(self))
            let requests = try pipeline.context(
                handlerType: ByteToMessageHandler<HTTPRequestDecoder>.self)
            pipeline.removeHandler(self, promise: nil)
            pipeline.removeHandler(context: requests, promise: nil)
        } catch {
            channelContext.close(promise: nil)
        }
    }
}
