import TallyPrimitives
import TallyState
import TallyTransactions

// ROUND-3: what time does to rounds. One entry of the due queue drives each node's.

extension BlockExecutor {
    /// How long to wait for a seed before looking again, in milliseconds.
    private static let seedWait: UInt64 = 1_000

    /// Begins the rounds of a node that was just registered. The first is at once.
    mutating func beginRounds(of node: inout ComputeNode) throws(ExecutionError) {
        var round = ProofRound(
            node: node.owner, number: node.rounds, state: .idle(next: context.time), entry: 0,
            last: nil)
        try bind(&round, &node)
        try store(round)
    }

    /// Ends them. The entry that is queued will find nothing to do.
    mutating func endRounds(of node: Address) throws(ExecutionError) {
        try state.set(ProofRound.objectKey(of: node), nil)
    }

    /// Runs an entry whose time has come.
    mutating func run(_ due: ProofDue, _ entry: DueEntry) throws(ExecutionError) {
        switch due {
        case .step(let owner):
            guard var round = try round(of: owner), round.entry == entry.key.sequence else {
                return
            }
            guard var node = try node(of: owner) else {
                throw .invariant("rounds of \(owner), which is no node")
            }
            try step(&round, &node)
        }
    }

    private mutating func step(
        _ round: inout ProofRound, _ node: inout ComputeNode
    ) throws(ExecutionError) {
        switch round.state {
        case .idle:
            try bind(&round, &node)
            try store(node)
            try store(round)
        case .bound(let drawFrom):
            if context.seed.number >= drawFrom {
                try open(&round)
            } else {
                try queueStep(of: &round, after: Self.seedWait)
            }
            try store(round)
        case .committed(let opening, let commitment):
            if context.seed.number >= commitment.drawFrom {
                try draw(&round, opening, commitment)
            } else {
                try queueStep(of: &round, after: Self.seedWait)
            }
            try store(round)
        case .open(let opening), .drawn(let opening, _, _):
            try miss(&round, &node, opening)
        case .revealed(let opening, _, let draw, let deadline):
            if context.time < deadline {
                try queueStep(of: &round, at: deadline)
                try store(round)
            } else {
                try measure(&round, &node, opening, draw)
            }
        }
    }

    /// Binds the node to its next round: the challenge is a seed's that nobody knows now.
    private mutating func bind(
        _ round: inout ProofRound, _ node: inout ComputeNode
    ) throws(ExecutionError) {
        node.rounds += 1
        round.number = node.rounds
        round.state = .bound(drawFrom: context.seed.nextDraw)
        try queueStep(of: &round, after: Self.seedWait)
    }

    private mutating func open(_ round: inout ProofRound) throws(ExecutionError) {
        let deadline = ComputeNode.time(
            context.time, plus: try economy().rounds.commitMilliseconds)
        let opening = RoundOpening(
            seed: context.seed.value, at: context.time, deadline: deadline)
        round.state = .open(opening)
        try queueStep(of: &round, at: deadline)
        emit(
            .opened(round.node, round: round.number, seed: opening.seed, deadline: deadline))
    }

    // ROUND-5: what is opened, and who attests. Nobody attests their own node.
    private mutating func draw(
        _ round: inout ProofRound, _ opening: RoundOpening, _ commitment: RoundCommitment
    ) throws(ExecutionError) {
        let rule = try economy().rounds
        let deadline = ComputeNode.time(context.time, plus: rule.revealMilliseconds)
        let others = context.validators.filter { $0 != round.node }
        let attesters = ValidatorDraw.draw(
            Int(rule.attesters), of: others, seed: context.seed.value,
            subject: round.challenge(opening, task: rule.task).id)
        let draw = RoundDraw(
            seed: context.seed.value, deadline: deadline,
            attesters: attesters.map { RoundAttester(address: $0) })
        round.state = .drawn(opening, commitment, draw)
        try queueStep(of: &round, at: deadline)
        emit(.drawn(round.node, round: round.number, seed: draw.seed, deadline: deadline))
    }

    private mutating func miss(
        _ round: inout ProofRound, _ node: inout ComputeNode, _ opening: RoundOpening
    ) throws(ExecutionError) {
        emit(.missed(round.node, round: round.number))
        try noteMissed(&node)
        try store(node)
        guard !node.state.isRetired else { return }
        try finish(&round, opening, .missed)
    }

    // ROUND-8
    private mutating func measure(
        _ round: inout ProofRound, _ node: inout ComputeNode, _ opening: RoundOpening,
        _ draw: RoundDraw
    ) throws(ExecutionError) {
        guard let (milliseconds, power) = try measurement(draw) else {
            emit(.void(round.node, round: round.number))
            try finish(&round, opening, .void)
            return
        }
        emit(
            .measured(round.node, round: round.number, milliseconds: milliseconds, power))
        try notePassed(&node, power)
        try store(node)
        try finish(&round, opening, .attested(milliseconds: milliseconds, power))
    }

    /// The median of what was attested and the power it shows; `nil` if too few did.
    private func measurement(
        _ draw: RoundDraw
    ) throws(ExecutionError) -> (milliseconds: UInt64, ComputePower)? {
        let times = draw.times
        guard times.count >= draw.quorum else { return nil }
        let reference = try economy().referenceMilliseconds
        do throws(EconomyError) {
            let median = try AttestedTime.median(ofMilliseconds: times)
            let power = try ComputePower(
                referenceMilliseconds: reference, proofMilliseconds: median)
            return (median, power)
        } catch { return nil }
    }

    private mutating func finish(
        _ round: inout ProofRound, _ opening: RoundOpening, _ outcome: RoundOutcome
    ) throws(ExecutionError) {
        let every = try economy().rounds.everyMilliseconds
        let next = max(ComputeNode.time(opening.at, plus: every), context.time)
        round.state = .idle(next: next)
        round.last = outcome
        try queueStep(of: &round, at: next)
        try store(round)
    }

    private mutating func queueStep(
        of round: inout ProofRound, after milliseconds: UInt64
    ) throws(ExecutionError) {
        try queueStep(of: &round, at: ComputeNode.time(context.time, plus: milliseconds))
    }

    private mutating func queueStep(
        of round: inout ProofRound, at time: BeaconTime
    ) throws(ExecutionError) {
        round.entry = try enqueue(
            .proof(.step(node: round.node)), value: .zero, at: time, to: context.endpoint)
    }
}
