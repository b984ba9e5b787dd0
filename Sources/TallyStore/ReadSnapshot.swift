internal import Synchronization

/// A view of one commit that outlives a closure: what readers see below the memory of newer
/// heights, until the next snapshot is published (STORE-6).
///
/// Any thread may read at any time. LMDB forbids two threads inside one transaction, so a lock
/// serialises them; a look-up takes about a microsecond, which costs less than a pool of views
/// that would have to be begun on the very same commit. Released with its last reference; until
/// then the pages it sees are not reused, so snapshots must not be hoarded.
package final class ReadSnapshot: Sendable {
    package let environment: Environment
    /// Number of the commit seen.
    package let transactionID: Int
    private let transaction: Mutex<ReadTransaction>

    init(_ transaction: consuming sending ReadTransaction) {
        environment = transaction.environment
        transactionID = transaction.id
        self.transaction = Mutex(transaction)
    }

    /// Runs `body` on the view while other readers of it wait: take out what is needed, decode
    /// outside. It must not read the same snapshot again.
    ///
    /// - Throws: what `body` throws.
    package func read<R: Sendable>(
        _ body: (borrowing ReadTransaction) throws(StoreError) -> R
    ) throws(StoreError) -> R {
        try transaction.withLock { (transaction) throws(StoreError) -> R in
            try body(transaction)
        }
    }

    /// A copy of the value of `key`, `nil` if there is none.
    ///
    /// - Throws: `invalidSize`, `unknownDatabase` for a database opened after the snapshot was
    ///   taken, `corrupted`.
    package func get(
        _ key: some StoreBytes, in database: Database
    ) throws(StoreError) -> [UInt8]? {
        try read { (view) throws(StoreError) in try view.get(key, in: database) }
    }
}
