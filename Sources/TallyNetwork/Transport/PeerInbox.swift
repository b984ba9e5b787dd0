import Synchronization
import TallySharding

/// What a peer sent and nobody has looked at, in order (NET-18). Filled by an event loop, emptied by
/// one task.
final class PeerInbox: Sendable {
    private struct State: Sendable {
        var frames: [PeerFrame] = []
        var bytes = 0
        var isFull = false
        var isClosed = false
        var waiter: CheckedContinuation<[PeerFrame]?, Never>?
    }

    private let bound: NetworkLimits.QueueBound
    private let state = Mutex(State())

    init(bound: NetworkLimits.QueueBound) { self.bound = bound }

    /// - Returns: whether nothing more should be read until ``next()`` says that there is room.
    func append(_ frames: [PeerFrame]) -> Bool {
        let (waiter, isFull) = state.withLock { state in
            guard !state.isClosed else {
                return (nil as CheckedContinuation<[PeerFrame]?, Never>?, false)
            }
            if let waiter = state.waiter {
                state.waiter = nil
                return (waiter, false)
            }
            state.frames += frames
            for frame in frames { state.bytes += frame.footprint }
            state.isFull = state.frames.count >= bound.frames || state.bytes >= bound.bytes
            return (nil, state.isFull)
        }
        waiter?.resume(returning: frames)
        return isFull
    }

    /// All that came since the last time, at least one frame; `nil` at the end.
    /// - Parameter roomAgain: called if reading was stopped.
    func next(roomAgain: () -> Void) async -> [PeerFrame]? {
        let wasFull = state.withLock { state in
            defer { state.isFull = false }
            return state.isFull
        }
        if wasFull { roomAgain() }
        return await withCheckedContinuation { continuation in
            let (isDone, frames): (Bool, [PeerFrame]?) = state.withLock { state in
                precondition(state.waiter == nil, "one task empties an inbox")
                if !state.frames.isEmpty {
                    defer {
                        state.frames = []
                        state.bytes = 0
                    }
                    return (true, state.frames)
                }
                if state.isClosed { return (true, nil) }
                state.waiter = continuation
                return (false, nil)
            }
            if isDone { continuation.resume(returning: frames) }
        }
    }

    /// Nothing comes any more; what is there is still given out.
    func close() {
        let waiter = state.withLock { state in
            state.isClosed = true
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resume(returning: nil)
    }
}

extension PeerFrame {
    /// Bytes of memory, about.
    var footprint: Int {
        switch self {
        case .vote(let wire), .block(let wire), .outline(let wire): 64 + wire.count
        case .body(_, let body): 64 + (body?.count ?? 0)
        case .transactions(let raws): raws.reduce(64) { $0 + 32 + $1.count }
        case .missingRequest(_, let positions): 64 + 8 * positions.count
        case .missing(_, let transactions): transactions.reduce(64) { $0 + 64 + $1.raw.count }
        case .hello, .goodbye, .ping, .pong, .head, .bodyRequest, .finalsRequest: 64
        }
    }
}
