package import TallyPrimitives

/// What the beacon sent a shard for the trade rewards that it owes for an epoch (EPOCH-6).
package struct TradeFunding: Hashable, Sendable {
    /// All that the shard's trades are owed for the epoch.
    package let owed: Amount
    /// What arrived for it: less if the pool ran out (ECON-17).
    package let funded: Amount
}

extension BlockExecutor {
    /// Adds to what the shard's trades of this epoch are owed.
    mutating func owe(_ reward: Amount) throws(ExecutionError) {}

    /// The funding of an epoch's trades; `nil` until it has arrived.
    func tradeFunding(of epoch: UInt64) throws(ExecutionError) -> TradeFunding? { nil }

    /// Takes a payment out of an epoch's funding.
    mutating func drawTradeReward(
        _ amount: Amount, of epoch: UInt64
    ) throws(ExecutionError) {}

    /// The epoch's number on the schedules: 0 is that of the genesis (ECON-8).
    func epochsSinceOpening(_ epoch: UInt64) throws(ExecutionError) -> UInt64 { 0 }
}
