import TallyPrimitives
import TallyTransactions

/// What it costs to be away.
extension BlockExecutor {
    /// Milliseconds that a step of an outage has (ECON-20).
    func step(of rule: RoleRule) -> UInt64 { max(rule.penaltyStepMilliseconds, 1) }

    // STAKE-7
    mutating func watch(_ id: ObjectID) throws(ExecutionError) {
        guard var stake = try activeStake(of: id.owner), stake.id == id else { return }
        try chargeOutage(&stake)
        try store(stake)
        guard stake.isActive else { return }
        // After the end of the term nothing is missed, and the entry only waits for the release.
        let next = max(
            stake.nextStep(step(of: try rule(of: stake.role))),
            BeaconTime(milliseconds: context.time.milliseconds + 1))
        try queue(.watch(id), at: next)
    }

    /// Charges the steps of the outage at hand that have not been charged (STAKE-8).
    mutating func chargeOutage(_ stake: inout RoleStake) throws(ExecutionError) {
        let rule = try rule(of: stake.role)
        let step = step(of: rule)
        let (charged, missed) = (
            stake.charged, stake.missedSteps(at: context.time, step: step)
        )
        guard missed > charged else { return }
        let whole = try cost(of: missed * step, stake, rule)
        let before = try cost(of: charged * step, stake, rule)
        guard let new = whole.subtracting(before) else {
            throw .invariant("a longer outage costs less")
        }
        // What there is, at most.
        let amount = min(new, stake.left)
        stake.left = Amount(stake.left.units - amount.units)
        stake.charged = missed
        try payTreasury(amount)
        let start = stake.lastSeen.milliseconds
        emit(
            .rolePenalised(
                stake.id, amount: amount,
                from: BeaconTime(milliseconds: start + charged * step),
                to: BeaconTime(milliseconds: start + missed * step)))
        if stake.left.isZero {
            try forfeit(&stake, .outage)
        } else {
            try adjustWeight(of: &stake)
            var roll = try roll(of: stake.role)
            roll.set(stake.owner, stake.left)
            try store(roll)
        }
    }

    // ECON-14
    private func cost(
        of milliseconds: UInt64, _ stake: RoleStake, _ rule: RoleRule
    ) throws(ExecutionError) -> Amount {
        do throws(EconomyError) {
            return try rule.penalty(
                stake: stake.staked, termDays: stake.termDays, missedMilliseconds: milliseconds)
        } catch { throw .invariant("a stake without a term: \(error)") }
    }
}
