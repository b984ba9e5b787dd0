package import TallyExecution
package import TallyPrimitives
package import TallyTransactions

/// Where a block's transactions come from: the mempool when one is built, a body when one is checked.
package protocol TransactionSource {
    /// The next transaction to try; `nil` when there is none.
    /// - Parameter remaining: weight the block has left.
    mutating func next(remaining: Weight) -> Transaction?
    /// At most `maximum` transactions that `next` will probably return, in any order: their accounts
    /// are read ahead. May be empty, and is unless a source says otherwise.
    func upcoming(_ maximum: Int) -> ArraySlice<Transaction>
    /// The transaction last returned cannot be in this block.
    /// - Returns: whether to go on: a builder does, a checker does not.
    mutating func refused(_ transaction: Transaction, _ reason: Ineligibility) -> Bool
}

extension TransactionSource {
    package func upcoming(_ maximum: Int) -> ArraySlice<Transaction> { [] }
}

/// The transactions of a body: all of them, in order, or the block is invalid.
struct BodySource: TransactionSource {
    private let transactions: [Transaction]
    private var position = 0
    private(set) var refusal: (index: Int, reason: Ineligibility)?

    init(_ transactions: [Transaction]) { self.transactions = transactions }

    mutating func next(remaining: Weight) -> Transaction? {
        guard position < transactions.count else { return nil }
        position += 1
        return transactions[position - 1]
    }

    func upcoming(_ maximum: Int) -> ArraySlice<Transaction> {
        transactions[position...].prefix(maximum)
    }

    mutating func refused(_ transaction: Transaction, _ reason: Ineligibility) -> Bool {
        refusal = (position - 1, reason)
        return false
    }
}
