import DequeModule
import TallyPrimitives
import TallyTransactions

/// Transactions of one account, ascending by nonce: almost always without a gap, put at the end and
/// taken from the front.
///
/// Most accounts have one at a time. That one lies here; only others need memory of their own.
struct AccountTransactions: RandomAccessCollection, Sendable {
    private var head: Transaction?
    private var rest: Deque<Transaction> = []

    var startIndex: Int { 0 }
    var endIndex: Int { head == nil ? 0 : 1 + rest.count }

    subscript(index: Int) -> Transaction {
        get {
            guard index == 0, let head else { return rest[index - 1] }
            return head
        }
        set { if index == 0 { head = newValue } else { rest[index - 1] = newValue } }
    }

    mutating func insert(_ transaction: Transaction, at index: Int) {
        guard index == 0 else { return rest.insert(transaction, at: index - 1) }
        if let head { rest.prepend(head) }
        head = transaction
    }

    mutating func remove(at index: Int) -> Transaction {
        guard index == 0, let removed = head else { return rest.remove(at: index - 1) }
        head = rest.popFirst()
        return removed
    }
}

/// The pool's transactions by hash.
struct TransactionTable: Sendable {
    /// `nil` where one was; these places are listed in `free` and are taken again first.
    private var slots: [Transaction?] = []
    private var free: [Int] = []
    private var index = NumberIndex()

    var count: Int { index.count }

    subscript(hash: Hash32) -> Transaction? { slot(of: hash).flatMap { slots[$0] } }

    func contains(_ hash: Hash32) -> Bool { slot(of: hash) != nil }

    /// Adds one that is not there.
    mutating func insert(_ transaction: Transaction) {
        let slot: Int
        if let freed = free.popLast() {
            slot = freed
            slots[slot] = transaction
        } else {
            slot = slots.count
            slots.append(transaction)
        }
        index.insert(slot, index.hash(transaction.hash))
    }

    mutating func remove(_ hash: Hash32) {
        guard let slot = slot(of: hash) else { return }
        index.remove(slot, index.hash(hash))
        slots[slot] = nil
        free.append(slot)
    }

    private func slot(of hash: Hash32) -> Int? {
        index.number(index.hash(hash)) { slots[$0]?.hash == hash }
    }
}
