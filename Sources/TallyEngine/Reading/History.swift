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
    /// The blocks between two checkpoints: they come one by one and go together, so that no index is
    /// ever searched for what to drop, and a new one begins as large as the last one grew.
    private struct Generation: Sendable {
        private(set) var blocks: [Height: BlockRecord] = [:]
        /// In order: `positions` names a block by its place here.
        private var records: [BlockRecord] = []
        /// Transactions are numbered in order.
        private var positions: [(block: UInt32, index: UInt32)] = []
        private var numbers = NumberIndex()
        /// By source, ascending: a stream is consumed in order.
        private var consumed: [[ReceiptRun]] = []
        var ran: [UInt64: Height] = [:]
        /// Height of its newest block.
        var last = Height.genesis

        init() {}

        /// Empty, with room for as much as `old` has.
        init(like old: Generation) {
            blocks.reserveCapacity(old.blocks.count)
            records.reserveCapacity(old.records.count)
            positions.reserveCapacity(old.positions.count)
            numbers = NumberIndex(capacity: old.positions.count)
        }

        mutating func append(_ record: BlockRecord) {
            last = record.height
            blocks[last] = record
            let block = UInt32(records.count)
            records.append(record)
            for (index, transaction) in record.transactions.enumerated() {
                numbers.insert(positions.count, numbers.hash(transaction.hash))
                positions.append((block, UInt32(index)))
            }
            for event in record.systemResult?.events ?? [] {
                if let reference = event.consumedReceipt { note(reference) }
                if let entry = event.ranEntry { ran[entry] = last }
            }
        }

        private mutating func note(_ reference: ReceiptReference) {
            let source = Int(reference.source.index)
            while consumed.count <= source { consumed.append([]) }
            let run = consumed[source].count - 1
            if run >= 0, consumed[source][run].extend(by: reference, last) { return }
            consumed[source].append(ReceiptRun(reference, last))
        }

        func consumed(_ reference: ReceiptReference) -> Height? {
            let source = Int(reference.source.index)
            guard source < consumed.count else { return nil }
            let runs = consumed[source]
            var low = 0
            var high = runs.count
            while low < high {
                let middle = (low + high) / 2
                if runs[middle].end <= reference.index { low = middle + 1 } else { high = middle }
            }
            guard low < runs.count, runs[low].contains(reference) else { return nil }
            return runs[low].height
        }

        func transaction(_ hash: Hash32) -> (record: BlockRecord, index: Int)? {
            let number = numbers.number(numbers.hash(hash)) {
                let (block, index) = positions[$0]
                return records[Int(block)].transactions[Int(index)].hash == hash
            }
            guard let number else { return nil }
            let (block, index) = positions[number]
            return (records[Int(block)], Int(index))
        }
    }

    /// Receipts of one stream that one block consumed, one after another.
    private struct ReceiptRun: Sendable {
        let destination: EndpointID
        let first: UInt64
        private(set) var end: UInt64
        let height: Height

        init(_ reference: ReceiptReference, _ height: Height) {
            destination = reference.destination
            first = reference.index
            end = first + 1
            self.height = height
        }

        /// Takes the next one; false when it is not that of the run.
        mutating func extend(by reference: ReceiptReference, _ height: Height) -> Bool {
            guard reference.index == end, reference.destination == destination,
                height == self.height
            else { return false }
            end += 1
            return true
        }

        func contains(_ reference: ReceiptReference) -> Bool {
            first <= reference.index && reference.index < end
                && reference.destination == destination
        }
    }

    private struct Content: Sendable {
        /// Oldest first; the last one is appended to.
        var generations = [Generation()]
        /// Up to here the store had everything at the checkpoint before the last.
        var prunable = Height.genesis

        /// The newest answer of a generation, which is passed in place: a copy would count the
        /// references of all that it has.
        mutating func first<T>(_ find: (inout Generation) -> T?) -> T? {
            for index in generations.indices.reversed() {
                if let found = find(&generations[index]) { return found }
            }
            return nil
        }
    }

    private let content = Mutex(Content())

    package init() {}

    package func append(_ record: BlockRecord) {
        content.withLock { $0.generations[$0.generations.count - 1].append(record) }
    }

    /// A checkpoint of all blocks so far begins: what follows belongs to the next one.
    package func checkpointBegun() {
        content.withLock { content in
            guard let newest = content.generations.last, !newest.blocks.isEmpty else { return }
            content.generations.append(Generation(like: newest))
        }
    }

    /// A checkpoint of `height` is durable: drops what the one before it held already.
    package func checkpointed(_ height: Height) {
        let dropped = content.withLock { content in
            let bound = content.prunable
            content.prunable = height
            let old = content.generations.dropLast().prefix { $0.last <= bound }
            content.generations.removeFirst(old.count)
            return old
        }
        // A quarter of a million transactions are freed here, while nobody waits for the lock.
        withExtendedLifetime(dropped) {}
    }

    package func block(_ height: Height) -> BlockRecord? {
        content.withLock { $0.first { $0.blocks[height] } }
    }

    package func position(of hash: Hash32) -> (height: Height, index: Int)? {
        content.withLock { content in
            content.first { $0.transaction(hash) }.map { ($0.record.height, $0.index) }
        }
    }

    /// A transaction with its place, by one look.
    package func transaction(
        _ hash: Hash32
    ) -> (height: Height, index: Int, transaction: StoredTransaction)? {
        let found = content.withLock { content in content.first { $0.transaction(hash) } }
        guard let (record, index) = found else { return nil }
        let transaction = record.transactions[index]
        return (
            record.height, index,
            StoredTransaction(
                raw: transaction.raw, sender: transaction.sender, result: record.results[index])
        )
    }

    package func consumed(_ reference: ReceiptReference) -> Height? {
        content.withLock { $0.first { $0.consumed(reference) } }
    }

    package func ran(_ sequence: UInt64) -> Height? {
        content.withLock { $0.first { $0.ran[sequence] } }
    }

    /// Receipts that these blocks sent to an endpoint, by index.
    /// - Complexity: O(receipts of all these blocks).
    func sent(to destination: EndpointID) -> [UInt64: Receipt] {
        let records = content.withLock { $0.generations.flatMap(\.blocks.values) }
        var receipts: [UInt64: Receipt] = [:]
        for record in records where record.header.out.contains(where: { $0.peer == destination }) {
            for receipt in record.sent where receipt.reference.destination == destination {
                receipts[receipt.reference.index] = receipt
            }
        }
        return receipts
    }
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
