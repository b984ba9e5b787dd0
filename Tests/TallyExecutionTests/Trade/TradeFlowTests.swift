import TallyPrimitives
import TallyState
import TallyTransactions
import Testing

@testable import TallyExecution

/// TRADE-2 to TRADE-6, over shards.
@Suite struct TradeFlowTests {
    private let seller = trader(0)
    /// On the seller's shard, and on another.
    private static let buyers = [trader(0, 2), trader(3)]

    private func world(_ buyer: Address) throws -> TradeWorld {
        try TradeWorld(accounts: [seller, buyer])
    }

    /// S1:358-371: the fourth period, a price of 1,000 in two units, offered at 600 at first.
    @Test(arguments: buyers)
    func workedExampleComesOut(buyer: Address) throws {
        var world = try world(buyer)
        try world.go(toEpoch: 270)
        let before = (try world.account(seller).balance, try world.account(buyer).balance)
        let offer = try world.submit(
            .listOffer(terms(price: 60_000_000_000, units: 2)), from: seller)
        try world.submit(.repriceOffer(offer, pricePerUnit: Amount(50_000_000_000)), from: seller)
        try world.settle()
        let fees = before.0.units - (try world.account(seller).balance.units)
        let vault = try world.treasury()

        let operation = TradeOperation.buyCompute(
            offer, units: 2, maximumPrice: Amount(60_000_000_000))
        let trade = try world.submit(operation, from: buyer)
        try world.settle()
        let reward = (try tokens("44.4889"), try tokens("22.2111"))
        #expect(
            world.trades == [
                .taken(offer, trade: trade, units: 2, left: 0),
                .closed(offer, .soldOut, units: 0),
                .executed(
                    trade: trade, seller: seller, price: try tokens("1000"),
                    fee: try tokens("200")),
                .owed(
                    trade: trade, buyerReward: reward.0, providerReward: reward.1, epoch: 270),
            ])
        let treasury = try #require(try world.treasury().subtracting(vault))
        #expect(treasury == (try tokens("200")))
        let paid = before.1.units - (try world.account(buyer).balance.units)
        let fee = UInt128(operation.weight + Weights.callData(operation.callData))
        #expect(paid == (try tokens("1000").units) + fee, "the difference came back")

        world.fund(try tokens("66.7"), of: 270, at: seller)
        try world.go(toEpoch: 271)
        #expect(
            world.trades == [
                .rewarded(trade: trade, to: buyer, reward.0),
                .rewarded(trade: trade, to: seller, reward.1),
            ])
        let net = before.1.units - (try world.account(buyer).balance.units) - fee
        #expect(net == (try tokens("955.5111").units), "S1:367")
        let earned = try world.account(seller).balance.units - before.0.units + fees
        #expect(earned == (try tokens("822.2111").units), "S1:369")
        #expect(try world.owed(trade, at: seller) == nil)
    }

    /// ECON-16 through the whole ledger: a price of 1,000 at the beginning of each period.
    @Test(
        arguments: [
            (1, "200", "0"), (2, "200", "0"), (3, "50", "50"), (4, "44.4889", "22.2111"),
            (5, "24.012", "16.008"), (6, "15.6328125", "9.3796875"),
            (7, "9.46035281", "5.92233468"), (8, "5.89404592", "3.62783763"),
            (9, "3.63663585", "2.24788818"), (10, "2.24744096", "1.38919489"),
        ] as [(UInt64, String, String)])
    func rewardsDecayByPeriod(period: UInt64, buyerReward: String, providerReward: String) throws {
        var world = try world(trader(3))
        let epoch = 90 * (period - 1)
        if epoch > 0 { try world.go(toEpoch: epoch) }
        let offer = try world.submit(
            .listOffer(terms(price: 100_000_000_000, units: 1)), from: seller)
        try world.settle()
        let trade = try world.submit(
            .buyCompute(offer, units: 1, maximumPrice: Amount(100_000_000_000)), from: trader(3))
        try world.settle()
        let owed = OwedTrade(
            trade: trade, seller: seller, buyerReward: try tokens(buyerReward),
            providerReward: try tokens(providerReward), epoch: epoch)
        #expect(try world.owed(trade, at: seller) == owed)
    }

    @Test(arguments: buyers)
    func leavesWhatIsNotSold(buyer: Address) throws {
        var world = try world(buyer)
        let offer = try world.submit(.listOffer(terms()), from: seller)
        try world.settle()
        var expected = try #require(try world.offer(offer))
        #expect(world.trades == [.listed(expected)])
        #expect(expected.until.milliseconds == 2_000 + 30 * 86_400_000)
        let trade = try world.submit(
            .buyCompute(offer, units: 3, maximumPrice: Amount(100)), from: buyer)
        try world.settle()
        expected.units = 7
        #expect(try world.offer(offer) == expected)
        #expect(
            world.trades == [
                .taken(offer, trade: trade, units: 3, left: 7),
                .executed(trade: trade, seller: seller, price: Amount(300), fee: Amount(60)),
                .owed(trade: trade, buyerReward: Amount(60), providerReward: .zero, epoch: 0),
            ])
    }

    /// A price of 4 has a fee of 1, and ⌊4 · 20 %⌋ = 0 as reward.
    @Test func owesNothingWithoutRewards() throws {
        var world = try world(trader(3))
        let offer = try world.submit(.listOffer(terms(price: 4)), from: seller)
        try world.settle()
        let trade = try world.submit(
            .buyCompute(offer, units: 1, maximumPrice: Amount(4)), from: trader(3))
        try world.settle()
        #expect(
            world.trades == [
                .taken(offer, trade: trade, units: 1, left: 9),
                .executed(trade: trade, seller: seller, price: Amount(4), fee: Amount(1)),
            ])
        #expect(try world.owed(trade, at: seller) == nil)
    }

    @Test(arguments: buyers)
    func proceedsOfARefusingSellerWaitInEscrow(buyer: Address) throws {
        var world = try world(buyer)
        try world.submit(.transfer(.setCreditPolicy(.refuse)), from: seller)
        try world.submit(.transfer(.setCreditPolicy(.refuse)), from: buyer)
        try world.go(toEpoch: 180)
        let offer = try world.submit(.listOffer(terms()), from: seller)
        try world.settle()
        try world.submit(
            .buyCompute(offer, units: 1, maximumPrice: Amount(150)), from: buyer)
        try world.settle()
        #expect(try world.escrow(of: seller) == Amount(80))
        #expect(try world.escrow(of: buyer) == Amount(50), "so does what comes back")
        world.fund(Amount(10), of: 180, at: seller)
        try world.go(toEpoch: 181)
        #expect(try world.escrow(of: seller) == Amount(85), "and what is owed: 5 each")
        #expect(try world.escrow(of: buyer) == Amount(55))
    }

    // MARK: Ends of offers

    @Test func sellerTakesAnOfferBack() throws {
        var world = try world(trader(3))
        let offer = try world.submit(.listOffer(terms()), from: seller)
        try world.submit(.cancelOffer(offer), from: seller)
        try world.settle()
        #expect(world.trades.last == .closed(offer, .cancelled, units: 10))
        #expect(try world.offer(offer) == nil)
        #expect(try world.object(OfferBook.key(of: seller), at: seller) == nil)
        // Its entry still runs, and finds nothing.
        try world.go(toEpoch: 31)
        #expect(world.trades.isEmpty)
        #expect(world.due.joined().allSatisfy { $0.action != .trade(.expire(offer)) })
    }

    @Test func offersEndByThemselves() throws {
        var world = try world(trader(3))
        let offer = try world.submit(.listOffer(terms(until: 4_500)), from: seller)
        try world.step()
        try world.step()
        #expect(world.time == 3_000)
        try world.step()
        #expect(try world.offer(offer) != nil)
        try world.step()
        #expect(world.trades == [.closed(offer, .expired, units: 10)])
        #expect(try world.offer(offer) == nil)
    }

    @Test func expiryOfOneOfferLeavesTheOthers() throws {
        var world = try world(trader(3))
        let first = try world.submit(.listOffer(terms(until: 90_000)), from: seller)
        let second = try world.submit(.listOffer(terms(until: 60_000)), from: seller)
        try world.step()
        try world.step(60_000)
        #expect(world.trades == [.closed(second, .expired, units: 10)])
        let book = try OfferBook(
            try #require(try world.object(OfferBook.key(of: seller), at: seller)))
        #expect(book.numbers == [first.number])
    }

    // MARK: Fees

    @Test func operationsWeighWhatTheySay() {
        let id = ObjectID(owner: seller, number: 0)
        #expect(TradeOperation.listOffer(terms()).weight == 44_000)
        #expect(TradeOperation.cancelOffer(id).weight == 28_000)
        #expect(TradeOperation.repriceOffer(id, pricePerUnit: Amount(1)).weight == 28_000)
        #expect(
            TradeOperation.buyCompute(id, units: 1, maximumPrice: Amount(1)).weight == 77_000)
        #expect(TradeOperation.settleTrade(id, seller: seller).weight == 28_000)
    }
}
