package import TallyPrimitives

/// Why evidence proves nothing.
package enum EvidenceError: Error, Hashable, Sendable {
    /// Set(height) is another one.
    case notAValidator(Address)
    /// The two messages are not of one sender, height and round, or are the same.
    case notContradictory
    /// The named sender did not sign.
    case wrongSigner(claimed: Address)
    /// The ROUND-CHANGE reports at least the round of the COMMIT, or is not for a later round.
    case nothingConcealed
    /// The justification is not the one signed, or of round 0, or permits the proposal.
    case justified
}

extension Evidence {
    /// Whether a ROUND-CHANGE leaves out a COMMIT of its signer: who commits is locked (IBFT-V2).
    static func conceals(_ change: Signed<RoundChangeStatement>, _ commit: Commit) -> Bool {
        guard change.round > commit.round else { return false }
        return change.statement.prepared.map { $0.round < commit.round } ?? true
    }
}

extension Authenticator {
    /// Checks evidence from its own bytes (IBFT-V1).
    /// - Parameter set: Set(height) of the evidence.
    /// - Throws: every case of `EvidenceError`.
    package func verify(
        _ evidence: Evidence, set: ValidatorSet, cache: inout SignatureCache
    ) throws(EvidenceError) {
        guard set.contains(evidence.offender) else { throw .notAValidator(evidence.offender) }
        switch evidence {
        case .proposals(let pair): try verify(pair, set, &cache)
        case .prepares(let pair): try verify(pair, set, &cache)
        case .commits(let pair): try verify(pair, set, &cache)
        case .roundChanges(let pair): try verify(pair, set, &cache)
        case .concealedCommit(let commit, let change):
            guard commit.sender == change.sender, commit.height == change.height,
                Evidence.conceals(change, commit)
            else { throw .nothingConcealed }
            try verifySigned(commit, set, &cache)
            try verifySigned(change, set, &cache)
        case .unjustified(let signed, let justification):
            try verifySigned(signed, set, &cache)
            try verifyUnjustified(signed.statement, justification, set, &cache)
        }
    }

    private func verify<Content>(
        _ pair: Contradiction<Content>, _ set: ValidatorSet, _ cache: inout SignatureCache
    ) throws(EvidenceError) {
        guard pair.isContradictory else { throw .notContradictory }
        try verifySigned(pair.first, set, &cache)
        try verifySigned(pair.second, set, &cache)
    }

    private func verifySigned<Content>(
        _ signed: Signed<Content>, _ set: ValidatorSet, _ cache: inout SignatureCache
    ) throws(EvidenceError) {
        guard isSigned(signed, validators: set.hash, &cache) else {
            throw .wrongSigner(claimed: signed.sender)
        }
    }

    private func verifyUnjustified(
        _ statement: ProposalStatement, _ justification: Justification, _ set: ValidatorSet,
        _ cache: inout SignatureCache
    ) throws(EvidenceError) {
        guard statement.round > .zero, statement.justification == justification.hash else {
            throw .justified
        }
        do throws(JustificationError) {
            _ = try verify(justification, of: statement, set, &cache)
        } catch { return }
        throw .justified
    }
}
