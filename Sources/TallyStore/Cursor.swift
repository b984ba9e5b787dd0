internal import CLMDB

/// Whether an iteration goes on.
package enum Visit: Sendable {
    case next
    case stop
}

/// Direction of an iteration over keys, which are ordered as bytes.
package enum KeyOrder: Sendable {
    case ascending
    case descending
}

/// A position in a database, closed when it goes out of scope and before its transaction ends.
struct Cursor: ~Copyable {
    private let cursor: OpaquePointer
    private let raw: RawTransaction
    private let database: Database
    private(set) var key = UnsafeRawBufferPointer(start: nil, count: 0)
    private(set) var value = UnsafeRawBufferPointer(start: nil, count: 0)

    init(_ raw: RawTransaction, _ database: Database) throws(StoreError) {
        raw.check(database)
        var opened: OpaquePointer?
        let status = mdb_cursor_open(raw.transaction, database.dbi, &opened)
        guard status == 0, let opened else { throw raw.error(status, .iterate, database) }
        cursor = opened
        self.raw = raw
        self.database = database
    }

    deinit { mdb_cursor_close(cursor) }

    /// Moves; whether there is an entry.
    mutating func move(_ operation: MDB_cursor_op) throws(StoreError) -> Bool {
        var key = MDB_val()
        var value = MDB_val()
        return try took(mdb_cursor_get(cursor, &key, &value, operation), key, value)
    }

    /// Moves to the first key not below `target`; whether there is one.
    mutating func seek(atOrAfter target: some StoreBytes) throws(StoreError) -> Bool {
        var key = MDB_val()
        var value = MDB_val()
        let cursor = cursor
        let status = target.withStoreBytes { bytes in
            key = MDB_val(bytes)
            return mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE)
        }
        return try took(status, key, value)
    }

    /// Moves to the last key not above `target`; whether there is one.
    mutating func seek(atOrBefore target: some StoreBytes) throws(StoreError) -> Bool {
        guard try seek(atOrAfter: target) else { return try move(MDB_LAST) }
        let found = key
        let exact = target.withStoreBytes { $0.elementsEqual(found) }
        return exact ? true : try move(MDB_PREV)
    }

    mutating func delete() throws(StoreError) {
        let status = mdb_cursor_del(cursor, 0)
        guard status == 0 else { throw raw.error(status, .delete, database) }
    }

    private mutating func took(
        _ status: Int32, _ key: MDB_val, _ value: MDB_val
    ) throws(StoreError) -> Bool {
        if status == MDB_NOTFOUND { return false }
        guard status == 0 else { throw raw.error(status, .iterate, database) }
        self.key = key.bytes
        self.value = value.bytes
        return true
    }
}

extension StoreReader where Self: ~Copyable {
    /// Visits entries in order, from `start` (included; `nil` is the end the order begins at)
    /// until `body` stops. The bytes lie in the map and must not escape.
    ///
    /// - Throws: `invalidSize` for an empty or overlong `start`, `unknownDatabase`, `corrupted`,
    ///   and what `body` throws.
    package func forEach(
        in database: Database, from start: (some StoreBytes)?, order: KeyOrder = .ascending,
        _ body: (
            _ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer
        ) throws(StoreError) -> Visit
    ) throws(StoreError) {
        var cursor = try Cursor(raw, database)
        var found: Bool
        switch (order, start) {
        case (.ascending, nil): found = try cursor.move(MDB_FIRST)
        case (.descending, nil): found = try cursor.move(MDB_LAST)
        case (.ascending, let start?): found = try cursor.seek(atOrAfter: start)
        case (.descending, let start?): found = try cursor.seek(atOrBefore: start)
        }
        while found {
            switch try body(cursor.key, cursor.value) {
            case .stop: return
            case .next: found = try cursor.move(order == .ascending ? MDB_NEXT : MDB_PREV)
            }
        }
    }

    /// Visits all entries in order until `body` stops.
    ///
    /// - Throws: as ``forEach(in:from:order:_:)``.
    package func forEach(
        in database: Database, order: KeyOrder = .ascending,
        _ body: (
            _ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer
        ) throws(StoreError) -> Visit
    ) throws(StoreError) {
        try forEach(in: database, from: [UInt8]?.none, order: order, body)
    }

    /// A copy of the first entry in `order` from `start` on, `nil` if there is none.
    ///
    /// - Throws: as ``forEach(in:from:order:_:)``.
    package func first(
        in database: Database, from start: [UInt8]? = nil, order: KeyOrder = .ascending
    ) throws(StoreError) -> (key: [UInt8], value: [UInt8])? {
        var entry: (key: [UInt8], value: [UInt8])?
        try forEach(in: database, from: start, order: order) { key, value in
            entry = (Array(key), Array(value))
            return .stop
        }
        return entry
    }
}
