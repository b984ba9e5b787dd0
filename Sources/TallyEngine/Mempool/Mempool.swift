import DequeModule
import HeapModule
package import TallyExecution
package import TallyPrimitives
package import TallyTransactions

/// Transactions of one shard that wait for a block. A value without clock, disk or tasks.
///
/// Representation: per account its transactions by nonce. The one at the account's cursor is its
/// *head* and stands in exactly one place: `ready`, ordered by tip and age; `capped`, ordered by fee
/// cap, until the base fee falls; or `parked`, until the stream it needs has credit. So a block looks
/// only at transactions that can be in it.
package struct Mempool: Sendable {
    let limits: Limits
    private let minimumFee: Amount
    private let weightLimit: Weight
    var accounts: [Address: PoolAccount] = [:]
    private var known: [Hash32: Transaction] = [:]
    private var bytes = 0
    private var arrivals: UInt64 = 0
    /// While the pool stays as it is, nobody who tips this or less can take a place in it: a full pool
    /// refuses without looking through all of it each time.
    private var evictionFloor: Amount?

    var ready = Heap<PoolHead>()
    var capped = Heap<CappedHead>()
    /// By the endpoint that has no credit.
    var parked: [Deque<PoolHead>]
    var parkedForDue: Deque<PoolHead> = []

    package init(limits: Limits, parameters: NetworkParameters) {
        self.limits = limits
        minimumFee = parameters.minimumBaseFee
        weightLimit = parameters.transactionWeightLimit
        parked = Array(repeating: [], count: parameters.layout.endpointCount)
    }

    package var count: Int { known.count }
    package var byteCount: Int { bytes }

    package func contains(_ hash: Hash32) -> Bool { known[hash] != nil }
    package func transaction(_ hash: Hash32) -> Transaction? { known[hash] }

    /// The nonce after the last transaction of an unbroken run; `nil` when the pool has none.
    package func pendingNonce(of sender: Address) -> Nonce? {
        accounts[sender]?.nextGap
    }

    // MARK: Admission

    /// Takes a transaction, or says why not.
    /// - Parameters:
    ///   - nonce: the sender's next, in the last decided state.
    ///   - balance: the sender's, likewise.
    package mutating func admit(
        _ transaction: Transaction, nonce: Nonce, balance: Amount
    ) -> PoolRejection? {
        guard known[transaction.hash] == nil else { return .alreadyKnown }
        let envelope = transaction.envelope
        guard transaction.weight <= weightLimit else {
            return .tooHeavy(limit: weightLimit, actual: transaction.weight)
        }
        guard envelope.maxFee >= minimumFee else { return .underpriced(minimum: minimumFee) }
        guard envelope.nonce >= nonce else {
            return .ineligible(.nonceTooLow(expected: nonce, actual: envelope.nonce))
        }
        var account = accounts[transaction.sender] ?? PoolAccount(nonce: nonce)
        let replaced = account.transactions[envelope.nonce]
        if let replaced, !outbids(transaction, replaced) { return .replacementUnderpriced }
        let cost = envelope.maximumCost ?? .max
        let others = account.cost.subtracting(replaced?.envelope.maximumCost ?? .zero) ?? .zero
        let want = others.adding(cost) ?? .max
        guard want <= balance else {
            return .ineligible(.insufficientFunds(have: balance, want: want))
        }
        if replaced == nil, let rejection = roomFault(transaction, account) { return rejection }
        if let replaced { forget(replaced) }
        account = accounts[transaction.sender] ?? account
        account.transactions[envelope.nonce] = transaction
        account.cost = want
        accounts[transaction.sender] = account
        known[transaction.hash] = transaction
        bytes += transaction.raw.count
        evictionFloor = nil
        // A replacement of the head takes its place: the tip may be another.
        if envelope.nonce == account.cursor { push(transaction) }
        return nil
    }

    private mutating func roomFault(
        _ transaction: Transaction, _ account: PoolAccount
    ) -> PoolRejection? {
        guard account.transactions.count < limits.accountTransactions else {
            return .accountLimit(limits.accountTransactions)
        }
        let ahead = transaction.envelope.nonce - min(account.nonce, transaction.envelope.nonce)
        if ahead > UInt64(account.transactions.count), ahead > limits.nonceGap {
            return .gapTooLarge(limit: limits.nonceGap)
        }
        if !hasRoom(for: transaction) {
            evict(for: transaction, next: account.nextGap)
        }
        return hasRoom(for: transaction) ? nil : .poolFull
    }

    private func hasRoom(for transaction: Transaction) -> Bool {
        known.count < limits.poolTransactions && bytes + transaction.raw.count <= limits.poolBytes
    }

    private func outbids(_ new: Transaction, _ old: Transaction) -> Bool {
        new.envelope.maxFee >= risen(old.envelope.maxFee)
            && new.envelope.maxPriorityFee >= risen(old.envelope.maxPriorityFee)
    }

    /// The fee a replacement must offer, rounded up: 10 % of 1 is 1.
    private func risen(_ fee: Amount) -> Amount {
        let percent = UInt128(limits.replacementPercent)
        let (whole, rest) = fee.units.quotientAndRemainder(dividingBy: 100)
        return fee.adding(Amount(whole * percent + (rest * percent + 99) / 100)) ?? .max
    }

    /// Makes room in one pass by dropping the last transactions of accounts: first those behind a gap,
    /// which may never run, then the lowest tips, none that tips as much as the newcomer. Up to a
    /// sixteenth of the pool, so that the pass is rare, or more when its bytes need more. Drops nothing
    /// when all of them would not do, or for a newcomer that is itself behind a gap (`next` is the nonce
    /// after its account's unbroken run).
    private mutating func evict(for newcomer: Transaction, next: Nonce) {
        let tip = newcomer.envelope.maxPriorityFee
        if newcomer.envelope.nonce > next { return }
        if let evictionFloor, tip <= evictionFloor { return }
        var tails: [(tip: Amount, sender: Address, nonce: Nonce, bytes: Int)] = []
        for (sender, account) in accounts where sender != newcomer.sender {
            guard let last = account.transactions.max(by: { $0.key < $1.key }) else { continue }
            let isBehindGap = last.key >= account.nextGap
            let lastTip = isBehindGap ? .zero : last.value.envelope.maxPriorityFee
            guard isBehindGap || lastTip < tip else { continue }
            tails.append((lastTip, sender, last.key, last.value.raw.count))
        }
        if tails.isEmpty { evictionFloor = tip }
        tails.sort { ($0.tip, $0.sender) < ($1.tip, $1.sender) }
        let needed = bytes + newcomer.raw.count - limits.poolBytes
        var freed = 0
        var count = 0
        for tail in tails {
            guard count < max(1, limits.poolTransactions / 16) || freed < needed else { break }
            freed += tail.bytes
            count += 1
        }
        guard freed >= needed else { return }
        for tail in tails.prefix(count) { remove(tail.sender, tail.nonce) }
    }

    // MARK: Heads

    /// Puts the transaction at its sender's cursor into `ready`; whatever stood for it is void.
    mutating func push(_ transaction: Transaction) {
        ready.insert(newHead(transaction))
    }

    /// A place for the transaction at its sender's cursor, which makes any older place void.
    mutating func newHead(_ transaction: Transaction) -> PoolHead {
        arrivals += 1
        accounts[transaction.sender]?.head = arrivals
        return PoolHead(
            tip: transaction.envelope.maxPriorityFee, arrival: arrivals, sender: transaction.sender)
    }

    func isCurrent(_ head: PoolHead) -> Bool { accounts[head.sender]?.head == head.arrival }

    // MARK: Removal

    private mutating func forget(_ transaction: Transaction) {
        known[transaction.hash] = nil
        bytes -= transaction.raw.count
    }

    mutating func remove(_ sender: Address, _ nonce: Nonce) {
        evictionFloor = nil
        guard let transaction = accounts[sender]?.transactions.removeValue(forKey: nonce) else {
            return
        }
        forget(transaction)
        let cost = transaction.envelope.maximumCost ?? .zero
        guard var account = accounts.removeValue(forKey: sender), !account.transactions.isEmpty
        else { return }
        account.cost = account.cost.subtracting(cost) ?? .zero
        if account.cursor == nonce { account.head = nil }
        accounts[sender] = account
    }
}

/// One sender in the pool.
struct PoolAccount: Sendable {
    /// Next nonce in the last decided state that the pool heard of.
    var nonce: Nonce
    /// Next nonce to offer to a block: past `nonce` for what an undecided block holds.
    var cursor: Nonce
    var transactions: [Nonce: Transaction] = [:]
    /// The most all of them can cost.
    var cost = Amount.zero
    /// Arrival number of the current place of the head; an older one is void.
    var head: UInt64?

    init(nonce: Nonce) {
        self.nonce = nonce
        cursor = nonce
    }

    /// The nonce after the unbroken run.
    var nextGap: Nonce {
        var next = nonce
        while transactions[next] != nil { next += 1 }
        return next
    }
}

/// The place of a head: the highest tip comes first, then the oldest.
struct PoolHead: Comparable, Sendable {
    let tip: Amount
    let arrival: UInt64
    let sender: Address

    static func < (a: PoolHead, b: PoolHead) -> Bool {
        a.tip != b.tip ? a.tip < b.tip : a.arrival > b.arrival
    }
}

/// A head whose fee cap is below the base fee: the highest cap comes first.
struct CappedHead: Comparable, Sendable {
    let cap: Amount
    let head: PoolHead

    static func < (a: CappedHead, b: CappedHead) -> Bool {
        a.cap != b.cap ? a.cap < b.cap : a.head < b.head
    }
}
