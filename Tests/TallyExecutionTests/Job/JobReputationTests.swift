import TallyPrimitives
import TallyTransactions
import Testing

@testable import TallyExecution

/// What a job's end does to the reputation of its provider's node (JOB-24, NODE-11).
@Suite struct JobReputationTests {
    private func world(
        _ owner: Address = provider, _ change: (inout JobRule) -> Void = { _ in }
    ) throws -> JobWorld {
        var world = try JobWorld.usual(change)
        try world.addNode(of: owner)
        return world
    }

    private func ratings(_ world: JobWorld) -> [NodeEvent] {
        world.events.compactMap {
            guard case .compute(.node(let event)) = $0 else { return nil }
            return event
        }
    }

    /// The last payout to somebody.
    private func payout(
        _ world: JobWorld, to owner: Address
    ) -> (reason: PayoutReason, value: Amount)? {
        world.events.compactMap { event -> (reason: PayoutReason, value: Amount)? in
            guard case .compute(.payout(.paid(_, _, let reason, let to, let value, _))) = event,
                to == owner
            else { return nil }
            return (reason, value)
        }.last
    }

    @Test func settledResultIsADelivery() throws {
        var world = try world()
        let order = try world.delivered()
        #expect(try world.counted(provider) == Counted())
        try world.must(.acceptResult(order: order), by: payer)
        #expect(try world.counted(provider) == Counted(deliveries: 1))
        #expect(ratings(world) == [.rated(provider, job: order, isGood: true)])
        try world.wait(100_000)
        #expect(try world.counted(provider) == Counted(deliveries: 1), "once")
    }

    @Test func windowThatEndsIsADelivery() throws {
        var world = try world()
        let order = try world.delivered()
        try world.reachDraw()
        try world.wait(10_000)
        #expect(ratings(world) == [.rated(provider, job: order, isGood: true)])
    }

    /// Payer and provider of one shard: nothing travels.
    @Test func neighbourIsRatedAtOnce() throws {
        var world = try world(neighbour)
        let order = try world.post()
        try world.must(
            .acceptBid(order: order, bid: try world.bid(order, by: neighbour)), by: payer)
        try world.must(.deliver(order: order, result: answer), by: neighbour)
        _ = try world.block([(payer, .acceptResult(order: order))])
        #expect(try world.counted(neighbour) == Counted(deliveries: 1))
        #expect(
            world.events.last
                == .compute(
                    .job(
                        JobEvent(
                            order: order, actor: payer,
                            fact: .closed(.settled, paid: Amount(800), refunded: Amount(200))))))
        #expect(ratings(world) == [.rated(neighbour, job: order, isGood: true)])
    }

    @Test func wrongResultOfASampleIsAFailure() throws {
        var world = try world { $0.sampleBps = 10_000 }
        let order = try world.delivered(wrong)
        try world.reachDraw()
        try world.vote(order, [answer, answer, answer, nil, nil])
        #expect(try world.counted(provider) == Counted(failures: 1))
        #expect(ratings(world) == [.rated(provider, job: order, isGood: false)])
        #expect(payout(world, to: provider)?.reason == .failure)
        #expect(payout(world, to: provider)?.value == Amount(40))
    }

    /// A hidden task: the seal is opened, and arbiters confirm it.
    @Test func openedSealThatArbitersConfirmIsAFailure() throws {
        var world = try world()
        let order = try world.delivered(wrong)
        try world.must(.reveal(order: order, answer: answer, salt: salt), by: payer)
        #expect(ratings(world).isEmpty, "arbiters decide")
        try world.reachDraw()
        try world.vote(order, [answer, answer, answer, nil, nil])
        #expect(try world.counted(provider) == Counted(failures: 1))
    }

    @Test func openedSealOfARightResultIsADelivery() throws {
        var world = try world()
        let order = try world.delivered()
        try world.must(.reveal(order: order, answer: answer, salt: salt), by: payer)
        #expect(try world.counted(provider) == Counted(deliveries: 1))
    }

    /// The whole bond is lost: what is told carries no money.
    @Test func failureTravelsWithoutMoney() throws {
        var world = try world { $0.slashBps = 10_000 }
        let order = try world.delivered(wrong)
        try world.must(.dispute(order: order), by: payer)
        try world.reachDraw()
        try world.vote(order, [answer, answer, answer, answer, answer])
        #expect(try world.gain(provider) == -80)
        #expect(payout(world, to: provider)?.reason == .failure)
        #expect(payout(world, to: provider)?.value == .zero)
        #expect(try world.counted(provider) == Counted(failures: 1))
        #expect(try world.reserved(1) == 0)
    }

    @Test func missedDeliveryIsAFailure() throws {
        var world = try world()
        let order = try world.assigned()
        try world.wait(60_000)
        #expect(try world.closing(order).reason == .undelivered)
        #expect(try world.counted(provider) == Counted(failures: 1))
    }

    @Test func workGivenUpIsAFailure() throws {
        var world = try world()
        let order = try world.assigned()
        try world.must(.closeLease(order: order), by: provider)
        #expect(try world.closing(order).reason == .providerClosed)
        #expect(try world.counted(provider) == Counted(failures: 1))
    }

    @Test func withoutANodeNothingIsCounted() throws {
        var world = try JobWorld.usual()
        let order = try world.delivered()
        try world.must(.acceptResult(order: order), by: payer)
        #expect(try world.gain(provider) == 800)
        #expect(ratings(world).isEmpty)
    }

    @Test func rentalsAreNotCounted() throws {
        var world = try world()
        let order = try world.rented()
        try world.wait(1_000)
        try world.must(.settle(order: order), by: provider)
        try world.must(.closeLease(order: order), by: provider)
        #expect(try world.gain(provider) == 100)
        #expect(try world.counted(provider) == Counted())
    }

    @Test func lostBidsAreNotCounted() throws {
        var world = try world()
        let order = try world.post()
        _ = try world.bid(order)
        try world.must(.closeOrder(order: order), by: payer)
        #expect(try world.counted(provider) == Counted())
    }

    /// The entry that tells a failure is the one that the bid reserved: there is room for it in a queue
    /// that is full.
    @Test func failureIsToldWithAFullQueue() throws {
        // 12 for transactions: the timer, four reserved, and seven orders.
        var world = try JobWorld.usual(dueBound: 16)
        try world.addNode(of: provider)
        let order = try world.assigned()
        for _ in 0..<7 { _ = try world.post() }
        let full = try world.perform(
            .postJob(world.terms(), escrow: Amount(1_000)), by: payer)
        #expect(full == .dueQueueFull)
        try world.must(.closeLease(order: order), by: provider)
        #expect(try world.counted(provider) == Counted(failures: 1))
    }
}
