import TallyConsensus
import TallyPrimitives

/// Timers that run, by when they go off, in time since some start that never goes back.
struct Timers: Sendable {
    private var running: [(timer: Ibft.Timer, end: Duration)] = []

    mutating func set(_ timer: Ibft.Timer, at end: Duration) {
        running.removeAll { $0.timer == timer }
        let place = running.firstIndex { $0.end > end } ?? running.endIndex
        running.insert((timer, end), at: place)
    }

    /// Takes those that are over, oldest first.
    mutating func due(_ now: Duration) -> [Ibft.Timer] {
        let count = running.firstIndex { $0.end > now } ?? running.endIndex
        defer { running.removeFirst(count) }
        return running.prefix(count).map(\.timer)
    }

    /// A height is final: its timers mean nothing any more.
    mutating func forget(through height: Height) {
        running.removeAll { $0.timer.height.map { $0 <= height } ?? false }
    }
}

extension Ibft.Timer {
    fileprivate var height: Height? {
        switch self {
        case .round(let height, _), .heartbeat(let height), .retransmission(let height): height
        case .headQuery: nil
        }
    }
}
