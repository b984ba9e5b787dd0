import TallyExecution
package import TallyPrimitives
package import TallyTransactions

/// What a compute node does: registers, answers rounds, bids, delivers, claims. A state machine that
/// knows no time, network or thread; whoever drives it gives it views and finished work, and does
/// what it asks for.
///
/// It stores nothing: what it forgets in a restart it computes again (WORK-6).
package struct WorkerCore: Sendable {
    package let account: Address
    package var policy: WorkerPolicy
    private var pending: PendingDuties
    private var computing: Set<WorkID> = []
    /// Of the challenge at hand.
    private var answer: (challenge: Hash32, answer: any RoundAnswer)?
    private var outcomes: [ObjectID: JobOutcome] = [:]
    private var actions: [WorkerAction] = []

    package init(account: Address, policy: WorkerPolicy) {
        self.account = account
        self.policy = policy
        pending = PendingDuties(patience: policy.patience)
    }

    /// What is to be done now, the most urgent first.
    package mutating func advance(_ view: WorkerView) -> [WorkerAction] {
        pending.advance(to: view.height)
        register(view)
        answerRound(view)
        let orders = view.orders.sorted { $0.id < $1.id }
        deliver(orders, view)
        bid(orders, view)
        claim(view)
        defer { actions = [] }
        return actions
    }

    /// Takes the outcome of work that was asked for.
    package mutating func finish(_ work: FinishedWork) {
        guard computing.remove(work.id) != nil else { return }
        switch work {
        case .round(let challenge, let answer): self.answer = (challenge, answer)
        case .job(let order, let outcome): outcomes[order] = outcome
        case .task: break
        }
    }

    /// Work that was asked for will not be done: it is asked for again if it still matters.
    package mutating func abandon(_ id: WorkID) { computing.remove(id) }

    /// An operation was not taken: it is said again if it still matters.
    package mutating func refused(_ operation: Operation) { pending.release(operation) }

    private mutating func submit(_ duty: Duty, _ operation: Operation, _ view: WorkerView) {
        guard !pending.contains(duty) else { return }
        pending.add(duty, operation, at: view.height)
        actions.append(.submit(operation))
    }

    private mutating func compute(_ work: Work) {
        guard computing.insert(work.id).inserted else { return }
        actions.append(.compute(work))
    }

    // MARK: The node

    private mutating func register(_ view: WorkerView) {
        guard let registration = policy.registration, view.node?.state.isRetired ?? true else {
            return
        }
        let operation = NodeOperation.register(key: registration.key, spec: registration.spec)
        submit(.register, .node(operation), view)
    }

    private mutating func claim(_ view: WorkerView) {
        guard let least = policy.claimFrom, !view.rewards.isZero, view.rewards >= least else {
            return
        }
        submit(.claimRewards, .node(.claimRewards), view)
    }

    // WORK-6
    private mutating func answerRound(_ view: WorkerView) {
        guard let round = view.round, round.node == account else { return }
        let task = view.economy.rounds.task
        switch round.state {
        case .idle, .bound, .revealed: answer = nil
        case .open(let opening):
            guard view.time < opening.deadline else { return }
            let challenge = round.challenge(opening, task: task)
            guard let answer = known(challenge) else { return }
            submit(
                .commit(challenge: challenge.id),
                .proof(.commit(round: round.number, root: answer.root)), view)
        case .committed(let opening, _):
            _ = known(round.challenge(opening, task: task))
        case .drawn(let opening, let commitment, let draw):
            guard view.time < draw.deadline else { return }
            let challenge = round.challenge(opening, task: task)
            // Another root is another machine's, with another answer: nothing can be opened.
            guard let answer = known(challenge), answer.root == commitment.root else { return }
            let items = challenge.draw(
                seed: draw.seed, of: ProofCommitment(root: commitment.root))
            submit(
                .reveal(challenge: challenge.id),
                .proof(
                    .reveal(
                        round: round.number, weight: task.weight,
                        opening: answer.opening(items).encoded)), view)
        }
    }

    /// The answer, or `nil` while it is being computed.
    private mutating func known(_ challenge: ProofChallenge) -> (any RoundAnswer)? {
        if let answer, answer.challenge == challenge.id { return answer.answer }
        compute(.round(challenge))
        return nil
    }

    // MARK: Jobs

    // WORK-7
    private mutating func deliver(_ orders: [JobOrder], _ view: WorkerView) {
        var current: Set<ObjectID> = []
        for order in orders {
            guard case .active(let lease) = order.state, lease.provider == account,
                case .working(let deadline) = lease.state
            else { continue }
            current.insert(order.id)
            guard view.time < deadline else { continue }
            guard let outcome = outcomes[order.id] else {
                if policy.programs.canRun(order.terms) {
                    compute(.job(order.id, order.terms))
                }
                continue
            }
            // Without a result there is nothing to say: the bond is lost at the deadline.
            guard let result = outcome.result else { continue }
            submit(.deliver(order.id), .job(.deliver(order: order.id, result: result)), view)
        }
        outcomes = outcomes.filter { current.contains($0.key) }
    }

    // WORK-7
    private mutating func bid(_ orders: [JobOrder], _ view: WorkerView) {
        var engaged = orders.count { isEngaged(in: $0) }
        var money = view.balance.subtracting(policy.reserve) ?? .zero
        for order in orders where engaged < policy.maximumLeases && isWanted(order, view) {
            guard let price = policy.price(of: order.terms.pricing), !price.isZero,
                price <= order.terms.price,
                let bond = JobOrder.bond(price, order.terms, view.economy.jobs),
                let rest = money.subtracting(bond)
            else { continue }
            money = rest
            engaged += 1
            submit(
                .bid(order.id), .job(.placeBid(order: order.id, price: price, bond: bond)),
                view)
        }
    }

    /// Whether the order takes a place: a bid, seen or not, or a lease.
    private func isEngaged(in order: JobOrder) -> Bool {
        switch order.state {
        case .closed: return false
        case .open(let bids):
            return bids.contains { $0.owner == account } || pending.contains(.bid(order.id))
        case .active(let lease):
            guard lease.provider == account else { return false }
            switch lease.state {
            case .working, .renting, .insufficientFunds: return true
            case .delivered: return false
            }
        }
    }

    private func isWanted(_ order: JobOrder, _ view: WorkerView) -> Bool {
        guard case .open(let bids) = order.state, bids.count < JobOrder.maximumBids,
            view.time < order.terms.bidsUntil, order.payer != account,
            order.terms.duration >= policy.shortestDuration, !isEngaged(in: order)
        else { return false }
        return policy.programs.canRun(order.terms)
    }
}
