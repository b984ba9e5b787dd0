import TallyPrimitives
import TallyState
import TallyTransactions
import Testing

@testable import TallyExecution

/// Everything that an order can be at.
private enum Stage: String, CaseIterable {
    case unknown, open, working, unsampled, passed, disputed, committing, revealing
    case renting, paused, closed

    func build() throws -> (world: JobWorld, order: ObjectID) {
        var world = try JobWorld.usual()
        let order: ObjectID
        switch self {
        case .unknown: order = ObjectID(owner: payer, number: 99)
        case .open:
            order = try world.post()
            _ = try world.bid(order)
        case .working: order = try world.assigned()
        case .unsampled: order = try world.delivered()
        case .passed:
            order = try world.delivered()
            try world.reachDraw()
        case .disputed, .committing, .revealing:
            order = try world.delivered()
            try world.must(.dispute(order: order), by: payer)
            if self != .disputed { try world.reachDraw() }
            if self == .revealing {
                try world.must(
                    .commitVerdict(order: order, commitment: verdict(order)), by: arbiters[0])
                try world.wait(5_000)
            }
        case .renting: order = try world.rented()
        case .paused:
            order = try world.rented()
            try world.wait(10_000)
        case .closed:
            order = try world.delivered()
            try world.must(.acceptResult(order: order), by: payer)
        }
        return (world, order)
    }
}

private func verdict(_ order: ObjectID) -> Hash32 {
    JobOrder.verdict(order: order, arbiter: arbiters[0], result: answer, salt: salt)
}

/// An operation of whoever may perform it.
private func operations(_ order: ObjectID) -> [(name: String, JobOperation, by: Address)] {
    [
        ("placeBid", .placeBid(order: order, price: Amount(10), bond: Amount(1)), neighbour),
        ("withdrawBid", .withdrawBid(order: order), provider),
        (
            "acceptBid",
            .acceptBid(order: order, bid: ObjectID(owner: provider, number: 0)), payer
        ),
        ("closeOrder", .closeOrder(order: order), payer),
        ("deliver", .deliver(order: order, result: answer), provider),
        ("reveal", .reveal(order: order, answer: answer, salt: salt), payer),
        ("acceptResult", .acceptResult(order: order), payer),
        ("dispute", .dispute(order: order), payer),
        (
            "commitVerdict", .commitVerdict(order: order, commitment: verdict(order)),
            arbiters[0]
        ),
        (
            "revealVerdict", .revealVerdict(order: order, result: answer, salt: salt),
            arbiters[0]
        ),
        ("settle", .settle(order: order), stranger),
        ("topUp", .topUp(order: order, value: Amount(50)), stranger),
        ("closeLease", .closeLease(order: order), provider),
    ]
}

/// Rows in the order of the stages above, columns in that of the operations; `nil` is allowed.
private let expected: [Stage: [JobFailure?]] = {
    let no = JobFailure.notLeased
    let open = JobFailure.notOpen
    let vote = JobFailure.notVoting
    let under = JobFailure.underArbitration
    let late = JobFailure.alreadyDelivered
    let due = JobFailure.nothingDue
    let rental = JobFailure.notRental
    let fixed = JobFailure.notFixed
    let early = JobFailure.notDelivered
    return [
        .unknown: Array(repeating: .unknownOrder, count: 13),
        .open: [nil, nil, nil, nil, no, no, no, no, vote, vote, due, rental, no],
        .working: [
            open, open, open, open, nil, early, early, early, vote, vote, due, rental, nil,
        ],
        .unsampled: [
            open, open, open, open, late, nil, nil, nil, vote, vote, due, rental, late,
        ],
        .passed: [open, open, open, open, late, nil, nil, nil, vote, vote, due, rental, late],
        .disputed: [
            open, open, open, open, late, under, under, under, vote, vote, due, rental, late,
        ],
        .committing: [
            open, open, open, open, late, under, under, under, nil, .revealTooEarly, due, rental,
            late,
        ],
        .revealing: [
            open, open, open, open, late, under, under, under, .commitTooLate, nil, due, rental,
            late,
        ],
        .renting: [
            open, open, open, open, fixed, fixed, fixed, fixed, vote, vote, due, nil, nil,
        ],
        .paused: [
            open, open, open, open, fixed, fixed, fixed, fixed, vote, vote, due, nil, nil,
        ],
        .closed: [open, open, open, open, no, no, no, no, vote, vote, due, rental, no],
    ]
}()

@Suite struct JobLifeCycleTests {
    @Test(arguments: Stage.allCases)
    private func everyTransitionIsAllowedOrRefusedWithItsReason(_ stage: Stage) throws {
        let (world, order) = try stage.build()
        let row = try #require(expected[stage])
        let operations = operations(order)
        #expect(row.count == operations.count)
        for ((name, operation, sender), reason) in zip(operations, row) {
            var fork = world
            guard let reason else {
                let failure = try fork.perform(operation, by: sender)
                #expect(failure == nil, "\(stage), \(name)")
                continue
            }
            let before = try fork.balance(sender)
            let failure = try fork.perform(operation, by: sender)
            #expect(failure == .job(reason), "\(stage), \(name)")
            #expect(try fork.balance(sender) == before, "\(stage), \(name)")
            guard stage != .unknown else { continue }
            #expect(try fork.order(order) == world.order(order), "\(stage), \(name)")
        }
    }

    /// Whatever an order is at: if nobody does anything any more, it closes, and nothing remains of it
    /// but its record.
    @Test(arguments: Stage.allCases)
    private func leftAloneItCloses(_ stage: Stage) throws {
        var (world, order) = try stage.build()
        guard stage != .unknown else { return }
        for _ in 0..<8 {
            world.seed = BeaconSeed(number: world.seed.nextDraw, value: answer)
            try world.wait(20_000)
        }
        _ = try world.closing(order)
        #expect(try world.reserved(1) == 0)
        #expect(world.timers(1).isEmpty)
        let bids = try world.objects(1).filter { $0.object.kind == .bid }
        #expect(bids.isEmpty)
    }
}
