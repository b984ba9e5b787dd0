import TallyPrimitives
import TallyState
import TallyTransactions

extension BlockExecutor {
    // JOB-14
    mutating func deliver(
        _ order: JobOrder, _ result: Hash32, _ call: FamilyCall
    ) throws(ExecutionError) -> ExecutionFailure? {
        let rule = try economy().jobs
        guard case .active(let lease) = order.state else { return .job(.notLeased) }
        guard call.sender == lease.provider else { return .job(.notProvider) }
        let deadline: BeaconTime
        switch lease.state {
        case .working(let time): deadline = time
        case .delivered: return .job(.alreadyDelivered)
        case .renting, .insufficientFunds: return .job(.notFixed)
        }
        guard context.time < deadline else { return .job(.deliveryTooLate) }
        var changed = order
        setLease(
            &changed, lease,
            .delivered(
                JobDelivery(
                    result: result,
                    disputableUntil: JobOrder.time(
                        context.time, plus: rule.disputeMilliseconds),
                    check: .unsampled(draw: context.seed.nextDraw))))
        try put(changed, was: order, rule)
        events.append(jobEvent(order.id, lease.provider, .delivered(result)))
        return nil
    }

    // JOB-15
    mutating func reveal(
        _ order: JobOrder, answer: Hash32, salt: Hash32, _ call: FamilyCall
    ) throws(ExecutionError) -> ExecutionFailure? {
        switch checkable(order, call) {
        case .failure(let reason): return .job(reason)
        case .success(let (lease, delivery)):
            guard context.time < delivery.disputableUntil else { return .job(.windowOver) }
            guard JobOrder.seal(answer: answer, salt: salt) == order.terms.sealed else {
                return .job(.sealMismatch)
            }
            let rule = try economy().jobs
            let isPassed = answer == delivery.result
            guard isPassed || hasDueRoom(for: Int(rule.arbiters)) else { return .dueQueueFull }
            var changed = order
            events.append(jobEvent(order.id, lease.provider, .taskRevealed(isPassed: isPassed)))
            if isPassed {
                try settleFixed(&changed, lease, call.origin)
            } else {
                // Who sealed nonsense must not get the work for nothing.
                openDispute(&changed, lease, delivery)
            }
            try put(changed, was: order, rule)
            return nil
        }
    }

    // JOB-19
    mutating func acceptResult(
        _ order: JobOrder, _ call: FamilyCall
    ) throws(ExecutionError) -> ExecutionFailure? {
        switch checkable(order, call) {
        case .failure(let reason): return .job(reason)
        case .success(let (lease, _)):
            var changed = order
            try settleFixed(&changed, lease, call.origin)
            try put(changed, was: order, try economy().jobs)
            return nil
        }
    }

    // JOB-16
    mutating func dispute(
        _ order: JobOrder, _ call: FamilyCall
    ) throws(ExecutionError) -> ExecutionFailure? {
        let rule = try economy().jobs
        switch checkable(order, call) {
        case .failure(let reason): return .job(reason)
        case .success(let (lease, delivery)):
            guard context.time < delivery.disputableUntil else { return .job(.windowOver) }
            guard hasDueRoom(for: Int(rule.arbiters)) else { return .dueQueueFull }
            var changed = order
            openDispute(&changed, lease, delivery)
            try put(changed, was: order, rule)
            events.append(jobEvent(order.id, call.sender, .disputed))
            return nil
        }
    }

    private func openDispute(
        _ order: inout JobOrder, _ lease: JobLease, _ delivery: JobDelivery
    ) {
        var disputed = delivery
        disputed.check = .disputed(draw: context.seed.nextDraw)
        setLease(&order, lease, .delivered(disputed))
    }

    /// The result that its payer may judge: delivered, and not before arbiters.
    private func checkable(
        _ order: JobOrder, _ call: FamilyCall
    ) -> Result<(JobLease, JobDelivery), JobFailure> {
        guard call.sender == order.payer else { return .failure(.notPayer) }
        guard case .active(let lease) = order.state else { return .failure(.notLeased) }
        switch lease.state {
        case .working: return .failure(.notDelivered)
        case .renting, .insufficientFunds: return .failure(.notFixed)
        case .delivered(let delivery):
            switch delivery.check {
            case .unsampled, .passed: return .success((lease, delivery))
            case .disputed, .voting: return .failure(.underArbitration)
            }
        }
    }

    // MARK: Due

    /// Draws, decides or settles, whatever is due of a result.
    mutating func advanceResult(
        _ order: inout JobOrder, _ lease: JobLease, _ delivery: JobDelivery, _ origin: Hash32
    ) throws(ExecutionError) -> Bool {
        let rule = try economy().jobs
        switch delivery.check {
        case .unsampled(let draw):
            // SEED-5
            guard context.seed.number >= draw else { return false }
            if JobOrder.isSampled(order.id, seed: context.seed.value, rule) {
                events.append(
                    jobEvent(order.id, lease.provider, .sampled(seed: context.seed.number)))
                try beginVote(&order, lease, delivery, .sample, origin)
            } else {
                try pass(&order, lease, delivery, origin)
            }
        case .passed:
            guard context.time >= delivery.disputableUntil else { return false }
            try settleFixed(&order, lease, origin)
        case .disputed(let draw):
            guard context.seed.number >= draw else { return false }
            try beginVote(&order, lease, delivery, .dispute, origin)
        case .voting(let vote):
            guard context.time >= vote.end(rule) else { return false }
            try decide(&order, lease, delivery, vote, origin)
        }
        return true
    }

    /// No check is left but the payer's own, if there is time for it.
    mutating func pass(
        _ order: inout JobOrder, _ lease: JobLease, _ delivery: JobDelivery, _ origin: Hash32
    ) throws(ExecutionError) {
        guard context.time < delivery.disputableUntil else {
            return try settleFixed(&order, lease, origin)
        }
        var passed = delivery
        passed.check = .passed
        setLease(&order, lease, .delivered(passed))
    }

    // MARK: Ends

    /// Pays the accepted price and gives the bond back (JOB-19).
    mutating func settleFixed(
        _ order: inout JobOrder, _ lease: JobLease, _ origin: Hash32
    ) throws(ExecutionError) {
        guard let rest = order.escrow.subtracting(lease.price) else {
            throw .invariant("a price above the escrow")
        }
        order.escrow = rest
        try payProvider(order, lease, lease.price, .delivery, origin)
        try endBid(lease.bid, of: order, .returned, origin)
        try finish(
            &order, .settled, provider: lease.provider, paid: lease.price, debt: .zero, origin)
    }

    /// No result: the bond makes up for it (JOB-10).
    mutating func forfeit(
        _ order: inout JobOrder, _ lease: JobLease, _ reason: CloseReason, _ origin: Hash32
    ) throws(ExecutionError) {
        let bid = try removeBid(lease.bid, of: order, .forfeited)
        try compensate(order, bid.bond, origin)
        try payFailure(.zero, order, lease, origin)
        try finish(
            &order, reason, provider: lease.provider, paid: .zero, debt: .zero, origin)
    }

    /// Gives a provider what is left of its bond, if anything is, and tells its node (JOB-24). The
    /// entry is the one that the bid reserved.
    mutating func payFailure(
        _ value: Amount, _ order: JobOrder, _ lease: JobLease, _ origin: Hash32
    ) throws(ExecutionError) {
        try pay(
            value,
            Payout(object: order.id, reason: .failure, to: lease.provider, origin: origin),
            isReserved: false)
    }

    mutating func compensate(
        _ order: JobOrder, _ value: Amount, _ origin: Hash32
    ) throws(ExecutionError) {
        try pay(
            value,
            Payout(object: order.id, reason: .compensation, to: order.payer, origin: origin),
            isReserved: false)
    }
}
