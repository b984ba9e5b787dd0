import TallyPrimitives

/// What the proposer of a round does.
extension Ibft {
    /// Proposes in the current round, if it is our turn.
    mutating func lead() -> Bool {
        guard isVoting, current.set.proposer(current.height, current.round) == address,
            current.own.proposed.map({ $0.round < current.round }) ?? true,
            current.own.prepared.map({ $0.round < current.round }) ?? true
        else { return false }
        if current.round == .zero {
            guard let block = freshBlock(isMandatory: current.isHeartbeatDue) else { return false }
            propose(block, justification: nil)
            return true
        }
        guard let justification = justification() else { return false }
        if let certificate = justification.certificate {
            guard let block = current.blocks[certificate.digest] else { return false }
            propose(block, justification: justification)
            return true
        }
        // IBFT-R18: with or without work.
        guard let block = ownPrepared ?? freshBlock(isMandatory: true) else { return false }
        propose(block, justification: justification)
        return true
    }

    /// IBFT-R4: what we PREPAREd ourselves is valid and at hand with many.
    private var ownPrepared: ProposedBlock? {
        current.own.prepared.flatMap { current.blocks[$0.digest] }
    }

    /// A block of our own on the head; asks for one where there is none.
    private mutating func freshBlock(isMandatory: Bool) -> ProposedBlock? {
        if case .built(let block) = current.building { return block }
        let request = BuildRequest(
            height: current.height, round: current.round, parent: head.digest,
            isMandatory: isMandatory)
        switch current.building {
        case .declined where !isMandatory: return nil
        case .asked(let asked) where asked.isMandatory || !isMandatory: return nil
        case .idle, .asked, .declined, .built:
            current.building = .asked(request)
            effects.append(.build(request))
            return nil
        }
    }

    /// Signs and persists a PROPOSAL; it is sent when it is durable (IBFT-R9).
    private mutating func propose(_ block: ProposedBlock, justification: Justification?) {
        current.building = .idle
        current.keep(block)
        assumeValid(block.digest)
        let statement = ProposalStatement(
            height: current.height, round: current.round, parent: block.parent,
            digest: block.digest, justification: justification?.hash ?? .zero)
        current.own.proposed = statement
        let signed = sign(statement, current.set)
        let proposal = Proposal(signed, justification: justification, block: block)
        persist(
            body(block.digest) + [.proposal(signed, justification)],
            then: .send(.proposal(proposal)))
    }

    /// From the newest ROUND-CHANGEs for exactly this round; `nil` below a quorum (IBFT-R4).
    private mutating func justification() -> Justification? {
        var power: UInt64 = 0
        var places: [Int] = []
        for place in current.votes.places {
            guard let round = current.votes.senders[place].roundChange?.round,
                round == current.round
            else { continue }
            if let certificate = current.votes.senders[place].roundChange?.certificate,
                current.blocks[certificate.digest] == nil
            {
                // Left out until its body is here.
                request(certificate.digest, from: [current.set.validators[place].address])
                continue
            }
            power += current.votes.power(place)
            places.append(place)
        }
        guard power >= current.set.quorum else { return nil }
        let usable = places.compactMap { current.votes.senders[$0].roundChange }
        let highest = usable.compactMap(\.certificate).max { $0.round < $1.round }
        return Justification(roundChanges: usable.map(\.signed), certificate: highest)
    }

    // MARK: Answers of the owner

    mutating func learnOfWork() {
        // IBFT-R18
        current.isWorkKnown = true
        current.learnOfWork()
        next?.learnOfWork()
    }

    mutating func built(_ block: ProposedBlock) {
        if case .asked(let request) = current.building, block.answers(request) {
            current.building = .built(block)
        } else if case .asked(let request)? = next?.building, block.answers(request) {
            next?.building = .built(block)
        }
    }

    mutating func nothingToBuild(_ height: Height) {
        if case .asked(let request) = current.building, request.height == height,
            !request.isMandatory
        {
            current.decline()
        } else if case .asked(let request)? = next?.building, request.height == height {
            next?.decline()
        }
    }

    // MARK: Pipelining

    // IBFT-P1: the proposer of the next height need not wait for this one to be final.
    mutating func proposeNext() {
        guard configuration.isPipelined, isVoting, let parent = current.own.commit,
            let state = next, state.own.proposed == nil, mayVote(state),
            state.set.proposer(state.height, .zero) == address
        else { return }
        // IBFT-P2: the block of our newest COMMIT, should there be several.
        let request = BuildRequest(
            height: state.height, round: .zero, parent: parent.statement.digest,
            isMandatory: false)
        switch state.building {
        case .declined: return
        case .asked(let asked) where asked.parent == request.parent: return
        case .built(let block) where block.parent == request.parent: proposeNext(block)
        case .idle, .asked, .built:
            next?.building = .asked(request)
            effects.append(.build(request))
        }
    }

    private mutating func proposeNext(_ block: ProposedBlock) {
        guard var state = next else { return }
        state.building = .idle
        state.keep(block)
        let statement = ProposalStatement(
            height: state.height, round: .zero, parent: block.parent, digest: block.digest,
            justification: .zero)
        state.own.proposed = statement
        state.durableBodies.insert(block.digest)
        next = state
        let signed = sign(statement, state.set)
        let proposal = Proposal(signed, justification: nil, block: block)
        persist([.undecided(block), .proposal(signed, nil)], then: .send(.proposal(proposal)))
    }

    /// The height above became the current one: what was built for it stands if its parent won.
    mutating func reviewBuilding() {
        switch current.building {
        case .built(let block) where block.parent == head.digest: break
        case .asked(let request) where request.parent == head.digest: break
        case .idle, .asked, .declined, .built: current.building = .idle
        }
        if let own = current.own.proposed, own.parent == head.digest { assumeValid(own.digest) }
    }
}

extension HeightState {
    mutating func learnOfWork() {
        switch building {
        case .asked: isWorkNews = true
        case .declined: building = .idle
        case .idle, .built: break
        }
    }

    /// There is no work; unless some came up since the question, which is then asked again.
    mutating func decline() {
        building = isWorkNews ? .idle : .declined
        isWorkNews = false
    }
}

extension ProposedBlock {
    func answers(_ request: Ibft.BuildRequest) -> Bool {
        height == request.height && parent == request.parent
    }
}
