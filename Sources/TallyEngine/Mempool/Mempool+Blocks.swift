import DequeModule
import HeapModule
package import TallyExecution
package import TallyPrimitives
import TallySharding
package import TallyTransactions

/// What the next block has to give to transactions.
package struct BlockCapacity: Hashable, Sendable {
    package let baseFee: Amount
    /// Slots that transactions may take, by destination.
    package let slots: [Int]
    /// Due entries that the shard may still take on.
    package let dueEntries: Int

    package init(baseFee: Amount, slots: [Int], dueEntries: Int) {
        self.baseFee = baseFee
        self.slots = slots
        self.dueEntries = dueEntries
    }
}

/// A block takes from the pool directly. What it took stays in the pool until a decision: `included`
/// removes it, `rewind` offers it again.
extension Mempool: TransactionSource {
    /// Moves to `ready` what the next block has room for.
    package mutating func beginBlock(_ capacity: BlockCapacity) {
        while let top = capped.max, top.cap >= capacity.baseFee {
            capped.removeMax()
            if isCurrent(top.head) { ready.insert(top.head) }
        }
        for destination in parked.indices {
            unpark(\.parked[destination], capacity.slots[destination])
        }
        unpark(\.parkedForDue, capacity.dueEntries)
    }

    private mutating func unpark(
        _ heads: WritableKeyPath<Mempool, Deque<PoolHead>>, _ room: Int
    ) {
        var room = room
        while room > 0, let head = self[keyPath: heads].popFirst() {
            guard isCurrent(head) else { continue }
            ready.insert(head)
            room -= 1
        }
    }

    package mutating func next(remaining: Weight) -> Transaction? {
        guard remaining >= Weights.transfer else { return nil }
        while let head = ready.popMax() {
            guard isCurrent(head), let account = accounts[head.sender],
                let transaction = account.transactions[account.cursor]
            else { continue }
            accounts[head.sender]?.cursor += 1
            accounts[head.sender]?.head = nil
            if let following = account.transactions[account.cursor + 1] { push(following) }
            return transaction
        }
        return nil
    }

    package mutating func refused(_ transaction: Transaction, _ reason: Ineligibility) -> Bool {
        let sender = transaction.sender
        accounts[sender]?.cursor = transaction.envelope.nonce
        switch reason {
        case .noCredit(let destination):
            let head = newHead(transaction)
            parked[Int(destination.index)].append(head)
        case .dueQueueFull:
            let head = newHead(transaction)
            parkedForDue.append(head)
        case .feeCapBelowBaseFee:
            let head = newHead(transaction)
            capped.insert(CappedHead(cap: transaction.envelope.maxFee, head: head))
        case .blockFull:
            push(transaction)
            return false
        case .nonceTooHigh: accounts[sender]?.head = nil
        case .nonceTooLow, .insufficientFunds, .foreignSender:
            // Unpayable: what follows it waits for a transaction in its place.
            remove(sender, transaction.envelope.nonce)
        }
        return true
    }

    /// A decided block holds these transactions: drops them and what they replaced.
    package mutating func included(_ transactions: [Transaction]) {
        for transaction in transactions {
            let sender = transaction.sender
            let next = transaction.envelope.nonce + 1
            remove(sender, transaction.envelope.nonce)
            guard let account = accounts[sender] else { continue }
            accounts[sender]?.nonce = next
            guard account.cursor < next else { continue }
            accounts[sender]?.cursor = next
            accounts[sender]?.head = nil
            if let head = account.transactions[next] { push(head) }
        }
    }

    /// The block that took from the pool will not be decided.
    package mutating func rewind() {
        for (sender, account) in accounts where account.cursor != account.nonce {
            accounts[sender]?.cursor = account.nonce
            if let head = account.transactions[account.nonce] { push(head) }
        }
    }
}
