package import TallyPrimitives
import TallyState
package import TallyTransactions

/// Where an operation of a compute family is handled.
package enum OperationHome: Hashable, Sendable {
    /// On its sender's shard.
    case sender
    /// On the shard of an object's owner.
    case owner(Address)
    case beacon

    func endpoint(of sender: Address, _ layout: ShardLayout) -> EndpointID {
        switch self {
        case .sender: EndpointID(layout.home(of: sender))
        case .owner(let owner): EndpointID(layout.home(of: owner))
        case .beacon: layout.beacon
        }
    }
}

/// An operation of a compute family as its object's home sees it.
package struct FamilyCall: Sendable {
    /// The signed transaction.
    package let origin: Hash32
    package let sender: Address
    /// Of the transaction: with the sender it names what the operation makes (OBJ-1).
    package let nonce: Nonce
    /// Money that was taken from the sender. Who handles the call keeps it, or fails.
    package let value: Amount
    /// The receipt that brought it; `nil` on the sender's own shard.
    package let reference: ReceiptReference?

    package var id: ObjectID { ObjectID(owner: sender, number: nonce) }
}

extension Operation {
    /// Where the operation is handled; `nil` for transfers, which ask nothing of an object.
    func home(of sender: Address) -> OperationHome? {
        switch self {
        case .transfer: nil
        case .node(let operation): operation.home(of: sender)
        case .proof(let operation): operation.home(of: sender)
        case .job(let operation): operation.home(of: sender)
        case .trade(let operation): operation.home(of: sender)
        case .validator(let operation): operation.home(of: sender)
        }
    }
}

extension BlockExecutor {
    /// Performs an operation of a compute family: here, or by a receipt to its object's home. The fee
    /// has been charged.
    mutating func submit(
        _ transaction: Transaction, to home: EndpointID, price: Amount
    ) throws(ExecutionError) -> Outcome {
        guard context.parameters.economy != nil else { return .failed(.economyClosed) }
        let envelope = transaction.envelope
        let sender = transaction.sender
        try debit(sender, envelope.value)
        guard home != context.endpoint else {
            let call = FamilyCall(
                origin: transaction.hash, sender: sender, nonce: envelope.nonce,
                value: envelope.value, reference: nil)
            if let reason = try handle(transaction.operation, call) { return .failed(reason) }
            return .done(remoteFees: .zero)
        }
        let payload = RLPEncoder.list { out in
            out.append(envelope.nonce)
            out.append(envelope.data)
        }
        guard payload.count <= Self.callByteLimit else { return .failed(.malformed) }
        guard let fee = price.multiplied(by: Weights.request) else {
            throw .invariant("remote fee above the cost that was checked")
        }
        let reference = outbox.send(
            to: home, .call, origin: transaction.hash, from: sender, to: envelope.to,
            value: envelope.value, fee: fee, payload: Payload(payload))
        events.append(
            .compute(
                .requested(reference, from: sender, door: envelope.to, value: envelope.value)))
        return .done(remoteFees: fee)
    }

    /// Largest payload of a call: a receipt has 1,024 bytes (RCPT-4).
    package static let callByteLimit = 768

    /// RCPT-5: handles the call, or answers with a bounce.
    mutating func settleCall(_ receipt: Receipt) throws(ExecutionError) {
        guard context.parameters.economy != nil else { return bounce(receipt, .economyClosed) }
        guard let (operation, nonce) = Self.operation(of: receipt),
            let home = operation.home(of: receipt.from),
            home.endpoint(of: receipt.from, context.layout) == context.endpoint
        else { return bounce(receipt, .malformed) }
        let call = FamilyCall(
            origin: receipt.origin, sender: receipt.from, nonce: nonce, value: receipt.value,
            reference: receipt.reference)
        let place = events.count
        if let reason = try handle(operation, call) { return bounce(receipt, reason) }
        events.insert(.compute(.handled(receipt.reference, from: receipt.from)), at: place)
    }

    /// What a call's receipt asks for; `nil` when that does not decode.
    private static func operation(of receipt: Receipt) -> (TallyTransactions.Operation, Nonce)? {
        do {
            let (nonce, data) = try RLPDecoder.list(receipt.payload.bytes) {
                (list) throws(RLPError) in
                (
                    try list.nextInteger(Nonce.self),
                    Array(try list.nextString(limit: Self.callByteLimit))
                )
            }
            let call = try DoorCall(door: receipt.to, data: data, value: receipt.value)
            return (try Operation(call), nonce)
        } catch { return nil }
    }

    /// Handles an operation whose value has been taken from its sender: all of its effects, or none
    /// and the reason.
    private mutating func handle(
        _ operation: TallyTransactions.Operation, _ call: FamilyCall
    ) throws(ExecutionError) -> ExecutionFailure? {
        switch operation {
        case .transfer: .malformed
        case .node(let operation): try handle(operation, call)
        case .proof(let operation): try handle(operation, call)
        case .job(let operation): try handle(operation, call)
        case .trade(let operation): try handle(operation, call)
        case .validator(let operation): try handle(operation, call)
        }
    }

    /// The numbers of the economy. Families run only where there is one.
    func economy() throws(ExecutionError) -> EconomyParameters {
        guard let economy = context.parameters.economy else {
            throw .invariant("a compute family on a network without an economy")
        }
        return economy
    }

    // MARK: Due entries of objects

    /// Whether an object may reserve, or queue, that many entries (RCPT-11).
    func hasDueRoom(for entries: Int) -> Bool {
        counters.count + counters.reserved + entries <= context.parameters.transactionDueBound
    }

    /// Reserves entries that an object will queue.
    mutating func reserveDue(_ entries: Int) { counters.reserved += entries }

    /// Gives back entries that an object will not need.
    mutating func releaseDue(_ entries: Int) { counters.reserved -= entries }
}
