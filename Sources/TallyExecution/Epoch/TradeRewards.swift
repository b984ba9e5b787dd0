package import TallyPrimitives
import TallyState

/// What the beacon sent a shard for the trade rewards that it owes for an epoch (EPOCH-6).
package struct TradeFunding: Hashable, Sendable {
    /// All that the shard's trades are owed for the epoch.
    package let owed: Amount
    /// What arrived for it: less if the pool ran out (ECON-17).
    package let funded: Amount
}

/// What the shard's trades of an epoch are owed, and what is left of the funding: its money.
struct TradeEpoch: Hashable, Sendable {
    let epoch: UInt64
    var owed = Amount.zero
    /// `nil` until it has arrived.
    var funded: Amount?
    /// What arrived and was not drawn.
    var money = Amount.zero

    static func key(_ epoch: UInt64) -> ObjectKey {
        ObjectKey(.epoch, key: RLPEncoder.list { $0.append(epoch) })
    }

    init(epoch: UInt64) { self.epoch = epoch }

    init(_ object: StateObject) throws(RLPError) {
        (epoch, owed, funded) = try RLPDecoder.list(object.payload.bytes) {
            (list) throws(RLPError) in
            (
                try list.nextInteger(), try list.nextAmount(),
                list.isAtEnd ? nil : try list.nextAmount()
            )
        }
        money = object.value
    }

    var object: StateObject {
        let payload = RLPEncoder.list { out in
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
        var trades = try tradeEpoch(context.epoch)
        guard let sum = trades.owed.adding(reward), trades.funded == nil else {
            throw .invariant("trade rewards of epoch \(context.epoch)")
        }
        trades.owed = sum
        try store(trades)
    }

    /// The funding of an epoch's trades; `nil` until it has arrived.
    mutating func tradeFunding(of epoch: UInt64) throws(ExecutionError) -> TradeFunding? {
        let trades = try tradeEpoch(epoch)
        return trades.funded.map { TradeFunding(owed: trades.owed, funded: $0) }
    }

    /// Takes a payment out of an epoch's funding.
    mutating func drawTradeReward(
        _ amount: Amount, of epoch: UInt64
    ) throws(ExecutionError) {
        var trades = try tradeEpoch(epoch)
        guard let left = trades.money.subtracting(amount) else {
            throw .invariant("trade funding of epoch \(epoch)")
        }
        trades.money = left
        try store(trades)
    }

    /// The epoch's number on the schedules: 0 is that of the genesis (ECON-8).
    func epochsSinceOpening(_ epoch: UInt64) throws(ExecutionError) -> UInt64 { epoch }

    mutating func tradeEpoch(_ epoch: UInt64) throws(ExecutionError) -> TradeEpoch {
        guard let object = try state.object(TradeEpoch.key(epoch)) else {
            return TradeEpoch(epoch: epoch)
        }
        do throws(RLPError) {
            return try TradeEpoch(object)
        } catch { throw .corruptObject(.epoch, error) }
    }

    mutating func store(_ trades: TradeEpoch) throws(ExecutionError) {
        try state.set(TradeEpoch.key(trades.epoch), trades.object)
    }
}
