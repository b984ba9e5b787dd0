import TallyPrimitives
import TallyTransactions
import Testing

@testable import TallyExecution

@Suite struct JobRentalTests {
    private func meter(_ world: JobWorld, _ order: ObjectID) throws -> RentalMeter? {
        switch try world.lease(order) {
        case .renting(let meter), .insufficientFunds(let meter): meter
        case .working, .delivered: nil
        }
    }

    private func isPaused(_ world: JobWorld, _ order: ObjectID) throws -> Bool {
        if case .insufficientFunds = try world.lease(order) { true } else { false }
    }

    @Test func stopsExactlyWhereItsEscrowEnds() throws {
        var world = try JobWorld.usual()
        let order = try world.rented()
        try world.wait(9_999)
        #expect(try !isPaused(world, order))
        try world.wait(1)
        #expect(try isPaused(world, order))
        #expect(try world.order(order).escrow.isZero)
        #expect(world.facts(order).suffix(2) == [.paid(Amount(1_000)), .paused(debt: .zero)])
        // The bond of 600 is still there.
        #expect(try world.gain(provider) == 400)
    }

    @Test func anyoneSettlesWhatIsEarned() throws {
        var world = try JobWorld.usual()
        let order = try world.rented()
        try world.refuses(.settle(order: order), by: stranger, .job(.nothingDue))
        try world.wait(1_234)
        try world.must(.settle(order: order), by: stranger)
        // ⌊123.4⌋
        #expect(try world.gain(provider) == 123 - 600)
        try world.refuses(.settle(order: order), by: provider, .job(.nothingDue))
        try world.wait(6)
        // 124.0 in all: what a floor took is not lost.
        try world.must(.settle(order: order), by: provider)
        #expect(try world.gain(provider) == 124 - 600)
        #expect(try world.order(order).escrow == Amount(876))
    }

    @Test func settlingOftenPaysNoLess() throws {
        var world = try JobWorld.usual()
        let order = try world.rented(rate: 7, escrow: 50)
        var twin = world
        for _ in 0..<40 {
            try world.wait(101)
            _ = try world.perform(.settle(order: order), by: stranger)
        }
        try twin.wait(4_040)
        try twin.must(.settle(order: order), by: stranger)
        #expect(try world.gain(provider) == twin.gain(provider))
        #expect(try world.order(order).escrow == twin.order(order).escrow)
    }

    @Test func payerClosesAtAnyTime() throws {
        var world = try JobWorld.usual()
        let order = try world.rented()
        try world.wait(2_500)
        try world.must(.closeLease(order: order), by: payer)
        #expect(
            try world.closing(order)
                == JobClosing(
                    reason: .payerClosed, provider: provider, paid: Amount(250),
                    refunded: Amount(750), debt: .zero))
        #expect(try world.gain(provider) == 250)
        #expect(try world.gain(payer) == -250)
        #expect(try world.reserved(1) == 0)
        try world.wait(100_000)
        #expect(world.timers(1).isEmpty)
        #expect(try world.gain(provider) == 250)
    }

    @Test func providerClosesWithWhatItEarned() throws {
        var world = try JobWorld.usual()
        let order = try world.rented()
        try world.wait(2_500)
        try world.must(.closeLease(order: order), by: provider)
        #expect(try world.closing(order).reason == .providerClosed)
        #expect(try world.gain(provider) == 250)
        #expect(try world.gain(payer) == -250)
    }

    @Test func runsItsFullTime() throws {
        var world = try JobWorld.usual()
        let order = try world.rented(escrow: 10_000)
        try world.wait(60_000)
        #expect(
            try world.closing(order)
                == JobClosing(
                    reason: .settled, provider: provider, paid: Amount(6_000),
                    refunded: Amount(4_000), debt: .zero))
        #expect(try world.gain(provider) == 6_000)
    }

    /// A rate of 10^7 a second leaves 3,000 of a debt in the millisecond that ends it.
    @Test func recordsWhatItCouldNotPay() throws {
        var world = try JobWorld.usual()
        let order = try world.rented(rate: 10_000_000, escrow: 10_007_000)
        try world.wait(1_001)
        #expect(try isPaused(world, order))
        #expect(world.facts(order).last == .paused(debt: Amount(3_000)))
        try world.must(.topUp(order: order, value: Amount(1_000)), by: payer)
        #expect(try isPaused(world, order))
        #expect(
            world.facts(order).suffix(2) == [.funded(Amount(1_000)), .paid(Amount(1_000))])
        try world.must(.closeLease(order: order), by: payer)
        #expect(
            try world.closing(order)
                == JobClosing(
                    reason: .payerClosed, provider: provider, paid: Amount(10_008_000),
                    refunded: .zero, debt: Amount(2_000)))
    }

    @Test func anyoneFundsAPausedRentalOn() throws {
        var world = try JobWorld.usual()
        let order = try world.rented()
        try world.wait(10_000)
        try world.wait(5_000)
        try world.must(.topUp(order: order, value: Amount(200)), by: stranger)
        #expect(
            world.facts(order).suffix(2) == [
                .funded(Amount(200)), .resumed(escrow: Amount(200)),
            ])
        #expect(try world.gain(stranger) == -200)
        // The pause is not paid: 1,200 for 12 s.
        try world.wait(1_999)
        #expect(try !isPaused(world, order))
        try world.wait(1)
        #expect(try isPaused(world, order))
        #expect(try meter(world, order)?.elapsed == 12_000)
        #expect(try meter(world, order)?.paid == Amount(1_200))
        #expect(try world.gain(provider) == 600)
    }

    @Test func fundedInTimeItDoesNotPause() throws {
        var world = try JobWorld.usual()
        let order = try world.rented()
        try world.wait(9_000)
        try world.must(.topUp(order: order, value: Amount(500)), by: payer)
        try world.wait(5_999)
        #expect(try !isPaused(world, order))
        try world.wait(1)
        #expect(try isPaused(world, order))
        #expect(!world.facts(order).contains(.resumed(escrow: Amount(500))))
    }

    @Test func openRentalTakesMoreEscrow() throws {
        var world = try JobWorld.usual()
        let order = try world.post(.rental, price: 100, escrow: 1_000)
        try world.must(.topUp(order: order, value: Amount(10)), by: stranger)
        #expect(try world.order(order).escrow == Amount(1_010))
        try world.must(.closeOrder(order: order), by: payer)
        #expect(try world.gain(payer) == 10, "whoever gave it, it is the payer's")
    }

    @Test func pausedForTooLongItCloses() throws {
        var world = try JobWorld.usual()
        let order = try world.rented()
        try world.wait(10_000)
        try world.wait(59_999)
        #expect(try isPaused(world, order))
        try world.wait(1)
        #expect(
            try world.closing(order)
                == JobClosing(
                    reason: .outOfFunds, provider: provider, paid: Amount(1_000),
                    refunded: .zero, debt: .zero))
        #expect(try world.gain(provider) == 1_000)
        #expect(try world.reserved(1) == 0)
    }

    @Test func topUpComesTooLateWhenThePauseIsOver() throws {
        var world = try JobWorld.usual()
        let order = try world.rented()
        try world.wait(10_000)
        try world.wait(59_999)
        let late = try world.perform(
            .topUp(order: order, value: Amount(100)), by: stranger, later: 1)
        #expect(late == .job(.leaseOver))
        #expect(try world.closing(order).reason == .outOfFunds)
        #expect(try world.gain(stranger) == 0)
    }

    /// A block was late: 62 s after the start, of which 60 s count.
    @Test func lateBlockPaysNoMoreThanTheDuration() throws {
        var world = try JobWorld.usual()
        let order = try world.rented(escrow: 5_990)
        try world.wait(62_000)
        #expect(world.facts(order).last == .paused(debt: Amount(10)))
        #expect(try meter(world, order)?.elapsed == 60_000)
        try world.must(.topUp(order: order, value: Amount(25)), by: payer)
        #expect(
            try world.closing(order)
                == JobClosing(
                    reason: .settled, provider: provider, paid: Amount(6_000),
                    refunded: Amount(15), debt: .zero))
    }

    @Test func topUpNeedsRoom() throws {
        var world = try JobWorld.usual(dueBound: 16)
        let order = try world.rented()
        try world.wait(10_000)
        for _ in 0..<8 { _ = try world.post() }
        // A timer, a bid, 8 orders: 2 of 12 are left, and 3 are needed.
        try world.refuses(
            .topUp(order: order, value: Amount(100)), by: payer, .dueQueueFull)
        try world.wait(5_000)
        try world.must(.topUp(order: order, value: Amount(100)), by: payer)
    }

    @Test(arguments: [(1, 1_000), (3, 334), (1_000, 1), (999, 2), (7, 143)] as [(Int, UInt64)])
    func endsInTheFirstMillisecondThatNothingIsLeftFor(_ rate: Int, _ expected: UInt64) {
        let meter = RentalMeter(
            elapsed: 0, since: BeaconTime(milliseconds: 50), paid: .zero)
        let rate = Amount(UInt128(rate))
        let end = meter.end(rate: rate, escrow: Amount(1), limit: 5_000)
        #expect(end.milliseconds == 50 + expected)
        let before = BeaconTime(milliseconds: end.milliseconds - 1)
        #expect(
            meter.read(at: before, limit: 5_000)
                .standing(rate: rate, escrow: Amount(1), limit: 5_000) == .running)
        #expect(
            meter.read(at: end, limit: 5_000)
                .standing(rate: rate, escrow: Amount(1), limit: 5_000) == .exhausted)
    }

    @Test func endsAtItsLimitWhateverTheEscrow() {
        let meter = RentalMeter(elapsed: 10, since: BeaconTime(milliseconds: 50), paid: .max)
        #expect(meter.end(rate: Amount(1), escrow: .max, limit: 100).milliseconds == 140)
    }
}
