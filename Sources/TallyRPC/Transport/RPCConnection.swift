import NIOCore
import Synchronization

/// What the event loop leaves to a connection's task.
enum RPCWork: Sendable {
    /// A body too large to be parsed on the event loop.
    case body(ByteBuffer)
    /// A message already parsed.
    case message(RPCMessage)
    /// A GET request.
    case page(target: String)
    /// The connection has become a WebSocket: the last piece.
    case session(WebSocketSession)
}

/// One client's connection, as its task sees it: a place for one piece of work.
///
/// One piece suffices, for the connection is not read while its request is being answered: the
/// back-pressure on the client costs no queue.
final class RPCConnection: Sendable {
    private enum State {
        case idle
        case waiting(CheckedContinuation<RPCWork?, Never>)
        case ready(RPCWork)
        case closed
    }

    let channel: any Channel
    /// Sends a response.
    let reply: @Sendable (HTTPResponse) -> Void
    /// Closes the connection once what is under way has been answered.
    let quiesce: @Sendable () -> Void
    private let state = Mutex(State.idle)

    init(
        channel: any Channel, reply: @escaping @Sendable (HTTPResponse) -> Void,
        quiesce: @escaping @Sendable () -> Void
    ) {
        self.channel = channel
        self.reply = reply
        self.quiesce = quiesce
    }

    /// - Precondition: the work submitted before has been taken.
    func submit(_ work: RPCWork) {
        let waiter: CheckedContinuation<RPCWork?, Never>? = state.withLock { state in
            switch state {
            case .idle:
                state = .ready(work)
                return nil
            case .waiting(let continuation):
                state = .idle
                return continuation
            case .ready: preconditionFailure("two requests under way on one connection")
            case .closed: return nil
            }
        }
        waiter?.resume(returning: work)
    }

    /// Ends the task after its present work.
    func close() {
        let waiter: CheckedContinuation<RPCWork?, Never>? = state.withLock { state in
            defer { state = .closed }
            if case .waiting(let continuation) = state { return continuation }
            return nil
        }
        waiter?.resume(returning: nil)
    }

    /// The next piece of work; `nil` once the connection is closed.
    func next() async -> RPCWork? {
        await withCheckedContinuation { continuation in
            let ready: RPCWork?? = state.withLock { state in
                switch state {
                case .idle:
                    state = .waiting(continuation)
                    return nil
                case .ready(let work):
                    state = .idle
                    return .some(work)
                case .closed: return .some(nil)
                case .waiting: preconditionFailure("two tasks of one connection")
                }
            }
            if let ready { continuation.resume(returning: ready) }
        }
    }
}

extension RPCConnection {
    /// Answers one request after the other until the connection is closed.
    func serve(
        _ dispatcher: some RPCDispatcher, limits: RPCLimits, pages: RPCPageSource
    ) async {
        while let work = await next() {
            let message: RPCMessage
            switch work {
            case .message(let parsed): message = parsed
            case .body(let body):
                message = body.withUnsafeReadableBytes { RPCMessage($0, limits: limits) }
            case .page(let target):
                reply(.page(await pages(target), at: target))
                continue
            case .session(let session):
                await session.serve(dispatcher, limits: limits)
                // Until the socket is closed too.
                continue
            }
            reply(await RPCReply.later(message, by: dispatcher, limits: limits))
        }
    }
}
