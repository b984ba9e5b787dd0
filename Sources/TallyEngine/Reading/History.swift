import Synchronization
package import TallyExecution
package import TallyPrimitives
package import TallySharding
import TallyTransactions

/// Decided blocks of one endpoint that its store does not hold yet, with indexes over them.
///
/// Shared by the actor that appends and the threads that read. A reader that holds a snapshot asks
/// here first and then in the snapshot's view of the store; what a checkpoint made durable is kept
/// until the next one, so that a reader between the two misses nothing.
package final class History: Sendable {
    private struct Content: Sendable {
        var blocks: [Height: BlockRecord] = [:]
        var positions: [Hash32: (height: Height, index: Int)] = [:]
        var consumed: [ReceiptReference: Height] = [:]
        var ran: [UInt64: Height] = [:]
        /// Up to here the store had everything at the checkpoint before the last.
        var prunable = Height.genesis
    }

    private let content = Mutex(Content())

    package init() {}

    package func append(_ record: BlockRecord) {
        let height = record.header.height
        content.withLock { content in
            content.blocks[height] = record
            for (index, transaction) in record.transactions.enumerated() {
                content.positions[transaction.hash] = (height, index)
            }
            for event in record.systemResult?.events ?? [] {
                if let reference = event.consumedReceipt { content.consumed[reference] = height }
                if let entry = event.ranEntry { content.ran[entry] = height }
            }
        }
    }

    /// A checkpoint of `height` is durable: drops what the one before it held already.
    package func checkpointed(_ height: Height) {
        content.withLock { content in
            let bound = content.prunable
            content.prunable = height
            let old = content.blocks.filter { $0.key <= bound }
            guard !old.isEmpty else { return }
            for (height, record) in old {
                content.blocks[height] = nil
                for transaction in record.transactions {
                    content.positions[transaction.hash] = nil
                }
            }
            content.consumed = content.consumed.filter { $0.value > bound }
            content.ran = content.ran.filter { $0.value > bound }
        }
    }

    package func block(_ height: Height) -> BlockRecord? {
        content.withLock { $0.blocks[height] }
    }

    package func position(of hash: Hash32) -> (height: Height, index: Int)? {
        content.withLock { $0.positions[hash] }
    }

    /// A transaction with its place, by one look.
    package func transaction(
        _ hash: Hash32
    ) -> (height: Height, index: Int, transaction: StoredTransaction)? {
        let found: (Height, Int, BlockRecord)? = content.withLock { content in
            guard let (height, index) = content.positions[hash],
                let record = content.blocks[height]
            else { return nil }
            return (height, index, record)
        }
        guard let (height, index, record) = found else { return nil }
        let transaction = record.transactions[index]
        return (
            height, index,
            StoredTransaction(
                raw: transaction.raw, sender: transaction.sender, result: record.results[index])
        )
    }

    package func consumed(_ reference: ReceiptReference) -> Height? {
        content.withLock { $0.consumed[reference] }
    }

    package func ran(_ sequence: UInt64) -> Height? { content.withLock { $0.ran[sequence] } }
}

/// The same for beacon blocks.
package final class BeaconHistory: Sendable {
    private struct Content: Sendable {
        var rows: [Height: BeaconRow] = [:]
        var heights: [Hash32: Height] = [:]
        var prunable = Height.genesis
    }

    private let content = Mutex(Content())

    package init() {}

    package func append(_ row: BeaconRow) {
        let hash = row.header.hash
        content.withLock { content in
            content.rows[row.header.height] = row
            content.heights[hash] = row.header.height
        }
    }

    package func checkpointed(_ height: Height) {
        content.withLock { content in
            let bound = content.prunable
            content.prunable = height
            content.rows = content.rows.filter { $0.key > bound }
            content.heights = content.heights.filter { $0.value > bound }
        }
    }

    package func row(_ height: Height) -> BeaconRow? { content.withLock { $0.rows[height] } }
    package func height(of hash: Hash32) -> Height? { content.withLock { $0.heights[hash] } }

    /// Rows above `from`, up to `through`, in order.
    package func rows(after from: Height, through: Height) -> [BeaconRow] {
        content.withLock { content in
            content.rows.filter { $0.key > from && $0.key <= through }
                .values.sorted { $0.header.height < $1.header.height }
        }
    }
}
