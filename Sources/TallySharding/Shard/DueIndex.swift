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

    package mutating func insert(_ entry: DueEntry) {
        let slot = Int(entry.key.destination.index)
        let position = Self.position(of: entry.key, in: entries[slot])
        entries[slot].insert(entry, at: position)
    }

    package mutating func remove(_ key: DueKey) {
        let slot = Int(key.destination.index)
        let position = Self.position(of: key, in: entries[slot])
        precondition(
            position < entries[slot].count && entries[slot][position].key == key,
            "a due entry that ran was never queued")
        entries[slot].remove(at: position)
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
