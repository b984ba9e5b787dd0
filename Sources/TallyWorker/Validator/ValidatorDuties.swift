import TallyCrypto
import TallyExecution
package import TallyPrimitives
package import TallyTransactions

/// What a validator's account owes besides blocks: attestations, verdicts, signs of life. A state
/// machine like `WorkerCore`.
package struct ValidatorDuties: Sendable {
    package let account: Address
    /// What it runs as an arbiter; of everything else it abstains.
    package let programs: RunnablePrograms
    /// Nobody else's. The same after a restart, so that what was committed can be revealed.
    private let secret: Hash32
    private var pending: PendingDuties
    private var computing: Set<WorkID> = []
    private var outcomes: [ObjectID: JobOutcome] = [:]
    private var actions: [WorkerAction] = []

    /// - Parameter patience: heights after which what is not seen counts as lost.
    package init(
        account: Address, secret: Hash32, programs: RunnablePrograms, patience: UInt64 = 30
    ) {
        self.account = account
        self.secret = secret
        self.programs = programs
        pending = PendingDuties(patience: patience)
    }

    /// What is to be done now.
    package mutating func advance(_ view: ValidatorView) -> [WorkerAction] {
        pending.advance(to: view.height)
        attest(view)
        vote(view)
        beat(view)
        defer { actions = [] }
        return actions
    }

    /// Takes the outcome of work that was asked for.
    package mutating func finish(_ work: FinishedWork) {
        guard computing.remove(work.id) != nil else { return }
        switch work {
        case .round, .task: break
        case .job(let order, let outcome): outcomes[order] = outcome
        }
    }

    /// Work that was asked for will not be done: it is asked for again if it still matters.
    package mutating func abandon(_ id: WorkID) { computing.remove(id) }

    /// An operation was not taken: it is said again if it still matters.
    package mutating func refused(_ operation: Operation) { pending.release(operation) }

    private mutating func submit(_ duty: Duty, _ operation: Operation, _ view: ValidatorView) {
        guard !pending.contains(duty) else { return }
        pending.add(duty, operation, at: view.height)
        actions.append(.submit(operation))
    }

    // MARK: Rounds

    // WORK-8
    private mutating func attest(_ view: ValidatorView) {
        let owed = view.rounds.compactMap { attestation(of: $0, view) }.sorted {
            ($0.node, $0.round) < ($1.node, $1.round)
        }.filter { !pending.contains(.attest(node: $0.node, round: $0.round)) }
        for shard in view.layout.shards {
            var rest = owed.filter { view.layout.home(of: $0.node) == shard }[...]
            while !rest.isEmpty {
                let batch = Array(rest.prefix(ProofOperation.maximumAttestations))
                rest = rest.dropFirst(batch.count)
                let operation = Operation.proof(.attest(batch))
                for entry in batch {
                    pending.add(
                        .attest(node: entry.node, round: entry.round), operation,
                        at: view.height)
                }
                actions.append(.submit(operation))
            }
        }
    }

    private func attestation(of round: ProofRound, _ view: ValidatorView) -> ProofAttestation? {
        let (opening, commitment, draw, deadline):
            (
                RoundOpening, RoundCommitment, RoundDraw, BeaconTime
            )
        switch round.state {
        case .idle, .bound, .open, .committed: return nil
        case .drawn(let theOpening, let theCommitment, let theDraw):
            (opening, commitment, draw, deadline) = (
                theOpening, theCommitment, theDraw, theDraw.deadline
            )
        case .revealed(let theOpening, let theCommitment, let theDraw, let end):
            (opening, commitment, draw, deadline) = (theOpening, theCommitment, theDraw, end)
        }
        guard view.time < deadline,
            let mine = draw.attesters.first(where: { $0.address == account }),
            mine.milliseconds == nil
        else { return nil }
        let name = RoundName(node: round.node, number: round.number)
        let (start, end) = (opening.at.milliseconds, commitment.at.milliseconds)
        let milliseconds = view.observed[name] ?? (end > start ? end - start : 0)
        return ProofAttestation(
            node: round.node, round: round.number, milliseconds: max(milliseconds, 1))
    }

    // MARK: Verdicts

    // WORK-9
    private mutating func vote(_ view: ValidatorView) {
        var current: Set<ObjectID> = []
        for order in view.orders.sorted(by: { $0.id < $1.id }) {
            guard case .active(let lease) = order.state,
                case .delivered(let delivery) = lease.state,
                case .voting(let vote) = delivery.check,
                let ballot = vote.ballots.first(where: { $0.arbiter == account })
            else { continue }
            current.insert(order.id)
            cast(order, vote, ballot.vote, view)
        }
        outcomes = outcomes.filter { current.contains($0.key) }
    }

    private mutating func cast(
        _ order: JobOrder, _ vote: JobVote, _ ballot: JobBallot.Vote, _ view: ValidatorView
    ) {
        let rule = view.economy.jobs
        let isFirstHalf = view.time < vote.middle(rule)
        switch ballot {
        case .revealed: return
        case .none:
            guard isFirstHalf, let result = result(of: order) else { return }
            let commitment = JobOrder.verdict(
                order: order.id, arbiter: account, result: result,
                salt: salt(of: order.id, vote))
            submit(
                .commitVerdict(order.id, began: vote.began),
                .job(.commitVerdict(order: order.id, commitment: commitment)), view)
        case .committed(let commitment):
            guard view.time < vote.end(rule), let result = result(of: order), !isFirstHalf
            else { return }
            let salt = salt(of: order.id, vote)
            let own = JobOrder.verdict(
                order: order.id, arbiter: account, result: result, salt: salt)
            // Another commitment is one of another secret, or of another machine's result.
            guard own == commitment else { return }
            submit(
                .revealVerdict(order.id, began: vote.began),
                .job(.revealVerdict(order: order.id, result: result, salt: salt)), view)
        }
    }

    /// The result, or `nil` while it is being computed, or cannot be.
    private mutating func result(of order: JobOrder) -> Hash32? {
        if let outcome = outcomes[order.id] { return outcome.result }
        guard programs.canRun(order.terms) else { return nil }
        let work = Work.job(order.id, order.terms)
        if computing.insert(work.id).inserted { actions.append(.compute(work)) }
        return nil
    }

    /// Of one vote: revealed in an earlier one of the order, it would tell the verdict (WORK-9).
    private func salt(of order: ObjectID, _ vote: JobVote) -> Hash32 {
        SHA256.hash(.jobSalt) {
            $0.update(secret)
            $0.update(order.word)
            $0.update(vote.began.milliseconds)
        }
    }

    // MARK: Signs of life

    // WORK-10
    private mutating func beat(_ view: ValidatorView) {
        guard let stake = view.stake, stake.owner == account, stake.isActive,
            view.time < stake.until
        else { return }
        let rule =
            switch stake.role {
            case .validator: view.economy.validators
            case .router: view.economy.routers
            }
        let (now, last) = (view.time.milliseconds, stake.lastSeen.milliseconds)
        guard now >= last, now - last >= rule.penaltyStepMilliseconds / 3 else { return }
        submit(.heartbeat(after: stake.lastSeen), .validator(.heartbeat), view)
    }
}
