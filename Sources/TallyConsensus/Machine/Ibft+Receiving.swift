import TallyPrimitives

extension Ibft {
    mutating func receive(_ authenticated: Authenticated) {
        let message = authenticated.message
        if message.sender == address {
            refuse(message, .ownMessage)
            return
        }
        switch message {
        case .headQuery(let query): answer(query)
        case .headAnswer(let answer): receive(answer)
        case .final(let final): receive(final)
        case .proposal, .prepare, .commit, .roundChange: receiveVote(message)
        }
    }

    private mutating func receiveVote(_ message: Message) {
        if message.height <= head.height {
            receivePast(message)
        } else if message.height == current.height {
            receiveCurrent(message)
        } else if message.height == next?.height {
            receiveNext(message)
        } else {
            // IBFT-R12
            refuse(message, .heightAhead(message.height))
            if message.kind != .proposal { learnOfFinal(below: message) }
        }
    }

    private mutating func receiveCurrent(_ message: Message) {
        if case .proposal(let proposal) = message, let objection = objection(to: proposal) {
            refuse(message, objection)
            return
        }
        let (refusal, evidence) = current.store(message)
        finish(message, refusal, evidence)
        if case .roundChange(let change) = message { answerIfBehind(change) }
    }

    // IBFT-P3: the next height only collects.
    private mutating func receiveNext(_ message: Message) {
        guard let (refusal, evidence) = next?.store(message) else { return }
        finish(message, refusal, evidence)
        // Whoever votes there knows the current height to be final, and one of so many is honest.
        if let votes = next?.votes, votes.votingPower > votes.set.faulty {
            learnOfFinal(below: message)
        }
    }

    /// What is wrong with a PROPOSAL of the current height beyond its own bytes.
    private func objection(to proposal: Proposal) -> MessageRefusal? {
        // A round-0 proposal on a parent that lost is kept: it ends its round (IBFT-P5).
        if proposal.round > .zero, proposal.block.parent != head.digest {
            return .wrongParent(proposal.block.parent)
        }
        // IBFT-R15: the lower bound holds for fresh and for prepared blocks.
        if proposal.block.parent == head.digest, proposal.block.timestamp < head.timestamp {
            return .timeBeforeParent(proposal.block.timestamp)
        }
        return nil
    }

    private mutating func finish(
        _ message: Message, _ refusal: MessageRefusal?, _ evidence: [Evidence]
    ) {
        report(evidence)
        if let refusal { refuse(message, refusal) }
    }

    mutating func report(_ evidence: [Evidence]) { effects += evidence.map { .report($0) } }

    mutating func refuse(_ message: Message, _ refusal: MessageRefusal) {
        effects.append(.refuse(refusal, from: message.sender))
    }

    // MARK: Heights that are final

    private mutating func receivePast(_ message: Message) {
        switch message {
        case .roundChange(let change):
            // IBFT-R11
            effects.append(.sendFinal(change.height, to: change.sender))
        case .commit(let commit): receiveLate(commit)
        case .proposal, .prepare: refuse(message, .heightPast(message.height))
        case .final, .headQuery, .headAnswer: preconditionFailure("not a vote")
        }
    }

    // IBFT-R13
    private mutating func receiveLate(_ commit: Commit) {
        let (outcome, evidence) = recent[commit.height]?.insert(commit) ?? (.past, [])
        switch outcome {
        case .new: effects.append(.lateSeal(commit))
        case .past: refuse(.commit(commit), .heightPast(commit.height))
        case .contradiction: finish(.commit(commit), .contradiction, evidence)
        }
    }

    // MARK: Behind

    // IBFT-R11: who is behind gets what we said last.
    private mutating func answerIfBehind(_ change: RoundChange) {
        guard change.round < current.round else { return }
        for (round, message) in current.own.messages where round > change.round {
            effects.append(.send(message, to: change.sender))
        }
    }

    private mutating func learnOfFinal(below message: Message) {
        learnOfFinal(Height(message.height.value - 1), from: message.sender)
    }

    /// Somebody says that a height is final: a hint, kept for each member (IBFT-R14).
    mutating func learnOfFinal(_ height: Height, from peer: Address?) {
        guard height > head.height else { return }
        hints.add(height, from: peer.flatMap { current.set.contains($0) ? $0 : nil })
    }

    /// Asks for the heights up to the highest hint, if that is above `height` and nothing is under
    /// way (IBFT-R14).
    mutating func requestSync(above height: Height) {
        guard let target = hints.target, target > height, !hints.isOpen, current.decision == nil
        else { return }
        hints.open(through: target, isInstant: current.isRetransmitting)
        effects.append(.requestSync(from: head.height.next, through: target))
    }

    // MARK: Bodies

    // IBFT-R6
    mutating func request(_ digest: Hash32, from holders: [Address]) {
        guard current.blocks[digest] == nil, current.wanted[digest] == nil else { return }
        let others = holders.filter { $0 != address }
        current.wanted[digest] = others
        effects.append(
            .requestBody(
                BodyRequest(height: current.height, digest: digest, holders: others)))
    }

    mutating func receiveBody(_ block: ProposedBlock) {
        guard block.height == current.height, current.wanted[block.digest] != nil else { return }
        current.keep(block)
    }
}
