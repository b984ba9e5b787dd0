internal import CLMDB

extension WriteTransaction {
    /// Sets the value of `key`, 1 to 511 bytes long.
    ///
    /// - Throws: `invalidSize`, `mapFull`, `transactionFull`, `diskFull`, `corrupted`, `other`.
    package mutating func put(
        _ key: some StoreBytes, _ value: some StoreBytes, in database: Database
    ) throws(StoreError) {
        let status = store(key, value, in: database, flags: 0)
        guard status == 0 else { throw raw.error(status, .put, database) }
    }

    /// Sets the value of a key above every other: pages fill up and none is searched.
    ///
    /// - Throws: `outOfOrder` if the key is not above the last, and as ``put(_:_:in:)``.
    package mutating func append(
        _ key: some StoreBytes, _ value: some StoreBytes, in database: Database
    ) throws(StoreError) {
        let status = store(key, value, in: database, flags: UInt32(MDB_APPEND))
        guard status == 0 else { throw raw.error(status, .append, database) }
    }

    /// Sets the value of `key` to `count` bytes that `fill` writes in place. They hold old data
    /// before, so `fill` writes all of them.
    ///
    /// - Throws: as ``put(_:_:in:)``.
    package mutating func put(
        _ key: some StoreBytes, count: Int, in database: Database,
        fill: (UnsafeMutableRawBufferPointer) -> Void
    ) throws(StoreError) {
        let raw = raw
        raw.check(database)
        var value = MDB_val(mv_size: count, mv_data: nil)
        let status = key.withStoreBytes { bytes in
            var key = MDB_val(bytes)
            return mdb_put(raw.transaction, database.dbi, &key, &value, UInt32(MDB_RESERVE))
        }
        guard status == 0 else { throw raw.error(status, .put, database) }
        fill(UnsafeMutableRawBufferPointer(start: value.mv_data, count: count))
    }

    /// Removes `key`; whether it was there.
    ///
    /// - Throws: `invalidSize`, `mapFull`, `transactionFull`, `corrupted`, `other`.
    @discardableResult
    package mutating func delete(
        _ key: some StoreBytes, in database: Database
    ) throws(StoreError) -> Bool {
        let raw = raw
        raw.check(database)
        let status = key.withStoreBytes { bytes in
            var key = MDB_val(bytes)
            return mdb_del(raw.transaction, database.dbi, &key, nil)
        }
        if status == MDB_NOTFOUND { return false }
        guard status == 0 else { throw raw.error(status, .delete, database) }
        return true
    }

    /// Removes the keys from `lower` on and below `upper`, `nil` being without bound; returns how
    /// many there were.
    ///
    /// - Throws: as ``delete(_:in:)``.
    /// - Complexity: O(k) for k entries removed, and one look-up.
    @discardableResult
    package mutating func deleteRange(
        from lower: [UInt8]?, upTo upper: [UInt8]?, in database: Database
    ) throws(StoreError) -> Int {
        var cursor = try Cursor(raw, database)
        var count = 0
        var found =
            if let lower { try cursor.seek(atOrAfter: lower) } else { try cursor.move(MDB_FIRST) }
        while found {
            if let upper, !cursor.key.lexicographicallyPrecedes(upper) { break }
            try cursor.delete()
            count += 1
            // After a deletion the cursor stands on the successor, and "next" goes there.
            found = try cursor.move(MDB_NEXT)
        }
        return count
    }

    /// Removes every entry of `database` at once.
    ///
    /// - Throws: `mapFull`, `transactionFull`, `corrupted`, `other`.
    package mutating func deleteAll(in database: Database) throws(StoreError) {
        raw.check(database)
        let status = mdb_drop(transaction, database.dbi, 0)
        guard status == 0 else { throw raw.error(status, .delete, database) }
    }

    private func store(
        _ key: some StoreBytes, _ value: some StoreBytes, in database: Database, flags: UInt32
    ) -> Int32 {
        raw.check(database)
        let transaction = transaction
        return key.withStoreBytes { keyBytes in
            value.withStoreBytes { valueBytes in
                var key = MDB_val(keyBytes)
                var value = MDB_val(valueBytes)
                return mdb_put(transaction, database.dbi, &key, &value, flags)
            }
        }
    }
}
