import TallyPrimitives

extension HeightState {
    /// Keeps an authenticated message of this height, and what is nested in it.
    /// - Returns: why it was not kept, and what it proves against validators and was not reported.
    mutating func store(_ message: Message) -> (refusal: MessageRefusal?, evidence: [Evidence]) {
        let insertion: Insertion
        var evidence: [Evidence] = []
        switch message {
        case .proposal(let proposal):
            insertion = votes.insert(proposal)
            if case .stored = insertion { keep(proposal.block) }
            if let justification = proposal.justification {
                evidence += store(nested: justification)
            }
        case .prepare(let prepare): insertion = votes.insert(prepare, current: round)
        case .commit(let commit): insertion = votes.insert(commit, current: round)
        case .roundChange(let change):
            insertion = votes.insert(change)
            if let certificate = change.certificate { evidence += store(nested: certificate) }
        case .final, .headQuery, .headAnswer: preconditionFailure("not a message of an open height")
        }
        switch insertion {
        case .stored: return (nil, offences.news(evidence))
        case .refused(let refusal, let proof):
            return (refusal, offences.news((proof.map { [$0] } ?? []) + evidence))
        }
    }

    // IBFT-R10: nested messages show their signers too.
    private mutating func store(nested justification: Justification) -> [Evidence] {
        var evidence: [Evidence] = []
        for change in justification.roundChanges {
            if let proof = votes.witness(change) { evidence.append(proof) }
        }
        if let certificate = justification.certificate { evidence += store(nested: certificate) }
        return evidence
    }

    private mutating func store(nested certificate: PreparedCertificate) -> [Evidence] {
        certificate.prepares(at: height).compactMap { prepare in
            guard case .refused(_, let proof) = votes.insert(prepare, current: round) else {
                return nil
            }
            return proof
        }
    }
}
