import TallyPrimitives
import TallyState
import TallyTransactions

extension BlockExecutor {
    // JOB-4
    mutating func postJob(
        _ terms: JobTerms, _ call: FamilyCall
    ) throws(ExecutionError) -> ExecutionFailure? {
        let rule = try economy().jobs
        let latest = JobOrder.time(context.time, plus: JobTerms.maximumDuration)
        guard terms.bidsUntil > context.time, terms.bidsUntil <= latest else {
            return .job(.biddingTimeOutOfRange)
        }
        guard hasDueRoom(for: 1) else { return .dueQueueFull }
        let order = JobOrder(
            id: call.id, terms: terms, escrow: call.value, state: .open(bids: []),
            timer: JobTimer(step: 0, at: terms.bidsUntil))
        try queueTimer(order)
        try put(order, was: nil, rule)
        events.append(
            jobEvent(
                order.id, call.sender,
                .created(kind: UInt32(terms.program.rawValue), escrow: call.value)))
        return nil
    }

    // JOB-8, JOB-9
    mutating func placeBid(
        _ order: JobOrder, _ price: Amount, _ call: FamilyCall
    ) throws(ExecutionError) -> ExecutionFailure? {
        let rule = try economy().jobs
        guard case .open(let bids) = order.state else { return .job(.notOpen) }
        guard context.time < order.terms.bidsUntil else { return .job(.biddingClosed) }
        guard !bids.contains(where: { $0.owner == call.sender }) else {
            return .job(.alreadyBid)
        }
        guard bids.count < JobOrder.maximumBids else { return .job(.tooManyBids) }
        guard price <= order.terms.price else { return .job(.bidTooHigh) }
        guard let bond = JobOrder.bond(price, order.terms, rule) else {
            return .job(.priceTooLarge)
        }
        guard call.value == bond else { return .job(.bondMismatch) }
        guard hasDueRoom(for: 1) else { return .dueQueueFull }
        let bid = JobBid(order: order.id, id: call.id, price: price, bond: bond, state: .open)
        reserveDue(1)
        try state.set(JobBid.key(order: order.id, bid: bid.id), bid.object)
        var changed = order
        changed.state = .open(bids: bids + [bid.id])
        try put(changed, was: order, rule)
        events.append(jobEvent(order.id, call.sender, .bidPlaced(bid.id, price: price)))
        return nil
    }

    mutating func withdrawBid(
        _ order: JobOrder, _ call: FamilyCall
    ) throws(ExecutionError) -> ExecutionFailure? {
        guard case .open(let bids) = order.state else { return .job(.notOpen) }
        guard let id = bids.first(where: { $0.owner == call.sender }) else {
            return .job(.unknownBid)
        }
        var changed = order
        changed.state = .open(bids: bids.filter { $0 != id })
        try endBid(id, of: order, .withdrawn, call.origin)
        try put(changed, was: order, try economy().jobs)
        return nil
    }

    // JOB-10
    mutating func acceptBid(
        _ order: JobOrder, _ id: ObjectID, _ call: FamilyCall
    ) throws(ExecutionError) -> ExecutionFailure? {
        let rule = try economy().jobs
        guard call.sender == order.payer else { return .job(.notPayer) }
        guard case .open(let bids) = order.state else { return .job(.notOpen) }
        guard context.time < order.terms.bidsUntil else { return .job(.biddingClosed) }
        guard bids.contains(id) else { return .job(.unknownBid) }
        var bid = try jobBid(id, of: order)
        let lease = JobLease(
            bid: id, price: bid.price, state: firstState(of: order.terms))
        var changed = order
        changed.state = .active(lease)
        // What is reserved, and the timer of the deadline.
        guard hasDueRoom(for: changed.reserved(rule) + 1) else { return .dueQueueFull }
        bid.state = .active
        try state.set(JobBid.key(order: order.id, bid: id), bid.object)
        for other in bids where other != id {
            try endBid(other, of: order, .lost, call.origin)
        }
        try put(changed, was: order, rule)
        events.append(jobEvent(order.id, lease.provider, .assigned(price: bid.price)))
        return nil
    }

    private func firstState(of terms: JobTerms) -> LeaseState {
        switch terms.pricing {
        case .fixed: .working(deadline: JobOrder.time(context.time, plus: terms.duration))
        case .rental: .renting(RentalMeter(elapsed: 0, since: context.time, paid: .zero))
        }
    }

    mutating func closeOrder(
        _ order: JobOrder, _ call: FamilyCall
    ) throws(ExecutionError) -> ExecutionFailure? {
        guard call.sender == order.payer else { return .job(.notPayer) }
        guard case .open = order.state else { return .job(.notOpen) }
        var changed = order
        try close(&changed, .payerClosed, bidsEnd: .lost, call.origin)
        try put(changed, was: order, try economy().jobs)
        return nil
    }

    // MARK: Ends

    /// Closes an open order, and its bids with it (JOB-7).
    mutating func close(
        _ order: inout JobOrder, _ reason: CloseReason, bidsEnd: BidEnd, _ origin: Hash32
    ) throws(ExecutionError) {
        guard case .open(let bids) = order.state else {
            throw .invariant("an order with a lease closes with it")
        }
        for bid in bids { try endBid(bid, of: order, bidsEnd, origin) }
        try finish(&order, reason, provider: nil, paid: .zero, debt: .zero, origin)
    }

    /// Removes a bid and gives its whole bond back to the bidder.
    mutating func endBid(
        _ id: ObjectID, of order: JobOrder, _ end: BidEnd, _ origin: Hash32
    ) throws(ExecutionError) {
        let bid = try removeBid(id, of: order, end)
        try pay(
            bid.bond, Payout(object: order.id, reason: .bond, to: bid.bidder, origin: origin),
            isReserved: false)
    }

    /// Removes a bid and the entry that it reserved. Its bond is the caller's to pay.
    mutating func removeBid(
        _ id: ObjectID, of order: JobOrder, _ end: BidEnd
    ) throws(ExecutionError) -> JobBid {
        let bid = try jobBid(id, of: order)
        try state.set(JobBid.key(order: order.id, bid: id), nil)
        releaseDue(1)
        events.append(jobEvent(order.id, bid.bidder, .bidClosed(id, end)))
        return bid
    }

    /// Closes an order whose bids have ended: what is left of the escrow is the payer's (JOB-7).
    mutating func finish(
        _ order: inout JobOrder, _ reason: CloseReason, provider: Address?, paid: Amount,
        debt: Amount, _ origin: Hash32
    ) throws(ExecutionError) {
        let refunded = order.escrow
        order.escrow = .zero
        order.state = .closed(
            JobClosing(
                reason: reason, provider: provider, paid: paid, refunded: refunded, debt: debt))
        order.terms = order.terms.withoutSpec
        try pay(
            refunded,
            Payout(object: order.id, reason: .refund, to: order.payer, origin: origin),
            isReserved: false)
        events.append(
            jobEvent(order.id, order.payer, .closed(reason, paid: paid, refunded: refunded)))
    }
}
