import DequeModule
import TallyExecution
import TallyPrimitives
import TallySharding
import TallyState

/// One stream, followed from its first receipt: what the headers say of it, and what the receipts.
struct StreamAudit {
    let source: EndpointID
    let destination: EndpointID
    /// What the newest headers say.
    private(set) var end: UInt64 = 0
    private(set) var sentValue = Amount.zero
    private(set) var cursor: UInt64 = 0
    private(set) var consumedValue = Amount.zero
    /// What the receipts give.
    private(set) var sent = MerkleRange.empty
    private(set) var consumed = MerkleRange.empty
    private(set) var inFlight: Deque<Entry> = []
    /// Whether every receipt so far was there and gave the root in the header. If not, later roots
    /// say nothing more.
    private(set) var isWhole = true

    struct Entry: Sendable {
        let index: UInt64
        let leaf: Hash32
        /// `nil` above 2^128 − 1.
        let value: Amount?
    }

    /// The receipts that one block sent, as they are met.
    struct Batch {
        fileprivate let range: Range<UInt64>
        fileprivate var next: UInt64
        fileprivate var value: Amount? = .zero
    }

    func batch(to end: UInt64) -> Batch { Batch(range: self.end..<end, next: self.end) }

    /// Takes the receipt found at `index`; `nil` when what lies there does not decode.
    mutating func take(
        _ receipt: Receipt?, at index: UInt64, _ batch: inout Batch,
        _ findings: inout AuditFindings
    ) {
        skip(to: index, &batch, &findings)
        batch.next = index + 1
        guard let receipt else {
            isWhole = false
            return
        }
        let value = receipt.value.adding(receipt.fee)
        batch.value = Self.sum(batch.value, value)
        let leaf = receipt.leaf
        sent.append(leaf)
        inFlight.append(Entry(index: index, leaf: leaf, value: value))
    }

    /// Compares a block's receipts with its header.
    mutating func finish(
        _ batch: Batch, _ entry: OutEntry, at height: Height, _ findings: inout AuditFindings
    ) {
        var batch = batch
        skip(to: batch.range.upperBound, &batch, &findings)
        let claimed = entry.value.subtracting(sentValue) ?? .zero
        if batch.value != claimed {
            findings.add(
                .streamValue(
                    height, source: source, destination: destination, header: claimed,
                    receipts: batch.value))
        }
        if isWhole, sent.root != entry.root {
            isWhole = false
            findings.add(
                .streamRoot(height, source: source, destination: destination, batch.range))
        }
        end = entry.end
        sentValue = entry.value
    }

    private mutating func skip(
        to index: UInt64, _ batch: inout Batch, _ findings: inout AuditFindings
    ) {
        guard batch.next < index else { return }
        isWhole = false
        findings.add(
            .receiptsMissing(
                source: source, destination: destination, batch.next..<index))
        batch.next = index
    }

    /// Moves the cursor as a block's header says, and compares the value.
    /// - Returns: how many receipts that were there it passed.
    mutating func consume(
        _ entry: InEntry, at height: Height, _ findings: inout AuditFindings
    ) -> Int {
        var value: Amount? = .zero
        var count = 0
        while let first = inFlight.first, first.index < entry.cursor {
            value = Self.sum(value, first.value)
            consumed.append(first.leaf)
            inFlight.removeFirst()
            count += 1
        }
        let claimed = entry.value.subtracting(consumedValue) ?? .zero
        if value != claimed {
            findings.add(
                .consumedValue(
                    height, source: source, destination: destination, header: claimed,
                    receipts: value))
        }
        cursor = entry.cursor
        consumedValue = entry.value
        return count
    }

    private static func sum(_ a: Amount?, _ b: Amount?) -> Amount? {
        guard let a, let b else { return nil }
        return a.adding(b)
    }
}
