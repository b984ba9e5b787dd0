import TallyPrimitives
import TallyState
import TallyTransactions

/// What a credit receipt says besides its fields: until when it may be credited.
struct CreditPayload: Hashable, Sendable {
    /// `nil`: whenever it arrives.
    let deadline: BeaconTime?

    init(_ terms: LegTerms) {
        switch terms {
        case .creditBy(let time): deadline = time
        case .immediate, .runAt: deadline = nil
        }
    }

    /// - Returns: `nil` for what is not the RLP of one integer: the receipt then bounces.
    init?(encoded: Payload) {
        guard let milliseconds = encoded.rlpInteger else { return nil }
        deadline = milliseconds == 0 ? nil : BeaconTime(milliseconds: milliseconds)
    }

    var encoded: Payload { Payload(rlpInteger: deadline?.milliseconds ?? 0) }
}

extension BlockExecutor {
    /// RCPT-5: credits, or answers with a bounce.
    mutating func settleCredit(_ receipt: Receipt) throws(ExecutionError) {
        guard let payload = CreditPayload(encoded: receipt.payload) else {
            bounce(receipt, .malformed)
            return
        }
        guard !ReservedAddress.contains(receipt.to),
            context.home(of: receipt.to) == context.endpoint
        else {
            bounce(receipt, .malformed)
            return
        }
        if let deadline = payload.deadline, context.time > deadline {
            bounce(receipt, .deadlinePassed)
            return
        }
        guard try state.account(receipt.to).policy == .accept else {
            bounce(receipt, .creditsRefused)
            return
        }
        try state.credit(receipt.to, receipt.value)
        events.append(
            .credited(
                receipt.reference, from: receipt.from, to: receipt.to, value: receipt.value))
    }

    /// RCPT-5: a bounce cannot fail; what cannot be credited waits in escrow.
    mutating func settleBounce(_ receipt: Receipt) throws(ExecutionError) {
        var input = RLPDecoder(receipt.payload.bytes)
        let request: UInt64
        let reason: ExecutionFailure
        do throws(RLPError) {
            var list = try input.nextList()
            request = try list.nextInteger()
            reason = try list.nextCase()
            try list.finish()
            try input.finish()
        } catch {
            try escrow(receipt.value, for: receipt.to, receipt.reference, .malformed)
            return
        }
        // Requests of the ledger itself come from a reserved address, which has no account (TX-4).
        guard !ReservedAddress.contains(receipt.to),
            context.home(of: receipt.to) == context.endpoint
        else {
            try escrow(receipt.value, for: receipt.to, receipt.reference, .malformed)
            return
        }
        guard try state.account(receipt.to).policy == .accept else {
            try escrow(receipt.value, for: receipt.to, receipt.reference, .creditsRefused)
            return
        }
        try state.credit(receipt.to, receipt.value)
        events.append(
            .refunded(
                receipt.reference,
                request: ReceiptReference(
                    source: context.endpoint, destination: receipt.reference.source,
                    index: request),
                from: receipt.from, to: receipt.to, value: receipt.value, reason))
    }

    /// Runs a scheduled leg: its time has come.
    mutating func runTransfer(
        _ entry: DueEntry, origin: Hash32, from: Address, to: Address, fee: Amount
    ) throws(ExecutionError) {
        let home = entry.key.destination
        let number = entry.key.sequence
        guard home == context.endpoint else {
            let reference = outbox.send(
                to: home, .credit, origin: origin, from: from, to: to, value: entry.value,
                fee: fee, payload: CreditPayload(.immediate).encoded)
            events.append(
                .scheduleRan(
                    entry: number, from: from, to: to, value: entry.value, sent: reference))
            return
        }
        if try state.account(to).policy == .accept || to == from {
            try state.credit(to, entry.value)
            events.append(
                .scheduleRan(entry: number, from: from, to: to, value: entry.value, sent: nil))
            return
        }
        events.append(
            .scheduleReturned(entry: number, to: from, value: entry.value, .creditsRefused))
        guard try state.account(from).policy == .accept else {
            try escrow(entry.value, for: from, nil, .creditsRefused)
            return
        }
        try state.credit(from, entry.value)
    }

    // MARK: Escrow

    static func escrowKey(of owner: Address) -> ObjectKey { .escrow(owner) }

    mutating func escrow(
        _ value: Amount, for owner: Address, _ cause: ReceiptReference?, _ reason: ExecutionFailure
    ) throws(ExecutionError) {
        try addToEscrow(of: owner, value)
        events.append(.escrowed(cause, owner: owner, value: value, reason))
    }

    mutating func addToEscrow(of owner: Address, _ value: Amount) throws(ExecutionError) {
        // A transfer of nothing may bounce too; an object for it could never be told from none.
        guard !value.isZero else { return }
        let key = Self.escrowKey(of: owner)
        let before = try state.object(key)?.value ?? .zero
        guard let after = before.adding(value) else {
            throw .invariant("escrow of \(owner) exceeds 2^128 - 1")
        }
        try state.set(key, StateObject(kind: .escrow, value: after))
    }

    /// Moves the owner's escrow to its balance: its own act, whatever its credit policy.
    mutating func claimEscrow(of owner: Address) throws(ExecutionError) -> Outcome {
        let key = Self.escrowKey(of: owner)
        guard let escrow = try state.object(key) else { return .failed(.nothingToClaim) }
        try state.set(key, nil)
        try state.credit(owner, escrow.value)
        events.append(.escrowClaimed(owner: owner, value: escrow.value))
        return .done(remoteFees: .zero)
    }
}
