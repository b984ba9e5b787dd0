package import TallyPrimitives
import TallyState

/// What the beacon sent a shard for the trade rewards that it owes for an epoch (EPOCH-6).
package struct TradeFunding: Hashable, Sendable {
    /// All that the shard's trades are owed for the epoch.
    package let owed: Amount
    /// What arrived for it: less if the pool ran out (ECON-17).
    package let funded: Amount

    package init(owed: Amount, funded: Amount) {
        self.owed = owed
        self.funded = funded
    }

    /// Of an epoch of which nothing is left: every reward pays nothing.
    static let exhausted = TradeFunding(owed: .max, funded: .zero)
}

/// What an endpoint's trades of one epoch are owed, and from the arrival of its share on what is
/// there for them.
struct TradeEpoch: EpochObject {
    let epoch: UInt64
    var owed = Amount.zero
    /// `nil` until the share has arrived.
    var funded: Amount?
    /// The object's money: what arrived and was not drawn.
    var money = Amount.zero

    static var kind: ObjectKind { .epoch }
    static func key(_ epoch: UInt64) -> ObjectKey { EpochObjectTag.trades.key(epoch) }
    var key: ObjectKey { Self.key(epoch) }

    init(epoch: UInt64) { self.epoch = epoch }

    init(_ object: StateObject) throws(RLPError) {
        (epoch, owed, funded) = try RLPDecoder.list(object.payload.bytes) {
            (list) throws(RLPError) in
            try EpochObjectTag.trades.expect(in: &list)
            return (
                try list.nextInteger(), try list.nextAmount(),
                list.isAtEnd ? nil : try list.nextAmount()
            )
        }
        money = object.value
    }

    var object: StateObject? {
        // Once nothing is left, no reward can be paid: each is at most what is left.
        guard !(funded == nil ? owed : money).isZero else { return nil }
        let payload = RLPEncoder.list { out in
            out.append(EpochObjectTag.trades.rawValue)
            out.append(epoch)
            out.append(owed)
            if let funded { out.append(funded) }
        }
        return StateObject(kind: .epoch, value: money, payload: Payload(payload))
    }
}

extension BlockExecutor {
    /// Adds to what the shard's trades of this epoch are owed.
    mutating func owe(_ reward: Amount) throws(ExecutionError) {
        guard !reward.isZero else { return }
        var trades = try tradeEpoch(context.epoch)
        trades.owed = try checked(trades.owed.adding(reward), "trade rewards")
        try store(trades)
    }

    /// The funding of an epoch's trades; `nil` until it has arrived.
    func tradeFunding(of epoch: UInt64) throws(ExecutionError) -> TradeFunding? {
        let pool: RewardPool? = try peek(at: RewardPool.key)
        guard let pool, epoch < pool.next else { return nil }
        let trades: TradeEpoch? = try peek(at: TradeEpoch.key(epoch))
        guard let trades, let funded = trades.funded else { return .exhausted }
        return TradeFunding(owed: trades.owed, funded: funded)
    }

    /// Takes a payment out of an epoch's funding.
    mutating func drawTradeReward(
        _ amount: Amount, of epoch: UInt64
    ) throws(ExecutionError) {
        guard !amount.isZero else { return }
        var trades = try tradeEpoch(epoch)
        trades.money = try checked(
            trades.money.subtracting(amount), "trade funding of epoch \(epoch)")
        try store(trades)
    }

    mutating func tradeEpoch(_ epoch: UInt64) throws(ExecutionError) -> TradeEpoch {
        try stored(at: TradeEpoch.key(epoch)) ?? TradeEpoch(epoch: epoch)
    }
}
