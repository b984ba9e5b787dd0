import TallyPrimitives
import TallyTransactions

/// The life of a stake: placed, renewed, given back.
extension BlockExecutor {
    // STAKE-2
    mutating func placeStake(
        _ role: StakeRole, _ termDays: UInt32, _ call: FamilyCall
    ) throws(ExecutionError) -> ExecutionFailure? {
        let rule = try rule(of: role)
        switch rule.refusal(of: call.value, termDays: termDays) {
        case .stakeTooSmall: return .validator(.stakeTooSmall)
        case .termTooShort: return .validator(.termTooShort)
        case nil: break
        }
        guard let until = RoleStake.time(context.time, plusDays: termDays) else {
            return .validator(.termOverflow)
        }
        let earlier = try roleStake(of: call.sender)
        if let earlier {
            guard !earlier.isActive else { return .validator(.alreadyStaked) }
            guard earlier.offences.count < RoleStake.offenceLimit else {
                return .validator(.barred)
            }
        }
        var roll = try roll(of: role)
        guard !roll.isFull else { return .validator(.roleFull) }
        let isFirst = try state.object(ElectedSet.key) == nil
        guard hasDueRoom(for: isFirst ? 5 : 4) else { return .dueQueueFull }
        var stake = RoleStake(
            id: call.id, role: role, left: call.value, staked: call.value, termDays: termDays,
            since: context.time, until: until, phase: .active, lastSeen: context.time,
            charged: 0, votes: [], offences: earlier?.offences ?? [],
            rewards: earlier?.rewards ?? RewardAccount())
        try adjustWeight(of: &stake)
        roll.set(stake.owner, stake.left)
        try store(stake)
        try store(roll)
        // RCPT-11: the payouts at the end find room, however full the queue is then: of what is left,
        // and of what it has earned (STAKE-15).
        reserveDue(2)
        try queue(.termEnd(stake.id), at: until)
        try queue(.watch(stake.id), at: stake.nextStep(step(of: rule)))
        if isFirst { try beginElections() }
        emit(.stakePlaced(stake.id, role, value: call.value, termDays: termDays, until: until))
        return nil
    }

    // STAKE-4
    mutating func renewStake(
        _ termDays: UInt32, _ call: FamilyCall
    ) throws(ExecutionError) -> ExecutionFailure? {
        guard var stake = try activeStake(of: call.sender) else { return .validator(.noStake) }
        guard context.time < stake.until else { return .validator(.termOver) }
        let (rule, renewals) = (try rule(of: stake.role).renewal, stake.renewals)
        guard rule.allows(termDays: termDays, after: renewals) else {
            let isTooShort = rule.allows(termDays: .max, after: renewals)
            return .validator(isTooShort ? .termTooShort : .renewalNotAllowed)
        }
        guard let until = RoleStake.time(stake.until, plusDays: termDays),
            renewals < UInt32.max
        else { return .validator(.termOverflow) }
        stake.until = until
        stake.phase = .renewed(times: renewals + 1)
        try store(stake)
        emit(.stakeRenewed(stake.id, termDays: termDays, until: until))
        return nil
    }

    // STAKE-5: from the end of the term on, and not a millisecond before.
    mutating func unstake(_ call: FamilyCall) throws(ExecutionError) -> ExecutionFailure? {
        guard var stake = try activeStake(of: call.sender) else { return .validator(.noStake) }
        guard context.time >= stake.until else { return .validator(.termNotOver) }
        try release(&stake, origin: call.origin)
        try store(stake)
        return nil
    }

    // STAKE-5
    mutating func endTerm(of id: ObjectID) throws(ExecutionError) {
        guard var stake = try activeStake(of: id.owner), stake.id == id else { return }
        guard context.time >= stake.until else {
            // The stake was renewed: this end has moved.
            try queue(.termEnd(id), at: stake.until)
            return
        }
        try release(&stake, origin: .zero)
        try store(stake)
    }

    // STAKE-6: what was missed before is charged, then the outage is over.
    mutating func recordHeartbeat(
        _ call: FamilyCall
    ) throws(ExecutionError) -> ExecutionFailure? {
        guard var stake = try activeStake(of: call.sender) else { return .validator(.noStake) }
        try chargeOutage(&stake)
        guard stake.isActive else {
            // Nothing was left to keep alive.
            try store(stake)
            return nil
        }
        stake.lastSeen = context.time
        stake.charged = 0
        try store(stake)
        emit(.heartbeat(stake.id, at: context.time))
        return nil
    }

    /// Pays a stake back, less what its outage still costs.
    private mutating func release(
        _ stake: inout RoleStake, origin: Hash32
    ) throws(ExecutionError) {
        try chargeOutage(&stake)
        guard stake.isActive else { return }
        let rest = try close(&stake, .released(at: context.time), origin: origin)
        try pay(
            rest, Payout(object: stake.id, reason: .stake, to: stake.owner, origin: origin),
            isReserved: true)
        emit(.stakeReleased(stake.id, value: rest))
    }

    /// Ends a stake and gives what was left of it to the caller. What it has earned is its owner's.
    private mutating func close(
        _ stake: inout RoleStake, _ phase: RoleStake.Phase, origin: Hash32
    ) throws(ExecutionError) -> Amount {
        // STAKE-15
        try payRewards(of: &stake, origin: origin, isReserved: true)
        let rest = stake.left
        stake.left = .zero
        stake.phase = phase
        stake.votes = []
        try adjustWeight(of: &stake)
        var roll = try roll(of: stake.role)
        roll.remove(stake.owner)
        try store(roll)
        return rest
    }

    /// Gives all that is left of a stake to the treasury.
    mutating func forfeit(
        _ stake: inout RoleStake, _ reason: ForfeitReason
    ) throws(ExecutionError) {
        let rest = try close(&stake, .forfeited(reason, at: context.time), origin: .zero)
        releaseDue(1)
        try payTreasury(rest)
        emit(.stakeForfeited(stake.id, reason, value: rest))
    }
}
