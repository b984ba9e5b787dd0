public import TallyPrimitives

/// The Node family: computing machines and what they stake (`Specs/transactions/node.md`). The node
/// of an operation is the sender's.
public enum NodeOperation: Hashable, Sendable {
    /// Begins a node: its machine's public key, and the hash of what it says of itself.
    case register(key: Hash32, spec: Hash32)
    case update(key: Hash32, spec: Hash32)
    /// Ends a node that has no stake.
    case deregister
    /// Stakes `value` for a number of days.
    case stake(termDays: UInt32, value: Amount)
    /// Takes a stake back whose term is over.
    case unstake
    case claimRewards

    /// Cost of executing the operation, without call data.
    public var weight: Weight {
        switch self {
        // The entry that drives its rounds, or that releases its stake.
        case .register, .stake: Weights.submission + Weights.request
        case .update, .deregister, .unstake, .claimRewards: Weights.submission
        }
    }
}

extension ObjectID {
    /// Names an account's node in logs and payouts: an account has one (NODE-1).
    package static func node(_ owner: Address) -> ObjectID { ObjectID(owner: owner, number: 0) }
}
