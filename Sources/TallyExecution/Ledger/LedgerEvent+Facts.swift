extension LedgerEvent {
    /// The receipt whose consumption the event tells.
    package var consumedReceipt: ReceiptReference? {
        switch self {
        case .credited(let reference, _, _, _), .bounced(let reference, _, _, _, _),
            .refunded(let reference, _, _, _, _, _), .treasuryCredited(let reference, _):
            reference
        case .escrowed(let reference, _, _, _): reference
        case .compute(let event): event.consumedReceipt
        case .transferred, .sent, .escrowClaimed, .scheduled, .scheduleRan, .scheduleReturned,
            .creditPolicySet, .swept:
            nil
        }
    }

    /// The due entry of a schedule that the event tells to have run.
    package var ranEntry: UInt64? {
        switch self {
        case .scheduleRan(let entry, _, _, _, _), .scheduleReturned(let entry, _, _, _): entry
        case .transferred, .sent, .credited, .bounced, .refunded, .escrowed, .escrowClaimed,
            .scheduled, .creditPolicySet, .swept, .treasuryCredited, .compute:
            nil
        }
    }
}
