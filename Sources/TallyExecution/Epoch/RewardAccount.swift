package import TallyPrimitives
import TallyState

/// A node's part in the rewards of its shard: from which epoch on it had which weight (EPOCH-4).
///
/// A change takes effect with the next epoch, so there are at most two weights beside those of
/// epochs that have been settled.
package struct RewardAccount: Hashable, Sendable {
    /// Ascending by epoch.
    package private(set) var weights: [Step] = []

    package struct Step: Hashable, Sendable {
        package let epoch: UInt64
        package let weight: RewardWeight
    }

    package init() {}

    /// The weight from the next epoch on.
    package var next: RewardWeight { weights.last?.weight ?? .zero }
}

extension RewardAccount: RLPValue {
    package func encode(to out: inout RLPEncoder) { out.list { _ in } }

    package init(from input: inout RLPDecoder) throws(RLPError) {
        _ = try input.nextList()
    }
}

extension BlockExecutor {
    /// Changes a node's weight from the next epoch on, and the shard's with it.
    mutating func setWeight(
        _ weight: RewardWeight, of account: inout RewardAccount
    ) throws(ExecutionError) {}

    /// Takes what the node has earned in the epochs whose shares have arrived out of the shard's pool.
    /// The caller pays it out.
    mutating func settle(_ account: inout RewardAccount) throws(ExecutionError) -> Amount { .zero }
}
