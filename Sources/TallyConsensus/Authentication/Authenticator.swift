internal import TallyPrimitives

/// Turns what arrives into ``Authenticated`` messages. Depends on nothing but its arguments, so
/// that the shell can check many at once before the machine sees them.
package struct Authenticator<Scheme: SignatureScheme, Reader: BlockReader>: Sendable {
    let chain: ChainIdentity
    let limits: MessageLimits
    let scheme: Scheme
    let reader: Reader

    package init(chain: ChainIdentity, limits: MessageLimits, scheme: Scheme, reader: Reader) {
        self.chain = chain
        self.limits = limits
        self.scheme = scheme
        self.reader = reader
    }

    /// Decodes and checks a message. Size comes first, then form, then signatures (IBFT-R12).
    /// - Parameter sets: those of the machine.
    /// - Throws: the cases of `MessageRefusal` that do not depend on the machine's state.
    package func authenticate(
        bytes: [UInt8], sets: ValidatorSets, cache: inout SignatureCache
    ) throws(MessageRefusal) -> Authenticated {
        let message = try Message(wire: bytes, limits: limits)
        return try authenticate(message, sets: sets, cache: &cache)
    }

    /// Checks every signature of a message (IBFT-R8), its certificate (IBFT-R7) and its
    /// justification (IBFT-R4).
    package func authenticate(
        _ message: Message, sets: ValidatorSets, cache: inout SignatureCache
    ) throws(MessageRefusal) -> Authenticated {
        switch message {
        case .proposal(let proposal):
            let context = try context(proposal.height, sets)
            return .init(verified: .proposal(try verify(proposal, context, &cache)))
        case .prepare(let prepare):
            try verifyVote(prepare, try context(prepare.height, sets), &cache)
        case .commit(let commit):
            try verifyVote(commit, try context(commit.height, sets), &cache)
        case .roundChange(let change):
            let context = try context(change.height, sets)
            return .init(verified: .roundChange(try verify(change, context, &cache)))
        case .final(let final):
            let context = try context(final.height, sets)
            return .init(verified: .final(try verify(final, context, &cache)))
        case .headQuery(let query): try verifySigner(query, validators: .zero, &cache)
        case .headAnswer(let answer): try verifySigner(answer, validators: .zero, &cache)
        }
        return Authenticated(verified: message)
    }

    /// Set(height), against which everything of that height is checked (IBFT-R13).
    private func context(
        _ height: Height, _ sets: ValidatorSets
    ) throws(MessageRefusal) -> ValidatorSet {
        guard let set = sets[height] else { throw .unknownValidatorSet(height) }
        return set
    }

    // MARK: Single signatures

    // IBFT-R8
    private func verifySigner<Content>(
        _ signed: Signed<Content>, validators: Hash32, _ cache: inout SignatureCache
    ) throws(MessageRefusal) {
        guard isSigned(signed, validators: validators, &cache) else {
            throw .wrongSigner(claimed: signed.sender)
        }
    }

    func isSigned<Content>(
        _ signed: Signed<Content>, validators: Hash32, _ cache: inout SignatureCache
    ) -> Bool {
        let digest = signed.statement.digest(chain, validators: validators)
        return cache.signer(of: signed.signature, over: digest, scheme) == signed.sender
    }

    private func verifyVote<Content>(
        _ signed: Signed<Content>, _ set: ValidatorSet, _ cache: inout SignatureCache
    ) throws(MessageRefusal) {
        guard set.contains(signed.sender) else { throw .notAValidator(signed.sender) }
        try verifySigner(signed, validators: set.hash, &cache)
    }

    // MARK: Composite messages

    private func verify(
        _ proposal: Proposal, _ set: ValidatorSet, _ cache: inout SignatureCache
    ) throws(MessageRefusal) -> Proposal {
        let statement = proposal.signed.statement
        let hash = proposal.justification?.hash
        guard (statement.round == .zero) == (hash == nil),
            statement.justification == hash ?? .zero
        else { throw .wrongJustification }
        guard set.contains(proposal.sender) else { throw .notAValidator(proposal.sender) }
        // IBFT-R17
        guard proposal.sender == set.proposer(statement.height, statement.round) else {
            throw .notTheProposer(proposal.sender)
        }
        try verifySigner(proposal.signed, validators: set.hash, &cache)
        let block = try read(proposal.block)
        // IBFT-R16
        guard block.height == statement.height, block.digest == statement.digest,
            block.parent == statement.parent
        else { throw .wrongBody }
        guard let justification = proposal.justification else {
            return Proposal(proposal.signed, justification: nil, block: block)
        }
        do throws(JustificationError) {
            let verified = try verify(justification, of: statement, set, &cache)
            return Proposal(proposal.signed, justification: verified, block: block)
        } catch { throw .unjustified(error, .unjustified(proposal.signed, justification)) }
    }

    private func verify(
        _ change: RoundChange, _ set: ValidatorSet, _ cache: inout SignatureCache
    ) throws(MessageRefusal) -> RoundChange {
        let statement = change.signed.statement
        guard statement.prepared == change.certificate?.report else { throw .wrongCertificate }
        guard statement.round > statement.prepared?.round ?? .zero else { throw .wrongRound }
        try verifyVote(change.signed, set, &cache)
        guard let certificate = change.certificate else { return change }
        let (verified, power) = verify(certificate, at: statement.height, set, &cache)
        guard power >= set.quorum else {
            throw .tooFewPrepares(power: power, quorum: set.quorum)
        }
        return RoundChange(change.signed, certificate: verified)
    }

    // IBFT-R14
    private func verify(
        _ final: Final, _ set: ValidatorSet, _ cache: inout SignatureCache
    ) throws(MessageRefusal) -> Final {
        let commits = final.certificate.commits(set)
        var valid: [Commit] = []
        var power: UInt64 = 0
        for commit in commits where power < set.quorum {
            guard isSigned(commit, validators: set.hash, &cache) else { continue }
            valid.append(commit)
            power += set.power(of: commit.sender)
        }
        guard power >= set.quorum else { throw .tooFewSeals(power: power, quorum: set.quorum) }
        let block = try read(final.block)
        guard block.height == final.height, block.digest == final.certificate.digest else {
            throw .wrongBody
        }
        return Final(
            certificate: FinalCertificate(final.certificate.statement, valid, set: set),
            block: block)
    }

    private func read(_ block: ProposedBlock) throws(MessageRefusal) -> ProposedBlock {
        guard let block = reader.block(body: block.body) else { throw .wrongBody }
        return block
    }
}
