import TallyExecution
import TallyPrimitives
import TallyTransactions

// Stakes of validators and routers.

extension EconomyOracle {
    struct Role: Sendable {
        let id: ObjectID
        let role: StakeRole
        let staked: UInt128
        var left: UInt128
        let termDays: UInt32
        var until: UInt64
        var lastSeen: UInt64
        var charged: UInt64 = 0
        var isActive = true
    }

    private func rule(_ role: StakeRole) -> RoleRule {
        switch role {
        case .validator: economy.validators
        case .router: economy.routers
        }
    }

    private func active(_ id: ObjectID) throws(EconomyViolation) -> Role {
        guard here == parameters.layout.beacon, let role = roles[id.owner], role.id == id,
            role.isActive
        else { throw violation(.roleStake, "\(id) is no stake") }
        return role
    }

    private mutating func store(_ role: Role) {
        roles[role.id.owner] = role
        touched.roles.insert(role.id.owner)
    }

    mutating func follow(_ event: ValidatorEvent) throws(EconomyViolation) {
        switch event {
        case .stakePlaced(let id, let role, let value, let days, let until):
            try place(id, role, value.units, days, until.milliseconds)
        case .stakeRenewed(let id, let days, let until):
            var role = try active(id)
            role.until += UInt64(days) * Self.day
            try expect(until.milliseconds, is: role.until, .roleStake, "the term of \(id)")
            store(role)
        case .stakeReleased(let id, let value):
            var role = try active(id)
            // STAKE-5
            try expect(now >= role.until, .roleStake, "\(id) unstakes too early")
            try expect(missed(role), is: role.charged, .penalty, "what \(id) is charged for")
            try expect(value.units, is: role.left, .roleStake, "what \(id) takes back")
            promise(value.units, .stake, of: id, to: id.owner)
            try end(&role)
        case .heartbeat(let id, let time):
            var role = try active(id)
            try expect(missed(role), is: role.charged, .penalty, "what \(id) is charged for")
            try expect(time.milliseconds, is: now, .roleStake, "the heartbeat of \(id)")
            role.lastSeen = now
            role.charged = 0
            store(role)
        case .rolePenalised(let id, let amount, let from, let to):
            try penalise(id, amount.units, from.milliseconds, to.milliseconds)
        case .stakeForfeited(let id, let reason, let value):
            var role = try active(id)
            try expect(value.units, is: role.left, .roleStake, "what \(id) forfeits")
            try expect(
                reason != .outage || value.isZero, .roleStake, "\(id) has money left")
            try end(&role)
        case .rewardsClaimed(let id, let value): try claim(id, value.units)
        case .impeachmentVoted: break
        case .validatorsElected(_, _, let count): try elect(count)
        }
    }

    /// STAKE-13: the largest stakes with money, 3F + 1 of them.
    private mutating func elect(_ count: UInt32) throws(EconomyViolation) {
        let able = roles.values.filter {
            $0.role == .validator && $0.isActive && $0.left > 0
        }
        .sorted { $0.left != $1.left ? $0.left > $1.left : $0.id.owner < $1.id.owner }
        let first = Int(economy.firstValidators)
        let size = able.count < first ? 0 : able.count - (able.count - 1) % 3
        let members = able.prefix(size).map(\.id.owner).sorted()
        try expect(Int(count), is: members.count, .roleStake, "the size of a set")
        try expect(members != elected, .roleStake, "an election that changes nothing")
        elected = members
    }

    /// STAKE-15: what it has earned is paid before.
    private mutating func end(_ role: inout Role) throws(EconomyViolation) {
        try roleEarnings[role.id.owner]?.checkPaidUp(role.id.owner, self)
        role.left = 0
        role.isActive = false
        weigh(role)
        store(role)
    }

    /// STAKE-14: E of what is left, from the next epoch on.
    private mutating func weigh(_ role: Role) {
        let rate = role.role == .validator ? economy.validatorPower : economy.routerPower
        let power = Self.quotient(
            role.left, UInt128(rate.power.tenThousandths), rate.stake.units)
        let weight = role.isActive ? min(power, UInt128(UInt64.max)) * 10_000 : 0
        roleEarnings[role.id.owner, default: Earnings()].weigh(weight, in: epoch)
    }

    /// STAKE-15: of an active or ended stake, and all of it.
    private mutating func claim(
        _ id: ObjectID, _ value: UInt128
    ) throws(EconomyViolation) {
        let owner = id.owner
        guard here == parameters.layout.beacon, roles[owner]?.id == id else {
            throw violation(.reward, "\(id) is no stake")
        }
        roleEarnings[owner]?.claim(value)
        try roleEarnings[owner]?.checkClaimed(owner, self)
        try roleEarnings[owner]?.checkPaidUp(owner, self)
        promise(value, .reward, of: id, to: owner)
    }

    private mutating func place(
        _ id: ObjectID, _ role: StakeRole, _ value: UInt128, _ days: UInt32, _ until: UInt64
    ) throws(EconomyViolation) {
        try expect(roles[id.owner]?.isActive != true, .roleStake, "\(id.owner) stakes twice")
        try expect(value, is: call?.value ?? 0, .roleStake, "the stake \(id)")
        try expect(until, is: now + UInt64(days) * Self.day, .roleStake, "the term of \(id)")
        let rule = rule(role)
        try expect(
            value >= rule.minimumStake.units && days >= rule.minimumTermDays, .roleStake,
            "\(id) is too small or too short")
        let stake = Role(
            id: id, role: role, staked: value, left: value, termDays: days, until: until,
            lastSeen: now)
        weigh(stake)
        store(stake)
    }

    /// Whole steps without a sign of life.
    private func missed(_ role: Role) -> UInt64 {
        Self.steps(
            from: role.lastSeen, to: min(now, role.until), rule(role.role).penaltyStepMilliseconds)
    }

    // ECON-14
    private mutating func penalise(
        _ id: ObjectID, _ amount: UInt128, _ from: UInt64, _ to: UInt64
    ) throws(EconomyViolation) {
        var role = try active(id)
        let step = rule(role.role).penaltyStepMilliseconds
        let steps = missed(role)
        try expect(steps > role.charged, .penalty, "\(id) is charged again for \(steps) steps")
        try expect(
            from == role.lastSeen + role.charged * step && to == role.lastSeen + steps * step,
            .penalty, "\(id) is charged for another time")
        let whole = Self.cost(role.staked, role.termDays, steps, step)
        let before = Self.cost(role.staked, role.termDays, role.charged, step)
        try expect(amount, is: min(whole - before, role.left), .penalty, "what \(id) pays")
        role.left -= amount
        role.charged = steps
        weigh(role)
        store(role)
    }
}
