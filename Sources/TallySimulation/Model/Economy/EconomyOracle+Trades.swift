import TallyExecution
import TallyPrimitives
import TallyTransactions

// Offers, trades and what they are owed.

extension EconomyOracle {
    struct Sale: Sendable {
        var price: UInt128
        var units: UInt64
        let until: UInt64
    }

    struct TradeClaim: Sendable {
        let seller: Address
        let buyerReward: UInt128
        let providerReward: UInt128
        let epoch: UInt64
        var paid: Set<Address> = []
    }

    struct NewClaim: Sendable {
        let seller: Address
        let buyer: UInt128
        let provider: UInt128
    }

    mutating func follow(_ event: TradeEvent) throws(EconomyViolation) {
        switch event {
        case .listed(let offer):
            try expect(offers[offer.id] == nil, .trade, "\(offer.id) is listed twice")
            offers[offer.id] = Sale(
                price: offer.pricePerUnit.units, units: offer.units,
                until: offer.until.milliseconds)
        case .repriced(let id, let price):
            try expect(offers[id] != nil, .trade, "\(id) is no offer")
            offers[id]?.price = price.units
        case .closed(let id, let reason, let units):
            guard let offer = offers.removeValue(forKey: id) else {
                throw violation(.trade, "\(id) is no offer")
            }
            try expect(units, is: offer.units, .trade, "what \(id) did not sell")
            try expect(
                reason != .expired || now >= offer.until, .trade, "\(id) expires too early")
        case .taken(let id, let trade, let units, let left):
            guard let offer = offers[id], offer.units >= units, now < offer.until else {
                throw violation(.trade, "\(id) does not sell \(units)")
            }
            try expect(left, is: offer.units - units, .trade, "what is left of \(id)")
            offers[id]?.units = left
            sale = (id, trade, units, offer.price)
        case .executed(let trade, let seller, let price, let fee):
            try execute(trade, seller, price.units, fee.units)
        case .owed(let trade, let buyer, let provider, let epoch):
            try owe(trade, buyer.units, provider.units, epoch)
        case .rewarded(let trade, let to, let amount): try reward(trade, to, amount.units)
        }
    }

    // ECON-15
    private mutating func execute(
        _ trade: ObjectID, _ seller: Address, _ price: UInt128, _ fee: UInt128
    ) throws(EconomyViolation) {
        guard let sale, sale.trade == trade, sale.offer.owner == seller, isHere(seller),
            let call, call.sender == trade.owner, call.value >= price
        else { throw violation(.trade, "\(trade) sells nothing") }
        self.sale = nil
        try expect(price, is: sale.price * UInt128(sale.units), .trade, "the price of \(trade)")
        let proceeds = Self.quotient(price, UInt128(10_000 - economy.trade.feeBps), 10_000)
        try expect(fee, is: price - proceeds, .trade, "the fee of \(trade)")
        promise(proceeds, .proceeds, of: trade, to: seller)
        promise(call.value - price, .refund, of: trade, to: trade.owner)
        let (buyer, provider) = rewards(price, epoch)
        guard buyer + provider > 0 else { return }
        owedNow[trade] = NewClaim(seller: seller, buyer: buyer, provider: provider)
    }

    // ECON-16
    private mutating func owe(
        _ trade: ObjectID, _ buyer: UInt128, _ provider: UInt128, _ owedEpoch: UInt64
    ) throws(EconomyViolation) {
        guard let owed = owedNow.removeValue(forKey: trade), trades[trade] == nil else {
            throw violation(.trade, "nothing is owed for \(trade)")
        }
        try expect(buyer, is: owed.buyer, .trade, "what the buyer of \(trade) is owed")
        try expect(provider, is: owed.provider, .trade, "what the seller of \(trade) is owed")
        try expect(owedEpoch, is: epoch, .trade, "the epoch of \(trade)")
        trades[trade] = TradeClaim(
            seller: owed.seller, buyerReward: buyer, providerReward: provider, epoch: epoch)
        epochs.claims[index][epoch, default: 0] += buyer + provider
    }

    // ECON-17: each side once.
    private mutating func reward(
        _ trade: ObjectID, _ to: Address, _ amount: UInt128
    ) throws(EconomyViolation) {
        guard var claim = trades[trade], isHere(claim.seller), claim.paid.insert(to).inserted,
            to == claim.seller || to == trade.owner
        else { throw violation(.reward, "\(to) is rewarded again for \(trade)") }
        guard let available = epochs.arrived[index][claim.epoch] else {
            throw violation(.reward, "epoch \(claim.epoch) has no funding")
        }
        let reward = to == claim.seller ? claim.providerReward : claim.buyerReward
        let owed = epochs.claims[index][claim.epoch] ?? 0
        try expect(
            amount, is: Self.payable(reward, owed, available), .reward,
            "what \(to) gets for \(trade)")
        promise(amount, .tradeReward, of: trade, to: to)
        trades[trade] = claim
        touched.trades.insert(trade)
    }
}
