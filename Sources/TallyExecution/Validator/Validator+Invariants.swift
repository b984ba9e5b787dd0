import TallyPrimitives
import TallyState
import TallyTransactions

/// What always holds of the Validator family's objects, recounted from scratch.
extension StateAudit {
    /// - Returns: due entries that the objects have reserved (RCPT-11): two payouts of each active stake.
    /// - Throws: the first invariant that does not hold.
    func checkValidator() throws(InvariantViolation) -> Int {
        let stakes = try roleStakes()
        let entries = validatorEntries()
        guard context.endpoint == context.layout.beacon else {
            let others = StakeRole.allCases.map(RoleRoll.key) + [ElectedSet.key]
            guard stakes.isEmpty, entries.isEmpty, others.allSatisfy({ object($0) == nil }) else {
                throw .beaconObject(.validator)
            }
            return 0
        }
        for stake in stakes { try check(stake, entries) }
        for role in StakeRole.allCases { try checkRoll(of: role, stakes) }
        try checkElections(hasStakes: !stakes.isEmpty, entries)
        return 2 * stakes.count(where: \.isActive)
    }

    /// The stakes' parts in the rewards.
    func roleRewardAccounts() throws(InvariantViolation) -> [RewardAccount] {
        try roleStakes().map(\.rewards)
    }

    /// Decoded, each under its owner's address.
    private func roleStakes() throws(InvariantViolation) -> [RoleStake] {
        var stakes: [RoleStake] = []
        for (key, object) in objects where object.kind == .validator {
            let stake: RoleStake
            do throws(RLPError) {
                stake = try RoleStake(object)
            } catch { throw .undecodable(.validator, error) }
            guard key == RoleStake.key(of: stake.owner) else {
                throw .broken(.validator, what: "a stake under another address")
            }
            stakes.append(stake)
        }
        return stakes
    }

    private func validatorEntries() -> [(due: ValidatorDue, key: DueKey)] {
        due.compactMap { entry in
            guard case .validator(let due) = entry.action else { return nil }
            return (due, entry.key)
        }
    }

    // STAKE-3, STAKE-5, STAKE-7
    private func check(
        _ stake: RoleStake, _ entries: [(due: ValidatorDue, key: DueKey)]
    ) throws(InvariantViolation) {
        guard stake.left <= stake.staked, stake.since <= stake.lastSeen,
            stake.since < stake.until
        else { throw .broken(.validator, what: "a stake with more than was staked, or no term") }
        // STAKE-14
        if let economy = context.parameters.economy {
            guard stake.rewards.next == stake.weight(economy) else {
                throw .broken(.validator, what: "another weight than what is left gives")
            }
        }
        guard stake.isActive else {
            guard stake.left.isZero, stake.votes.isEmpty else {
                throw .broken(.validator, what: "an ended stake with money or votes")
            }
            return
        }
        guard !stake.votes.contains(stake.owner) else {
            throw .broken(.validator, what: "a vote on oneself")
        }
        let ends = entries.filter { $0.due == .termEnd(stake.id) }
        guard ends.count == 1, ends[0].key.time <= stake.until else {
            throw .broken(.validator, what: "\(ends.count) ends of a term")
        }
        let rule: RoleRule?
        switch stake.role {
        case .validator: rule = context.parameters.economy?.validators
        case .router: rule = context.parameters.economy?.routers
        }
        let next = stake.nextStep(max(rule?.penaltyStepMilliseconds ?? 1, 1))
        let watches = entries.filter { $0.due == .watch(stake.id) }
        guard watches.count == 1,
            watches[0].key.time <= next || watches[0].key.time > stake.until
        else { throw .broken(.validator, what: "\(watches.count) watches of a stake") }
    }

    // STAKE-12
    private func checkRoll(
        of role: StakeRole, _ stakes: [RoleStake]
    ) throws(InvariantViolation) {
        var counted = RoleRoll(role)
        for stake in stakes where stake.isActive && stake.role == role {
            guard !counted.isFull else { throw .broken(.meta, what: "more stakes than a role has") }
            counted.set(stake.owner, stake.left)
        }
        guard object(RoleRoll.key(of: role)) == counted.object else {
            throw .broken(.meta, what: "a roll that is not that of the stakes")
        }
    }

    // STAKE-13
    private func checkElections(
        hasStakes: Bool, _ entries: [(due: ValidatorDue, key: DueKey)]
    ) throws(InvariantViolation) {
        let elections = entries.count { entry in
            switch entry.due {
            case .elect: true
            case .termEnd, .watch: false
            }
        }
        guard elections == (hasStakes ? 1 : 0) else {
            throw .broken(.meta, what: "\(elections) elections queued")
        }
        guard let stored = object(ElectedSet.key) else {
            guard !hasStakes else { throw .broken(.meta, what: "stakes, but no elected set") }
            return
        }
        do throws(RLPError) {
            _ = try ElectedSet(stored)
        } catch { throw .undecodable(.meta, error) }
    }
}
