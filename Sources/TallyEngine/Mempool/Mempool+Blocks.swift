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
            let place = head.account
            guard isCurrent(head),
                let transaction = accounts[place].transaction(accounts[place].cursor)
            else { continue }
            accounts[place].cursor += 1
            accounts[place].head = nil
            offer(place)
            return transaction
        }
        return nil
    }

    /// Everything ready, unless that is more than fits: then a guess would cost more than it saves.
    package func upcoming(_ maximum: Int) -> ArraySlice<Transaction> {
        guard ready.count <= maximum else { return [] }
        var transactions: [Transaction] = []
        transactions.reserveCapacity(ready.count)
        for head in ready.unordered where isCurrent(head) {
            let account = accounts[head.account]
            if let transaction = account.transaction(account.cursor) {
                transactions.append(transaction)
            }
        }
        return transactions[...]
    }

    /// Puts the transaction at the account's cursor, if there is one, into `ready`.
    private mutating func offer(_ place: Int) {
        guard let transaction = accounts[place].transaction(accounts[place].cursor) else { return }
        push(transaction, place)
    }

    package mutating func refused(_ transaction: Transaction, _ reason: Ineligibility) -> Bool {
        guard let place = place(of: transaction.sender) else {
            preconditionFailure("a transaction that is offered stays pooled")
        }
        accounts[place].cursor = transaction.envelope.nonce
        switch reason {
        case .noCredit(let destination):
            let head = newHead(transaction, place)
            parked[Int(destination.index)].append(head)
        case .dueQueueFull:
            let head = newHead(transaction, place)
            parkedForDue.append(head)
        case .feeCapBelowBaseFee:
            let head = newHead(transaction, place)
            capped.insert(CappedHead(cap: transaction.envelope.maxFee, head: head))
        case .blockFull:
            push(transaction, place)
            return false
        case .nonceTooHigh: accounts[place].head = nil
        case .nonceTooLow, .insufficientFunds, .foreignSender:
            // Unpayable: what follows it waits for a transaction in its place.
            remove(place, transaction.envelope.nonce)
        }
        return true
    }

    /// An undecided block holds these transactions: the next is built behind it.
    package mutating func skip(_ transactions: [Transaction]) {
        for transaction in transactions {
            guard let place = place(of: transaction.sender) else { continue }
            let next = transaction.envelope.nonce + 1
            guard accounts[place].cursor < next else { continue }
            accounts[place].cursor = next
            accounts[place].head = nil
            offer(place)
        }
    }

    /// Whether a transaction is offered whose turn it is.
    package var hasReady: Bool {
        mutating get {
            while let top = ready.max {
                if isCurrent(top) { return true }
                ready.removeMax()
            }
            return false
        }
    }

    /// A decided block holds these transactions: drops them and what they replaced.
    package mutating func included(_ transactions: [Transaction]) {
        for transaction in transactions {
            guard let place = place(of: transaction.sender) else { continue }
            let next = transaction.envelope.nonce + 1
            guard remove(place, transaction.envelope.nonce) else { continue }
            accounts[place].nonce = next
            guard accounts[place].cursor < next else { continue }
            accounts[place].cursor = next
            accounts[place].head = nil
            offer(place)
        }
    }

    /// The block that took from the pool will not be decided.
    package mutating func rewind() {
        for place in accounts.indices where accounts[place].cursor != accounts[place].nonce {
            accounts[place].cursor = accounts[place].nonce
            offer(place)
        }
    }
}
