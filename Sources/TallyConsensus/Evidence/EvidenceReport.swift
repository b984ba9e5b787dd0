package import TallyPrimitives

/// Evidence of two signed statements, as it is handed in where nobody knows Set(height) any more.
///
/// The hash of the set is part of what both signatures cover (IBFT-R2), so whoever hands it in may name
/// it: an honest validator signs under the one hash of its height, and nothing else fits its signatures.
package struct EvidenceReport: Hashable, Sendable {
    /// What was done. The numbers are consensus.
    package enum Kind: UInt8, Hashable, Sendable, CaseIterable {
        case proposals = 1
        case prepares, commits, roundChanges, concealedCommit
    }

    package let kind: Kind
    package let evidence: Evidence
    /// Hash of Set(height).
    package let validators: Hash32

    /// `nil` for a justification, which does not fit a call: it is as long as a quorum.
    package init?(_ evidence: Evidence, validators: Hash32) {
        switch evidence {
        case .proposals: kind = .proposals
        case .prepares: kind = .prepares
        case .commits: kind = .commits
        case .roundChanges: kind = .roundChanges
        case .concealedCommit: kind = .concealedCommit
        case .unjustified: return nil
        }
        self.evidence = evidence
        self.validators = validators
    }

    /// The round of the misdeed; of a concealed COMMIT that of the ROUND-CHANGE (IBFT-V3).
    package var round: Round {
        switch evidence {
        case .proposals(let pair): pair.first.round
        case .prepares(let pair): pair.first.round
        case .commits(let pair): pair.first.round
        case .roundChanges(let pair): pair.first.round
        case .concealedCommit(_, let change): change.round
        case .unjustified(let proposal, _): proposal.round
        }
    }

    /// Checks the evidence from its own bytes (IBFT-V1).
    /// - Throws: every case of `EvidenceError` but `.notAValidator`.
    package func verify(
        _ chain: ChainIdentity, _ scheme: some SignatureScheme
    ) throws(EvidenceError) {
        switch evidence {
        case .proposals(let pair): try verify(pair, chain, scheme)
        case .prepares(let pair): try verify(pair, chain, scheme)
        case .commits(let pair): try verify(pair, chain, scheme)
        case .roundChanges(let pair): try verify(pair, chain, scheme)
        case .concealedCommit(let commit, let change):
            guard commit.sender == change.sender, commit.height == change.height,
                Evidence.conceals(change, commit)
            else { throw .nothingConcealed }
            try verify(commit, chain, scheme)
            try verify(change, chain, scheme)
        case .unjustified: throw .justified
        }
    }

    private func verify<Content>(
        _ pair: Contradiction<Content>, _ chain: ChainIdentity, _ scheme: some SignatureScheme
    ) throws(EvidenceError) {
        guard pair.isContradictory else { throw .notContradictory }
        try verify(pair.first, chain, scheme)
        try verify(pair.second, chain, scheme)
    }

    private func verify<Content>(
        _ signed: Signed<Content>, _ chain: ChainIdentity, _ scheme: some SignatureScheme
    ) throws(EvidenceError) {
        let digest = signed.statement.digest(chain, validators: validators)
        guard scheme.signer(of: signed.signature, over: digest) == signed.sender else {
            throw .wrongSigner(claimed: signed.sender)
        }
    }
}

extension EvidenceReport: RLPValue {
    package func encode(to out: inout RLPEncoder) {
        out.list { out in
            out.append(kind.rawValue)
            out.append(validators)
            switch evidence {
            case .proposals(let pair): pair.append(to: &out)
            case .prepares(let pair): pair.append(to: &out)
            case .commits(let pair): pair.append(to: &out)
            case .roundChanges(let pair): pair.append(to: &out)
            case .concealedCommit(let commit, let change):
                commit.encode(to: &out)
                change.encode(to: &out)
            case .unjustified: break
            }
        }
    }

    package init(from input: inout RLPDecoder) throws(RLPError) {
        var list = try input.nextList()
        kind = try list.nextCase()
        validators = try list.nextFixed()
        switch kind {
        case .proposals: evidence = .proposals(try .next(&list))
        case .prepares: evidence = .prepares(try .next(&list))
        case .commits: evidence = .commits(try .next(&list))
        case .roundChanges: evidence = .roundChanges(try .next(&list))
        case .concealedCommit:
            evidence = .concealedCommit(
                try Commit(from: &list), try Signed<RoundChangeStatement>(from: &list))
        }
        try list.finish()
    }
}

extension Contradiction {
    fileprivate func append(to out: inout RLPEncoder) {
        first.encode(to: &out)
        second.encode(to: &out)
    }

    /// - Throws: `.unknownValue` for a pair in the other order: a misdeed has one form.
    fileprivate static func next(_ input: inout RLPDecoder) throws(RLPError) -> Self {
        let (a, b) = (
            try Signed<Content>(from: &input), try Signed<Content>(from: &input)
        )
        let pair = Contradiction(a, b)
        guard pair.first == a else { throw .unknownValue(0) }
        return pair
    }
}
