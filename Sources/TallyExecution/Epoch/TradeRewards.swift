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
private struct TradeAccount {
    var owed = Amount.zero
    /// `nil` until it has arrived.
    var funded: Amount?
    var left = Amount.zero

    static func key(_ epoch: UInt64) -> ObjectKey {
        ObjectKey(.epoch, key: RLPEncoder.list { $0.append(epoch) })
    }

    init(_ object: StateObject?) throws(RLPError) {
        guard let object else { return }
        left = object.value
        (owed, funded) = try RLPDecoder.list(object.payload.bytes) { (list) throws(RLPError) in
            (try list.nextAmount(), list.isAtEnd ? nil : try list.nextAmount())
        }
    }

    var object: StateObject {
        let payload = RLPEncoder.list { out in
            out.append(owed)
            if let funded { out.append(funded) }
        }
        return StateObject(kind: .epoch, value: left, payload: Payload(payload))
    }
}

extension BlockExecutor {
    /// Adds to what the shard's trades of this epoch are owed.
    mutating func owe(_ reward: Amount) throws(ExecutionError) {
        try change(context.epoch) { account in
            guard let sum = account.owed.adding(reward), account.funded == nil else { return false }
            account.owed = sum
            return true
        }
    }

    /// The funding of an epoch's trades; `nil` until it has arrived.
    mutating func tradeFunding(of epoch: UInt64) throws(ExecutionError) -> TradeFunding? {
        let account = try account(epoch)
        return account.funded.map { TradeFunding(owed: account.owed, funded: $0) }
    }

    /// Takes a payment out of an epoch's funding.
    mutating func drawTradeReward(
        _ amount: Amount, of epoch: UInt64
    ) throws(ExecutionError) {
        try change(epoch) { account in
            guard let left = account.left.subtracting(amount) else { return false }
            account.left = left
            return true
        }
    }

    /// Takes in an epoch's funding.
    mutating func fundTrades(_ amount: Amount, of epoch: UInt64) throws(ExecutionError) {
        try change(epoch) { account in
            guard account.funded == nil else { return false }
            (account.funded, account.left) = (amount, amount)
            return true
        }
    }

    /// The epoch's number on the schedules: 0 is that of the genesis (ECON-8).
    func epochsSinceOpening(_ epoch: UInt64) throws(ExecutionError) -> UInt64 { epoch }

    private mutating func account(_ epoch: UInt64) throws(ExecutionError) -> TradeAccount {
        let object = try state.object(TradeAccount.key(epoch))
        do throws(RLPError) {
            return try TradeAccount(object)
        } catch { throw .corruptObject(.epoch, error) }
    }

    private mutating func change(
        _ epoch: UInt64, _ body: (inout TradeAccount) -> Bool
    ) throws(ExecutionError) {
        var account = try account(epoch)
        guard body(&account) else { throw .invariant("trade rewards of epoch \(epoch)") }
        try state.set(TradeAccount.key(epoch), account.object)
    }
}
