import TallyPrimitives
import TallyState
import TallyTransactions

/// What always holds of the Job family's objects, recounted from scratch.
extension StateAudit {
    /// - Returns: due entries that the objects have reserved (RCPT-11, JOB-20).
    /// - Throws: the first invariant that does not hold.
    func checkJob() throws(InvariantViolation) -> Int {
        guard let rule = context.parameters.economy?.jobs else { return 0 }
        let timers = try jobTimers()
        var reserved = 0
        var named = 0
        for (key, object) in objects where object.kind == .order {
            let order: JobOrder
            do throws(RLPError) {
                order = try JobOrder(object)
            } catch { throw .undecodable(.order, error) }
            guard JobOrder.key(order.id) == key,
                context.home(of: order.payer) == context.endpoint
            else { throw .broken(.order, what: "misplaced") }
            try check(order, rule)
            try checkTimer(of: order, rule, timers)
            named += try checkBids(of: order, rule)
            reserved += order.reserved(rule)
        }
        // Every bid of an order was found under its key: as many as there are, so none is left over.
        let bids = all(.bid).count
        guard bids == named else { throw .broken(.bid, what: "without an order") }
        return reserved + bids
    }

    /// Timers by order and step.
    private func jobTimers() throws(InvariantViolation) -> [JobDue: BeaconTime] {
        var timers: [JobDue: BeaconTime] = [:]
        for entry in due {
            guard case .job(let timer) = entry.action else { continue }
            guard entry.value.isZero, entry.key.destination == context.endpoint else {
                throw .dueRoute(sequence: entry.key.sequence)
            }
            guard timers.updateValue(entry.key.time, forKey: timer) == nil else {
                throw .broken(.order, what: "two timers of one step")
            }
        }
        return timers
    }

    // JOB-6: whatever is due of a live order, its timer comes no later.
    private func checkTimer(
        of order: JobOrder, _ rule: JobRule, _ timers: [JobDue: BeaconTime]
    ) throws(InvariantViolation) {
        guard let deadline = order.deadline(now: context.time, rule) else { return }
        let step = order.timer.step
        guard timers[.timer(order: order.id, step: step)] == order.timer.at else {
            throw .broken(.order, what: "no timer")
        }
        guard order.timer.at <= deadline else { throw .broken(.order, what: "late timer") }
        guard timers[.timer(order: order.id, step: step + 1)] == nil else {
            throw .broken(.order, what: "a timer of the future")
        }
    }

    // JOB-1: the money is what the state says.
    private func check(_ order: JobOrder, _ rule: JobRule) throws(InvariantViolation) {
        let isFixed = order.terms.pricing == .fixed
        switch order.state {
        case .closed:
            guard order.escrow.isZero else { throw .broken(.order, what: "closed with money") }
        case .open:
            guard order.escrow >= order.terms.price else {
                throw .broken(.order, what: "escrow below the price")
            }
        case .active(let lease):
            guard !lease.price.isZero, lease.price <= order.terms.price else {
                throw .broken(.order, what: "price out of range")
            }
            switch lease.state {
            case .working, .delivered:
                guard isFixed, order.escrow >= lease.price else {
                    throw .broken(.order, what: "escrow below the accepted price")
                }
            case .renting(let meter):
                guard !isFixed, meter.owed(rate: lease.price) != nil,
                    meter.elapsed < order.terms.duration
                else { throw .broken(.order, what: "meter out of range") }
            case .insufficientFunds(let meter):
                guard !isFixed, order.escrow.isZero, meter.owed(rate: lease.price) != nil,
                    meter.elapsed <= order.terms.duration
                else { throw .broken(.order, what: "paused with money") }
            }
            try checkVote(of: lease, order.payer, rule)
        }
    }

    // JOB-17: arbiters are distinct and none of the parties.
    private func checkVote(
        of lease: JobLease, _ payer: Address, _ rule: JobRule
    ) throws(InvariantViolation) {
        guard case .delivered(let delivery) = lease.state,
            case .voting(let vote) = delivery.check
        else { return }
        let arbiters = vote.ballots.map(\.arbiter)
        guard (1...Int(rule.arbiters)).contains(arbiters.count),
            zip(arbiters, arbiters.dropFirst()).allSatisfy({ $0 < $1 }),
            !arbiters.contains(payer), !arbiters.contains(lease.provider)
        else { throw .broken(.order, what: "arbiters") }
    }

    // JOB-8: an order's bids are there, of distinct bidders, each with its exact bond.
    private func checkBids(
        of order: JobOrder, _ rule: JobRule
    ) throws(InvariantViolation) -> Int {
        let ids: [ObjectID]
        let expected: BidState
        switch order.state {
        case .open(let bids): (ids, expected) = (bids, .open)
        case .active(let lease): (ids, expected) = ([lease.bid], .active)
        case .closed: return 0
        }
        guard Set(ids.map(\.owner)).count == ids.count, ids.count <= JobOrder.maximumBids else {
            throw .broken(.order, what: "bidders")
        }
        for id in ids {
            guard let object = object(JobBid.key(order: order.id, bid: id)) else {
                throw .broken(.bid, what: "missing")
            }
            let bid: JobBid
            do throws(RLPError) {
                bid = try JobBid(object)
            } catch { throw .undecodable(.bid, error) }
            guard bid.order == order.id, bid.id == id, bid.state == expected else {
                throw .broken(.bid, what: "misplaced")
            }
            guard bid.bond == JobOrder.bond(bid.price, order.terms, rule) else {
                throw .broken(.bid, what: "not its bond")
            }
            guard case .active(let lease) = order.state else { continue }
            guard lease.price == bid.price else { throw .broken(.bid, what: "not its price") }
        }
        return ids.count
    }
}
