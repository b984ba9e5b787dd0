import TallyPrimitives
import TallyTransactions

/// What stakes earn of the node rewards.
extension BlockExecutor {
    /// STAKE-14: says the stake's weight anew; it counts from the next epoch on.
    mutating func adjustWeight(of stake: inout RoleStake) throws(ExecutionError) {
        try setWeight(stake.weight(try economy()), of: &stake.rewards)
    }

    // STAKE-15: also what an ended stake has earned.
    mutating func claimRewards(
        _ call: FamilyCall
    ) throws(ExecutionError) -> ExecutionFailure? {
        guard var stake = try roleStake(of: call.sender) else { return .validator(.noStake) }
        // Looked at before anything is settled: a call that fails has no effect.
        let claimable = try stake.rewards.claimable { (key) throws(ExecutionError) in
            try state.peek(key)
        }
        guard let claimable else { throw .invariant("rewards of \(stake.owner)") }
        guard !claimable.isZero else { return .validator(.noRewards) }
        guard hasDueRoom(for: 1) else { return .dueQueueFull }
        try payRewards(of: &stake, origin: call.origin, isReserved: false)
        try store(stake)
        return nil
    }

    /// Pays the owner what the stake has earned in the epochs whose shares have arrived.
    /// - Parameter isReserved: whether the payout's entry was reserved when the stake was placed.
    mutating func payRewards(
        of stake: inout RoleStake, origin: Hash32, isReserved: Bool
    ) throws(ExecutionError) {
        let value = try settle(&stake.rewards)
        if !value.isZero { emit(.rewardsClaimed(stake.id, value: value)) }
        try pay(
            value,
            Payout(object: stake.id, reason: .reward, to: stake.owner, origin: origin),
            isReserved: isReserved)
    }
}
