import TallyCrypto
import TallyExecution
import TallyPrimitives
import TallyTransactions

// Orders: escrows, bonds, rentals, arbitration.

extension EconomyOracle {
    struct Order: Sendable {
        let terms: JobTerms
        var escrow: UInt128
        var bids: [ObjectID: Bid] = [:]
        var lease: Lease?
        var paid: UInt128 = 0
        var isClosed = false
        var cause: VoteCause?
        var arbiters: [Arbiter] = []
        var verdict: Hash32?
    }

    struct Bid: Sendable {
        let price: UInt128
        let bond: UInt128
    }

    struct Lease: Sendable {
        let bid: ObjectID
        let price: UInt128
        let began: UInt64
        /// Of a rental: how long it ran before it runs now.
        var elapsed: UInt64 = 0
        var since: UInt64?
        var result: Hash32?
    }

    struct Arbiter: Sendable {
        let address: Address
        var hasCommitted = false
        var result: Hash32?
    }

    mutating func follow(_ event: JobEvent) throws(EconomyViolation) {
        let id = event.order
        if case .created(_, let escrow) = event.fact { return try create(id, escrow.units) }
        guard isHere(id.owner), var order = orders[id], !order.isClosed else {
            throw violation(.job, "\(id) is no open order: \(event.fact)")
        }
        try follow(event.fact, by: event.actor, id, &order)
        orders[id] = order
        touched.orders.insert(id)
    }

    private mutating func create(
        _ id: ObjectID, _ escrow: UInt128
    ) throws(EconomyViolation) {
        guard case .job(.postJob(let terms, _)) = call?.operation, orders[id] == nil else {
            throw violation(.job, "nobody posted \(id)")
        }
        try expect(escrow, is: call?.value ?? 0, .job, "the escrow of \(id)")
        orders[id] = Order(terms: terms, escrow: escrow)
        touched.orders.insert(id)
    }

    private mutating func follow(
        _ fact: JobFact, by actor: Address, _ id: ObjectID, _ order: inout Order
    ) throws(EconomyViolation) {
        switch fact {
        case .created: break
        case .bidPlaced(let bid, let price): try bidPlaced(bid, price, actor, &order)
        case .bidClosed(let bid, let end): try bidClosed(bid, end, id, &order)
        case .assigned(let price): try assign(actor, price.units, &order)
        case .delivered(let result): try deliver(result, &order)
        case .sampled: order.beginVote(.sample)
        case .disputed: order.beginVote(.dispute)
        case .arbiterDrawn:
            try expect(
                validators.contains(actor) && actor != id.owner && actor != order.lease?.bid.owner
                    && !order.arbiters.contains { $0.address == actor }, .job,
                "\(actor) arbitrates")
            order.arbiters.append(Arbiter(address: actor))
        case .verdictCommitted: try commit(actor, &order)
        case .verdictRevealed(let result): try reveal(actor, result, &order)
        case .decided(let verdict, let result): try decide(verdict, result, &order)
        case .taskRevealed(let isPassed): try open(isPassed, &order)
        case .paid(let value): try pay(value.units, actor, id, &order)
        case .funded(let value):
            try expect(value.units, is: call?.value ?? 0, .job, "what \(id) is funded with")
            order.escrow += value.units
        case .paused(let debt):
            guard let (earned, ran) = earnings(order) else {
                throw violation(.job, "\(id) is no rental")
            }
            try expect(debt.units, is: earned - order.paid, .job, "the debt of \(id)")
            try expect(order.escrow, is: 0, .job, "the escrow of a paused \(id)")
            order.lease?.elapsed = ran
            order.lease?.since = nil
        case .resumed(let escrow):
            try expect(escrow.units, is: order.escrow, .job, "the escrow of \(id)")
            order.lease?.since = now
        case .closed(let reason, let paid, let refunded):
            try close(reason, paid.units, refunded.units, id, &order)
        }
    }

    // MARK: Bids

    private func bidPlaced(
        _ bid: ObjectID, _ price: Amount, _ actor: Address, _ order: inout Order
    ) throws(EconomyViolation) {
        let bond = Self.bond(price, order.terms, economy.jobs).units
        try expect(call?.value ?? 0, is: bond, .job, "the bond of \(bid)")
        try expect(
            order.lease == nil && now < order.terms.bidsUntil.milliseconds
                && price <= order.terms.price && bid.owner == actor && order.bids[bid] == nil,
            .job, "\(bid) is no bid")
        order.bids[bid] = Bid(price: price.units, bond: bond)
    }

    private mutating func bidClosed(
        _ id: ObjectID, _ end: BidEnd, _ orderID: ObjectID, _ order: inout Order
    ) throws(EconomyViolation) {
        guard let bid = order.bids.removeValue(forKey: id) else {
            throw violation(.job, "\(id) was no bid")
        }
        switch end {
        case .lost, .withdrawn, .returned: promise(bid.bond, .bond, of: orderID, to: id.owner)
        case .expired:
            try expect(now >= order.terms.bidsUntil.milliseconds, .job, "\(id) expires too early")
            promise(bid.bond, .bond, of: orderID, to: id.owner)
        case .forfeited:
            promise(bid.bond, .compensation, of: orderID, to: orderID.owner)
            promise(0, .failure, of: orderID, to: id.owner)
        case .slashed:
            let lost = Self.quotient(bid.bond, UInt128(economy.jobs.slashBps), 10_000)
            promise(bid.bond - lost, .failure, of: orderID, to: id.owner)
            guard order.cause == .dispute else { return }
            let half = lost / 2
            promise(half, .compensation, of: orderID, to: orderID.owner)
            let winners = order.arbiters.filter { $0.result != nil && $0.result == order.verdict }
            for winner in winners {
                promise(
                    (lost - half) / UInt128(winners.count), .verification, of: orderID,
                    to: winner.address)
            }
        }
    }

    private func assign(
        _ provider: Address, _ price: UInt128, _ order: inout Order
    ) throws(EconomyViolation) {
        guard let (id, bid) = order.bids.first(where: { $0.key.owner == provider }),
            order.lease == nil
        else { throw violation(.job, "\(provider) has no bid") }
        try expect(price, is: bid.price, .job, "the price of \(id)")
        order.lease = Lease(
            bid: id, price: price, began: now,
            since: order.terms.pricing == .rental ? now : nil)
    }

    // MARK: Results

    private func deliver(_ result: Hash32, _ order: inout Order) throws(EconomyViolation) {
        guard let lease = order.lease, lease.result == nil, order.terms.pricing == .fixed,
            now < lease.began + order.terms.duration
        else { throw violation(.job, "a delivery that is not due") }
        order.lease?.result = result
    }

    private func commit(_ actor: Address, _ order: inout Order) throws(EconomyViolation) {
        guard let place = order.arbiters.firstIndex(where: { $0.address == actor }),
            !order.arbiters[place].hasCommitted
        else { throw violation(.job, "\(actor) commits twice, or was not drawn") }
        order.arbiters[place].hasCommitted = true
    }

    private func reveal(
        _ actor: Address, _ result: Hash32, _ order: inout Order
    ) throws(EconomyViolation) {
        guard let place = order.arbiters.firstIndex(where: { $0.address == actor }),
            order.arbiters[place].hasCommitted, order.arbiters[place].result == nil
        else { throw violation(.job, "\(actor) votes twice, or did not commit") }
        order.arbiters[place].result = result
    }

    /// A seal that expected something else is a dispute like any other, also after a sample that had
    /// arbiters without a majority (JOB-15).
    private func open(_ isPassed: Bool, _ order: inout Order) throws(EconomyViolation) {
        guard case .job(.reveal(_, let answer, _)) = call?.operation else {
            throw violation(.job, "a seal that nobody opened")
        }
        try expect(isPassed, is: answer == order.lease?.result, .job, "whether a task is passed")
        if !isPassed { order.beginVote(.dispute) }
    }

    // JOB-18
    private func decide(
        _ verdict: JobVerdict, _ result: Hash32?, _ order: inout Order
    ) throws(EconomyViolation) {
        let votes = order.arbiters.compactMap(\.result)
        let majority = votes.first { vote in
            2 * votes.count { $0 == vote } > order.arbiters.count
        }
        try expect(result, is: majority, .job, "the majority")
        let expected: JobVerdict =
            majority.map { $0 == order.lease?.result ? .accepted : .slashed } ?? .noMajority
        try expect(verdict, is: expected, .job, "the verdict")
        order.verdict = majority
    }

    // MARK: Money

    /// What a rental has earned, and how long it ran.
    private func earnings(_ order: Order) -> (UInt128, UInt64)? {
        guard let lease = order.lease, order.terms.pricing == .rental else { return nil }
        let ran = min(
            lease.elapsed + (lease.since.map { now - min($0, now) } ?? 0), order.terms.duration)
        return (lease.price * UInt128(ran) / 1_000, ran)
    }

    private mutating func pay(
        _ value: UInt128, _ provider: Address, _ id: ObjectID, _ order: inout Order
    ) throws(EconomyViolation) {
        guard let lease = order.lease, lease.bid.owner == provider else {
            throw violation(.job, "\(provider) is paid for \(id)")
        }
        let owed = earnings(order)?.0 ?? (lease.result == nil ? 0 : lease.price)
        try expect(order.paid <= owed, .job, "\(id) paid more than was earned")
        try expect(value, is: min(owed - order.paid, order.escrow), .job, "what \(id) pays")
        order.paid += value
        order.escrow -= value
        promise(
            value, order.terms.pricing == .fixed ? .delivery : .earnings, of: id, to: provider)
    }

    private mutating func close(
        _ reason: CloseReason, _ paid: UInt128, _ refunded: UInt128, _ id: ObjectID,
        _ order: inout Order
    ) throws(EconomyViolation) {
        try expect(paid, is: order.paid, .job, "what \(id) paid")
        try expect(refunded, is: order.escrow, .job, "the refund of \(id)")
        try expect(order.bids.isEmpty, .job, "\(id) closes and keeps bonds")
        let owed = earnings(order).map { $0.0 }
        let isFixed = order.terms.pricing == .fixed
        let isRight =
            switch reason {
            case .settled: isFixed ? paid == order.lease?.price : paid == owed
            case .expired: order.lease == nil && now >= order.terms.bidsUntil.milliseconds
            case .undelivered:
                paid == 0 && order.lease?.result == nil
                    && now >= (order.lease?.began ?? .max) + order.terms.duration
            case .slashed: paid == 0 && order.lease?.result != nil
            case .payerClosed, .providerClosed, .outOfFunds:
                // All that was earned, or all there was.
                paid == (owed ?? 0) || order.escrow == 0
            }
        try expect(isRight, .job, "\(id) closes as \(reason), paid \(paid)")
        promise(refunded, .refund, of: id, to: id.owner)
        order.escrow = 0
        order.isClosed = true
    }
}

extension EconomyOracle.Order {
    fileprivate mutating func beginVote(_ cause: VoteCause) {
        self.cause = cause
        arbiters = []
        verdict = nil
    }
}
