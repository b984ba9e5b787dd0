import TallyExecution
package import TallyPrimitives
import TallySharding

/// Receipts on their way to one endpoint.
package struct ReceiptBacklog: Hashable, Sendable {
    /// Anchored and not consumed.
    package var count: UInt64 = 0
    /// Time of the beacon block that anchored the oldest of them; `nil` when there is none.
    package var oldest: BeaconTime?
}

extension LedgerSnapshot {
    /// Heights that are looked through for the oldest receipt: an older one counts as of the last.
    private static let backlogHeights: UInt64 = 64

    /// What is on its way to each endpoint, by index.
    /// - Complexity: O(endpoints²), and O(64) blocks for each source of waiting receipts.
    package func receiptBacklogs() -> [ReceiptBacklog] {
        var backlogs = Array(repeating: ReceiptBacklog(), count: view.heads.count)
        for (source, sender) in view.heads.enumerated() {
            var waiting: [Int: UInt64] = [:]
            for (destination, entry) in sender.out.enumerated() {
                let cursor = view.heads[destination].in[source].cursor
                guard cursor < entry.end else { continue }
                backlogs[destination].count += entry.end - cursor
                waiting[destination] = cursor
            }
            guard !waiting.isEmpty else { continue }
            for (destination, time) in oldest(of: source, waiting) {
                let known = backlogs[destination].oldest ?? time
                backlogs[destination].oldest = min(known, time)
            }
        }
        return backlogs
    }

    /// - Parameter cursors: next receipt to be consumed, by the destinations that have one waiting.
    /// - Returns: when that was anchored.
    private func oldest(of source: Int, _ cursors: [Int: UInt64]) -> [Int: BeaconTime] {
        var open = cursors
        var times: [Int: BeaconTime] = [:]
        var height = view.heads[source].header.height.value
        let last = header.height.value - min(Self.backlogHeights, header.height.value)
        while height > last, !open.isEmpty {
            defer { height -= 1 }
            guard let record = endpoints[source].history.block(Height(height)) else { continue }
            let time = beaconHistory.row(Height(height))?.header.time ?? record.header.time
            for item in record.header.out {
                let destination = Int(item.peer.index)
                guard let cursor = open[destination] else { continue }
                if item.entry.end > cursor {
                    times[destination] = time
                } else {
                    open[destination] = nil
                }
            }
        }
        return times
    }
}
