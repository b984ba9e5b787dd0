import TallyPrimitives
import TallyState
import TallyTransactions
import Testing

@testable import TallyExecution

@Suite struct JobInvariantTests {
    private typealias Objects = [(key: ObjectKey, object: StateObject)]

    /// What the audit says once an order, or its bid, is another.
    private func violation(
        _ world: JobWorld, _ id: ObjectID, order change: (inout JobOrder) -> Void = { _ in },
        bid changeBid: (JobBid) -> JobBid? = { $0 }
    ) throws -> InvariantViolation? {
        let objects: Objects = try world.objects(home).compactMap { key, object in
            switch object.kind {
            case .order:
                var order = try JobOrder(object)
                if order.id == id { change(&order) }
                return (key, order.object)
            case .bid: return try changeBid(JobBid(object)).map { (key, $0.object) }
            default: return (key, object)
            }
        }
        return world.violation(home, objects)
    }

    private let home = 1

    @Test func closedOrderWithMoneyIsFound() throws {
        var world = try JobWorld.usual()
        let id = try world.delivered()
        try world.must(.acceptResult(order: id), by: payer)
        #expect(try violation(world, id) == nil)
        #expect(
            try violation(world, id, order: { $0.escrow = Amount(1) })
                == .broken(.order, what: "closed with money"))
    }

    @Test func missingMoneyIsFound() throws {
        var world = try JobWorld.usual()
        let id = try world.post()
        #expect(
            try violation(world, id, order: { $0.escrow = Amount(999) })
                == .broken(.order, what: "escrow below the price"))
        let other = try world.assigned()
        #expect(
            try violation(world, other, order: { $0.escrow = Amount(799) })
                == .broken(.order, what: "escrow below the accepted price"))
    }

    @Test func bidsThatDoNotMatchAreFound() throws {
        var world = try JobWorld.usual()
        let id = try world.post()
        let bid = try world.bid(id)
        func other(
            bond: UInt128 = 80, state: BidState = .open, price: UInt128 = 800
        ) -> (JobBid) -> JobBid? {
            {
                JobBid(
                    order: $0.order, id: $0.id, price: Amount(price), bond: Amount(bond),
                    state: state)
            }
        }
        #expect(try violation(world, id, bid: other()) == nil)
        #expect(
            try violation(world, id, bid: other(bond: 79)) == .broken(.bid, what: "not its bond"))
        #expect(
            try violation(world, id, bid: other(state: .active))
                == .broken(.bid, what: "misplaced"))
        #expect(try violation(world, id, bid: { _ in nil }) == .broken(.bid, what: "missing"))
        #expect(
            try violation(world, id, order: { $0.state = .open(bids: []) })
                == .broken(.bid, what: "without an order"))
        #expect(
            try violation(world, id, order: { $0.state = .open(bids: [bid, bid]) })
                == .broken(.order, what: "bidders"))
        try world.must(.acceptBid(order: id, bid: bid), by: payer)
        #expect(
            try violation(world, id, bid: other(bond: 70, state: .active, price: 700))
                == .broken(.bid, what: "not its price"))
    }

    @Test func timersThatAreMissingOrLateAreFound() throws {
        var world = try JobWorld.usual()
        let id = try world.assigned()
        #expect(
            try violation(world, id, order: { $0.timer.step += 1 })
                == .broken(.order, what: "no timer"))
        let early = LeaseState.working(deadline: BeaconTime(milliseconds: 1))
        #expect(
            try violation(
                world, id,
                order: { order in
                    guard case .active(let lease) = order.state else { return }
                    order.state = .active(
                        JobLease(bid: lease.bid, price: lease.price, state: early))
                }) == .broken(.order, what: "late timer"))
    }

    @Test func wrongReservationsAreFound() throws {
        var world = try JobWorld.usual()
        let id = try world.rented()
        try world.wait(10_000)
        #expect(try world.reserved(home) == 1)
        #expect(
            try violation(
                world, id,
                order: { order in
                    guard case .active(let lease) = order.state,
                        case .insufficientFunds(let meter) = lease.state
                    else { return }
                    order.state = .active(
                        JobLease(bid: lease.bid, price: lease.price, state: .renting(meter)))
                }) == .broken(.order, what: "late timer"))
        let objects = try world.objects(home).map { key, object in
            guard key == DueCounters.key else { return (key: key, object: object) }
            var counters = try DueCounters(object)
            counters.reserved += 1
            return (key: key, object: counters.object ?? object)
        }
        #expect(world.violation(home, objects) == .reservedCount(counted: 1, stored: 2))
    }

    @Test func arbitersWhoAreParties() throws {
        var world = try JobWorld.usual()
        let id = try world.delivered()
        try world.must(.dispute(order: id), by: payer)
        try world.reachDraw()
        #expect(
            try violation(
                world, id,
                order: { order in
                    guard case .active(let lease) = order.state,
                        case .delivered(var delivery) = lease.state
                    else { return }
                    delivery.check = .voting(
                        JobVote(
                            cause: .dispute, began: world.time,
                            ballots: [JobBallot(arbiter: provider, vote: .none)]))
                    order.state = .active(
                        JobLease(bid: lease.bid, price: lease.price, state: .delivered(delivery)))
                }) == .broken(.order, what: "arbiters"))
    }
}
