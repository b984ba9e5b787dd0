package import TallyPrimitives
package import TallyState

/// What an endpoint's pool of the nodes' rewards says to readers (EPOCH-4).
package struct RewardPoolReading: Hashable, Sendable {
    /// The first epoch whose share has not arrived.
    package let next: UInt64
    /// Of all nodes together, in that epoch.
    package let weight: RewardWeight
    /// Of ECON-18, with 64 fractional bits.
    package let index: UInt256
    /// What arrived and was not drawn.
    package let money: Amount

    package static let key = RewardPool.key

    /// - Throws: `RLPError` when the payload is not one this code wrote.
    package init(_ object: StateObject) throws(RLPError) {
        let pool = try RewardPool(object)
        next = pool.next
        weight = pool.weight(in: pool.next)
        index = pool.index.value
        money = pool.money
    }
}
