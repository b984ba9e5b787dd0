import TallyExecution
import TallyPrimitives
import TallyTransactions

/// One sender in the pool.
struct PoolAccount: Sendable {
    let sender: Address
    /// Next nonce in the last decided state that the pool heard of.
    var nonce: Nonce
    /// Next nonce to offer to a block: past `nonce` for what an undecided block holds.
    var cursor: Nonce
    private(set) var transactions = AccountTransactions()
    /// The most all of them can cost.
    var cost = Amount.zero
    /// Arrival number of the current place of the head; an older one is void.
    var head: UInt64?

    init(sender: Address, nonce: Nonce) {
        self.sender = sender
        self.nonce = nonce
        cursor = nonce
    }

    /// The nonce after the unbroken run.
    var nextGap: Nonce {
        var next = nonce
        var index = position(of: next)
        // Most runs have no gap: their end says so.
        if let last = transactions.last?.envelope.nonce, index < transactions.count,
            last >= next, last - next == UInt64(transactions.count - index - 1)
        {
            return last + 1
        }
        while index < transactions.count, transactions[index].envelope.nonce == next {
            next += 1
            index += 1
        }
        return next
    }

    func transaction(_ nonce: Nonce) -> Transaction? {
        let index = position(of: nonce)
        guard index < transactions.count, transactions[index].envelope.nonce == nonce else {
            return nil
        }
        return transactions[index]
    }

    /// Adds a transaction, or replaces the one of its nonce.
    mutating func put(_ transaction: Transaction) {
        let nonce = transaction.envelope.nonce
        let index = position(of: nonce)
        if index < transactions.count, transactions[index].envelope.nonce == nonce {
            transactions[index] = transaction
        } else {
            transactions.insert(transaction, at: index)
        }
    }

    mutating func remove(_ nonce: Nonce) -> Transaction? {
        let index = position(of: nonce)
        guard index < transactions.count, transactions[index].envelope.nonce == nonce else {
            return nil
        }
        return transactions.remove(at: index)
    }

    /// Index of the first transaction that has this nonce or a higher one.
    /// - Complexity: O(1) without gaps, O(log n) with.
    private func position(of nonce: Nonce) -> Int {
        guard let first = transactions.first?.envelope.nonce,
            let last = transactions.last?.envelope.nonce, nonce > first
        else { return 0 }
        if nonce > last { return transactions.count }
        // Without a gap before it, this is its place; with one, its place comes earlier.
        var low = 0
        var high = Int(min(nonce - first, UInt64(transactions.count - 1)))
        if transactions[high].envelope.nonce == nonce { return high }
        while low < high {
            let middle = (low + high) / 2
            if transactions[middle].envelope.nonce < nonce {
                low = middle + 1
            } else {
                high = middle
            }
        }
        return low
    }
}
