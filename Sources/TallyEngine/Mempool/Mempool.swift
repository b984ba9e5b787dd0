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
/// only at transactions that can be in it. Heads name an account by its place in `accounts`, so that
/// a block in the making looks up no address.
package struct Mempool: Sendable {
    let limits: Limits
    private let minimumFee: Amount
    private let weightLimit: Weight
    /// A place without transactions is free, and listed in `free`.
    var accounts: [PoolAccount] = []
    /// Numbers of `accounts` that have transactions, by address.
    private var places = NumberIndex()
    private var free: [Int] = []
    private var known = TransactionTable()
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

    package func contains(_ hash: Hash32) -> Bool { known.contains(hash) }
    package func transaction(_ hash: Hash32) -> Transaction? { known[hash] }

    /// The nonce after the last transaction of an unbroken run; `nil` when the pool has none.
    package func pendingNonce(of sender: Address) -> Nonce? {
        place(of: sender).map { accounts[$0].nextGap }
    }

    /// Raw transactions, account by account in the order of nonces, so that whoever takes them in
    /// this order meets no gap that is not here too.
    /// - Parameters:
    ///   - count: at most so many.
    ///   - bytes: of them, at most so many.
    /// - Complexity: O(accounts before the last one taken).
    package func pending(_ count: Int, bytes: Int) -> [[UInt8]] {
        var raws: [[UInt8]] = []
        var left = bytes
        for account in accounts {
            for transaction in account.transactions {
                left -= transaction.raw.count
                guard raws.count < count, left >= 0 else { return raws }
                raws.append(transaction.raw)
            }
        }
        return raws
    }

    // MARK: Admission

    /// Takes a transaction, or says why not.
    /// - Parameters:
    ///   - nonce: the sender's next, in the last decided state.
    ///   - balance: the sender's, likewise.
    package mutating func admit(
        _ transaction: Transaction, nonce: Nonce, balance: Amount
    ) -> PoolRejection? {
        guard !known.contains(transaction.hash) else { return .alreadyKnown }
        let envelope = transaction.envelope
        guard transaction.weight <= weightLimit else {
            return .tooHeavy(limit: weightLimit, actual: transaction.weight)
        }
        guard envelope.maxFee >= minimumFee else { return .underpriced(minimum: minimumFee) }
        guard envelope.nonce >= nonce else {
            return .ineligible(.nonceTooLow(expected: nonce, actual: envelope.nonce))
        }
        let sender = transaction.sender
        let account = place(of: sender)
        let replaced = account.flatMap { accounts[$0].transaction(envelope.nonce) }
        if let replaced, !outbids(transaction, replaced) { return .replacementUnderpriced }
        let cost = envelope.maximumCost ?? .max
        let others = account.map { accounts[$0].cost } ?? .zero
        let want =
            (others.subtracting(replaced?.envelope.maximumCost ?? .zero) ?? .zero).adding(cost)
            ?? .max
        guard want <= balance else {
            return .ineligible(.insufficientFunds(have: balance, want: want))
        }
        if replaced == nil, let rejection = roomFault(transaction, account, nonce) {
            return rejection
        }
        if let replaced { forget(replaced) }
        let place = account ?? take(sender, nonce)
        accounts[place].put(transaction)
        accounts[place].cost = want
        known.insert(transaction)
        bytes += transaction.raw.count
        evictionFloor = nil
        // A replacement of the head takes its place: the tip may be another.
        if envelope.nonce == accounts[place].cursor { push(transaction, place) }
        return nil
    }

    private mutating func roomFault(
        _ transaction: Transaction, _ place: Int?, _ nonce: Nonce
    ) -> PoolRejection? {
        let count = place.map { accounts[$0].transactions.count } ?? 0
        guard count < limits.accountTransactions else {
            return .accountLimit(limits.accountTransactions)
        }
        let first = place.map { accounts[$0].nonce } ?? nonce
        let ahead = transaction.envelope.nonce - min(first, transaction.envelope.nonce)
        if ahead > UInt64(count), ahead > limits.nonceGap {
            return .gapTooLarge(limit: limits.nonceGap)
        }
        if !hasRoom(for: transaction) {
            evict(for: transaction, next: place.map { accounts[$0].nextGap } ?? nonce)
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
        var tails: [(tip: Amount, sender: Address, place: Int, last: Transaction)] = []
        for (place, account) in accounts.enumerated() where account.sender != newcomer.sender {
            guard let last = account.transactions.last else { continue }
            let isBehindGap = last.envelope.nonce >= account.nextGap
            let lastTip = isBehindGap ? .zero : last.envelope.maxPriorityFee
            guard isBehindGap || lastTip < tip else { continue }
            tails.append((lastTip, account.sender, place, last))
        }
        if tails.isEmpty { evictionFloor = tip }
        tails.sort { ($0.tip, $0.sender) < ($1.tip, $1.sender) }
        let needed = bytes + newcomer.raw.count - limits.poolBytes
        var freed = 0
        var count = 0
        for tail in tails {
            guard count < max(1, limits.poolTransactions / 16) || freed < needed else { break }
            freed += tail.last.raw.count
            count += 1
        }
        guard freed >= needed else { return }
        for tail in tails.prefix(count) { remove(tail.place, tail.last.envelope.nonce) }
    }

    // MARK: Heads

    /// Puts the transaction at its sender's cursor into `ready`; whatever stood for it is void.
    mutating func push(_ transaction: Transaction, _ place: Int) {
        ready.insert(newHead(transaction, place))
    }

    /// A place for the transaction at its sender's cursor, which makes any older place void.
    mutating func newHead(_ transaction: Transaction, _ place: Int) -> PoolHead {
        arrivals += 1
        accounts[place].head = arrivals
        return PoolHead(
            tip: transaction.envelope.maxPriorityFee, arrival: arrivals, account: place)
    }

    /// An arrival number is given once: one of an account that has left is nobody's.
    func isCurrent(_ head: PoolHead) -> Bool { accounts[head.account].head == head.arrival }

    // MARK: Accounts

    /// Where the account stands; `nil` when it has no transaction.
    func place(of sender: Address) -> Int? {
        places.number(places.hash(sender)) { accounts[$0].sender == sender }
    }

    private mutating func take(_ sender: Address, _ nonce: Nonce) -> Int {
        let account = PoolAccount(sender: sender, nonce: nonce)
        let place: Int
        if let freed = free.popLast() {
            place = freed
            accounts[place] = account
        } else {
            place = accounts.count
            accounts.append(account)
        }
        places.insert(place, places.hash(sender))
        return place
    }

    private mutating func forget(_ transaction: Transaction) {
        known.remove(transaction.hash)
        bytes -= transaction.raw.count
    }

    /// - Returns: whether the account has others left.
    @discardableResult
    mutating func remove(_ place: Int, _ nonce: Nonce) -> Bool {
        evictionFloor = nil
        guard let transaction = accounts[place].remove(nonce) else { return true }
        forget(transaction)
        guard !accounts[place].transactions.isEmpty else {
            places.remove(place, places.hash(accounts[place].sender))
            accounts[place].head = nil
            free.append(place)
            return false
        }
        let cost = transaction.envelope.maximumCost ?? .zero
        accounts[place].cost = accounts[place].cost.subtracting(cost) ?? .zero
        if accounts[place].cursor == nonce { accounts[place].head = nil }
        return true
    }
}

/// The place of a head: the highest tip comes first, then the oldest.
struct PoolHead: Comparable, Sendable {
    let tip: Amount
    let arrival: UInt64
    /// Place of the sender in the pool's accounts.
    let account: Int

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
