import TallyConsensus
import TallyPrimitives
import TallySharding

/// What a validator that breaks the rules says without being asked.
extension NetworkRun {
    func misbehave(_ node: VirtualValidator) {
        guard var mischief = node.mischief else { return }
        schedule(.mischief(node.index), after: mischief.random.pick(300_000...2_000_000))
        guard node.isUp, node.pausedUntil <= now else { return }
        defer { node.mischief?.random = mischief.random }
        var said: [Message] = []
        for kind in Misbehaviour.allCases where mischief.has(kind) {
            switch kind {
            case .forgesCertificates: said += forgedCertificate(node, &mischief)
            case .replaysVotes: said += replay(node, &mischief)
            case .repeatsRoundChanges:
                let old = mischief.ownChanges + mischief.changes
                if !old.isEmpty {
                    let change = mischief.random.pick(old)
                    let isStale = change.height <= node.height || change.round < node.round
                    if isStale { result.faults.add(.staleRoundChange) }
                    said.append(.roundChange(change))
                }
            case .floodsRounds: said += flood(node, &mischief)
            case .forgesFinals: said += forgedFinal(node, &mischief)
            case .liesAboutHeads: said += headLie(node, &mischief)
            case .equivocates, .proposesLate, .proposesToSome, .corruptsBodies, .corruptsBlocks,
                .liesAboutTime, .votesTwice, .withholdsCommits, .commitsToOne, .concealsLocks,
                .isTwins, .isMute, .proposesOnLosers, .withholdsBodies:
                break
            }
        }
        for message in said {
            hear(message, from: node)
            let bytes = message.wire
            for to in nodes.indices where mischief.random.pick(4) != 0 {
                send(.message(bytes), from: node.index, to: to)
            }
        }
    }

    // MARK: Certificates

    private func endorsement(_ vote: Prepare) -> Endorsement {
        Endorsement(sender: vote.sender, signature: vote.signature)
    }

    /// A ROUND-CHANGE with a certificate that proves nothing.
    private func forgedCertificate(
        _ node: VirtualValidator, _ mischief: inout Mischief
    ) -> [Message] {
        let height = node.height.next
        let set = set(at: height)
        let round = Round(mischief.random.pick(2) == 0 ? 0 : node.machine.round.value)
        let target = Round(round.value + 1 + UInt32(mischief.random.pick(2)))
        // Of a block that the others hold, or of none.
        let voted = mischief.prepares.last { $0.height == height }?.statement.digest
        let invented = Hash32(words: (mischief.random.next(), 1, 2, 3))
        let digest = mischief.random.pick(3) == 0 ? invented : voted ?? invented
        let statement = PrepareStatement(height: height, round: round, digest: digest)
        let own = endorsement(sign(statement, node))
        var signers = [own]
        var fault: Fault
        switch mischief.random.pick(8) {
        case 0: fault = .certificateTooFew
        case 1:
            fault = .certificateRepeated
            signers = Array(repeating: own, count: set.count)
        case 2:
            fault = .certificateForeign
            signers += (0..<set.count).map {
                let stranger = SimulatedSigner(
                    scheme: scheme, address: Scenario.address("stranger \($0)"))
                return endorsement(sign(statement, node, as: stranger))
            }
        case 3:
            fault = .certificateWrongHeight
            signers += mischief.prepares.filter { $0.height != height }.map(endorsement)
        case 4:
            fault = .certificateWrongRound
            signers += mischief.prepares.filter { $0.round != round }.map(endorsement)
        case 5:
            fault = .certificateWrongChain
            let other = ChainIdentity(genesis: .zero, chainID: 1)
            signers = [endorsement(sign(statement, node, chain: other))]
            signers += mischief.prepares.map(endorsement)
        case 6: return lonelyProposal(node)
        default: return forgedProposal(node, &mischief)
        }
        let certificate = PreparedCertificate(
            round: round, digest: digest, endorsements: Array(signers.prefix(64)))
        // Of the votes that were to be of another place there may be none, or enough good ones.
        if signers.count == 1 { fault = .certificateTooFew }
        if !holdsQuorum(certificate.prepares(at: height), set) { result.faults.add(fault) }
        let change = RoundChangeStatement(
            height: height, round: target, prepared: certificate.report)
        return [.roundChange(RoundChange(sign(change, node), certificate: certificate))]
    }

    /// A PROPOSAL of the next round of its own, for which its own ROUND-CHANGE stands as often as a
    /// quorum takes.
    private func lonelyProposal(_ node: VirtualValidator) -> [Message] {
        let height = node.height.next
        let set = set(at: height)
        let first = node.machine.round.value + 1
        let round = (0..<UInt32(set.count)).map { Round(first + $0) }.first {
            set.proposer(height, $0) == node.address
        }
        guard let round else { return [] }
        let statement = RoundChangeStatement(height: height, round: round, prepared: nil)
        let justification = Justification(
            roundChanges: Array(repeating: sign(statement, node), count: set.count),
            certificate: nil)
        let said = propose(node, round, justification)
        if !said.isEmpty { result.faults.add(.justificationRepeated) }
        return said
    }

    /// A PROPOSAL of a later round whose justification leaves something out: the highest report, or
    /// what of two digests does not suit.
    private func forgedProposal(
        _ node: VirtualValidator, _ mischief: inout Mischief
    ) -> [Message] {
        let height = node.height.next
        let set = set(at: height)
        var byRound: [UInt32: [RoundChange]] = [:]
        for change in mischief.changes where change.height == height {
            byRound[change.round.value, default: []].append(change)
        }
        let mine = byRound.keys.sorted().last {
            set.proposer(height, Round($0)) == node.address
        }
        guard let mine, let changes = byRound[mine] else { return [] }
        let isTwo = mischief.random.pick(2) == 0
        let certificates = changes.compactMap(\.certificate).sorted { $0.round < $1.round }
        let justification = Justification(
            roundChanges: changes.map(\.signed),
            certificate: isTwo ? certificates.last : certificates.first)
        let said = propose(node, Round(mine), justification)
        guard case .proposal(let proposal)? = said.first else { return [] }
        // Nothing is wrong with a free choice.
        guard let fault = forgery(justification, of: proposal.signed.statement) else { return [] }
        result.faults.add(fault)
        return said
    }

    /// What a justification leaves out.
    private func forgery(
        _ justification: Justification, of proposal: ProposalStatement
    ) -> Fault? {
        let changes = justification.roundChanges
        guard holdsQuorum(changes, set(at: proposal.height)) else {
            return .justificationTooFew
        }
        let highest = changes.compactMap { $0.statement.prepared?.round }.max()
        guard justification.certificate?.round == highest else { return .certificateNotHighest }
        return justification.certificate.flatMap {
            $0.digest == proposal.digest ? nil : .certificateTwoDigests
        }
    }

    /// A new block, with a justification of whatever kind.
    private func propose(
        _ node: VirtualValidator, _ round: Round, _ justification: Justification
    ) -> [Message] {
        let block: BeaconBlock?
        block = try? node.ledger.build(
            on: node.machine.head.digest, isMandatory: true, now: node.clock(now),
            proposer: node.address, secrets: &node.secrets, from: &node.pool)
        guard let proposed = block?.proposed else { return [] }
        let statement = ProposalStatement(
            height: node.height.next, round: round, parent: proposed.parent,
            digest: proposed.digest, justification: justification.hash)
        return [
            .proposal(
                Proposal(sign(statement, node), justification: justification, block: proposed))
        ]
    }

    // MARK: Replays

    /// Somebody's vote with its own signature, moved elsewhere.
    private func replay(_ node: VirtualValidator, _ mischief: inout Mischief) -> [Message] {
        guard !mischief.commits.isEmpty, !mischief.prepares.isEmpty else { return [] }
        let commit = mischief.random.pick(mischief.commits)
        let prepare = mischief.random.pick(mischief.prepares)
        let height = node.height.next
        let round = node.machine.round
        switch mischief.random.pick(6) {
        case 0:
            if commit.height != height { result.faults.add(.replayHeight) }
            let moved = CommitStatement(
                height: height, round: commit.round, digest: commit.statement.digest)
            return [.commit(Commit(moved, sender: commit.sender, signature: commit.signature))]
        case 1:
            result.faults.add(.replayRound)
            let moved = PrepareStatement(
                height: prepare.height, round: Round(prepare.round.value + 1),
                digest: prepare.statement.digest)
            return [
                .prepare(Prepare(moved, sender: prepare.sender, signature: prepare.signature))
            ]
        case 2:
            result.faults.add(.replayKind)
            let moved = CommitStatement(
                height: prepare.height, round: prepare.round, digest: prepare.statement.digest)
            return [.commit(Commit(moved, sender: prepare.sender, signature: prepare.signature))]
        case 3:
            result.faults.add(.replayChain)
            let other = ChainIdentity(genesis: chain.genesis, chainID: chain.chainID + 1)
            let statement = CommitStatement(
                height: height, round: round, digest: commit.statement.digest)
            return [.commit(sign(statement, node, chain: other))]
        case 4: return replayEpoch(node, &mischief)
        default:
            // As it was, late.
            let isLate = commit.height <= node.height || prepare.height <= node.height
            if isLate { result.faults.add(.lateVote) }
            return [.commit(commit), .prepare(prepare)]
        }
    }

    /// Votes of another set: its own, and somebody else's moved here with the signature that it has
    /// there. A message does not carry the hash of its set; what is signed does (IBFT-R2).
    private func replayEpoch(
        _ node: VirtualValidator, _ mischief: inout Mischief
    ) -> [Message] {
        let height = node.height.next
        let set = set(at: height)
        let seed = Hash32(words: (mischief.random.next(), 0, 0, 2))
        // The same members in another epoch, where the run has no other set.
        let next = try? ValidatorSet(set.validators, seed: seed)
        let others =
            ([checks.schedule.genesis] + checks.schedule.changes.map(\.set))
            .filter { $0.hash != set.hash } + [next].compactMap(\.self)
        let other = mischief.random.pick(others).hash
        let digest = mischief.prepares.last { $0.height == height }?.statement.digest ?? seed
        let round = node.machine.round
        result.faults.add(.replayEpoch)
        var said: [Message] = [
            .prepare(
                node.signer.sign(
                    PrepareStatement(height: height, round: round, digest: digest), chain,
                    validators: other)),
            .commit(
                node.signer.sign(
                    CommitStatement(height: height, round: round, digest: digest), chain,
                    validators: other)),
            .roundChange(
                RoundChange(
                    node.signer.sign(
                        RoundChangeStatement(
                            height: height, round: Round(round.value + 1), prepared: nil), chain,
                        validators: other), certificate: nil)),
        ]
        let foreign = mischief.commits.last { self.set(at: $0.height).hash != set.hash }
        if let foreign {
            let moved = CommitStatement(
                height: height, round: foreign.round, digest: foreign.statement.digest)
            said.append(
                .commit(Commit(moved, sender: foreign.sender, signature: foreign.signature)))
        }
        return said
    }

    /// Votes in rounds of all sizes.
    private func flood(_ node: VirtualValidator, _ mischief: inout Mischief) -> [Message] {
        result.faults.add(.roundFlood)
        return (0..<12).map { _ in
            let height = Height(node.height.value + 1 + UInt64(mischief.random.pick(2)))
            let round = Round(
                UInt32(truncatingIfNeeded: mischief.random.next()) >> mischief.random.next() % 32)
            let digest = Hash32(words: (mischief.random.next(), 0, 0, 0))
            switch mischief.random.pick(3) {
            case 0:
                return .prepare(
                    sign(PrepareStatement(height: height, round: round, digest: digest), node))
            case 1:
                return .commit(
                    sign(CommitStatement(height: height, round: round, digest: digest), node))
            default:
                let target = Round(max(1, round.value))
                return .roundChange(
                    RoundChange(
                        sign(
                            RoundChangeStatement(height: height, round: target, prepared: nil),
                            node), certificate: nil))
            }
        }
    }

    // MARK: Finality

    /// FINAL of a block of its own, with what seals it can get.
    private func forgedFinal(_ node: VirtualValidator, _ mischief: inout Mischief) -> [Message] {
        let height = node.height.next
        let set = set(at: height)
        let block: BeaconBlock?
        block = try? node.ledger.build(
            on: node.machine.head.digest, isMandatory: true, now: node.clock(now),
            proposer: node.address, secrets: &node.secrets, from: &node.pool)
        guard let proposed = block?.proposed, let own = set.index(of: node.address) else {
            return []
        }
        let statement = CommitStatement(
            height: height, round: node.machine.round, digest: proposed.digest)
        let seal = sign(statement, node).signature
        var signers = [own]
        var seals = [seal]
        switch mischief.random.pick(3) {
        case 0: break
        case 1:
            // Its own seal for everybody.
            signers = Array(set.validators.indices)
            seals = Array(repeating: seal, count: set.count)
        default:
            // Seals of other blocks, and of PREPAREs.
            var others: [Int: Commit] = [:]
            for commit in mischief.commits {
                if let index = set.index(of: commit.sender) { others[index] = commit }
            }
            signers = others.keys.sorted()
            seals = signers.compactMap { others[$0]?.signature }
        }
        let certificate = FinalCertificate(
            height: height, round: statement.round, digest: proposed.digest, signers: signers,
            seals: seals)
        if !holdsQuorum(certificate.commits(set), set) { result.faults.add(.forgedFinal) }
        return [.final(Final(certificate: certificate, block: proposed))]
    }

    /// It is far ahead, it says.
    private func headLie(_ node: VirtualValidator, _ mischief: inout Mischief) -> [Message] {
        result.faults.add(.headLie)
        let height = Height(node.height.value + mischief.random.pick(1...1_000_000))
        for to in nodes.indices { send(.head(height), from: node.index, to: to) }
        guard let nonce = mischief.nonces.last else { return [] }
        let digest = Hash32(words: (mischief.random.next(), 0, 0, 0))
        let statement = HeadAnswerStatement(height: height, digest: digest, nonce: nonce)
        return [.headAnswer(node.signer.sign(statement, chain, validators: .zero))]
    }
}
