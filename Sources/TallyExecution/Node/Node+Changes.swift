import TallyPrimitives
import TallyState
import TallyTransactions

// What happens to nodes: to this family's operations, and to what other families find out.

extension BlockExecutor {
    /// The node of an account of this shard.
    mutating func node(of owner: Address) throws(ExecutionError) -> ComputeNode? {
        guard let object = try state.object(ComputeNode.objectKey(of: owner)) else { return nil }
        do throws(RLPError) { return try ComputeNode(object) } catch {
            throw .corruptObject(.node, error)
        }
    }

    /// One that is not retired.
    mutating func registeredNode(of owner: Address) throws(ExecutionError) -> ComputeNode? {
        let node = try node(of: owner)
        return node?.state.isRetired == false ? node : nil
    }

    mutating func store(_ node: ComputeNode) throws(ExecutionError) {
        try state.set(ComputeNode.objectKey(of: node.owner), node.object)
    }

    mutating func emit(_ event: NodeEvent) { events.append(.compute(.node(event))) }

    /// Counts a job that a node's account was the provider of (NODE-11). Without a node, nothing
    /// happens.
    mutating func noteDelivery(
        of job: ObjectID, by owner: Address, isGood: Bool
    ) throws(ExecutionError) {
        guard var node = try node(of: owner) else { return }
        if isGood { node.reputation.deliveries += 1 } else { node.reputation.failures += 1 }
        try store(node)
        emit(.rated(owner, job: job, isGood: isGood))
    }

    // MARK: Rewards

    /// Pays the owner what the node has earned in the epochs that are settled.
    /// - Returns: how much that was.
    mutating func settleRewards(of node: inout ComputeNode) throws(ExecutionError) -> Amount {
        let value = try settle(&node.rewards)
        guard !value.isZero else { return .zero }
        emit(.rewardsClaimed(node.owner, value: value))
        try pay(
            value, Payout(object: node.id, reason: .reward, to: node.owner), isReserved: false)
        return value
    }

    /// Says the node's weight anew. It settles first (ECON-18) and counts from the next epoch on.
    mutating func adjustWeight(of node: inout ComputeNode) throws(ExecutionError) {
        _ = try settleRewards(of: &node)
        // NODE-7
        try setWeight(node.weight(try economy().multipliers), of: &node.rewards)
    }

    // MARK: Stakes

    /// Gives back what is left of a stake whose term is over.
    mutating func release(
        _ stake: NodeStake, of node: inout ComputeNode
    ) throws(ExecutionError) {
        // An outage at the end of the term is charged before the money leaves.
        if case .offline = node.state { try chargeOutage(of: &node, until: stake.until) }
        let value = node.stake?.amount ?? .zero
        node.stake = nil
        emit(.unstaked(node.owner, value: value))
        try pay(
            value, Payout(object: node.id, reason: .stake, to: node.owner), isReserved: false)
        try adjustWeight(of: &node)
    }

    // NODE-6: every whole step of an outage once, however often it is asked for.
    private mutating func chargeOutage(
        of node: inout ComputeNode, until end: BeaconTime
    ) throws(ExecutionError) {
        guard var stake = node.stake else { return }
        let rule = try economy().computeNodes
        let step = rule.penaltyStepMilliseconds
        let start = max(node.outage.lastSeen, stake.since).milliseconds
        let steps = min(end, stake.until).milliseconds.subtractingReportingOverflow(start)
        guard !steps.overflow, step > 0 else { return }
        let period = steps.partialValue / step
        guard period > node.outage.charged else { return }
        let penalty: Amount
        do throws(EconomyError) {
            let total = try rule.penalty(
                stake: stake.staked, termDays: stake.termDays, missedMilliseconds: period * step)
            let before = try rule.penalty(
                stake: stake.staked, termDays: stake.termDays,
                missedMilliseconds: node.outage.charged * step)
            penalty = total.subtracting(before) ?? .zero
        } catch { throw .invariant("a stake of no days") }
        // Never more than is left.
        let value = min(penalty, stake.amount)
        stake.amount = stake.amount.subtracting(value) ?? .zero
        node.stake = stake
        node.outage.charged = period
        guard !value.isZero else { return }
        emit(.penalised(node.owner, value: value, period: period))
        try payTreasury(value)
    }

    // MARK: Rounds

    /// A node opened its answer, as the round asked for that was opened at `opening`. From then on it
    /// counts as seen, so that each missed round of an hour costs an hour, however fast it answers.
    mutating func noteSeen(_ node: inout ComputeNode, opening: BeaconTime) {
        node.outage = NodeOutage(lastSeen: opening)
    }

    /// A node's round gave it a time.
    mutating func notePassed(
        _ node: inout ComputeNode, _ power: ComputePower
    ) throws(ExecutionError) {
        guard let state = node.state.measured(power) else {
            throw .invariant("a round of a retired node")
        }
        node.state = state
        node.reputation.passed += 1
        emit(.active(node.owner, power))
        try adjustWeight(of: &node)
    }

    /// A node missed a round. It retires if it has missed many and has nothing at stake.
    mutating func noteMissed(_ node: inout ComputeNode) throws(ExecutionError) {
        guard let state = node.state.missed(at: context.time) else {
            throw .invariant("a round of a retired node")
        }
        node.reputation.missed += 1
        node.outage.missedInARow &+= 1
        if state != node.state {
            node.state = state
            emit(.offline(node.owner))
            try adjustWeight(of: &node)
        }
        try chargeOutage(of: &node, until: context.time)
        // NODE-10
        if node.stake == nil, node.outage.missedInARow >= NodeOutage.mostMissedInARow {
            try retire(&node)
        }
    }

    /// Ends a node without a stake, and its rounds.
    mutating func retire(_ node: inout ComputeNode) throws(ExecutionError) {
        guard let state = node.state.ended() else {
            throw .invariant("a node that is retired ends again")
        }
        node.state = state
        emit(.retired(node.owner))
        try adjustWeight(of: &node)
        try endRounds(of: node.owner)
    }
}

extension NodeOutage {
    /// Rounds that a node without a stake may miss one after another: nobody pays for the entries
    /// that drive them, so they end some day (NODE-10).
    package static let mostMissedInARow: UInt32 = 24
}
