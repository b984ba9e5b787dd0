import TallyPrimitives
import TallyTransactions
import Testing

@testable import TallyExecution

@Suite struct JobBiddingTests {
    @Test func postedJobHoldsItsEscrow() throws {
        var world = try JobWorld.usual()
        let id = try world.post(escrow: 1_500)
        let order = try world.order(id)
        #expect(id == ObjectID(owner: payer, number: 0))
        #expect(order.escrow == Amount(1_500))
        #expect(order.state == .open(bids: []))
        #expect(world.facts(id) == [.created(kind: 1, escrow: Amount(1_500))])
        #expect(try world.gain(payer) == -1_500)
        #expect(world.timers(1).map(\.key.time) == [order.terms.bidsUntil])
    }

    @Test func biddingEndsWithinTenYearsAndLaterThanNow() throws {
        var world = try JobWorld.usual()
        for (bidding, isRefused) in [
            (0, true), (1, false), (JobTerms.maximumDuration, false),
            (JobTerms.maximumDuration + 1, true),
        ] as [(UInt64, Bool)] {
            let operation = JobOperation.postJob(
                world.terms(bidding: bidding), escrow: Amount(1_000))
            let failure = try world.perform(operation, by: payer)
            #expect(failure == (isRefused ? .job(.biddingTimeOutOfRange) : nil), "\(bidding)")
        }
    }

    /// 10 % of 805 is 80.5: the bond is rounded up.
    @Test func bondIsExact() throws {
        var world = try JobWorld.usual()
        let order = try world.post()
        for bond in [80, 82, 0] as [UInt128] {
            try world.refuses(
                .placeBid(order: order, price: Amount(805), bond: Amount(bond)), by: provider,
                .job(.bondMismatch))
        }
        let bid = try world.bid(order, 805)
        let stored = try #require(try world.bid(bid, of: order))
        #expect(stored.bond == Amount(81))
        #expect(stored.state == .open)
        #expect(try world.order(order).state == .open(bids: [bid]))
        #expect(try world.gain(provider) == -81)
        #expect(world.facts(order).last == .bidPlaced(bid, price: Amount(805)))
    }

    /// 7 a second for 60.001 s cost 420.007, of which 10 % are 42.0007.
    @Test func bondOfARentalIsOfItsWholeDuration() throws {
        var world = try JobWorld.usual()
        let order = try world.post(.rental, price: 7, duration: 60_001)
        _ = try world.bid(order, 7)
        #expect(try world.gain(provider) == -43)
    }

    @Test func rateThatOverflowsIsRefused() throws {
        let world = try JobWorld.usual()
        let rule = EconomyParameters.emc.jobs
        let terms = world.terms(.rental, duration: 1_001)
        #expect(JobOrder.bond(.max, terms, rule) == nil)
        #expect(JobOrder.bond(.max, world.terms(.rental, duration: 1_000), rule) != nil)
        #expect(JobOrder.bond(.max, world.terms(), rule) != nil)
    }

    @Test func bidAboveThePriceIsRefused() throws {
        var world = try JobWorld.usual()
        let order = try world.post()
        try world.refuses(try world.bidding(order, 1_001), by: provider, .job(.bidTooHigh))
        _ = try world.bid(order, 1_000)
    }

    @Test func bidderBidsOnceAtATime() throws {
        var world = try JobWorld.usual()
        let order = try world.post()
        _ = try world.bid(order)
        try world.refuses(try world.bidding(order, 700), by: provider, .job(.alreadyBid))
        try world.must(.withdrawBid(order: order), by: provider)
        #expect(try world.gain(provider) == 0)
        _ = try world.bid(order, 700)
    }

    @Test func sixteenBidsAreTheMost() throws {
        let bidders = (0..<17).map { JobWorld.address($0 % 4, 100 + UInt32($0)) }
        var world = try JobWorld(people + bidders, validators: arbiters)
        let order = try world.post()
        for bidder in bidders.prefix(16) { _ = try world.bid(order, by: bidder) }
        #expect(try world.reserved(1) == 16)
        try world.refuses(try world.bidding(order, 800), by: bidders[16], .job(.tooManyBids))
        try world.must(.closeOrder(order: order), by: payer)
        for bidder in bidders { #expect(try world.gain(bidder) == 0) }
        #expect(try world.gain(payer) == 0)
        #expect(try world.reserved(1) == 0)
    }

    @Test func biddingCloses() throws {
        var world = try JobWorld.usual()
        let order = try world.post()
        let bid = try world.bid(order, by: neighbour)
        try world.wait(4_999)
        let late = try world.perform(try world.bidding(order, 700), by: provider, later: 1)
        #expect(late == .job(.biddingClosed))
        #expect(try world.closing(order).reason == .expired)
        try world.refuses(.acceptBid(order: order, bid: bid), by: payer, .job(.notOpen))
    }

    @Test func acceptingOneLosesTheOthersWithTheirBonds() throws {
        var world = try JobWorld.usual()
        let order = try world.post(escrow: 1_200)
        let bid = try world.bid(order)
        let other = try world.bid(order, 900, by: neighbour)
        try world.must(.acceptBid(order: order, bid: bid), by: payer)
        let deadline = BeaconTime(milliseconds: world.time.milliseconds + 60_000)
        #expect(
            try world.order(order).state
                == .active(
                    JobLease(bid: bid, price: Amount(800), state: .working(deadline: deadline))))
        #expect(try world.gain(neighbour) == 0)
        #expect(try world.bid(other, of: order) == nil)
        #expect(try world.bid(bid, of: order)?.state == .active)
        #expect(
            world.facts(order).suffix(2) == [
                .bidClosed(other, .lost), .assigned(price: Amount(800)),
            ])
    }

    @Test func unknownBidIsNotAccepted() throws {
        var world = try JobWorld.usual()
        let order = try world.post()
        let bid = ObjectID(owner: provider, number: 0)
        try world.refuses(
            .acceptBid(order: order, bid: bid), by: payer, .job(.unknownBid))
        try world.refuses(.withdrawBid(order: order), by: provider, .job(.unknownBid))
    }

    @Test func onlyThePayerAcceptsAndCloses() throws {
        var world = try JobWorld.usual()
        let order = try world.post()
        let bid = try world.bid(order)
        for other in [provider, neighbour] {
            try world.refuses(
                .acceptBid(order: order, bid: bid), by: other, .job(.notPayer))
            try world.refuses(.closeOrder(order: order), by: other, .job(.notPayer))
        }
    }

    @Test func closingAnOrderRefundsAllInTheSameBlock() throws {
        var world = try JobWorld.usual()
        let order = try world.post()
        let bids = [try world.bid(order), try world.bid(order, 900, by: neighbour)]
        let failures = try world.block([(payer, .closeOrder(order: order))])
        #expect(failures == [nil])
        #expect(
            try world.closing(order)
                == JobClosing(
                    reason: .payerClosed, provider: nil, paid: .zero, refunded: Amount(1_000),
                    debt: .zero))
        for bid in bids { #expect(try world.bid(bid, of: order) == nil) }
        #expect(try world.gain(payer) == 0)
        #expect(try world.gain(neighbour) == 0)
        try world.settleDown()
        #expect(try world.gain(provider) == 0)
        #expect(
            world.facts(order).suffix(3) == [
                .bidClosed(bids[0], .lost), .bidClosed(bids[1], .lost),
                .closed(.payerClosed, paid: .zero, refunded: Amount(1_000)),
            ])
        // What is kept of it says nothing of the specification.
        #expect(try world.order(order).terms.spec.isEmpty)
    }

    @Test func orderExpiresWithItsBids() throws {
        var world = try JobWorld.usual()
        let order = try world.post()
        let bid = try world.bid(order)
        try world.wait(4_999)
        #expect(try world.order(order).state == .open(bids: [bid]))
        try world.wait(1)
        #expect(try world.closing(order).reason == .expired)
        #expect(
            world.facts(order).suffix(2) == [
                .bidClosed(bid, .expired),
                .closed(.expired, paid: .zero, refunded: Amount(1_000)),
            ])
        #expect(try world.gain(payer) == 0)
        #expect(try world.gain(provider) == 0)
        #expect(world.timers(1).isEmpty)
        #expect(try world.reserved(1) == 0)
    }

    @Test func anyoneEndsBiddingOnceItIsDue() throws {
        var world = try JobWorld.usual()
        let order = try world.post()
        try world.refuses(.settle(order: order), by: neighbour, .job(.nothingDue))
        try world.wait(5_000)
        #expect(try world.closing(order).reason == .expired)
        try world.refuses(.settle(order: order), by: neighbour, .job(.nothingDue))
    }

    /// 16 entries, of which 12 for transactions.
    @Test func fullQueueRefusesWhatItHasNoRoomFor() throws {
        var world = try JobWorld.usual(dueBound: 16)
        var orders: [ObjectID] = []
        for _ in 0..<9 { orders.append(try world.post()) }
        let bid = try world.bid(orders[0])
        // 9 timers and a bid: a lease needs 4 more.
        try world.refuses(
            .acceptBid(order: orders[0], bid: bid), by: payer, .dueQueueFull)
        _ = try world.bid(orders[1])
        orders.append(try world.post())
        try world.refuses(
            .postJob(world.terms(), escrow: Amount(1_000)), by: payer, .dueQueueFull)
        try world.refuses(try world.bidding(orders[2], 800), by: provider, .dueQueueFull)
        try world.must(.closeOrder(order: orders[1]), by: payer)
        try world.wait(5_000)
        for order in orders { #expect(try world.order(order).escrow.isZero) }
        #expect(try world.gain(payer) == 0)
        #expect(try world.gain(provider) == 0)
    }
}
