import TallyPrimitives
import TallyState
import TallyTransactions

/// What a shard owes a beneficiary in fees, kept as one object and swept once an epoch (`FEE-4`).
/// The payload is empty, or one byte 1 while a sweep is queued.
enum Vault {
    static func key(of beneficiary: Address) -> ObjectKey {
        ObjectKey(.vault, key: beneficiary.bytes)
    }

    static func isQueued(_ vault: StateObject) -> Bool { !vault.payload.isEmpty }

    static func object(value: Amount, isQueued: Bool) -> StateObject {
        StateObject(kind: .vault, value: value, payload: isQueued ? Payload([1]) : .empty)
    }
}

extension BlockExecutor {
    /// Adds to a vault, and queues its sweep for the end of the epoch unless one is queued.
    mutating func addToVault(
        of beneficiary: Address, _ amount: Amount
    ) throws(ExecutionError) {
        guard !amount.isZero else { return }
        let key = Vault.key(of: beneficiary)
        let vault = try state.object(key)
        guard let value = (vault?.value ?? .zero).adding(amount) else {
            throw .invariant("vault of \(beneficiary) exceeds 2^128 - 1")
        }
        var isQueued = vault.map(Vault.isQueued) ?? false
        if !isQueued, hasDueRoom {
            _ = try enqueue(
                .sweep(beneficiary: beneficiary), value: .zero, at: context.epochEnd,
                to: context.home(of: beneficiary))
            isQueued = true
        }
        try state.set(key, Vault.object(value: value, isQueued: isQueued))
    }

    /// Empties a vault: to an account of this endpoint at once, elsewhere by receipt.
    mutating func runSweep(
        _ entry: DueEntry, beneficiary: Address
    ) throws(ExecutionError) {
        let key = Vault.key(of: beneficiary)
        let value = try state.object(key)?.value ?? .zero
        try state.set(key, nil)
        let home = entry.key.destination
        var sent: ReceiptReference?
        if home == context.endpoint {
            if !value.isZero { try creditBeneficiary(beneficiary, value) }
        } else {
            sent = outbox.send(
                to: home, .sweep, origin: .zero, from: ReservedAddress.treasury, to: beneficiary,
                value: value, fee: .zero, payload: .empty)
        }
        events.append(.swept(beneficiary: beneficiary, value: value, sent: sent))
    }

    /// RCPT-5: a sweep to a beneficiary of this endpoint cannot fail, whatever its credit policy.
    mutating func settleSweep(_ receipt: Receipt) throws(ExecutionError) {
        guard context.home(of: receipt.to) == context.endpoint else {
            bounce(receipt, .malformed)
            return
        }
        try creditBeneficiary(receipt.to, receipt.value)
        if receipt.to == ReservedAddress.treasury {
            events.append(.treasuryCredited(receipt.reference, value: receipt.value))
        } else {
            events.append(
                .credited(
                    receipt.reference, from: receipt.from, to: receipt.to, value: receipt.value))
        }
    }

    mutating func creditBeneficiary(
        _ beneficiary: Address, _ value: Amount
    ) throws(ExecutionError) {
        guard beneficiary == ReservedAddress.treasury else {
            try state.credit(beneficiary, value)
            return
        }
        let key = ObjectKey(.treasury, key: [])
        let before = try state.object(key)?.value ?? .zero
        guard let after = before.adding(value) else {
            throw .invariant("treasury exceeds 2^128 - 1")
        }
        try state.set(key, StateObject(kind: .treasury, value: after))
    }
}
