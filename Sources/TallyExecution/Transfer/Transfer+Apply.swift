package import TallyPrimitives
package import TallyTransactions

/// Slots that a transaction takes (RCPT-7), by destination.
package enum SlotDemand: Sendable {
    case none
    case one(EndpointID)
    /// Sorted by destination.
    case many([(destination: EndpointID, slots: Int)])
}

extension Transaction {
    /// Slots of the requests that the transaction itself sends, from its home shard. Scheduled legs
    /// take theirs when they run.
    package func slotDemand(layout: ShardLayout) -> SlotDemand {
        switch operation {
        case .transfer(let operation): return operation.slotDemand(from: sender, layout: layout)
        case .node, .proof, .job, .trade, .validator:
            let there = operation.home(of: sender)?.endpoint(of: sender, layout)
            guard let there, there != EndpointID(layout.home(of: sender)) else { return .none }
            return .one(there)
        }
    }
}

extension Operation {
    /// Due entries that the operation queues on its sender's shard (RCPT-11).
    package var dueDemand: Int {
        switch self {
        case .transfer(let operation): operation.dueDemand
        // Their objects' homes refuse what they have no room for.
        case .node, .proof, .job, .trade, .validator: 0
        }
    }
}

extension TransferOperation {
    fileprivate func slotDemand(from sender: Address, layout: ShardLayout) -> SlotDemand {
        let home = layout.home(of: sender)
        switch self {
        case .single(let to, _):
            let there = layout.home(of: to)
            return there == home ? .none : .one(EndpointID(there))
        case .batch(let legs):
            var slots: [EndpointID: Int] = [:]
            for leg in legs where leg.isImmediate {
                let there = layout.home(of: leg.to)
                if there != home { slots[EndpointID(there), default: 0] += 1 }
            }
            if slots.isEmpty { return .none }
            return .many(
                slots.map { ($0.key, $0.value) }.sorted { $0.destination < $1.destination })
        case .claimEscrow, .setCreditPolicy: return .none
        }
    }

    fileprivate var dueDemand: Int {
        switch self {
        case .batch(let legs): legs.count { !$0.isImmediate }
        case .single, .claimEscrow, .setCreditPolicy: 0
        }
    }
}

extension TransferLeg {
    fileprivate var isImmediate: Bool {
        switch terms {
        case .immediate, .creditBy: true
        case .runAt: false
        }
    }
}

extension BlockExecutor {
    /// Performs an operation of the family. The fee has been charged.
    mutating func perform(
        _ operation: TransferOperation, _ transaction: Transaction, price: Amount
    ) throws(ExecutionError) -> Outcome {
        switch operation {
        case .single(let to, let value):
            try debit(transaction.sender, value)
            return try send(
                TransferLeg(to: to, value: value), of: transaction, price: price)
        case .batch(let legs):
            try debit(transaction.sender, transaction.envelope.value)
            var fees = Amount.zero
            for leg in legs {
                switch try send(leg, of: transaction, price: price) {
                case .done(let fee):
                    guard let sum = fees.adding(fee) else {
                        throw .invariant("remote fees exceed 2^128 - 1")
                    }
                    fees = sum
                case .failed(let reason): return .failed(reason)
                }
            }
            return .done(remoteFees: fees)
        case .claimEscrow: return try claimEscrow(of: transaction.sender)
        case .setCreditPolicy(let policy):
            try state.update(transaction.sender) { account in account.policy = policy }
            events.append(.creditPolicySet(transaction.sender, policy))
            return .done(remoteFees: .zero)
        }
    }

    mutating func debit(
        _ sender: Address, _ value: Amount
    ) throws(ExecutionError) {
        try state.update(sender) { (account) throws(ExecutionError) in
            guard let rest = account.balance.subtracting(value) else {
                throw .invariant("value above the balance that was checked")
            }
            account.balance = rest
        }
    }

    /// Sends one leg on its way; its value has been debited.
    private mutating func send(
        _ leg: TransferLeg, of transaction: Transaction, price: Amount
    ) throws(ExecutionError) -> Outcome {
        let sender = transaction.sender
        let home = context.home(of: leg.to)
        let isRemote = home != context.endpoint
        guard let fee = isRemote ? price.multiplied(by: Weights.leg) : .zero else {
            throw .invariant("remote fee above the cost that was checked")
        }
        if case .runAt(let time) = leg.terms {
            let entry = try enqueue(
                .transfer(origin: transaction.hash, from: sender, to: leg.to, fee: fee),
                value: leg.value, at: time, to: home)
            events.append(
                .scheduled(
                    entry: entry, from: sender, to: leg.to, value: leg.value, runAt: time))
            return .done(remoteFees: fee)
        }
        guard isRemote else { return try creditHere(leg, from: sender) }
        let reference = outbox.send(
            to: home, .credit, origin: transaction.hash, from: sender, to: leg.to,
            value: leg.value, fee: fee, payload: CreditPayload(leg.terms).encoded)
        events.append(.sent(reference, from: sender, to: leg.to, value: leg.value))
        return .done(remoteFees: fee)
    }

    private mutating func creditHere(
        _ leg: TransferLeg, from sender: Address
    ) throws(ExecutionError) -> Outcome {
        if case .creditBy(let deadline) = leg.terms, context.time > deadline {
            return .failed(.deadlinePassed)
        }
        if leg.to != sender, try state.account(leg.to).policy == .refuse {
            return .failed(.creditsRefused)
        }
        try state.credit(leg.to, leg.value)
        events.append(.transferred(from: sender, to: leg.to, value: leg.value))
        return .done(remoteFees: .zero)
    }
}
