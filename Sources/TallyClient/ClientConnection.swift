import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization
import TallyPrimitives

typealias ClientResult = Result<ClientResponse, RPCClientError>

struct ClientResponse: Sendable {
    let status: Int
    let body: ByteBuffer
}

/// What of a call is known on both sides of the event loop.
final class ClientTicket: Sendable {
    let request: ByteBuffer
    /// Set before the event loop hears of it, so that a call cannot start after its cancellation.
    let isCancelled = Atomic(false)

    init(request: ByteBuffer) { self.request = request }
}

/// One connection to one endpoint, opened when needed and again when lost.
///
/// Belongs to its event loop. At most one call is under way; others wait in order. A call holds
/// the connection until its answer is complete, or the connection is given up.
final class ClientConnection {
    private final class Call {
        let ticket: ClientTicket
        var continuation: CheckedContinuation<ClientResult, Never>?
        var timeout: Scheduled<Void>?
        var wasRetried = false

        init(_ ticket: ClientTicket, _ continuation: CheckedContinuation<ClientResult, Never>) {
            self.ticket = ticket
            self.continuation = continuation
        }
    }

    /// Calls that may wait for the connection: far more than any caller of ours has under way.
    private static let waitingLimit = 4096

    private let loop: any EventLoop
    private let endpoint: RPCEndpoint
    private let timeout: Duration
    private let responseLimit: Int
    /// Every call that has no result yet.
    private var calls: [ObjectIdentifier: Call] = [:]
    private var active: Call?
    private var waiting = BoundedQueue<Call>(limit: waitingLimit)
    private var channel: (any Channel)?
    private var handler: ClientHandler?
    private var isConnecting = false
    private var isClosed = false
    /// Answers received on the present channel.
    private var answers = 0

    init(
        loop: any EventLoop, endpoint: RPCEndpoint, timeout: Duration, responseLimit: Int
    ) {
        self.loop = loop
        self.endpoint = endpoint
        self.timeout = timeout
        self.responseLimit = responseLimit
    }

    func submit(
        _ ticket: ClientTicket, _ continuation: CheckedContinuation<ClientResult, Never>
    ) {
        let call = Call(ticket, continuation)
        calls[ObjectIdentifier(ticket)] = call
        guard !isClosed else { return finish(call, .failure(.closed)) }
        guard !ticket.isCancelled.load(ordering: .acquiring) else {
            return finish(call, .failure(.cancelled))
        }
        guard waiting.append(call) else {
            return finish(call, .failure(.tooManyWaiting(limit: Self.waitingLimit)))
        }
        call.timeout = loop.assumeIsolated().scheduleTask(in: TimeAmount(timeout)) {
            self.abandon(call, .timeout(after: self.timeout))
        }
        startNext()
    }

    /// Ends the call of a cancelled task.
    func cancel(_ ticket: ClientTicket) {
        if let call = calls[ObjectIdentifier(ticket)] { abandon(call, .cancelled) }
    }

    func close() {
        isClosed = true
        failAll(.closed)
        dropChannel()
    }

    private func startNext() {
        while active == nil, let call = waiting.popFirst() {
            guard call.continuation != nil else { continue }
            active = call
            transmit(call)
        }
    }

    private func transmit(_ call: Call) {
        guard let channel, let handler else { return connect() }
        handler.expectAnswer()
        let body = call.ticket.request
        let headers: HTTPHeaders = [
            "host": endpoint.authority, "content-type": "application/json",
            "content-length": String(body.readableBytes),
        ]
        let head = HTTPRequestHead(
            version: .http1_1, method: .POST, uri: endpoint.path, headers: headers)
        channel.write(HTTPClientRequestPart.head(head), promise: nil)
        channel.write(HTTPClientRequestPart.body(.byteBuffer(body)), promise: nil)
        channel.writeAndFlush(HTTPClientRequestPart.end(nil), promise: nil)
    }

    private func connect() {
        guard !isConnecting else { return }
        isConnecting = true
        let handler = ClientHandler(connection: self, responseLimit: responseLimit)
        let bound = NIOLoopBound(handler, eventLoop: loop)
        ClientBootstrap(group: loop)
            .connectTimeout(TimeAmount(timeout))
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHTTPClientHandlers()
                    try channel.pipeline.syncOperations.addHandler(bound.value)
                }
            }
            .connect(host: endpoint.host, port: endpoint.port)
            .hop(to: loop)
            .assumeIsolated()
            .whenComplete { self.connected($0, handler) }
    }

    private func connected(_ result: Result<any Channel, any Error>, _ handler: ClientHandler) {
        isConnecting = false
        switch result {
        case .success(let channel):
            guard !isClosed, channel.isActive else {
                channel.close(promise: nil)
                return failAll(closedByPeer)
            }
            self.channel = channel
            self.handler = handler
            answers = 0
            if let active { transmit(active) }
        case .failure(let error):
            failAll(connectError(error))
        }
    }

    /// The answer to the active call is complete.
    func answered(_ response: ClientResponse, keepsAlive: Bool, from handler: ClientHandler) {
        guard handler === self.handler else { return }
        answers += 1
        if !keepsAlive { dropChannel() }
        finishActive(.success(response))
    }

    func failed(_ error: RPCClientError, from handler: ClientHandler) {
        guard handler === self.handler else { return }
        dropChannel()
        finishActive(.failure(error))
    }

    /// The channel is gone.
    ///
    /// A server may close an idle connection at the moment a call is sent on it. Such a call is
    /// sent once more; a transaction that did arrive the first time is refused as known.
    func disconnected(hadAnswerBegun: Bool, from handler: ClientHandler) {
        guard handler === self.handler else { return }
        dropChannel()
        guard let active else { return }
        if answers > 0, !hadAnswerBegun, !active.wasRetried {
            active.wasRetried = true
            return transmit(active)
        }
        finishActive(.failure(closedByPeer))
    }

    /// Ends a call before its answer. The connection of an active one cannot be used again: the
    /// answer may still come.
    private func abandon(_ call: Call, _ error: RPCClientError) {
        if active === call {
            dropChannel()
            finishActive(.failure(error))
        } else {
            finish(call, .failure(error))
        }
    }

    private func finishActive(_ result: ClientResult) {
        let call = active
        active = nil
        if let call { finish(call, result) }
        startNext()
    }

    private func failAll(_ error: RPCClientError) {
        if let active { finish(active, .failure(error)) }
        active = nil
        while let next = waiting.popFirst() { finish(next, .failure(error)) }
    }

    private func finish(_ call: Call, _ result: ClientResult) {
        calls[ObjectIdentifier(call.ticket)] = nil
        call.timeout?.cancel()
        call.continuation?.resume(returning: result)
        call.continuation = nil
    }

    private func dropChannel() {
        let dropped = channel
        // First, for closing calls back at once.
        channel = nil
        handler = nil
        dropped?.close(promise: nil)
    }

    private var closedByPeer: RPCClientError {
        isClosed ? .closed : .connectionClosed(host: endpoint.host, port: endpoint.port)
    }

    private func connectError(_ error: any Error) -> RPCClientError {
        var numbers: [Int32] = []
        if let error = error as? NIOConnectionError {
            numbers = error.connectionErrors.compactMap { ($0.error as? IOError)?.errnoCode }
        } else if let error = error as? IOError {
            numbers = [error.errnoCode]
        } else if case .connectTimeout = error as? ChannelError {
            return .timeout(after: timeout)
        }
        if !numbers.isEmpty, numbers.allSatisfy({ $0 == ECONNREFUSED }) {
            return .connectionRefused(host: endpoint.host, port: endpoint.port)
        }
        return .connectionFailed(
            host: endpoint.host, port: endpoint.port, errno: numbers.first)
    }
}

/// Collects an answer of bounded size.
final class ClientHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart

    private let connection: ClientConnection
    private let responseLimit: Int
    private var head: HTTPResponseHead?
    private var body = ByteBuffer()

    init(connection: ClientConnection, responseLimit: Int) {
        self.connection = connection
        self.responseLimit = responseLimit
    }

    func expectAnswer() {
        head = nil
        body = ByteBuffer()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            self.head = head
        case .body(var part):
            guard body.readableBytes + part.readableBytes <= responseLimit else {
                return connection.failed(.responseTooLarge(limit: responseLimit), from: self)
            }
            if body.readableBytes == 0 { body = part } else { body.writeBuffer(&part) }
        case .end:
            guard let head else { return }
            let response = ClientResponse(status: Int(head.status.code), body: body)
            expectAnswer()
            connection.answered(response, keepsAlive: head.isKeepAlive, from: self)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        connection.disconnected(hadAnswerBegun: head != nil, from: self)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if error is HTTPParserError || error is NIOHTTPDecoderError {
            connection.failed(.malformedResponse(.notHTTP), from: self)
        }
        context.close(promise: nil)
    }
}
