import TallyCrypto
import TallyExecution
package import TallyPrimitives
package import TallyTransactions

/// Posts jobs whose answers it knows, as if it wanted them: who delivers something else is found out
/// (WORK-11 to WORK-14). A state machine like `WorkerCore`.
///
/// It stores nothing. Whatever looks random is a hash of a secret and of something on the ledger, so
/// after a restart an order of the account is found to be a task by computing it once more.
package struct HiddenTasks: Sendable {
    package let account: Address
    package let policy: HiddenTaskPolicy
    /// Nobody else's, and the same after a restart.
    private let secret: Hash32
    private var pending: PendingDuties
    private var computing: Set<WorkID> = []
    /// By input.
    private var outcomes: [Hash32: JobOutcome] = [:]
    /// The newest orders of others, oldest first.
    private var patterns: [OrderPattern] = []
    private var draft: Draft?
    /// The input of a task that was submitted and is not on the ledger yet.
    private var submitted: Hash32?
    private var waits: [Wait: BeaconTime] = [:]
    private var actions: [WorkerAction] = []

    /// A task that will be posted.
    private struct Draft {
        let terms: JobTerms
        let pattern: OrderPattern
        let at: BeaconTime
    }

    /// Something that a buyer takes its time for.
    private struct Wait: Hashable {
        let order: ObjectID
        let part: Part
    }

    /// What is drawn; the numbers keep the draws apart (WORK-13).
    private enum Part: UInt64 {
        case posting = 1
        case pattern, time, input, salt, acceptance, judgement
    }

    /// How many orders are remembered to look like.
    static let maximumPatterns = 16
    /// What the account keeps for its other duties: fees of this weight, of some two thousand
    /// operations.
    static let reservedWeight: Weight = 100_000_000

    package init(account: Address, secret: Hash32, policy: HiddenTaskPolicy) {
        self.account = account
        self.secret = secret
        self.policy = policy
        pending = PendingDuties(patience: policy.patience)
    }

    /// What is to be done now.
    package mutating func advance(_ view: HiddenTaskView) -> [WorkerAction] {
        pending.advance(to: view.height)
        let isBusy = follow(view)
        if isBusy { draft = nil }
        for pattern in view.posted { learn(pattern, isBusy: isBusy, view) }
        post(view)
        forget(view)
        defer { actions = [] }
        return actions
    }

    /// Takes the outcome of work that was asked for.
    package mutating func finish(_ work: FinishedWork) {
        guard computing.remove(work.id) != nil else { return }
        switch work {
        case .round, .job: break
        case .task(let input, let outcome): outcomes[input] = outcome
        }
    }

    /// Work that was asked for will not be done: it is asked for again if it still matters.
    package mutating func abandon(_ id: WorkID) { computing.remove(id) }

    /// An operation was not taken: it is said again if it still matters.
    package mutating func refused(_ operation: Operation) { pending.release(operation) }

    private mutating func submit(_ duty: Duty, _ operation: JobOperation, _ view: HiddenTaskView) {
        guard !pending.contains(duty) else { return }
        pending.add(duty, .job(operation), at: view.height)
        actions.append(.submit(.job(operation)))
    }

    // MARK: Secrets

    // WORK-13
    private func drawn(_ part: Part, _ subject: Hash32) -> Hash32 {
        SHA256.hash(.hiddenTask) {
            $0.update(secret)
            $0.update(part.rawValue)
            $0.update(subject)
        }
    }

    private func number(_ part: Part, _ subject: Hash32, below bound: UInt64) -> UInt64 {
        bound == 0 ? 0 : drawn(part, subject).words.0 % bound
    }

    private func seal(_ result: Hash32, _ input: Hash32) -> Hash32 {
        JobOrder.seal(answer: result, salt: drawn(.salt, input))
    }

    // MARK: Posting

    // WORK-11: an order of somebody else may lead to one of our own, that looks like one of the last.
    private mutating func learn(
        _ pattern: OrderPattern, isBusy: Bool, _ view: HiddenTaskView
    ) {
        guard pattern.id.owner != account, isUsable(pattern) else { return }
        patterns.append(pattern)
        if patterns.count > Self.maximumPatterns { patterns.removeFirst() }
        let subject = pattern.id.word
        guard !isBusy, draft == nil, submitted == nil,
            number(.posting, subject, below: 10_000) < UInt64(policy.shareBps)
        else { return }
        let place = number(.pattern, subject, below: UInt64(patterns.count))
        let model = patterns[Int(place)]
        let delay = number(.time, subject, below: model.bidding)
        draft = Draft(
            terms: model.terms.task(input: drawn(.input, subject)), pattern: model,
            at: view.time + delay)
    }

    private func isUsable(_ pattern: OrderPattern) -> Bool {
        pattern.escrow <= policy.maximumEscrow && pattern.bidding > 0
            && pattern.terms.isCheckable(by: policy.programs)
    }

    private mutating func post(_ view: HiddenTaskView) {
        guard let draft, let outcome = outcome(of: draft.terms) else { return }
        guard view.time >= draft.at else { return }
        self.draft = nil
        // WORK-12
        guard let result = outcome.result, canSpend(draft.pattern.escrow, view) else { return }
        let input = draft.terms.input
        submitted = input
        let terms = draft.terms.sealed(
            by: seal(result, input), bidsUntil: view.time + draft.pattern.bidding)
        submit(.postTask(input: input), .postJob(terms, escrow: draft.pattern.escrow), view)
    }

    private func canSpend(_ escrow: Amount, _ view: HiddenTaskView) -> Bool {
        guard let reserve = view.fee.multiplied(by: Self.reservedWeight),
            let free = view.balance.subtracting(reserve)
        else { return false }
        return escrow <= free
    }

    /// The outcome, or `nil` while it, or another one, is being computed.
    private mutating func outcome(of terms: JobTerms) -> JobOutcome? {
        if let outcome = outcomes[terms.input] { return outcome }
        guard computing.isEmpty else { return nil }
        let work = Work.task(terms)
        computing.insert(work.id)
        actions.append(.compute(work))
        return nil
    }

    // MARK: Orders

    /// Does what a buyer does for those of the account's orders that are tasks.
    /// - Returns: whether there is one, or may be one.
    private mutating func follow(_ view: HiddenTaskView) -> Bool {
        var isBusy = false
        for order in view.orders.sorted(by: { $0.id < $1.id }) {
            guard order.payer == account, order.terms.isCheckable(by: policy.programs) else {
                continue
            }
            guard let outcome = outcome(of: order.terms) else {
                isBusy = true
                continue
            }
            // WORK-14: another seal is of an order that the operator posted for itself.
            guard let result = outcome.result,
                seal(result, order.terms.input) == order.terms.sealed
            else { continue }
            isBusy = true
            act(order, result, view)
        }
        return isBusy
    }

    private mutating func act(_ order: JobOrder, _ result: Hash32, _ view: HiddenTaskView) {
        switch order.state {
        case .closed: return
        case .open: accept(order, view)
        case .active(let lease):
            switch lease.state {
            case .working, .renting, .insufficientFunds: return
            case .delivered(let delivery): judge(order, delivery, result, view)
            }
        }
    }

    private mutating func accept(_ order: JobOrder, _ view: HiddenTaskView) {
        let bids = (view.bids[order.id] ?? []).filter {
            $0.state == .open && $0.bidder != account && $0.price <= order.terms.price
        }
        guard view.time < order.terms.bidsUntil,
            let best = bids.min(by: { ($0.price, $0.id) < ($1.price, $1.id) }),
            isTime(.acceptance, order.id, before: order.terms.bidsUntil, view)
        else { return }
        submit(
            .acceptBid(order.id, bid: best.id), .acceptBid(order: order.id, bid: best.id), view)
    }

    private mutating func judge(
        _ order: JobOrder, _ delivery: JobDelivery, _ result: Hash32, _ view: HiddenTaskView
    ) {
        switch delivery.check {
        // Arbiters decide.
        case .disputed, .voting: return
        case .unsampled, .passed: break
        }
        guard delivery.result != result else {
            guard isTime(.judgement, order.id, before: delivery.disputableUntil, view) else {
                return
            }
            return submit(.judge(order.id), .acceptResult(order: order.id), view)
        }
        guard view.time < delivery.disputableUntil else { return }
        submit(
            .judge(order.id),
            .reveal(order: order.id, answer: result, salt: drawn(.salt, order.terms.input)), view)
    }

    /// Whether as much has passed since this was first asked as was drawn: less than half of the time
    /// that there was.
    private mutating func isTime(
        _ part: Part, _ order: ObjectID, before end: BeaconTime, _ view: HiddenTaskView
    ) -> Bool {
        let wait = Wait(order: order, part: part)
        let since = waits[wait] ?? view.time
        waits[wait] = since
        let (now, start) = (view.time.milliseconds, since.milliseconds)
        let span = end.milliseconds > start ? end.milliseconds - start : 0
        return now >= start && now - start >= number(part, order.word, below: span / 2)
    }

    /// Forgets what is neither on the ledger nor on its way.
    private mutating func forget(_ view: HiddenTaskView) {
        let inputs = Set(view.orders.map(\.terms.input))
        if let input = submitted,
            inputs.contains(input) || !pending.contains(.postTask(input: input))
        {
            submitted = nil
        }
        outcomes = outcomes.filter {
            inputs.contains($0.key) || $0.key == draft?.terms.input || $0.key == submitted
        }
        let ids = Set(view.orders.map(\.id))
        waits = waits.filter { ids.contains($0.key.order) }
    }
}

extension JobTerms {
    /// Whether a result of the order can be compared with an answer: of a built-in program, at a fixed
    /// price.
    fileprivate func isCheckable(by programs: RunnablePrograms) -> Bool {
        guard pricing == .fixed else { return false }
        switch program {
        case .hashChain, .matrixProduct: return programs.canRun(self)
        case .listed: return false
        }
    }

    /// The same with another input.
    fileprivate func task(input: Hash32) -> JobTerms {
        JobTerms(
            program: program, pricing: pricing, input: input, sealed: sealed, price: price,
            bidsUntil: bidsUntil, duration: duration, spec: spec)
    }

    /// The same with another seal and end of bidding.
    fileprivate func sealed(by seal: Hash32, bidsUntil: BeaconTime) -> JobTerms {
        JobTerms(
            program: program, pricing: pricing, input: input, sealed: seal, price: price,
            bidsUntil: bidsUntil, duration: duration, spec: spec)
    }
}

/// A later time; the last one there is when it would be later.
private func + (time: BeaconTime, milliseconds: UInt64) -> BeaconTime {
    let (sum, overflow) = time.milliseconds.addingReportingOverflow(milliseconds)
    return BeaconTime(milliseconds: overflow ? .max : sum)
}
