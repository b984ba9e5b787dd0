import Synchronization
package import TallyPrimitives

/// The one place where readers get the newest snapshot, and wait for the next.
package final class HeadPublisher: Sendable {
    private struct State: Sendable {
        var snapshot: LedgerSnapshot
        var waiters: [UInt64: Waiter] = [:]
        var nextWaiter: UInt64 = 0
        var isClosed = false
    }

    private struct Waiter: Sendable {
        let after: Height
        let continuation: CheckedContinuation<LedgerSnapshot?, Never>
    }

    private let state: Mutex<State>

    package init(_ snapshot: LedgerSnapshot) { state = Mutex(State(snapshot: snapshot)) }

    package var current: LedgerSnapshot { state.withLock { $0.snapshot } }

    /// Swaps the snapshot; whoever waits for its height gets it.
    package func publish(_ snapshot: LedgerSnapshot) {
        let woken = state.withLock { state in
            state.snapshot = snapshot
            let woken = state.waiters.filter { $0.value.after < snapshot.height }
            for id in woken.keys { state.waiters[id] = nil }
            return woken.map(\.value.continuation)
        }
        for continuation in woken { continuation.resume(returning: snapshot) }
    }

    /// The first snapshot above `height`; `nil` when the node stops or the task is cancelled.
    package func next(after height: Height) async -> LedgerSnapshot? {
        let id = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let answer: LedgerSnapshot?? = state.withLock { state in
                    if state.snapshot.height > height { return .some(state.snapshot) }
                    if state.isClosed || Task.isCancelled { return .some(nil) }
                    state.waiters[id] = Waiter(after: height, continuation: continuation)
                    return nil
                }
                if let answer { continuation.resume(returning: answer) }
            }
        } onCancel: {
            state.withLock { $0.waiters.removeValue(forKey: id) }?.continuation.resume(
                returning: nil)
        }
    }

    /// Nothing is published any more: whoever waits is let go.
    package func close() {
        let waiting = state.withLock { state in
            state.isClosed = true
            defer { state.waiters = [:] }
            return state.waiters.values.map(\.continuation)
        }
        for continuation in waiting { continuation.resume(returning: nil) }
    }
}
