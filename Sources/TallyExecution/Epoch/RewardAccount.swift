package import TallyPrimitives
import TallyState

/// A node's part in the rewards of its shard, or a role's stake's of the beacon: from which epoch on it had which weight (EPOCH-5).
///
/// A change takes effect with the next epoch. Epochs whose share has arrived are settled when the
/// weight changes, so there are at most as many weights as epochs from the first whose share is under
/// way to the next. The money lies in the endpoint's pool. An account must not be dropped before
/// `isSettled`.
package struct RewardAccount: Hashable, Sendable {
    /// Ascending by epoch.
    package private(set) var weights: [Step] = []
    /// Earned and not paid out.
    package private(set) var accrued = Amount.zero

    package struct Step: Hashable, Sendable {
        package let epoch: UInt64
        package let weight: RewardWeight
        /// The index at the beginning of the epoch; `nil` as long as the boundary's object has it.
        let start: UInt256?
    }

    /// Far above what epochs under way can make (EPOCH-5).
    static let stepLimit = 4_096

    package init() {}

    /// The weight from the next epoch on.
    package var next: RewardWeight { weights.last?.weight ?? .zero }

    /// Whether nothing is owed, nor ever will be unless the weight changes: an account whose weight
    /// was set to 0 is settled once the share of its last epoch has arrived and been drawn.
    package var isSettled: Bool { weights.isEmpty && accrued.isZero }

    /// Replaces the weight from an epoch on, which is later than every one whose share has arrived.
    /// - Returns: how many references to the epoch's boundary there are more.
    fileprivate mutating func change(to weight: RewardWeight, in epoch: UInt64) -> Int {
        guard weights.last?.epoch == epoch else {
            weights.append(Step(epoch: epoch, weight: weight, start: nil))
            return 1
        }
        weights.removeLast()
        guard weight != next else { return -1 }
        weights.append(Step(epoch: epoch, weight: weight, start: nil))
        return 0
    }

    /// The first step is over, or was never one.
    fileprivate mutating func dropFirst() { weights.removeFirst() }

    /// The first step goes on from an epoch where the index is known.
    fileprivate mutating func resume(at epoch: UInt64, _ index: UInt256) {
        weights[0] = Step(epoch: epoch, weight: weights[0].weight, start: index)
    }

    /// `false` above 2^128 − 1.
    fileprivate mutating func earn(_ amount: Amount) -> Bool {
        guard let sum = accrued.adding(amount) else { return false }
        accrued = sum
        return true
    }

    fileprivate mutating func draw() -> Amount {
        defer { accrued = .zero }
        return accrued
    }
}

extension RewardAccount: RLPValue {
    package func encode(to out: inout RLPEncoder) {
        out.list { out in
            out.append(accrued)
            out.append(weights)
        }
    }

    package init(from input: inout RLPDecoder) throws(RLPError) {
        var list = try input.nextList()
        accrued = try list.nextAmount()
        weights = try list.nextArray(limit: Self.stepLimit)
        try list.finish()
    }
}

extension RewardAccount.Step: RLPValue {
    package func encode(to out: inout RLPEncoder) {
        out.list { out in
            out.append(epoch)
            out.append(weight.units)
            start?.encode(to: &out)
        }
    }

    package init(from input: inout RLPDecoder) throws(RLPError) {
        var list = try input.nextList()
        epoch = try list.nextInteger()
        weight = RewardWeight(units: try list.nextInteger())
        start = list.isAtEnd ? nil : try UInt256(from: &list)
        try list.finish()
    }
}

extension BlockExecutor {
    /// Changes a node's weight from the next epoch on, and the shard's with it.
    mutating func setWeight(
        _ weight: RewardWeight, of account: inout RewardAccount
    ) throws(ExecutionError) {
        guard weight != account.next else { return }
        var pool = try rewardPool()
        try accrue(&account, &pool)
        let epoch = min(context.epoch, .max - 1) + 1
        guard account.weights.count < RewardAccount.stepLimit,
            pool.weights.count < RewardAccount.stepLimit,
            pool.change(from: account.next, to: weight, in: epoch)
        else { throw .invariant("weights of epoch \(epoch) are out of range") }
        try refer(to: epoch, by: account.change(to: weight, in: epoch))
        try store(pool)
    }

    /// Takes what the node has earned in the epochs whose shares have arrived out of the shard's pool.
    /// The caller pays it out.
    mutating func settle(_ account: inout RewardAccount) throws(ExecutionError) -> Amount {
        guard !account.isSettled else { return .zero }
        var pool = try rewardPool()
        try accrue(&account, &pool)
        let amount = account.draw()
        pool.money = try checked(pool.money.subtracting(amount), "reward pool")
        try store(pool)
        return amount
    }

    /// EPOCH-5: adds up what the account earned, one constant weight after another, each floored
    /// once, up to the first epoch whose share has not arrived.
    private mutating func accrue(
        _ account: inout RewardAccount, _ pool: inout RewardPool
    ) throws(ExecutionError) {
        while let step = account.weights.first, step.epoch <= pool.next {
            let start = try takeStart(of: step)
            let following = account.weights.dropFirst().first
            guard let following, following.epoch <= pool.next else {
                try accrue(step.weight, start, pool.index.value, &account, &pool)
                account.resume(at: pool.next, pool.index.value)
                if step.weight == .zero { account.dropFirst() }
                return
            }
            let end = try index(at: following)
            try accrue(step.weight, start, end, &account, &pool)
            account.dropFirst()
        }
    }

    private mutating func accrue(
        _ weight: RewardWeight, _ start: UInt256, _ end: UInt256,
        _ account: inout RewardAccount, _ pool: inout RewardPool
    ) throws(ExecutionError) {
        let accrual: RewardAccrual
        do throws(EconomyError) {
            accrual = try pool.index.settle(weight, since: start, upTo: end)
        } catch { throw .invariant("reward index: \(error)") }
        guard account.earn(accrual.amount) else { throw .invariant("rewards exceed 2^128 - 1") }
        pool.money = try checked(pool.money.subtracting(accrual.residue), "reward pool")
        try payTreasury(accrual.residue)
    }

    /// The index at the beginning of a step that is settled now, and needs its boundary no longer.
    private mutating func takeStart(
        of step: RewardAccount.Step
    ) throws(ExecutionError) -> UInt256 {
        let index = try index(at: step)
        if step.start == nil { try refer(to: step.epoch, by: -1) }
        return index
    }

    private mutating func index(
        at step: RewardAccount.Step
    ) throws(ExecutionError) -> UInt256 {
        if let start = step.start { return start }
        let boundary: RewardBoundary? = try stored(at: RewardBoundary.key(step.epoch))
        guard let index = boundary?.index else {
            throw .invariant("no index at the beginning of epoch \(step.epoch)")
        }
        return index
    }
}
