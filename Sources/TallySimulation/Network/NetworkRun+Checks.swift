import TallyConsensus
import TallyExecution
import TallyPrimitives
import TallySharding
import TallyState

/// The checkers (SIM-20 and following).
extension NetworkRun {
    // MARK: Votes

    /// SIM-24, SIM-25: what an honest validator sends was never contradicted and is on its disk.
    func checkSent(_ message: Message, _ node: VirtualValidator) {
        guard node.isHonest, let vote = message.vote,
            !isAlone(node, Height(vote.slot.height))
        else { return }
        if let before = checks.sent[vote.slot] {
            guard before == vote.content else {
                return fail(
                    .signatures,
                    "node \(node.index) signs two \(vote.slot.kind)s of height "
                        + "\(vote.slot.height), round \(vote.slot.round)")
            }
        } else {
            checks.sent[vote.slot] = vote.content
            node.votedThrough = max(node.votedThrough, vote.slot.height)
            checkLock(vote, node)
            checkNested(message, node)
        }
        guard checks.durable[node.index].contains(vote) else {
            return fail(
                .durability,
                "node \(node.index) sends a \(vote.slot.kind) of height \(vote.slot.height), "
                    + "round \(vote.slot.round) that its disk does not hold")
        }
    }

    /// IBFT-V2 of honest validators: who committed reports at least that round later.
    private func checkLock(_ vote: SignedVote, _ node: VirtualValidator) {
        let slot = vote.slot
        let key = VoteSlot(sender: slot.sender, kind: .commit, height: slot.height, round: 0)
        switch vote.content {
        case .digest where slot.kind == .commit:
            checks.commits[key] = max(checks.commits[key] ?? 0, slot.round)
        case .report(let report):
            guard let committed = checks.commits[key], committed < slot.round else { return }
            if (report?.round.value).map({ $0 < committed }) ?? true {
                fail(
                    .signatures,
                    "node \(node.index) conceals its COMMIT of height \(slot.height), "
                        + "round \(committed)")
            }
        case .digest, .proposal: break
        }
    }

    // MARK: Decisions

    /// SIM-20, SIM-22, SIM-23, SIM-25.
    func checkDecision(_ decision: Ibft.Decision, _ node: VirtualValidator) {
        guard node.isHonest else { return }
        let height = decision.block.height
        checkCertificate(decision.final, node)
        checkRound(decision.final, node)
        guard checks.durableDecisions[node.index][height.value] == decision.block.digest else {
            return fail(
                .durability, "node \(node.index) decides \(height) before its disk holds it")
        }
        guard height.value == node.chain.count + 1 else {
            return fail(
                .agreement, "node \(node.index) decides \(height) after \(node.chain.count)")
        }
        guard height.value <= checks.highest else { return }
        let first = checks.decided[Int(height.value) - 1].digest
        if first != decision.block.digest {
            checks.forkedAt = min(checks.forkedAt ?? height.value, height.value)
            if !scenario.isExcess {
                fail(
                    .agreement,
                    "node \(node.index) decides \(decision.block.digest) at height \(height), "
                        + "others \(first)")
            }
        }
    }

    /// Counts the seals of a certificate without the help of the agreement's code.
    func checkCertificate(_ final: Final, _ node: VirtualValidator) {
        let certificate = final.certificate
        let set = set(at: final.height)
        result.highestRound = max(result.highestRound, certificate.round.value)
        var power: UInt64 = 0
        var seen: Set<Int> = []
        for (index, seal) in zip(certificate.signers, certificate.seals) {
            guard set.validators.indices.contains(index), seen.insert(index).inserted else {
                return fail(.certificate, "\(final.height) has a signer twice, or a stranger")
            }
            let member = set.validators[index]
            let commit = Commit(certificate.statement, sender: member.address, signature: seal)
            let digest = commit.statement.digest(chain, validators: set.hash)
            guard scheme.signer(of: seal, over: digest) == member.address else {
                return fail(.certificate, "\(final.height) has a seal that nobody made")
            }
            checkAuthentic(SignedVote(commit))
            power += member.power
        }
        // More than two thirds, in this set's weights.
        guard 3 * power > 2 * set.totalPower else {
            return fail(
                .certificate,
                "node \(node.index) decides \(final.height) with power \(power) of "
                    + "\(set.totalPower)")
        }
    }

    /// SIM-23: no honest validator is made to say what it did not.
    private func checkAuthentic(_ vote: SignedVote) {
        guard let node = places[vote.slot.sender]?.first, nodes[node].isHonest,
            !isAlone(nodes[node], Height(vote.slot.height)),
            checks.sent[vote.slot] != vote.content
        else { return }
        fail(
            .authenticity,
            "a \(vote.slot.kind) of honest node \(node) at height \(vote.slot.height), "
                + "round \(vote.slot.round) that it never sent")
    }

    /// SIM-21, SIM-28 to SIM-31, after a node applied a decided block.
    func checkApplied(_ block: BeaconBlock, _ records: [BlockRecord], _ node: VirtualValidator) {
        guard node.isHonest else { return }
        let height = block.header.height
        checks.acknowledged[node.index] = height.value
        if height.value == checks.highest + 1, checks.forkedAt == nil {
            follow(node.chain[Int(height.value) - 1])
        }
        guard result.failure == nil, height.value <= checks.highest, checks.forkedAt == nil
        else { return }
        let expected = checks.decided[Int(height.value) - 1].roots
        guard node.ledger.roots == expected else {
            return fail(.roots, "node \(node.index) differs at height \(height)")
        }
    }

    /// The reference executes the block, and everything is counted from the facts.
    private func follow(_ final: Final) {
        let decision = Ibft.Decision(block: final.block, certificate: final.certificate)
        let block: BeaconBlock
        let records: [BlockRecord]
        do throws(LedgerFault) { (block, records) = try checks.append(decision) } catch {
            return fail(.validity, "height \(final.height) is decided and not valid: \(error)")
        }
        countSets(final.height)
        result.transactions += records.reduce(0) { $0 + $1.transactions.count }
        let clock = Scenario.start.milliseconds + now / 1000 + UInt64(scenario.drift) + 200
        if !scenario.isExcess, block.header.time.milliseconds > clock {
            fail(.validity, "height \(final.height) is ahead of every right clock")
        }
        do throws(LedgerViolation) {
            // The families' invariants after every height, where they may break.
            let isAudit = final.height.value % 4 == 0 || checks.economyOracle != nil
            try checks.ledgerChecker.check(
                records, endpoints: checks.reference.endpoints, beacon: checks.reference.beacon,
                recounting: isAudit)
        } catch { fail(error.checker, "height \(final.height): \(error)") }
        // Read first: optional members are open while their arguments are made.
        let (endpoints, set) = (checks.reference.endpoints, set(at: final.height))
        do throws(ModelViolation) {
            try checks.ledgerModel?.check(
                records, endpoints: endpoints, everything: final.height.value % 4 == 0)
            try checks.randomnessModel.check(block.header, set, beacon: checks.reference.beacon)
        } catch { fail(.execution, "height \(final.height): \(error)") }
        do throws(EconomyViolation) {
            try checks.economyOracle?.check(
                records, validators: set.addresses, endpoints: endpoints)
        } catch { fail(.economy, "height \(final.height): \(error)") }
        let elected = checks.economyOracle?.elected ?? []
        do throws(ModelViolation) {
            try checks.electionModel.check(block.header, elected: elected)
        } catch { fail(.execution, "height \(final.height): \(error)") }
        result.seeds = checks.reference.beacon.randomness.seed.number
        result.receipts = checks.ledgerChecker.consumedCount
    }

    /// The first height of another set is decided.
    private func countSets(_ height: Height) {
        guard height.value > 1 else { return }
        let (before, now) = (set(at: Height(height.value - 1)), set(at: height))
        guard before.hash != now.hash else { return }
        result.faults.add(.setChange)
        if !now.validators.contains(where: { before.contains($0.address) }) {
            result.faults.add(.setReplaced)
        }
    }

    /// SIM-21: what an honest validator builds, every honest validator finds valid.
    func checkObjection(
        _ objection: BlockObjection, _ block: ProposedBlock, _ node: VirtualValidator
    ) {
        guard node.isHonest, checks.honestBlocks.contains(block.digest) else { return }
        fail(
            .validity,
            "node \(node.index) refuses the block of an honest proposer at height "
                + "\(block.height): \(objection)")
    }

    /// IBFT-R6: nothing is signed at a height that is decided, also before that is durable.
    func checkOpen(_ records: [ConsensusRecord], _ node: VirtualValidator) {
        guard node.isHonest else { return }
        var decided = node.height.value
        for case .decision(let certificate) in node.writes.flatMap(\.records) {
            decided = max(decided, certificate.height.value)
        }
        for vote in records.compactMap(\.vote) where vote.slot.height <= decided {
            fail(
                .signatures,
                "node \(node.index) signs a \(vote.slot.kind) of height \(vote.slot.height), "
                    + "which it has decided")
        }
    }

    // MARK: Evidence (SIM-26)

    func checkEvidence(_ evidence: Evidence, _ node: VirtualValidator) {
        guard node.isHonest else { return }
        result.evidence += 1
        checks.reported[node.index].insert(
            OffenceKey(sender: evidence.offender, height: evidence.height.value))
        if let accused = places[evidence.offender]?.first, nodes[accused].isHonest {
            return fail(.evidence, "node \(node.index) accuses honest node \(accused): \(evidence)")
        }
        var cache = SignatureCache(limit: 64)
        do throws(EvidenceError) {
            try authenticator.verify(
                evidence, set: set(at: evidence.height), cache: &cache)
        } catch { fail(.evidence, "node \(node.index) reports what proves nothing: \(error)") }
    }

    /// Two PREPAREs or COMMITs that contradict each other reached one honest node while it held
    /// both heights and rounds: it has to report the sender in this very step.
    func checkReceived(_ message: Message, _ node: VirtualValidator) {
        guard node.isHonest, let vote = message.vote, node.machine.fork == nil,
            vote.slot.kind == .prepare || vote.slot.kind == .commit,
            vote.slot.sender != node.address
        else { return }
        let height = vote.slot.height
        let final = node.height.value
        guard height == final + 1 || height == final + 2 else { return }
        let round = height == final + 1 ? node.round.value : 0
        let distance = max(round, vote.slot.round) - min(round, vote.slot.round)
        guard distance <= 8, node.machine.sets[Height(height)]?.contains(vote.slot.sender) == true
        else { return }
        guard let before = checks.received[node.index][vote.slot] else {
            checks.received[node.index][vote.slot] = vote.content
            return
        }
        if before != vote.content {
            expected = (node.index, OffenceKey(sender: vote.slot.sender, height: height))
        }
    }

    func checkReported(_ node: VirtualValidator) {
        guard let (index, key) = expected, index == node.index else { return }
        expected = nil
        guard !checks.reported[index].contains(key) else { return }
        fail(.evidence, "node \(index) holds two votes of \(key.sender) and does not say so")
    }

    // MARK: Others

    /// SIM-27: what a machine and a ledger keep of undecided heights depends on the number of
    /// validators alone.
    func checkMemory(_ node: VirtualValidator) {
        // What is kept grows slowly, and counting costs.
        guard node.isHonest, result.events % 16 == 0 else { return }
        let members = scenario.addresses.count
        // Of each member and height: PREPAREs and COMMITs of 17 rounds, a PROPOSAL, a ROUND-CHANGE.
        let votes = node.inspect { $0.storedVotes }
        guard votes <= 2 * members * 36 else {
            return fail(.memory, "node \(node.index) keeps \(votes) votes")
        }
        guard node.ledger.branchCount <= 8 * members + 32 else {
            return fail(.memory, "node \(node.index) keeps \(node.ledger.branchCount) blocks")
        }
    }

    func checkFork(_ fork: Ibft.Fork, _ node: VirtualValidator) {
        guard node.isHonest else { return }
        result.halts += 1
        if !scenario.isExcess {
            fail(.fork, "node \(node.index) halts at height \(fork.height) without reason")
        }
    }

    /// SIM-32: what a node showed to others is there after every restart.
    func checkRecovered(_ decided: [Final], _ node: VirtualValidator) {
        guard node.isHonest else { return }
        if node.storage.isLost { checks.acknowledged[node.index] = 0 }
        guard UInt64(decided.count) >= checks.acknowledged[node.index] else {
            return fail(
                .recovery,
                "node \(node.index) showed height \(checks.acknowledged[node.index]) and comes "
                    + "back with \(decided.count)")
        }
        for final in decided where checks.forkedAt == nil {
            let height = Int(final.height.value)
            if height <= checks.decided.count,
                checks.decided[height - 1].digest != final.block.digest
            {
                fail(.recovery, "node \(node.index) comes back with another height \(height)")
            }
        }
    }
}

extension LedgerViolation {
    /// The checker that a violation belongs to.
    fileprivate var checker: Checker {
        switch self {
        case .state, .stateRoot: .roots
        case .invariant, .dueIndex, .slots, .streamBound: .invariants
        case .conservation, .inFlight, .burned, .minted, .overflow: .conservation
        case .numbering, .consumption, .tooEarly: .receipts
        }
    }
}
