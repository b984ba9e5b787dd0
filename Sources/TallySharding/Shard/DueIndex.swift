package import TallyExecution
package import TallyPrimitives

/// The due queue in running order: derived from the state's due entries, never written itself.
package struct DueIndex: Sendable {
    /// By destination, each sorted by time and age.
    private var entries: [[DueEntry]]

    package init(endpointCount: Int) {
        entries = Array(repeating: [], count: endpointCount)
    }

    package var count: Int { entries.reduce(0) { $0 + $1.count } }

    /// Builds the index of stored entries, in any order.
    package init(_ stored: [DueEntry], endpointCount: Int) {
        self.init(endpointCount: endpointCount)
        merge(stored)
    }

    /// Adds what a block queued.
    /// - Complexity: O(count) for each destination that gets some.
    package mutating func merge(_ added: [DueEntry]) {
        for entry in added { entries[Int(entry.key.destination.index)].append(entry) }
        for slot in Set(added.map { Int($0.key.destination.index) }) {
            entries[slot].sort { $0.key < $1.key }
        }
    }

    /// Drops what a block ran: of each destination its first entries.
    /// - Complexity: O(count) for each destination that ran some.
    package mutating func remove(_ keys: [DueKey]) {
        var ran = Array(repeating: 0, count: entries.count)
        for key in keys {
            let slot = Int(key.destination.index)
            precondition(
                ran[slot] < entries[slot].count && entries[slot][ran[slot]].key == key,
                "a due entry that ran was not the next")
            ran[slot] += 1
        }
        for slot in entries.indices where ran[slot] > 0 { entries[slot].removeFirst(ran[slot]) }
    }

    /// Entries for one destination whose time has come, oldest first.
    package func ready(
        for destination: EndpointID, at time: BeaconTime
    ) -> some Sequence<DueEntry> {
        entries[Int(destination.index)].lazy.prefix { $0.key.time <= time }
    }

    /// The earliest time after `time` at which an entry becomes ready.
    package func nextTime(after time: BeaconTime) -> BeaconTime? {
        var next: BeaconTime?
        for list in entries {
            let key = DueKey(
                destination: list.first?.key.destination ?? EndpointID(0), time: time,
                sequence: .max)
            let position = Self.position(of: key, in: list)
            guard position < list.count else { continue }
            next = min(next ?? list[position].key.time, list[position].key.time)
        }
        return next
    }

    /// First position whose key is not below `key`.
    private static func position(of key: DueKey, in list: [DueEntry]) -> Int {
        var low = 0
        var high = list.count
        while low < high {
            let middle = (low + high) / 2
            if list[middle].key < key { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
