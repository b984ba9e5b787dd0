public import TallyPrimitives

/// What a drawn validator saw of a node's round.
public struct ProofAttestation: Hashable, Sendable {
    public let node: Address
    /// Number of the node's round.
    public let round: UInt64
    /// From the opening of the challenge until the commitment became known.
    public let milliseconds: UInt64

    public init(node: Address, round: UInt64, milliseconds: UInt64) {
        self.node = node
        self.round = round
        self.milliseconds = milliseconds
    }
}

/// The Proof family: the rounds in which nodes prove their power (`Specs/transactions/proof.md`).
public enum ProofOperation: Hashable, Sendable {
    /// Binds the sender's node to its answer.
    case commit(round: UInt64, root: Hash32)
    /// Opens what was drawn of the answer. `weight` is that of the verification, which only the
    /// network's parameters know: whoever executes refuses another (ROUND-4).
    case reveal(round: UInt64, weight: Weight, opening: [UInt8])
    /// Of nodes that live on one shard: that of the first.
    case attest([ProofAttestation])

    /// Most entries of one call: more would not fit the receipt that carries it (RCPT-4).
    public static let maximumAttestations = 7
    /// No opening of any task is longer (TASK-8).
    public static let maximumOpeningBytes = 116 << 10
    /// No task weighs more (TASK-2).
    public static let maximumVerification: Weight = 16_000_000

    /// Cost of executing the operation, without call data.
    public var weight: Weight {
        switch self {
        // The entry of the step that follows.
        case .commit: Weights.submission + Weights.request
        case .reveal(_, let weight, _): Weights.submission + Weights.request + weight
        // Each changes an object as a credit does; all are reimbursed by one payout.
        case .attest(let entries):
            Weights.submission + Weights.payout + UInt64(entries.count) * Weights.credit
        }
    }
}
