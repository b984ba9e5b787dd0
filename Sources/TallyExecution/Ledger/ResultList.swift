import TallyPrimitives

/// The results of a block's transactions, in order, kept as they are encoded: so they are hashed and
/// stored, and one array holds them all. A result that is read is decoded.
package struct ResultList: RandomAccessCollection, Sendable {
    private var buffer = RLPEncoder()
    /// By index, where the encoding in `buffer` ends.
    private var ends: [Int] = []

    package init() {}

    package init(_ results: some Sequence<TransactionResult>) {
        for result in results {
            append(
                failure: result.failure, weight: result.weight, price: result.price,
                events: result.events, balances: result.balances)
        }
    }

    /// Appends a result given by its fields: in a block, no `TransactionResult` comes into being.
    mutating func append(
        failure: ExecutionFailure?, weight: Weight, price: Amount, events: [LedgerEvent],
        balances: [BalanceChange]
    ) {
        TransactionResult.encode(
            failure: failure, weight: weight, price: price, events: events, balances: balances,
            to: &buffer)
        ends.append(buffer.bytes.count)
    }

    package var startIndex: Int { 0 }
    package var endIndex: Int { ends.count }

    /// - Complexity: O(1) objects: the result is decoded.
    package subscript(index: Int) -> TransactionResult {
        do throws(RLPError) {
            return try TransactionResult(encoded: Array(encoding(index)))
        } catch { preconditionFailure("a result that was encoded here does not decode: \(error)") }
    }

    /// The encoding of a result. Copies nothing.
    package func encoding(_ index: Int) -> ArraySlice<UInt8> {
        buffer.bytes[(index == 0 ? 0 : ends[index - 1])..<ends[index]]
    }
}
