import Synchronization
import TallyClient

/// What a call on a WebSocket may do besides being answered.
package enum RPCPush: Sendable {
    case subscribe(RPCSubscription)
    /// The id that the subscription was answered with.
    case unsubscribe(String)
}

/// Something that sends notifications until it is cancelled.
package struct RPCSubscription: Sendable {
    /// How it ended by itself.
    package enum End: Sendable {
        /// The node stops, or the task was cancelled.
        case stopped
        /// The client reads more slowly than there is news: nothing is skipped, so it is dropped.
        case lagging
        /// What was to be sent cannot be read.
        case failed
    }

    /// Method of its notifications.
    package let method: String
    package let run: @Sendable (RPCNotifier) async -> End

    package init(
        method: String, run: @escaping @Sendable (RPCNotifier) async -> End
    ) {
        self.method = method
        self.run = run
    }
}

/// The way of one subscription's notifications to its client.
package struct RPCNotifier: Sendable {
    let window: NotificationWindow
    let method: String
    let id: String
    let send: @Sendable (_ id: String, [UInt8]) -> Void

    /// Whether the client has taken enough of what was sent for more to follow.
    package var hasRoom: Bool { window.hasRoom }

    /// Returns when there is room, the connection is closed, or the task is cancelled.
    package func room() async { await window.room() }

    /// Sends a notification whose `result` is one JSON value, already encoded.
    package func push(_ result: [UInt8]) {
        var writer = JSONWriter(capacity: result.count + 128)
        writer.object { writer in
            writer.key("jsonrpc")
            writer.string("2.0")
            writer.key("method")
            writer.string(method)
            writer.key("params")
            writer.object { writer in
                writer.key("subscription")
                writer.string(id)
                writer.key("result")
                writer.encoded(result)
            }
        }
        window.sent()
        send(id, writer.bytes)
    }
}

/// Counts the notifications of a connection that its socket has not taken.
final class NotificationWindow: Sendable {
    fileprivate struct State {
        var pending = 0
        var isClosed = false
        var nextWaiter: UInt64 = 0
        var waiters: [UInt64: CheckedContinuation<Void, Never>] = [:]
    }

    private let limit: Int
    private let state = Mutex(State())

    init(limit: Int) { self.limit = limit }

    var hasRoom: Bool { state.withLock { $0.pending < limit } }

    func sent() { state.withLock { $0.pending += 1 } }

    /// The socket has taken one, or it is not to be sent any more.
    func taken() {
        let woken = state.withLock { state in
            state.pending -= 1
            return state.pending < limit ? state.takeWaiters() : []
        }
        for waiter in woken { waiter.resume() }
    }

    func close() {
        let woken = state.withLock { state in
            state.isClosed = true
            return state.takeWaiters()
        }
        for waiter in woken { waiter.resume() }
    }

    func room() async {
        let id = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isReady = state.withLock { state in
                    if state.pending < limit || state.isClosed || Task.isCancelled { return true }
                    state.waiters[id] = continuation
                    return false
                }
                if isReady { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.waiters.removeValue(forKey: id) }?.resume()
        }
    }
}

extension NotificationWindow.State {
    fileprivate mutating func takeWaiters() -> [CheckedContinuation<Void, Never>] {
        defer { waiters = [:] }
        return Array(waiters.values)
    }
}
