import TallyExecution
import TallyPrimitives
import TallySharding
import TallyStore

/// A row as it lies in the store.
struct StoredRow: Sendable {
    let key: [UInt8]
    let value: [UInt8]
}

extension StoreView {
    /// Rows handed out at a time: the view is not held while they are looked at.
    private static let rowRun = 512

    /// Visits rows in the order of keys, from `first` on (`nil`: all) and below `end`.
    func forEachRow<E: Error>(
        in database: Database, from first: [UInt8]? = nil, below end: [UInt8]? = nil,
        _ failure: (StoreError) -> E, _ body: (StoredRow) throws(E) -> Void
    ) throws(E) {
        var start = first
        var skipsStart = false
        while true {
            let rows: [StoredRow]
            do throws(StoreError) {
                rows = try run(database, start, skipsStart, end)
            } catch { throw failure(error) }
            for row in rows { try body(row) }
            guard rows.count == Self.rowRun, let last = rows.last else { return }
            start = last.key
            skipsStart = true
        }
    }

    private func run(
        _ database: Database, _ start: [UInt8]?, _ skipsStart: Bool, _ end: [UInt8]?
    ) throws(StoreError) -> [StoredRow] {
        try snapshot.read { (view) throws(StoreError) in
            var rows: [StoredRow] = []
            try view.forEach(in: database, from: start) { key, value in
                if skipsStart, let start, key.elementsEqual(start) { return .next }
                if let end, !key.lexicographicallyPrecedes(end) { return .stop }
                rows.append(StoredRow(key: Array(key), value: Array(value)))
                return rows.count == Self.rowRun ? .stop : .next
            }
            return rows
        }
    }

    func count(in database: Database) throws(StoreError) -> Int {
        try snapshot.read { (view) throws(StoreError) in try view.count(in: database) }
    }
}

extension RowKey {
    /// The peer and index of a `stream` key; `nil` for other lengths.
    static func decodeStream(_ bytes: [UInt8]) -> (EndpointID, UInt64)? {
        guard bytes.count == 10 else { return nil }
        return bytes.withUnsafeBytes {
            (
                EndpointID(UInt16(bigEndian: $0.loadUnaligned(as: UInt16.self))),
                UInt64(bigEndian: $0.loadUnaligned(fromByteOffset: 2, as: UInt64.self))
            )
        }
    }
}
