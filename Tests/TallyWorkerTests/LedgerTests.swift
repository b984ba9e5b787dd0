import TallyCrypto
import TallyExecution
import TallyPrimitives
import TallyTransactions
import Testing

@testable import TallyWorker

/// An answer of invented segments: another root, and the paths of an honest one.
private struct InventedAnswer: RoundAnswer {
    let honest: any RoundAnswer
    var root: Hash32 { SHA256.plain(honest.root.bytes) }
    func opening(_ draw: ProofDraw) -> ProofOpening { honest.opening(draw) }
}

extension ProofRound {
    fileprivate var isCommitted: Bool {
        if case .committed = state { true } else { false }
    }
}

@Suite struct LedgerTests {
    @Test func honestNodeIsMeasured() throws {
        var world = try LedgerWorld()
        try world.go("no round ended") { try $0.round()?.last != nil }
        guard case .attested(let milliseconds, _) = try world.round()?.last else {
            Issue.record("\(String(describing: try world.round()?.last))")
            return
        }
        // Opened in one block, computed after it, submitted after the second, committed in the third.
        #expect(milliseconds == 2_000)
        guard case .active = try world.computeNode()?.state else {
            Issue.record("not active")
            return
        }
        #expect(world.failures == [])
        // Register, commit, reveal; each validator attests once.
        #expect(world.said.count == 3 + LedgerWorld.validators.count)
        try world.go("no second round") { try $0.computeNode()?.reputation.passed == 2 }
        #expect(world.said.count == 1 + 2 * (2 + LedgerWorld.validators.count))
        #expect(world.failures == [])
    }

    @Test func restartedNodeRevealsWhatItCommittedTo() throws {
        var world = try LedgerWorld()
        try world.go("no commitment") { try $0.round()?.isCommitted == true }
        world.worker = LedgerWorld.worker()
        try world.go("no round ended") { try $0.round()?.last != nil }
        #expect(try world.computeNode()?.reputation.passed == 1)
        #expect(world.failures == [])
    }

    @Test func inventedSegmentsMissTheRound() throws {
        var world = try LedgerWorld()
        world.cheat = { work in
            guard case .round(let challenge, let answer) = work else { return work }
            return .round(challenge: challenge, InventedAnswer(honest: answer))
        }
        try world.go("no round ended") { try $0.round()?.last != nil }
        #expect(try world.round()?.last == .missed)
        #expect(try world.computeNode()?.reputation.passed == 0)
        #expect(world.failures == [.proof(.wrongPath)])
    }

    /// An order that the machine has delivered and the payer disputes.
    private func disputed(_ world: inout LedgerWorld) throws -> ObjectID {
        let order = try world.post()
        var bid: ObjectID?
        try world.go("no bid") {
            if case .open(let bids) = try $0.order(order)?.state { bid = bids.first }
            return bid != nil
        }
        try world.say(
            .job(.acceptBid(order: order, bid: #require(bid))), by: LedgerWorld.payer)
        try world.go("no result") {
            guard case .active(let lease) = try $0.order(order)?.state,
                case .delivered = lease.state
            else { return false }
            return true
        }
        try world.say(.job(.dispute(order: order)), by: LedgerWorld.payer)
        return order
    }

    @Test func honestResultWinsADispute() throws {
        var world = try LedgerWorld()
        let order = try disputed(&world)
        try world.go("not closed") { try $0.closing(order) != nil }
        let closing = try #require(try world.closing(order))
        #expect(closing.reason == .settled)
        #expect(closing.paid == Amount(800))
        #expect(world.failures == [])
    }

    @Test func wrongResultIsSlashed() throws {
        var world = try LedgerWorld()
        world.cheat = { work in
            guard case .job(let order, _) = work else { return work }
            return .job(order, .result(SHA256.plain([66])))
        }
        let order = try disputed(&world)
        try world.go("not closed") { try $0.closing(order) != nil }
        let closing = try #require(try world.closing(order))
        #expect(closing.reason == .slashed)
        #expect(closing.refunded == Amount(1_000))
        #expect(world.failures == [])
    }

    @Test func restartedArbitersReveal() throws {
        var world = try LedgerWorld()
        let order = try disputed(&world)
        try world.go("no commitment") { world in
            world.said.contains { if case .job(.commitVerdict) = $0.what { true } else { false } }
        }
        for validator in LedgerWorld.validators {
            world.duties[validator] = LedgerWorld.duties(validator)
        }
        try world.go("not closed") { try $0.closing(order) != nil }
        #expect(try world.closing(order)?.reason == .settled)
        let reveals = world.said.count {
            if case .job(.revealVerdict) = $0.what { true } else { false }
        }
        #expect(reveals == LedgerWorld.validators.count)
    }

    // MARK: Hidden tasks

    /// A validator's task, which is there because somebody else has posted an order.
    private func task(_ world: inout LedgerWorld) throws -> ObjectID {
        world.tasks = LedgerWorld.tasks()
        _ = try world.post()
        try world.go("no task") { try $0.posted.count == 2 && $0.order($0.posted[1]) != nil }
        return try #require(world.posted.last)
    }

    private func invent(_ work: FinishedWork) -> FinishedWork {
        guard case .job(let order, _) = work else { return work }
        return .job(order, .result(SHA256.plain([66])))
    }

    @Test func hiddenTaskIsSettledWithAnHonestNode() throws {
        var world = try LedgerWorld()
        let task = try task(&world)
        try world.go("not closed") { try $0.closing(task) != nil }
        #expect(try world.closing(task)?.reason == .settled)
        #expect(try world.closing(task)?.paid == Amount(800))
        try world.go("not counted") { try $0.computeNode()?.reputation.deliveries == 1 }
        #expect(try world.computeNode()?.reputation.failures == 0)
        #expect(world.failures == [])
    }

    @Test func hiddenTaskCatchesACheat() throws {
        var world = try LedgerWorld()
        world.cheat = invent
        let task = try task(&world)
        try world.go("not closed") { try $0.closing(task) != nil }
        #expect(try world.closing(task)?.reason == .slashed)
        #expect(try world.closing(task)?.refunded == Amount(1_000))
        try world.go("not counted") { try $0.computeNode()?.reputation.failures == 1 }
        #expect(try world.computeNode()?.reputation.deliveries == 0)
        let opened = world.said.count {
            if case .job(.reveal) = $0.what { true } else { false }
        }
        #expect(opened == 1)
        #expect(world.failures == [])
    }

    /// Forgetting everything after each block changes nothing but when bids are accepted.
    @Test(arguments: [false, true]) func hiddenTaskSurvivesRestarts(isCheat: Bool) throws {
        var world = try LedgerWorld()
        if isCheat { world.cheat = invent }
        let task = try task(&world)
        for step in 0..<200 where try world.closing(task) == nil {
            // What was submitted needs some heights to be seen.
            if step % 5 == 0 { world.tasks = LedgerWorld.tasks() }
            try world.step()
        }
        #expect(try world.closing(task)?.reason == (isCheat ? .slashed : .settled))
        #expect(world.posted.count == 2)
        #expect(world.failures == [])
    }
}
