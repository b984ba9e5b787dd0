import NIOCore
import TallyClient

/// What the event loop leaves to a WebSocket's task.
enum WebSocketWork: Sendable {
    /// A message too large to be parsed on the event loop.
    case body(ByteBuffer)
    case message(RPCMessage)
    /// Runs until the stream ends.
    case subscription(id: String, RPCSubscription, stop: AsyncStream<Void>)
}

/// What came of it.
enum WebSocketOutcome: Sendable {
    /// The answer; `nil` to notifications.
    case answered([UInt8]?)
    case closing(WebSocketClosing)
}

/// One WebSocket, as its task sees it: many pieces of work at once, as many as the event loop hands
/// out before it reads no further.
final class WebSocketSession: Sendable {
    let window: NotificationWindow
    private let work: AsyncStream<WebSocketWork>
    private let queue: AsyncStream<WebSocketWork>.Continuation
    /// `held` is what the message counted against the server's memory.
    private let finished: @Sendable (WebSocketOutcome, _ held: Int) -> Void
    private let notify: @Sendable (_ id: String, [UInt8]) -> Void
    private let ended: @Sendable (_ id: String, WebSocketClosing) -> Void

    init(
        notifications: Int,
        finished: @escaping @Sendable (WebSocketOutcome, Int) -> Void,
        notify: @escaping @Sendable (String, [UInt8]) -> Void,
        ended: @escaping @Sendable (String, WebSocketClosing) -> Void
    ) {
        window = NotificationWindow(limit: notifications)
        (work, queue) = AsyncStream.makeStream()
        self.finished = finished
        self.notify = notify
        self.ended = ended
    }

    func submit(_ work: WebSocketWork) { queue.yield(work) }

    /// Cancels what is under way and ends `serve`.
    func close() {
        queue.finish()
        window.close()
    }

    func serve(_ dispatcher: some RPCDispatcher, limits: RPCLimits) async {
        await withDiscardingTaskGroup { group in
            for await work in work {
                group.addTask { await self.perform(work, dispatcher, limits) }
            }
            group.cancelAll()
        }
    }

    private func perform(
        _ work: WebSocketWork, _ dispatcher: some RPCDispatcher, _ limits: RPCLimits
    ) async {
        switch work {
        case .body(let body):
            let message = body.withUnsafeReadableBytes { bytes in
                UTF8Text.isValid(bytes) ? RPCMessage(bytes, limits: limits) : nil
            }
            guard let message else {
                return finished(.closing(.invalidText), body.readableBytes)
            }
            let response = await RPCReply.later(message, by: dispatcher, limits: limits)
            finished(.answered(response.text), body.readableBytes)
        case .message(let message):
            let response = await RPCReply.later(message, by: dispatcher, limits: limits)
            finished(.answered(response.text), 0)
        case .subscription(let id, let subscription, let stop):
            await run(subscription, id, until: stop)
        }
    }

    private func run(
        _ subscription: RPCSubscription, _ id: String, until stop: AsyncStream<Void>
    ) async {
        let notifier = RPCNotifier(
            window: window, method: subscription.method, id: id, send: notify)
        let end = await withTaskGroup(of: RPCSubscription.End?.self) { group in
            group.addTask { await subscription.run(notifier) }
            group.addTask {
                for await _ in stop {}
                return nil
            }
            let first = await group.next() ?? nil
            group.cancelAll()
            return first
        }
        switch end {
        case .stopped?: ended(id, .goingAway)
        case .lagging?: ended(id, .lagging)
        case .failed?: ended(id, .failed)
        case nil: break
        }
    }
}

extension HTTPResponse {
    /// What a WebSocket sends of a response.
    var text: [UInt8]? { status == 204 ? nil : body }
}

enum UTF8Text {
    /// Most messages are ASCII, which needs no decoding.
    static func isValid(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var position = 0
        while bytes.count - position >= 8,
            bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self)
                & 0x8080_8080_8080_8080 == 0
        {
            position += 8
        }
        while position < bytes.count, bytes[position] < 0x80 { position += 1 }
        guard position < bytes.count else { return true }
        // What is before is whole characters.
        return String(validating: bytes[position...], as: UTF8.self) != nil
    }
}
