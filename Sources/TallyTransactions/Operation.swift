public import TallyPrimitives

/// What a signed transaction does: one case a family, closed, so that a new family breaks every
/// switch on purpose. Decoded from the recipient and the selector (`TX-3`).
public enum Operation: Hashable, Sendable {
    case transfer(TransferOperation)

    /// Understands an envelope.
    /// - Throws: the family's reasons.
    public init(_ envelope: Envelope) throws(TransactionError) {
        self = .transfer(try TransferOperation(envelope))
    }

    /// Cost of executing the operation, without call data.
    public var weight: Weight {
        switch self {
        case .transfer(let operation): operation.weight
        }
    }
}

/// An entry of a block's transaction list: what somebody signed, or the effects of the inbox and
/// the due queue.
public enum LedgerTransaction: Sendable {
    case signed(Transaction)
    case system(SystemTransaction)

    public var hash: Hash32 {
        switch self {
        case .signed(let transaction): transaction.hash
        case .system(let transaction): transaction.hash
        }
    }
}
