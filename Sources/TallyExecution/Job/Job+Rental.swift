import TallyPrimitives
import TallyState
import TallyTransactions

extension BlockExecutor {
    /// Ends or pauses a rental whose time or escrow is used up (JOB-11).
    mutating func advanceRental(
        _ order: inout JobOrder, _ lease: JobLease, _ meter: RentalMeter, _ origin: Hash32
    ) throws(ExecutionError) -> Bool {
        let reading = meter.read(at: context.time, limit: order.terms.duration)
        switch try standing(order, lease, reading) {
        case .running: return false
        case .ended: try endRental(&order, lease, reading, .settled, origin)
        case .exhausted:
            let paid = try payEarnings(&order, lease, reading, origin)
            let debt = try owed(lease, paid)
            setLease(&order, lease, .insufficientFunds(paid))
            events.append(jobEvent(order.id, order.payer, .paused(debt: debt)))
        }
        return true
    }

    // JOB-12: anyone may settle, so that providers can always withdraw.
    mutating func settle(
        _ order: JobOrder, _ call: FamilyCall
    ) throws(ExecutionError) -> ExecutionFailure? {
        var changed = order
        let rule = try economy().jobs
        if case .active(let lease) = order.state, case .renting(let meter) = lease.state {
            let reading = meter.read(at: context.time, limit: order.terms.duration)
            if case .running = try standing(order, lease, reading) {
                guard try !owed(lease, reading).isZero else { return .job(.nothingDue) }
                guard hasPayoutRoom(to: lease.provider) else { return .dueQueueFull }
                let paid = try payEarnings(&changed, lease, reading, call.origin)
                setLease(&changed, lease, .renting(paid))
                try put(changed, was: order, rule)
                return nil
            }
        }
        guard try advance(&changed, origin: call.origin) else {
            return .job(.nothingDue)
        }
        try put(changed, was: order, rule)
        return nil
    }

    // JOB-13
    mutating func topUp(
        _ order: JobOrder, _ call: FamilyCall
    ) throws(ExecutionError) -> ExecutionFailure? {
        guard order.terms.pricing == .rental else { return .job(.notRental) }
        var changed = order
        switch order.state {
        case .closed: return .job(.notLeased)
        case .open: changed.escrow = try sum(order.escrow, call.value)
        case .active(let lease):
            switch lease.state {
            case .working, .delivered: return .job(.notRental)
            case .renting: changed.escrow = try sum(order.escrow, call.value)
            case .insufficientFunds(let meter):
                let end = JobOrder.time(meter.since, plus: order.terms.duration)
                guard context.time < end else { return .job(.leaseOver) }
                // The debt's payment; the timer and the earnings of a rental that runs again.
                guard hasDueRoom(for: 3) else { return .dueQueueFull }
                changed.escrow = call.value
                events.append(jobEvent(order.id, call.sender, .funded(call.value)))
                try resume(&changed, lease, meter, call)
                try put(changed, was: order, try economy().jobs)
                return nil
            }
        }
        events.append(jobEvent(order.id, call.sender, .funded(call.value)))
        try put(changed, was: order, try economy().jobs)
        return nil
    }

    /// Pays the debt of a paused rental first; with what is left it runs on, or ends if it has run
    /// its full time.
    private mutating func resume(
        _ order: inout JobOrder, _ lease: JobLease, _ meter: RentalMeter, _ call: FamilyCall
    ) throws(ExecutionError) {
        var paid = try payEarnings(&order, lease, meter, call.origin)
        guard try owed(lease, paid).isZero else {
            setLease(&order, lease, .insufficientFunds(paid))
            return
        }
        guard paid.elapsed < order.terms.duration else {
            try endRental(&order, lease, paid, .settled, call.origin)
            return
        }
        guard !order.escrow.isZero else {
            setLease(&order, lease, .insufficientFunds(paid))
            return
        }
        paid.since = context.time
        setLease(&order, lease, .renting(paid))
        events.append(jobEvent(order.id, call.sender, .resumed(escrow: order.escrow)))
    }

    // JOB-12, JOB-10
    mutating func closeLease(
        _ order: JobOrder, _ call: FamilyCall
    ) throws(ExecutionError) -> ExecutionFailure? {
        guard case .active(let lease) = order.state else { return .job(.notLeased) }
        let isPayer = call.sender == order.payer
        guard isPayer || call.sender == lease.provider else { return .job(.notProvider) }
        let reason: CloseReason = isPayer ? .payerClosed : .providerClosed
        var changed = order
        switch lease.state {
        case .working(let deadline):
            if context.time >= deadline {
                try forfeit(&changed, lease, .undelivered, call.origin)
            } else {
                // Who is both has given its word as a payer too.
                guard !isPayer else { return .job(.leaseRunning) }
                try forfeit(&changed, lease, .providerClosed, call.origin)
            }
        case .delivered: return .job(.alreadyDelivered)
        case .renting(let meter):
            let reading = meter.read(at: context.time, limit: order.terms.duration)
            try endRental(&changed, lease, reading, reason, call.origin)
        case .insufficientFunds(let meter):
            try endRental(&changed, lease, meter, reason, call.origin)
        }
        try put(changed, was: order, try economy().jobs)
        return nil
    }

    // MARK: Money

    /// Pays what a reading has earned, as far as the escrow goes, and returns the meter with it.
    private mutating func payEarnings(
        _ order: inout JobOrder, _ lease: JobLease, _ reading: RentalMeter, _ origin: Hash32
    ) throws(ExecutionError) -> RentalMeter {
        let paying = min(try owed(lease, reading), order.escrow)
        guard !paying.isZero else { return reading }
        guard let rest = order.escrow.subtracting(paying),
            let paid = reading.paid.adding(paying)
        else { throw .invariant("a rental paid more than its escrow") }
        order.escrow = rest
        try payProvider(order, lease, paying, .earnings, origin)
        return RentalMeter(elapsed: reading.elapsed, since: reading.since, paid: paid)
    }

    /// Closes a rental: the provider gets what it earned and its bond, the payer what is left.
    mutating func endRental(
        _ order: inout JobOrder, _ lease: JobLease, _ reading: RentalMeter,
        _ reason: CloseReason, _ origin: Hash32
    ) throws(ExecutionError) {
        let paid = try payEarnings(&order, lease, reading, origin)
        try endBid(lease.bid, of: order, .returned, origin)
        try finish(
            &order, reason, provider: lease.provider, paid: paid.paid,
            debt: try owed(lease, paid), origin)
    }

    private func standing(
        _ order: JobOrder, _ lease: JobLease, _ reading: RentalMeter
    ) throws(ExecutionError) -> RentalMeter.Standing {
        guard
            let standing = reading.standing(
                rate: lease.price, escrow: order.escrow, limit: order.terms.duration)
        else { throw .invariant("a rental earns more than there is") }
        return standing
    }

    private func owed(
        _ lease: JobLease, _ reading: RentalMeter
    ) throws(ExecutionError) -> Amount {
        guard let owed = reading.owed(rate: lease.price) else {
            throw .invariant("a rental was paid more than it earned")
        }
        return owed
    }

    private func sum(_ a: Amount, _ b: Amount) throws(ExecutionError) -> Amount {
        guard let sum = a.adding(b) else { throw .invariant("escrow exceeds 2^128 - 1") }
        return sum
    }

    func setLease(_ order: inout JobOrder, _ lease: JobLease, _ state: LeaseState) {
        order.state = .active(JobLease(bid: lease.bid, price: lease.price, state: state))
    }

    /// Tells and pays what a provider earned; the escrow has given it up.
    mutating func payProvider(
        _ order: JobOrder, _ lease: JobLease, _ value: Amount, _ reason: PayoutReason,
        _ origin: Hash32
    ) throws(ExecutionError) {
        try pay(
            value,
            Payout(object: order.id, reason: reason, to: lease.provider, origin: origin),
            isReserved: false)
        events.append(jobEvent(order.id, lease.provider, .paid(value)))
    }
}
