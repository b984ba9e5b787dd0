import TallyPrimitives
import TallyState
import TallyTransactions

extension JobOperation {
    /// Where the operation is handled: on the payer's shard (JOB-1).
    func home(of sender: Address) -> OperationHome {
        order.map { .owner($0.owner) } ?? .sender
    }
}

extension BlockExecutor {
    /// Handles an operation whose value has been taken from its sender: all of its effects, or none
    /// and the reason.
    mutating func handle(
        _ operation: JobOperation, _ call: FamilyCall
    ) throws(ExecutionError) -> ExecutionFailure? {
        guard let id = operation.order else {
            guard case .postJob(let terms, _) = operation else {
                throw .invariant("an operation of the Job family without an order")
            }
            return try postJob(terms, call)
        }
        guard let order = try jobOrder(id) else { return .job(.unknownOrder) }
        switch operation {
        case .postJob: return .malformed
        case .placeBid(_, let price, _): return try placeBid(order, price, call)
        case .withdrawBid: return try withdrawBid(order, call)
        case .acceptBid(_, let bid): return try acceptBid(order, bid, call)
        case .closeOrder: return try closeOrder(order, call)
        case .deliver(_, let result): return try deliver(order, result, call)
        case .reveal(_, let answer, let salt):
            return try reveal(order, answer: answer, salt: salt, call)
        case .acceptResult: return try acceptResult(order, call)
        case .dispute: return try dispute(order, call)
        case .commitVerdict(_, let commitment):
            return try commitVerdict(order, commitment, call)
        case .revealVerdict(_, let result, let salt):
            return try revealVerdict(order, result: result, salt: salt, call)
        case .settle: return try settle(order, call)
        case .topUp: return try topUp(order, call)
        case .closeLease: return try closeLease(order, call)
        }
    }

    /// Runs an entry whose time has come.
    mutating func run(_ due: JobDue, _ entry: DueEntry) throws(ExecutionError) {
        switch due {
        case .timer(let id, let step):
            // JOB-6: an entry that is not the newest of its order has nothing to do.
            guard let order = try jobOrder(id), order.timer.step == step else { return }
            let rule = try economy().jobs
            guard order.deadline(now: context.time, rule) != nil else { return }
            var changed = order
            _ = try advance(&changed, origin: .zero)
            if let next = changed.deadline(now: context.time, rule) {
                changed.timer.at = next
                try queueTimer(changed)
            }
            try put(changed, was: order, rule)
        }
    }

    /// Does what is due of an order (JOB-6).
    /// - Returns: whether anything was.
    mutating func advance(
        _ order: inout JobOrder, origin: Hash32
    ) throws(ExecutionError) -> Bool {
        let now = context.time
        switch order.state {
        case .closed: return false
        case .open:
            guard now >= order.terms.bidsUntil else { return false }
            try close(&order, .expired, bidsEnd: .expired, origin)
            return true
        case .active(let lease):
            switch lease.state {
            case .working(let deadline):
                guard now >= deadline else { return false }
                try forfeit(&order, lease, .undelivered, origin)
                return true
            case .renting(let meter):
                return try advanceRental(&order, lease, meter, origin)
            case .insufficientFunds(let meter):
                guard now >= JobOrder.time(meter.since, plus: order.terms.duration) else {
                    return false
                }
                try endRental(&order, lease, meter, .outOfFunds, origin)
                return true
            case .delivered(let delivery):
                return try advanceResult(&order, lease, delivery, origin)
            }
        }
    }

    // MARK: Objects

    func jobEvent(
        _ order: ObjectID, _ actor: Address, _ fact: JobFact
    ) -> LedgerEvent { .compute(.job(JobEvent(order: order, actor: actor, fact: fact))) }

    mutating func jobOrder(_ id: ObjectID) throws(ExecutionError) -> JobOrder? {
        guard let object = try state.object(JobOrder.key(id)) else { return nil }
        do throws(RLPError) {
            return try JobOrder(object)
        } catch { throw .corruptObject(.order, error) }
    }

    /// A bid that its order names.
    mutating func jobBid(
        _ id: ObjectID, of order: JobOrder
    ) throws(ExecutionError) -> JobBid {
        guard let object = try state.object(JobBid.key(order: order.id, bid: id)) else {
            throw .invariant("an order names a bid that is not there")
        }
        do throws(RLPError) {
            return try JobBid(object)
        } catch { throw .corruptObject(.bid, error) }
    }

    /// Stores an order: reserves or gives back the entries that its new state may need (JOB-20), and
    /// queues a timer if something is due sooner than before (JOB-6).
    mutating func put(
        _ order: JobOrder, was old: JobOrder?, _ rule: JobRule
    ) throws(ExecutionError) {
        var order = order
        if let deadline = order.deadline(now: context.time, rule), deadline < order.timer.at {
            order.timer.step += 1
            order.timer.at = deadline
            try queueTimer(order)
        }
        let (before, after) = (old?.reserved(rule) ?? 0, order.reserved(rule))
        if after > before { reserveDue(after - before) } else { releaseDue(before - after) }
        try state.set(JobOrder.key(order.id), order.object)
    }

    mutating func queueTimer(_ order: JobOrder) throws(ExecutionError) {
        _ = try enqueue(
            .job(.timer(order: order.id, step: order.timer.step)), value: .zero,
            at: order.timer.at, to: context.endpoint)
    }

    /// Whether a payout to an account could be queued, if it needs to be.
    func hasPayoutRoom(to account: Address) -> Bool {
        context.home(of: account) == context.endpoint || hasDueRoom(for: 1)
    }
}
