public import TallyPrimitives

/// What a signed transaction does: one case a family, closed, so that a new family breaks every
/// switch on purpose. Decoded from the recipient and the selector (`TX-3`).
public enum Operation: Hashable, Sendable {
    case transfer(TransferOperation)
    indirect case node(NodeOperation)
    indirect case proof(ProofOperation)
    indirect case job(JobOperation)
    indirect case trade(TradeOperation)
    indirect case validator(ValidatorOperation)

    /// Understands an envelope.
    /// - Throws: the family's reasons.
    public init(_ envelope: Envelope) throws(TransactionError) {
        // Nearly every recipient is an account: told by one comparison.
        guard ReservedAddress.contains(envelope.to), Self.computeDoors.contains(envelope.to)
        else {
            self = .transfer(try TransferOperation(envelope))
            return
        }
        try self.init(DoorCall(envelope))
    }

    /// Understands a call of a compute family's door.
    /// - Throws: the family's reasons; `unknownOperation` for another address.
    package init(_ call: DoorCall) throws(TransactionError) {
        switch call.door {
        case ReservedAddress.nodes: self = .node(try NodeOperation(call))
        case ReservedAddress.proofs: self = .proof(try ProofOperation(call))
        case ReservedAddress.jobs: self = .job(try JobOperation(call))
        case ReservedAddress.trades: self = .trade(try TradeOperation(call))
        case ReservedAddress.validators: self = .validator(try ValidatorOperation(call))
        default: throw .unknownOperation(call.door)
        }
    }

    /// The family's name, as documents and metrics have it.
    public var family: String {
        switch self {
        case .transfer: "transfer"
        case .node: "node"
        case .proof: "proof"
        case .job: "job"
        case .trade: "trade"
        case .validator: "validator"
        }
    }

    /// The call data of the operation; empty for a single transfer.
    public var callData: [UInt8] {
        switch self {
        case .transfer(let operation): operation.callData
        case .node(let operation): operation.callData
        case .proof(let operation): operation.callData
        case .job(let operation): operation.callData
        case .trade(let operation): operation.callData
        case .validator(let operation): operation.callData
        }
    }

    /// The address and value of a transaction that carries the operation; `nil` when the legs of a
    /// batch exceed 2^128 − 1.
    public var target: (to: Address, value: Amount)? {
        switch self {
        case .transfer(let operation): operation.target
        case .node(let operation): operation.target
        case .proof(let operation): operation.target
        case .job(let operation): operation.target
        case .trade(let operation): operation.target
        case .validator(let operation): operation.target
        }
    }

    /// Addresses of the families that need a compute economy.
    package static let computeDoors = [
        ReservedAddress.nodes, ReservedAddress.proofs, ReservedAddress.jobs,
        ReservedAddress.trades, ReservedAddress.validators,
    ]

    /// Cost of executing the operation, without call data.
    public var weight: Weight {
        switch self {
        case .transfer(let operation): operation.weight
        case .node(let operation): operation.weight
        case .proof(let operation): operation.weight
        case .job(let operation): operation.weight
        case .trade(let operation): operation.weight
        case .validator(let operation): operation.weight
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
