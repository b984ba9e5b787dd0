package import TallyPrimitives

/// PREPARE, COMMIT and decision.
extension Ibft {
    // IBFT-R3, IBFT-R4: once a round, for the proposal of the round we are in.
    mutating func prepare() -> Bool {
        guard isVoting, current.own.prepared.map({ $0.round < current.round }) ?? true,
            let proposal = current.proposal(current.round),
            proposal.block.parent == head.digest,
            proposal.block.timestamp >= head.timestamp, isValid(proposal)
        else { return false }
        let statement = PrepareStatement(
            height: current.height, round: current.round, digest: proposal.block.digest)
        let prepare = sign(statement, current.set)
        current.own.prepared = PreparedReport(round: current.round, digest: statement.digest)
        persist([.prepare(prepare)], then: .send(.prepare(prepare)))
        return true
    }

    /// Asks for a verdict where there is none yet.
    private mutating func isValid(_ proposal: Proposal) -> Bool {
        // IBFT-R15: what a quorum prepared has passed the clocks of honest validators.
        let request = ValidationRequest(
            height: current.height, digest: proposal.block.digest,
            checksClock: proposal.justification?.certificate == nil)
        if let verdict = current.verdicts[request] { return verdict == .valid }
        if current.asked.insert(request).inserted {
            effects.append(.validate(request, proposal.block))
        }
        return false
    }

    mutating func validated(_ request: ValidationRequest, _ verdict: Verdict) {
        guard request.height == current.height, current.asked.remove(request) != nil else {
            return
        }
        current.verdicts[request] = verdict
        if verdict == .valid { assumeValid(request.digest, exceptClock: !request.checksClock) }
    }

    /// What passes with the clock passes without it.
    mutating func assumeValid(_ digest: Hash32, exceptClock: Bool = false) {
        for checksClock in exceptClock ? [false] : [false, true] {
            let request = ValidationRequest(
                height: current.height, digest: digest, checksClock: checksClock)
            current.verdicts[request] = .valid
        }
    }

    // IBFT-R5
    mutating func commit() -> Bool {
        guard isVoting, current.own.committed.map({ $0.round < current.round }) ?? true,
            let certificate = current.prepared, certificate.round == current.round,
            current.own.prepared == certificate.report
        else { return false }
        let statement = CommitStatement(
            height: current.height, round: current.round, digest: certificate.digest)
        let commit = sign(statement, current.set)
        current.own.committed = certificate.report
        persist(
            body(certificate.digest) + [.commit(commit, certificate)], then: .send(.commit(commit)))
        return true
    }

    // MARK: Decision

    // IBFT-R6: of any round, whatever we are doing.
    mutating func decide() -> Bool {
        guard current.decision == nil, current.height > head.height, fork == nil,
            let commits = current.votes.committedQuorum()
        else { return false }
        let statement = commits[0].statement
        guard let block = current.blocks[statement.digest] else {
            request(statement.digest, from: commits.map(\.sender))
            return false
        }
        decide(block, FinalCertificate(statement, commits, set: current.set))
        return true
    }

    // IBFT-R9: block and seals before anything that follows from them.
    private mutating func decide(_ block: ProposedBlock, _ certificate: FinalCertificate) {
        guard block.parent == head.digest else {
            halt(Fork(height: block.height, decided: head.digest, other: certificate))
            return
        }
        current.keep(block)
        let decision = Decision(block: block, certificate: certificate)
        current.decision = decision
        persist(body(block.digest) + [.decision(certificate)], then: .decide(decision))
    }

    /// Catching up: the same decision, by the seals of others (IBFT-R14).
    mutating func receive(_ final: Final) {
        if final.height <= head.height {
            let known = final.height == head.height ? head.digest : nil
            if let decided = recent[final.height]?.digest ?? known,
                decided != final.certificate.digest
            {
                halt(Fork(height: final.height, decided: decided, other: final.certificate))
            }
            refuse(.final(final), .heightPast(final.height))
        } else if final.height > current.height {
            refuse(.final(final), .heightAhead(final.height))
            learnOfFinal(final.height, from: nil)
        } else if current.decision == nil {
            hints.bringFinal()
            noticeLoss(by: final.certificate)
            decide(final.block, final.certificate)
        } else {
            refuse(.final(final), .duplicate)
        }
    }

    /// More than F power broke the rules: nothing that follows can be relied on.
    private mutating func halt(_ fork: Fork) {
        self.fork = fork
        effects.append(.halt(fork))
    }

    /// The decision is durable.
    mutating func finish(_ decision: Decision) {
        let height = decision.block.height
        head = Head(
            height: height, digest: decision.block.digest, timestamp: decision.block.timestamp)
        effects.append(.decide(decision))
        var decided = DecidedHeight(decision.certificate, current.set, current.offences)
        for commit in current.votes.commits where decided.insert(commit).0 == .new {
            effects.append(.lateSeal(commit))
        }
        recent[height] = decided
        let oldest = height.value - min(height.value, ValidatorSets.recentHeights)
        recent = recent.filter { $0.key.value >= oldest }
        sets.forget(below: Height(oldest))
        guardian.forget(through: height)
        advance()
    }

    /// Opens the height above the head, once its validator set is known (IBFT-R13).
    private mutating func advance() {
        guard current.height == head.height, let state = next else { return }
        current = state
        next = sets[state.height.next].map { HeightState(state.height.next, $0) }
        hints.pass(head.height, current.set)
        reviewBuilding()
        effects.append(.schedule(.heartbeat(current.height), after: configuration.heartbeat))
    }

    /// The owner executed a block, which fixes the set two heights later.
    mutating func applied(_ height: Height, _ set: ValidatorSet) {
        let target = height.next.next
        guard target > head.height, sets[target] == nil else { return }
        sets.insert(set, for: target)
        if next == nil, target == current.height.next { next = HeightState(target, set) }
        advance()
    }

    /// Committed seals of a recent height, late ones included, by ascending sender: for headers and
    /// for who is absent (IBFT-R13). Empty for heights long past.
    package func seals(of height: Height) -> [Commit] { recent[height]?.seals ?? [] }
}

/// A height of which seals may still come.
struct DecidedHeight: Sendable {
    let digest: Hash32
    /// One of each sender.
    private var bySender: [Address: Commit] = [:]
    private var offences: ReportedOffences

    init(
        _ certificate: FinalCertificate, _ set: ValidatorSet,
        _ offences: ReportedOffences = ReportedOffences()
    ) {
        digest = certificate.digest
        self.offences = offences
        for commit in certificate.commits(set) { bySender[commit.sender] = commit }
    }

    var seals: [Commit] { bySender.values.sorted { $0.sender < $1.sender } }

    /// - Returns: whether it is the first seal of its sender, or contradicts it, and what is to be
    ///   reported.
    mutating func insert(_ commit: Commit) -> (Outcome, [Evidence]) {
        let held = bySender[commit.sender]
        if let held, held.round == commit.round, held.statement != commit.statement {
            return (.contradiction, offences.news([.commits(Contradiction(held, commit))]))
        }
        guard held == nil, commit.statement.digest == digest else { return (.past, []) }
        bySender[commit.sender] = commit
        return (.new, [])
    }

    enum Outcome {
        case new
        case past
        case contradiction
    }
}
