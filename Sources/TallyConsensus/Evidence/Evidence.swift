package import TallyPrimitives

/// Two statements of one kind, height and round, by one signer.
package struct Contradiction<Content: Statement>: Hashable, Sendable {
    /// Ordered by encoding, so that the same misdeed has one form.
    package let first: Signed<Content>
    package let second: Signed<Content>

    package init(_ a: Signed<Content>, _ b: Signed<Content>) {
        let isOrdered = a.encoded.lexicographicallyPrecedes(b.encoded)
        (first, second) = isOrdered ? (a, b) : (b, a)
    }

    /// Whether the two are of one sender, height and round, and say different things (IBFT-R3).
    var isContradictory: Bool {
        first.sender == second.sender && first.height == second.height
            && first.round == second.round && first.statement != second.statement
    }
}

/// Proof, from signatures alone, that a validator broke the rules (IBFT-V1). It needs only the
/// chain's identity and Set(height) to check.
package enum Evidence: Hashable, Sendable {
    case proposals(Contradiction<ProposalStatement>)
    case prepares(Contradiction<PrepareStatement>)
    case commits(Contradiction<CommitStatement>)
    case roundChanges(Contradiction<RoundChangeStatement>)
    /// A later ROUND-CHANGE that reports less than the round of a COMMIT.
    case concealedCommit(Commit, Signed<RoundChangeStatement>)
    /// A signed justification that breaks IBFT-R4 from its own bytes, for a round above 0.
    case unjustified(Signed<ProposalStatement>, Justification)

    /// Whom it is against.
    package var offender: Address {
        switch self {
        case .proposals(let pair): pair.first.sender
        case .prepares(let pair): pair.first.sender
        case .commits(let pair): pair.first.sender
        case .roundChanges(let pair): pair.first.sender
        case .concealedCommit(let commit, _): commit.sender
        case .unjustified(let proposal, _): proposal.sender
        }
    }

    package var height: Height {
        switch self {
        case .proposals(let pair): pair.first.height
        case .prepares(let pair): pair.first.height
        case .commits(let pair): pair.first.height
        case .roundChanges(let pair): pair.first.height
        case .concealedCommit(let commit, _): commit.height
        case .unjustified(let proposal, _): proposal.height
        }
    }
}
