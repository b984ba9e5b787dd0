/// Events by time; those of one moment in the order in which they were scheduled.
///
/// A binary heap of small keys; the events themselves stay where they are.
struct EventHeap<Event> {
    private struct Key {
        let time: UInt64
        let order: UInt64
        let slot: Int

        static func < (a: Key, b: Key) -> Bool {
            a.time != b.time ? a.time < b.time : a.order < b.order
        }
    }

    private var keys: [Key] = []
    private var events: [Event?] = []
    private var free: [Int] = []
    private var order: UInt64 = 0

    var count: Int { keys.count }
    /// When the next event happens.
    var nextTime: UInt64? { keys.first?.time }

    /// - Complexity: O(log n)
    mutating func push(_ event: Event, at time: UInt64) {
        let slot: Int
        if let reused = free.popLast() {
            slot = reused
            events[slot] = event
        } else {
            slot = events.count
            events.append(event)
        }
        keys.append(Key(time: time, order: order, slot: slot))
        order += 1
        var child = keys.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard keys[child] < keys[parent] else { break }
            keys.swapAt(child, parent)
            child = parent
        }
    }

    /// - Complexity: O(log n)
    mutating func pop() -> (time: UInt64, event: Event)? {
        guard let first = keys.first, let event = events[first.slot] else { return nil }
        events[first.slot] = nil
        free.append(first.slot)
        let last = keys.removeLast()
        if !keys.isEmpty {
            keys[0] = last
            sink()
        }
        return (first.time, event)
    }

    private mutating func sink() {
        var parent = 0
        while true {
            var child = 2 * parent + 1
            guard child < keys.count else { return }
            if child + 1 < keys.count, keys[child + 1] < keys[child] { child += 1 }
            guard keys[child] < keys[parent] else { return }
            keys.swapAt(child, parent)
            parent = child
        }
    }
}
