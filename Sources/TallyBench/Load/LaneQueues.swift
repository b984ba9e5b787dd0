import Synchronization

/// What each connection is to send next: filled by the pacer, emptied by one task a lane.
///
/// A sender's transactions all take one lane, so that they arrive in the order of their nonces. What is
/// queued is bounded by the transactions of the run, which are in memory anyway.
final class LaneQueues: Sendable {
    private struct Lane {
        var pending: [Int] = []
        var start = 0
    }

    private let lanes: Mutex<[Lane]>
    private let bells: [AsyncStream<Void>.Continuation]
    let wakes: [AsyncStream<Void>]
    let count: Int

    init(count: Int) {
        self.count = count
        lanes = Mutex(Array(repeating: Lane(), count: count))
        let streams = (0..<count).map { _ in
            AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
        }
        wakes = streams.map(\.stream)
        bells = streams.map(\.continuation)
    }

    /// - Parameter items: transactions with their lanes.
    func append(_ items: some Sequence<(lane: Int, index: Int)>) {
        var touched = Set<Int>()
        lanes.withLock { lanes in
            for (lane, index) in items {
                lanes[lane].pending.append(index)
                touched.insert(lane)
            }
        }
        for lane in touched.sorted() { bells[lane].yield() }
    }

    /// Puts back what was taken and not sent, in front of the rest.
    func giveBack(_ indices: [Int], lane: Int) {
        guard !indices.isEmpty else { return }
        lanes.withLock { lanes in
            let rest = lanes[lane].pending[lanes[lane].start...]
            lanes[lane] = Lane(pending: indices + rest)
        }
    }

    func take(_ lane: Int, limit: Int) -> [Int] {
        lanes.withLock { lanes in
            let start = lanes[lane].start
            let end = min(start + limit, lanes[lane].pending.count)
            let taken = Array(lanes[lane].pending[start..<end])
            if end == lanes[lane].pending.count {
                lanes[lane] = Lane()
            } else if end > 4_096 {
                lanes[lane] = Lane(pending: Array(lanes[lane].pending[end...]))
            } else {
                lanes[lane].start = end
            }
            return taken
        }
    }
}
