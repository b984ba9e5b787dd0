import TallyCrypto
import TallyPrimitives
import TallyTransactions
import Testing

@testable import TallyExecution

@Suite struct JobResultTests {
    private func check(_ world: JobWorld, _ order: ObjectID) throws -> ResultCheck {
        guard case .delivered(let delivery) = try world.lease(order) else {
            Issue.record("not delivered")
            return .passed
        }
        return delivery.check
    }

    @Test func resultIsPaidWhenTheWindowIsOver() throws {
        var world = try JobWorld.usual()
        let order = try world.delivered()
        #expect(try check(world, order) == .unsampled(draw: 9))
        #expect(world.facts(order).last == .delivered(answer))
        try world.reachDraw()
        #expect(try check(world, order) == .passed)
        try world.wait(8_999)
        #expect(try check(world, order) == .passed)
        try world.wait(1)
        #expect(
            try world.closing(order)
                == JobClosing(
                    reason: .settled, provider: provider, paid: Amount(800),
                    refunded: Amount(200), debt: .zero))
        #expect(try world.gain(provider) == 800)
        #expect(try world.gain(payer) == -800)
        #expect(try world.reserved(1) == 0)
    }

    @Test func drawWaitsForItsSeed() throws {
        var world = try JobWorld.usual()
        let order = try world.delivered()
        world.seed = BeaconSeed(number: 8, value: SHA256.plain([8]))
        // Past the window: a seed that is late keeps nobody's money, but for the wait.
        try world.wait(30_000)
        #expect(try check(world, order) == .unsampled(draw: 9))
        try world.refuses(.dispute(order: order), by: payer, .job(.windowOver))
        try world.reachDraw()
        #expect(try world.closing(order).reason == .settled)
    }

    @Test func anyoneSettlesOnceItIsDue() throws {
        var world = try JobWorld.usual()
        let order = try world.delivered()
        try world.refuses(.settle(order: order), by: stranger, .job(.nothingDue))
        world.seed = BeaconSeed(number: 9, value: SHA256.plain([9]))
        try world.must(.settle(order: order), by: stranger)
        #expect(try check(world, order) == .passed)
        world.time = BeaconTime(milliseconds: world.time.milliseconds + 10_000)
        // The request arrives together with the due entry: either settles, the other finds it done.
        _ = try world.perform(.settle(order: order), by: stranger)
        #expect(try world.closing(order).reason == .settled)
        #expect(try world.gain(provider) == 800)
    }

    @Test func payerAcceptsAtOnce() throws {
        var world = try JobWorld.usual()
        let order = try world.delivered()
        try world.refuses(.acceptResult(order: order), by: provider, .job(.notPayer))
        try world.must(.acceptResult(order: order), by: payer)
        #expect(try world.closing(order).reason == .settled)
        #expect(try world.gain(provider) == 800)
        try world.reachDraw()
        try world.wait(100_000)
        #expect(try world.gain(provider) == 800, "paid once")
        #expect(world.timers(1).isEmpty)
    }

    @Test func undeliveredBondIsThePayers() throws {
        var world = try JobWorld.usual()
        let order = try world.assigned()
        try world.refuses(.closeLease(order: order), by: payer, .job(.leaseRunning))
        try world.wait(59_999)
        _ = try world.lease(order)
        try world.wait(1)
        #expect(try world.closing(order).reason == .undelivered)
        #expect(try world.gain(payer) == 80)
        #expect(try world.gain(provider) == -80)
        #expect(
            world.facts(order).suffix(2) == [
                .bidClosed(ObjectID(owner: provider, number: 0), .forfeited),
                .closed(.undelivered, paid: .zero, refunded: Amount(1_000)),
            ])
    }

    @Test func payerClosesWhatIsOverdue() throws {
        var world = try JobWorld.usual()
        let order = try world.assigned()
        world.time = BeaconTime(milliseconds: world.time.milliseconds + 60_000)
        let failure = try world.perform(.closeLease(order: order), by: payer)
        // The timer of the same block was first.
        #expect(failure == .job(.notLeased))
        #expect(try world.closing(order).reason == .undelivered)
    }

    @Test func lateDeliveryIsRefused() throws {
        var world = try JobWorld.usual()
        let order = try world.assigned()
        try world.wait(59_999)
        let late = try world.perform(
            .deliver(order: order, result: answer), by: provider, later: 1)
        #expect(late == .job(.deliveryTooLate))
        #expect(try world.closing(order).reason == .undelivered)
    }

    @Test func deliveryInTheLastMillisecondCounts() throws {
        var world = try JobWorld.usual()
        let order = try world.assigned()
        try world.wait(59_998)
        let failure = try world.perform(
            .deliver(order: order, result: answer), by: provider, later: 1)
        #expect(failure == nil)
        #expect(try check(world, order) == .unsampled(draw: 9))
    }

    @Test func onlyTheProviderDelivers() throws {
        var world = try JobWorld.usual()
        let order = try world.assigned()
        for other in [payer, neighbour, stranger] {
            try world.refuses(
                .deliver(order: order, result: answer), by: other, .job(.notProvider))
            guard other != payer else { continue }
            try world.refuses(.closeLease(order: order), by: other, .job(.notProvider))
        }
    }

    @Test func providerThatGivesUpLosesItsBond() throws {
        var world = try JobWorld.usual()
        let order = try world.assigned()
        try world.must(.closeLease(order: order), by: provider)
        #expect(try world.closing(order).reason == .providerClosed)
        #expect(try world.gain(payer) == 80)
        #expect(try world.gain(provider) == -80)
    }

    @Test func sealedAnswerPassesAResult() throws {
        var world = try JobWorld.usual()
        let order = try world.delivered()
        try world.refuses(
            .reveal(order: order, answer: answer, salt: wrong), by: payer, .job(.sealMismatch))
        try world.refuses(
            .reveal(order: order, answer: answer, salt: salt), by: provider, .job(.notPayer))
        try world.must(.reveal(order: order, answer: answer, salt: salt), by: payer)
        #expect(try world.closing(order).reason == .settled)
        #expect(world.facts(order).contains(.taskRevealed(isPassed: true)))
        #expect(try world.gain(provider) == 800)
    }

    /// A seal shows what its payer expected, not that it was right: arbiters decide.
    @Test func sealedAnswerDisputesAnotherResult() throws {
        var world = try JobWorld.usual()
        let order = try world.delivered(wrong)
        try world.must(.reveal(order: order, answer: answer, salt: salt), by: payer)
        #expect(try check(world, order) == .disputed(draw: 9))
        #expect(world.facts(order).contains(.taskRevealed(isPassed: false)))
        #expect(try world.treasury() == 0)
        try world.refuses(
            .reveal(order: order, answer: answer, salt: salt), by: payer,
            .job(.underArbitration))
    }

    /// JOB-18: lost are 40, shared as after any dispute.
    @Test func openedSealSharesTheBondLikeADispute() throws {
        var world = try JobWorld.usual()
        let order = try world.delivered(wrong)
        try world.must(.reveal(order: order, answer: answer, salt: salt), by: payer)
        try world.reachDraw()
        try world.vote(order, [answer, answer, answer, answer, wrong])
        #expect(world.facts(order).contains(.decided(.slashed, result: answer)))
        #expect(try world.gain(provider) == -40)
        #expect(try world.gain(payer) == 20)
        #expect(try arbiters.map { try world.gain($0) } == [5, 5, 5, 5, 0])
        #expect(try world.treasury() == 0)
    }

    /// Arbiters are drawn anew, and only what they say counts.
    @Test func sealMayBeOpenedAfterASampleWithoutAMajority() throws {
        var world = try JobWorld.usual { $0.sampleBps = 10_000 }
        let order = try world.delivered(wrong)
        try world.reachDraw()
        try world.vote(order, [wrong, wrong, nil, nil, nil])
        #expect(world.facts(order).last == .decided(.noMajority, result: nil))
        try world.must(.reveal(order: order, answer: answer, salt: salt), by: payer)
        try world.reachDraw()
        #expect(world.facts(order).count { $0 == .arbiterDrawn } == 10)
        try world.vote(order, [answer, answer, answer, nil, nil])
        #expect(world.facts(order).contains(.decided(.slashed, result: answer)))
        #expect(try arbiters.map { try world.gain($0) } == [6, 6, 6, 0, 0])
        #expect(try world.treasury() == 2)
        #expect(try world.gain(payer) == 20)
    }

    @Test func sealIsOpenedWithinTheWindow() throws {
        var world = try JobWorld.usual()
        let order = try world.delivered(wrong)
        world.time = BeaconTime(milliseconds: world.time.milliseconds + 10_000)
        let late = try world.perform(
            .reveal(order: order, answer: answer, salt: salt), by: payer)
        #expect(late == .job(.windowOver))
    }

    // MARK: Arbiters

    private func disputed(
        _ world: inout JobWorld, _ result: Hash32 = wrong
    ) throws -> ObjectID {
        let order = try world.delivered(result)
        try world.must(.dispute(order: order), by: payer)
        #expect(try check(world, order) == .disputed(draw: 9))
        #expect(try world.reserved(1) == 7)
        try world.reachDraw()
        guard case .voting(let vote) = try check(world, order) else {
            Issue.record("no vote")
            return order
        }
        #expect(vote.cause == .dispute)
        #expect(vote.ballots == arbiters.map { JobBallot(arbiter: $0, vote: .none) })
        return order
    }

    /// Lost are 40: 20 to the payer, 5 to each of four arbiters, nothing left.
    @Test func disputeIsDecidedByTheMajorityOfAllDrawn() throws {
        var world = try JobWorld.usual()
        let order = try disputed(&world)
        try world.vote(order, [answer, answer, answer, answer, wrong])
        #expect(world.facts(order).contains(.decided(.slashed, result: answer)))
        #expect(try world.closing(order).reason == .slashed)
        #expect(try world.gain(provider) == -40)
        #expect(try world.gain(payer) == 20)
        #expect(try arbiters.map { try world.gain($0) } == [5, 5, 5, 5, 0])
        #expect(try world.treasury() == 0)
        #expect(try world.reserved(1) == 0)
    }

    /// 20 among three are 6 each; 2 are the treasury's.
    @Test func whatArbitersCannotShareIsTheTreasurys() throws {
        var world = try JobWorld.usual()
        let order = try disputed(&world)
        try world.vote(order, [nil, answer, answer, answer, nil])
        #expect(try world.closing(order).reason == .slashed)
        #expect(try arbiters.map { try world.gain($0) } == [0, 6, 6, 6, 0])
        #expect(try world.treasury() == 2)
        #expect(try world.gain(payer) == 20)
    }

    @Test func disputeOfARightResultPaysIt() throws {
        var world = try JobWorld.usual()
        let order = try disputed(&world, answer)
        try world.vote(order, [answer, answer, wrong, answer, nil])
        #expect(world.facts(order).contains(.decided(.accepted, result: answer)))
        #expect(try world.closing(order).reason == .settled)
        #expect(try world.gain(provider) == 800)
        #expect(try arbiters.map { try world.gain($0) } == [0, 0, 0, 0, 0])
    }

    /// Two of five are no majority, though nobody contradicts them.
    @Test func withoutAMajorityADisputedResultIsPaid() throws {
        var world = try JobWorld.usual()
        let order = try disputed(&world)
        try world.vote(order, [answer, answer, nil, nil, nil])
        #expect(world.facts(order).contains(.decided(.noMajority, result: nil)))
        #expect(try world.closing(order).reason == .settled)
        #expect(try world.gain(provider) == 800)
    }

    @Test func sampledResultThatIsWrongPaysTheTreasury() throws {
        var world = try JobWorld.usual { $0.sampleBps = 10_000 }
        let order = try world.delivered(wrong)
        try world.reachDraw()
        #expect(world.facts(order).contains(.sampled(seed: 9)))
        #expect(world.facts(order).count { $0 == .arbiterDrawn } == 5)
        try world.refuses(.dispute(order: order), by: payer, .job(.underArbitration))
        try world.vote(order, [answer, answer, answer, nil, wrong])
        #expect(try world.closing(order).reason == .slashed)
        #expect(try world.gain(provider) == -40)
        #expect(try world.gain(payer) == 0)
        #expect(try arbiters.map { try world.gain($0) } == [0, 0, 0, 0, 0])
        #expect(try world.treasury() == 40)
    }

    @Test func sampledResultThatIsRightIsPaid() throws {
        var world = try JobWorld.usual { $0.sampleBps = 10_000 }
        let order = try world.delivered()
        try world.reachDraw()
        try world.vote(order, [answer, answer, answer, nil, nil])
        #expect(world.facts(order).contains(.decided(.accepted, result: answer)))
        #expect(try world.closing(order).reason == .settled)
    }

    @Test func payerMayDisputeAfterASampleWithoutAMajority() throws {
        var world = try JobWorld.usual { $0.sampleBps = 10_000 }
        let order = try world.delivered(wrong)
        try world.reachDraw()
        try world.vote(order, [nil, nil, nil, nil, nil])
        #expect(world.facts(order).last == .decided(.noMajority, result: nil))
        #expect(try check(world, order) == .passed)
        try world.must(.dispute(order: order), by: payer)
        try world.reachDraw()
        try world.vote(order, [answer, answer, answer, answer, answer])
        #expect(try world.closing(order).reason == .slashed)
        #expect(try world.gain(payer) == 20)
    }

    @Test func aSampleWithoutAMajorityIsPaidAfterAnotherWindow() throws {
        var world = try JobWorld.usual { $0.sampleBps = 10_000 }
        let order = try world.delivered(wrong)
        try world.reachDraw()
        try world.vote(order, [nil, nil, nil, nil, nil])
        try world.wait(9_999)
        #expect(try check(world, order) == .passed)
        try world.wait(1)
        #expect(try world.closing(order).reason == .settled)
    }

    @Test func partiesAreNoArbiters() throws {
        var world = try JobWorld.usual()
        world.validators = ([payer, provider] + arbiters).sorted()
        _ = try disputed(&world)
    }

    @Test func withoutValidatorsADisputeIsLost() throws {
        var world = try JobWorld.usual()
        world.validators = [provider]
        let order = try world.delivered(wrong)
        try world.must(.dispute(order: order), by: payer)
        try world.reachDraw()
        #expect(world.facts(order).contains(.decided(.noMajority, result: nil)))
        #expect(try world.closing(order).reason == .settled)
    }

    @Test func verdictsAreCommittedFirstAndTheirOwn() throws {
        var world = try JobWorld.usual()
        let order = try disputed(&world)
        func commitment(_ arbiter: Address) -> Hash32 {
            JobOrder.verdict(order: order, arbiter: arbiter, result: answer, salt: salt)
        }
        func commit(_ arbiter: Address, _ value: Hash32) throws {
            try world.must(.commitVerdict(order: order, commitment: value), by: arbiter)
        }
        let revealing = JobOperation.revealVerdict(order: order, result: answer, salt: salt)
        try world.refuses(
            .commitVerdict(order: order, commitment: answer), by: stranger, .job(.notArbiter))
        try commit(arbiters[0], commitment(arbiters[0]))
        // A copy of another's commitment cannot be opened.
        try commit(arbiters[1], commitment(arbiters[0]))
        try world.refuses(
            .commitVerdict(order: order, commitment: answer), by: arbiters[0],
            .job(.alreadyCommitted))
        try world.refuses(revealing, by: arbiters[0], .job(.revealTooEarly))
        try world.wait(5_000)
        try world.refuses(
            .commitVerdict(order: order, commitment: answer), by: arbiters[2],
            .job(.commitTooLate))
        try world.refuses(revealing, by: arbiters[1], .job(.verdictMismatch))
        try world.refuses(
            .revealVerdict(order: order, result: wrong, salt: salt), by: arbiters[0],
            .job(.verdictMismatch))
        try world.refuses(revealing, by: arbiters[2], .job(.notCommitted))
        try world.must(revealing, by: arbiters[0])
        try world.refuses(revealing, by: arbiters[0], .job(.alreadyRevealed))
        #expect(world.facts(order).last == .verdictRevealed(answer))
        try world.wait(4_999)
        try revealTooLate(&world, order)
    }

    /// The request arrives with the block that ends the vote, and before its timer.
    private func revealTooLate(_ world: inout JobWorld, _ order: ObjectID) throws {
        let arbiter = try #require(arbiters.first { world.home(of: $0) != 1 })
        let late = try world.perform(
            .revealVerdict(order: order, result: answer, salt: salt), by: arbiter, later: 1)
        #expect(late == .job(.revealTooLate))
        #expect(try world.closing(order).reason == .settled)
    }

    @Test func disputeNeedsRoomForItsArbiters() throws {
        // 12 for transactions: two timers, three reserved, three orders; 5 arbiters are too many.
        var world = try JobWorld.usual(dueBound: 16)
        let order = try world.delivered(wrong)
        for _ in 0..<3 { _ = try world.post() }
        try world.refuses(.dispute(order: order), by: payer, .dueQueueFull)
        try world.must(.acceptResult(order: order), by: payer)
    }

    /// 10 % of 2,000 orders, within four standard deviations (54).
    @Test func samplesAsOftenAsTheRuleSays() {
        let rule = EconomyParameters.emc.jobs
        let seed = SHA256.plain([5])
        let sampled = (0..<2_000).count {
            JobOrder.isSampled(ObjectID(owner: payer, number: $0), seed: seed, rule)
        }
        #expect((146...254).contains(sampled))
    }
}
