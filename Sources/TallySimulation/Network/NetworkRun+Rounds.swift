import TallyConsensus
import TallyPrimitives

/// Whether what an honest validator signs has a reason, as who sees everything counts it.
extension NetworkRun {
    /// SIM-34 to SIM-36, of what is on its way to the disk.
    func checkReasons(_ records: [ConsensusRecord], _ node: VirtualValidator) {
        guard node.isHonest else { return }
        for record in records {
            switch record {
            case .proposal(let signed, _): word.hear(signed)
            case .prepare(let prepare):
                checkVoice(prepare, node)
                checkParent(prepare.statement.digest, prepare, node)
            case .commit(let commit, _):
                checkVoice(commit, node)
                checkParent(commit.statement.digest, commit, node)
            case .roundChange(let change):
                if let flaw = flaw(of: change.height, change.round.value, node) {
                    fail(
                        .rounds,
                        "node \(node.index) goes on to round \(change.round) of height "
                            + "\(change.height) \(flaw)")
                }
            case .observing, .undecided, .decision: break
            }
            if let vote = record.vote { checkSilence(vote, node) }
        }
    }

    // MARK: Rounds (SIM-34)

    /// Why a validator has no reason to end the round before.
    private func flaw(
        of height: Height, _ round: UInt32, _ node: VirtualValidator
    ) -> String? {
        let set = set(at: height)
        // IBFT-R11: one honest validator at least went there before.
        let ahead = word.power(
            at: height, from: round, in: set, including: nil, excluding: node.address)
        if 3 * ahead >= set.totalPower { return nil }
        // IBFT-P5
        if round == 1, word.hasOtherParent(height, than: finalDigest(node)) { return nil }
        // IBFT-R10
        let place = node.place
        guard place.height == height.value, place.round + 1 == round else {
            return "and not by one, with power \(ahead) of \(set.totalPower) there"
        }
        let lasted = now - place.since
        guard lasted >= scenario.timeout(place.round) else {
            return "after \(lasted / 1000) ms, with power \(ahead) of \(set.totalPower) there"
        }
        guard round > 1 else { return nil }
        let beside = word.power(
            at: height, from: place.round, in: set, including: node.address)
        return 3 * beside > 2 * set.totalPower
            ? nil : "with power \(beside) of \(set.totalPower) in the one before"
    }

    /// A round above 0 begins with the ROUND-CHANGEs of a quorum: who votes there has seen them.
    private func checkVoice<Content>(_ vote: Signed<Content>, _ node: VirtualValidator) {
        guard vote.round > .zero else { return }
        let set = set(at: vote.height)
        let power = word.power(
            at: vote.height, from: vote.round.value, in: set, including: nil)
        guard 3 * power <= 2 * set.totalPower else { return }
        fail(
            .rounds,
            "node \(node.index) votes in round \(vote.round) of height \(vote.height), where "
                + "power \(power) of \(set.totalPower) is")
    }

    /// Since when a node is in its round; called after every step.
    func notePlace(_ node: VirtualValidator) {
        let (height, round) = (node.height.value + 1, node.round.value)
        guard node.place.height != height || node.place.round != round else { return }
        node.place = Place(height: height, round: round, since: now)
    }

    // MARK: Parents (SIM-35)

    /// The newest block that is final to a node.
    private func finalDigest(_ node: VirtualValidator) -> Hash32 {
        node.chain.last?.block.digest ?? genesisDigest
    }

    private func checkParent<Content>(
        _ digest: Hash32, _ vote: Signed<Content>, _ node: VirtualValidator
    ) {
        guard vote.height.value == node.chain.count + 1,
            word.parent(of: digest) == finalDigest(node)
        else {
            return fail(
                .parents,
                "node \(node.index) votes for a block of height \(vote.height) that is not on the "
                    + "final one")
        }
    }

    // MARK: Lost votes (SIM-36)

    /// Who lost its votes says nothing where it may have voted.
    private func checkSilence(_ vote: SignedVote, _ node: VirtualValidator) {
        guard vote.slot.height <= node.silentThrough, !isAlone(node, Height(vote.slot.height))
        else { return }
        fail(
            .signatures,
            "node \(node.index) lost its votes up to height \(node.silentThrough) and signs a "
                + "\(vote.slot.kind) of height \(vote.slot.height)")
    }

    // MARK: Decisions and bodies (SIM-37)

    /// A COMMIT that a node took.
    func noteCommit(_ message: Message, _ node: VirtualValidator) {
        guard case .commit(let commit) = message, node.isHonest, node.isUp, !node.hasRefused,
            commit.height > node.height
        else { return }
        let set = set(at: commit.height)
        var holders = node.commits[commit.statement] ?? []
        holders.insert(commit.sender)
        node.commits[commit.statement] = holders
        if 3 * set.power(of: holders) > 2 * set.totalPower {
            node.decidable[commit.height] = commit.statement
        }
        checkDecides(node)
    }

    /// Whoever holds the COMMITs of a quorum decides at once, or asks for the body.
    func checkDecides(_ node: VirtualValidator) {
        guard !node.decidable.isEmpty, node.isUp, node.machine.fork == nil,
            let commit = node.decidable[node.height.next]
        else { return }
        let round = node.round
        // Votes of rounds further away are forgotten (IBFT-R12).
        guard max(round, commit.round).value - min(round, commit.round).value <= 8,
            !node.wanted.contains(commit.digest)
        else { return }
        let isDecided = node.writes.contains {
            $0.records.contains { record in
                if case .decision(let certificate) = record {
                    certificate.height == commit.height
                } else {
                    false
                }
            }
        }
        guard !isDecided else { return }
        fail(
            .decisions,
            "node \(node.index) holds the COMMITs of a quorum of height \(commit.height) and "
                + "neither decides nor asks for the body")
    }

    // MARK: Logs (SIM-32)

    /// What logs hold can be read; can be appended to, and is the same when it is read again.
    func checkReadable(_ node: VirtualValidator) {
        guard node.isHonest, result.failure == nil else { return }
        var copy = node.storage
        copy.crash(.nothing)
        do {
            for isFirst in [true, false] {
                let found = try copy.recover(scenario) { [self] in isAlone(node, $0.next) }
                guard found.chain == node.chain else {
                    return fail(
                        .recovery,
                        "the logs of node \(node.index) hold \(found.chain.count) heights and "
                            + "not the \(node.chain.count) that it decided")
                }
                if isFirst { try copy.appendNothing(at: Height(UInt64(node.chain.count))) }
            }
        } catch {
            fail(.recovery, "the logs of node \(node.index) cannot be read: \(error)")
        }
    }
}

/// Where a validator is, and since when, in microseconds.
struct Place: Hashable {
    var height: UInt64 = 1
    var round: UInt32 = 0
    var since: UInt64 = 0
}
