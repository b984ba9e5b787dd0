public import TallyPrimitives

/// What a stake is for (STAKE-1). The numbers are consensus.
public enum StakeRole: UInt8, Hashable, Sendable, CaseIterable {
    case validator = 1
    case router = 2
}

/// The Validator family: stakes of validators and routers, and what they are lost by. All of it is
/// on the beacon.
public enum ValidatorOperation: Hashable, Sendable {
    /// Stakes `value` for a role (STAKE-2).
    case stakeRole(StakeRole, termDays: UInt32, value: Amount)
    /// Adds a term behind the one that runs (STAKE-4).
    case renewStake(termDays: UInt32)
    /// Takes a stake back whose term is over (STAKE-5).
    case unstake
    /// Says that the staker is there (STAKE-6).
    case heartbeat
    /// Proves that a validator signed what contradicts itself (STAKE-9).
    case submitEvidence([UInt8])
    /// Votes for taking another one's stake (STAKE-11).
    case impeach(Address)
    /// Draws what the stake has earned (STAKE-15).
    case claimRewards

    /// Most bytes of evidence: what fits the payload of a call's receipt, in whole words.
    public static let maximumEvidence = 672

    /// Recovering the signer of a statement.
    private static let signature: Weight = 6_000

    /// Cost of executing the operation, without call data.
    public var weight: Weight {
        switch self {
        // STAKE-2: the payouts at the end, and the first run of term end, watch and election.
        case .stakeRole: Weights.submission + 2 * Weights.payout + 3 * Weights.request
        case .renewStake: Weights.submission + Weights.request
        case .submitEvidence: Weights.submission + 2 * Self.signature
        case .claimRewards: Weights.submission + Weights.payout
        case .unstake, .heartbeat, .impeach: Weights.submission
        }
    }
}
