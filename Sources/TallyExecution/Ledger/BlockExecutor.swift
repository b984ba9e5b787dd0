package import TallyPrimitives
package import TallyState
package import TallyTransactions

/// Executes one block of one endpoint: receipts, due entries and transactions, one after another.
///
/// Decides nothing about order, quotas or slots: that is `TallySharding`. The families' effects are
/// in their folders; here is what all of them share: fees, events, the outbox, the due queue.
package struct BlockExecutor {
    package let context: BlockContext
    var state: WorkingState
    package internal(set) var outbox: Outbox
    /// Entries added by this block; they run in later ones.
    package internal(set) var dueAdded: [DueEntry] = []
    package private(set) var dueRemoved: [DueKey] = []
    package private(set) var burned = Amount.zero
    /// Of the transactions applied, in order.
    package private(set) var results = ResultList()
    /// Events of the unit of work at hand.
    var events: [LedgerEvent] = []
    /// Of the transaction at hand: kept for its memory.
    private var balances: [BalanceChange] = []

    /// Minted by this block: the beacon's only (RCPT-12).
    package private(set) var minted = Amount.zero
    var counters: DueCounters
    private var toBeneficiary = Amount.zero
    private var toTreasury = Amount.zero

    /// - Parameters:
    ///   - ends: index of the next receipt to each endpoint.
    ///   - accounts: about how many accounts the block will touch.
    package init(
        context: BlockContext, tree: StateTree, pages: any PageReader, ends: [UInt64],
        expecting accounts: Int
    ) throws(ExecutionError) {
        self.context = context
        state = WorkingState(tree: tree, pages: pages, expecting: accounts)
        outbox = Outbox(source: context.endpoint, ends: ends)
        counters = try DueCounters(try state.object(DueCounters.key))
    }

    /// Reads ahead the accounts that transactions and receipts to come will touch. Changes nothing but
    /// the speed.
    package mutating func readAhead(
        _ transactions: ArraySlice<Transaction>
    ) throws(ExecutionError) {
        var addresses: [Address] = []
        addresses.reserveCapacity(2 * transactions.count)
        for transaction in transactions {
            addresses.append(transaction.sender)
            guard case .transfer(.single(let to, _)) = transaction.operation,
                context.home(of: to) == context.endpoint
            else { continue }
            addresses.append(to)
        }
        try state.readAhead(addresses)
    }

    package mutating func readAhead(
        _ receipts: ArraySlice<Receipt>
    ) throws(ExecutionError) {
        try state.readAhead(receipts.map(\.to))
    }

    // MARK: System phase

    /// Begins the effects of inbox and due queue, which share one result.
    package mutating func beginSystem() {
        state.mark()
        events.removeAll(keepingCapacity: true)
    }

    /// The result of all receipts consumed and entries run since `beginSystem()`; `nil` if none.
    package func systemResult(weight: Weight) -> TransactionResult? {
        guard !events.isEmpty else { return nil }
        var balances: [BalanceChange] = []
        state.appendBalanceChanges(to: &balances)
        return TransactionResult(
            failure: nil, weight: weight, price: .zero, events: events, balances: balances)
    }

    /// Consumes one receipt. Total: whatever cannot be done is answered by a bounce (RCPT-5).
    package mutating func consume(_ receipt: Receipt) throws(ExecutionError) {
        try accrue(receipt.fee)
        switch ReceiptKind(rawValue: receipt.kind) {
        case .credit: try settleCredit(receipt)
        case .bounce: try settleBounce(receipt)
        case .sweep: try settleSweep(receipt)
        case .payout: try settlePayout(receipt)
        case .call: try settleCall(receipt)
        case .epoch: try settleEpoch(receipt)
        case nil: bounce(receipt, .unknownKind)
        }
    }

    /// Answers a request that failed with its full value; the fee stays (RCPT-5, RCPT-6).
    mutating func bounce(_ receipt: Receipt, _ reason: ExecutionFailure) {
        let payload = Payload(
            RLPEncoder.list { out in
                out.append(receipt.reference.index)
                out.append(reason.rawValue)
            })
        let answer = outbox.send(
            to: receipt.reference.source, .bounce, origin: receipt.origin,
            parent: receipt.reference, from: receipt.to, to: receipt.from, value: receipt.value,
            fee: .zero, payload: payload)
        events.append(
            .bounced(
                receipt.reference, answer: answer, to: receipt.to, value: receipt.value, reason))
    }

    /// Runs an entry that an earlier block queued, and removes it (RCPT-11).
    package mutating func run(_ entry: DueEntry) throws(ExecutionError) {
        try state.set(DueEntry.objectKey(sequence: entry.key.sequence), nil)
        counters.count -= 1
        dueRemoved.append(entry.key)
        switch entry.action {
        case .transfer(let origin, let from, let to, let fee):
            try runTransfer(entry, origin: origin, from: from, to: to, fee: fee)
        case .sweep(let beneficiary):
            try runSweep(entry, beneficiary: beneficiary)
        case .payout(let payout): try run(payout, entry)
        case .node(let due): try run(due, entry)
        case .proof(let due): try run(due, entry)
        case .job(let due): try run(due, entry)
        case .trade(let due): try run(due, entry)
        case .validator(let due): try run(due, entry)
        case .epoch(let due): try run(due, entry)
        }
    }

    // MARK: Transactions

    /// What a transaction did, or why it cannot be in this block.
    package enum Application: Sendable {
        /// With a result behind those in `results`.
        case applied(failure: ExecutionFailure?)
        case refused(Ineligibility)
    }

    /// Executes one transaction. A refused one leaves no trace.
    ///
    /// Slots are the caller's to check, with `slotDemand(layout:)`.
    package mutating func apply(
        _ transaction: Transaction
    ) throws(ExecutionError) -> Application {
        let price: Amount
        switch try eligiblePrice(of: transaction) {
        case .success(let value): price = value
        case .failure(let reason): return .refused(reason)
        }
        guard let fee = price.multiplied(by: transaction.weight) else {
            throw .invariant("fee above the cost that was checked")
        }
        state.mark()
        events.removeAll(keepingCapacity: true)
        outbox.mark()
        let (queued, before) = (dueAdded.count, counters)
        try charge(transaction.sender, fee)
        let outcome = try perform(transaction, price: price)
        switch outcome {
        case .done(let remoteFees):
            try settleFee(fee, remote: remoteFees, transaction.weight, price)
        case .failed:
            // RCPT-5 in small: a failed rule leaves nothing behind but the fee and the nonce.
            state.revert()
            outbox.revert()
            counters = before
            dueAdded.removeLast(dueAdded.count - queued)
            events.removeAll(keepingCapacity: true)
            try charge(transaction.sender, fee)
            try settleFee(fee, remote: .zero, transaction.weight, price)
        }
        balances.removeAll(keepingCapacity: true)
        state.appendBalanceChanges(to: &balances)
        results.append(
            failure: outcome.failure, weight: transaction.weight, price: price, events: events,
            balances: balances)
        return .applied(failure: outcome.failure)
    }

    /// How an operation ended.
    enum Outcome {
        /// With the fees that left in receipts and due entries.
        case done(remoteFees: Amount)
        case failed(ExecutionFailure)

        var failure: ExecutionFailure? {
            switch self {
            case .done: nil
            case .failed(let reason): reason
            }
        }
    }

    private mutating func perform(
        _ transaction: Transaction, price: Amount
    ) throws(ExecutionError) -> Outcome {
        switch transaction.operation {
        case .transfer(let operation):
            return try perform(operation, transaction, price: price)
        case .node, .proof, .job, .trade, .validator:
            guard let home = transaction.operation.home(of: transaction.sender) else {
                throw .invariant("a compute family without a home")
            }
            return try submit(
                transaction, to: home.endpoint(of: transaction.sender, context.layout),
                price: price)
        }
    }

    /// Everything that decides eligibility but slots and block weight.
    private mutating func eligiblePrice(
        of transaction: Transaction
    ) throws(ExecutionError) -> Result<Amount, Ineligibility> {
        let envelope = transaction.envelope
        let home = context.layout.home(of: transaction.sender)
        guard EndpointID(home) == context.endpoint else {
            return .failure(.foreignSender(home: home))
        }
        guard let price = envelope.price(atBaseFee: context.baseFee) else {
            return .failure(.feeCapBelowBaseFee(cap: envelope.maxFee, baseFee: context.baseFee))
        }
        let account = try state.account(transaction.sender)
        guard envelope.nonce == account.nonce else {
            return .failure(
                envelope.nonce < account.nonce
                    ? .nonceTooLow(expected: account.nonce, actual: envelope.nonce)
                    : .nonceTooHigh(expected: account.nonce, actual: envelope.nonce))
        }
        let want = envelope.maximumCost ?? .max
        guard account.balance >= want else {
            return .failure(.insufficientFunds(have: account.balance, want: want))
        }
        let demand = transaction.operation.dueDemand
        guard demand == 0 || hasDueRoom(for: demand) else { return .failure(.dueQueueFull) }
        return .success(price)
    }

    private mutating func charge(
        _ sender: Address, _ fee: Amount
    ) throws(ExecutionError) {
        try state.update(sender) { (account) throws(ExecutionError) in
            guard let rest = account.balance.subtracting(fee) else {
                throw .invariant("fee above the balance that was checked")
            }
            account.balance = rest
            account.nonce += 1
        }
    }

    /// FEE-2: the base fee of what ran here is burned or goes to the treasury; the rest is the
    /// builder's. What left in receipts is paid out where they are consumed.
    private mutating func settleFee(
        _ fee: Amount, remote: Amount, _ weight: Weight, _ price: Amount
    ) throws(ExecutionError) {
        let local = fee.units - remote.units
        let localWeight = price.isZero ? 0 : UInt128(local) / price.units
        let base = localWeight * context.baseFee.units
        switch context.parameters.baseFeeDestination {
        case .burn: burned = try total(burned, Amount(base))
        case .treasury: toTreasury = try total(toTreasury, Amount(base))
        }
        try accrue(Amount(local - base))
    }

    private mutating func accrue(_ fee: Amount) throws(ExecutionError) {
        toBeneficiary = try total(toBeneficiary, fee)
    }

    private func total(_ a: Amount, _ b: Amount) throws(ExecutionError) -> Amount {
        guard let sum = a.adding(b) else { throw .invariant("fees exceed 2^128 - 1") }
        return sum
    }

    /// Makes money: the beacon's only (RCPT-12).
    mutating func mint(_ amount: Amount) throws(ExecutionError) {
        guard context.endpoint == context.layout.beacon else {
            throw .invariant("a shard mints")
        }
        minted = try total(minted, amount)
    }

    // MARK: Due queue

    /// Whether a shard may take on one more entry (RCPT-11).
    var hasDueRoom: Bool { counters.count < context.parameters.dueBound }

    /// Queues an entry for a later block and returns its number.
    mutating func enqueue(
        _ action: DueAction, value: Amount, at time: BeaconTime, to destination: EndpointID
    ) throws(ExecutionError) -> UInt64 {
        let sequence = counters.next
        let entry = DueEntry(
            key: DueKey(destination: destination, time: time, sequence: sequence), value: value,
            action: action)
        guard let object = entry.object else { throw .invariant("due entry exceeds 2^128 - 1") }
        try state.set(DueEntry.objectKey(sequence: sequence), object)
        counters.next += 1
        counters.count += 1
        dueAdded.append(entry)
        return sequence
    }

    // MARK: End of the block

    /// Stores an object that belongs to the sharding layer: a stream.
    package mutating func store(
        _ key: ObjectKey, _ object: StateObject?
    ) throws(ExecutionError) {
        try state.set(key, object)
    }

    /// The tree with every change of the block.
    package func updatedTree() throws(ExecutionError) -> StateTree { try state.updatedTree() }

    /// Pays the fees into the vaults and writes the counters. Call once, after the last transaction.
    package mutating func finish() throws(ExecutionError) {
        state.mark()
        try addToVault(of: context.beneficiary, toBeneficiary)
        try addToVault(of: ReservedAddress.treasury, toTreasury)
        toBeneficiary = .zero
        toTreasury = .zero
        try state.set(DueCounters.key, counters.object)
    }
}

/// How many due entries a shard has made, and how many it keeps.
struct DueCounters: Hashable, Sendable {
    var next: UInt64 = 0
    var count = 0
    /// Entries that objects have reserved and not queued yet.
    var reserved = 0

    static let key = ObjectKey(.meta, key: Array("due".utf8))

    init(next: UInt64, count: Int) {
        self.next = next
        self.count = count
    }

    init(_ object: StateObject?) throws(ExecutionError) {
        guard let object else { return }
        do throws(RLPError) {
            (next, count, reserved) = try RLPDecoder.list(object.payload.bytes) {
                (list) throws(RLPError) in
                (
                    try list.nextInteger(), Int(try list.nextInteger(UInt32.self)),
                    list.isAtEnd ? 0 : Int(try list.nextInteger(UInt32.self))
                )
            }
        } catch { throw .corruptObject(.meta, error) }
    }

    /// `nil` until the first entry. Without reserved ones their number is left out.
    var object: StateObject? {
        guard next > 0 || reserved > 0 else { return nil }
        let payload = RLPEncoder.list { out in
            out.append(next)
            out.append(UInt64(count))
            if reserved > 0 { out.append(UInt64(reserved)) }
        }
        return StateObject(kind: .meta, value: .zero, payload: Payload(payload))
    }
}
