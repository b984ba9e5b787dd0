import TallyPrimitives
import TallyState
import TallyTransactions

extension BlockExecutor {
    /// Sells units of an offer: the proceeds, the fee and what was paid too much move at once
    /// (ECON-15); rewards are owed until the epoch's close (ECON-16).
    mutating func buy(
        _ id: ObjectID, units: UInt64, maximumPrice: Amount, _ call: FamilyCall
    ) throws(ExecutionError) -> ExecutionFailure? {
        // TRADE-4: everything is checked before anything is done, as a receipt is not reverted.
        let offer: Offer
        switch try openOffer(id) {
        case .failure(let reason): return .trade(reason.failure)
        case .success(let open): offer = open
        }
        guard id.owner != call.sender else { return .trade(.ownOffer) }
        guard units <= offer.units else { return .trade(.notEnoughUnits) }
        guard offer.pricePerUnit <= maximumPrice else { return .trade(.priceAboveMaximum) }
        guard let price = offer.pricePerUnit.multiplied(by: units),
            let refund = call.value.subtracting(price)
        else { return .malformed }
        let settlement = try settlement(of: price)
        let owed = OwedTrade(
            trade: call.id, seller: id.owner, buyerReward: settlement.buyerReward,
            providerReward: settlement.providerReward, epoch: context.epoch)
        let rewards = try total(of: owed)
        // A payment to another shard, now and at the epoch's close, and the claim.
        let payment = owed.reservedEntries(context)
        guard hasDueRoom(for: (refund.isZero ? 0 : payment) + (rewards.isZero ? 0 : 1 + payment))
        else { return .dueQueueFull }

        try take(units, of: offer, trade: call.id)
        recordTrade(
            .executed(trade: call.id, seller: id.owner, price: price, fee: settlement.fee))
        try payTreasury(settlement.fee)
        try pay(settlement.proceeds, payout(.proceeds, call, to: id.owner), isReserved: false)
        try pay(refund, payout(.refund, call, to: call.sender), isReserved: false)
        if !rewards.isZero { try owe(owed, rewards) }
        return nil
    }

    private func payout(_ reason: PayoutReason, _ call: FamilyCall, to: Address) -> Payout {
        Payout(object: call.id, reason: reason, to: to, origin: call.origin)
    }

    private func total(of owed: OwedTrade) throws(ExecutionError) -> Amount {
        guard let sum = owed.buyerReward.adding(owed.providerReward) else {
            throw .invariant("rewards of a trade exceed its fee")
        }
        return sum
    }

    private mutating func settlement(of price: Amount) throws(ExecutionError) -> TradeSettlement {
        let rule = try economy().trade
        let period = DecayPeriod(
            epoch: try epochsSinceOpening(context.epoch), epochsPerPeriod: rule.epochsPerPeriod)
        do throws(EconomyError) {
            return try rule.settlement(price: price, period: period)
        } catch { throw .invariant("a trade's settlement: \(error)") }
    }

    // TRADE-5
    private mutating func owe(_ owed: OwedTrade, _ rewards: Amount) throws(ExecutionError) {
        try state.set(OwedTrade.key(owed.trade), owed.object)
        try owe(rewards)
        reserveDue(owed.reservedEntries(context))
        _ = try enqueue(
            .trade(.claim(owed.trade, tries: 0)), value: .zero, at: context.epochEnd,
            to: context.endpoint)
        recordTrade(
            .owed(
                trade: owed.trade, buyerReward: owed.buyerReward,
                providerReward: owed.providerReward, epoch: owed.epoch))
    }

    // MARK: Paying what is owed

    /// TRADE-6: the ledger pays by itself, and comes again if the funding is not there.
    mutating func claim(_ trade: ObjectID, tries: UInt8) throws(ExecutionError) {
        guard let owed = try owedTrade(trade) else { return }
        if try payRewards(owed, origin: .zero) { return }
        let wait = Self.claimMilliseconds << UInt64(min(tries, Self.claimDoublings))
        let (next, overflow) = context.time.milliseconds.addingReportingOverflow(wait)
        _ = try enqueue(
            .trade(.claim(trade, tries: min(tries, .max - 1) + 1)), value: .zero,
            at: BeaconTime(milliseconds: overflow ? .max : next), to: context.endpoint)
    }

    /// From a claim without funding to the next. Nobody pays for such a run, and a busy epoch has
    /// many claims at once, so the time doubles up to 64 s.
    private static var claimMilliseconds: UInt64 { 1_000 }
    private static var claimDoublings: UInt8 { 6 }

    /// TRADE-6: anyone may have it paid sooner. What was paid is deleted, so it is paid once.
    mutating func settle(
        _ trade: ObjectID, seller: Address, _ call: FamilyCall
    ) throws(ExecutionError) -> ExecutionFailure? {
        guard let owed = try owedTrade(trade), owed.seller == seller else {
            return .trade(.nothingOwed)
        }
        return try payRewards(owed, origin: call.origin) ? nil : .trade(.rewardNotFunded)
    }

    /// ECON-17: pays both sides, in proportion if the pool ran out.
    /// - Returns: `false`, and nothing happened, before the epoch's funding has arrived.
    private mutating func payRewards(
        _ owed: OwedTrade, origin: Hash32
    ) throws(ExecutionError) -> Bool {
        guard let funding = try tradeFunding(of: owed.epoch) else { return false }
        try state.set(OwedTrade.key(owed.trade), nil)
        for (who, reward, isReserved) in [
            (owed.buyer, owed.buyerReward, owed.reservedEntries(context) > 0),
            (owed.seller, owed.providerReward, false),
        ] {
            let amount = OwedReward.payable(
                reward, ofAll: funding.owed, available: funding.funded)
            if !amount.isZero {
                try drawTradeReward(amount, of: owed.epoch)
                recordTrade(.rewarded(trade: owed.trade, to: who, amount))
            }
            try pay(
                amount,
                Payout(object: owed.trade, reason: .tradeReward, to: who, origin: origin),
                isReserved: isReserved)
        }
        return true
    }

    private mutating func owedTrade(_ trade: ObjectID) throws(ExecutionError) -> OwedTrade? {
        guard let object = try state.object(OwedTrade.key(trade)) else { return nil }
        do throws(RLPError) {
            return try OwedTrade(object)
        } catch { throw .corruptObject(.owed, error) }
    }
}
