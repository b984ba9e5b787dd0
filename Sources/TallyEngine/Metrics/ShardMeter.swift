package import TallyExecution

/// What one shard counts while it works (OPS-20).
package final class ShardMeter: Sendable {
    package let poolTransactions = Gauge()
    package let poolBytes = Gauge()
    /// Signed transactions of decided blocks, by what their receipts say.
    package let succeeded = Counter()
    package let failed = Counter()

    package init() {}

    /// The transactions of a decided block.
    package func count(_ results: ResultList) {
        var good = 0
        for index in results.indices where Self.isSuccess(results.encoding(index)) { good += 1 }
        succeeded.add(good)
        failed.add(results.count - good)
    }

    /// A result is encoded as a list whose first item is the reason of its failure, 0 for none: looked
    /// at where it lies, as decoding it would allocate.
    private static func isSuccess(_ encoding: ArraySlice<UInt8>) -> Bool {
        guard let head = encoding.first else { return false }
        let first = encoding.startIndex + 1 + (head > 0xf7 ? Int(head) - 0xf7 : 0)
        return first < encoding.endIndex && encoding[first] == 0x80
    }
}
