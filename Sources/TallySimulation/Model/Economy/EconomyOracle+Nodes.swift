import TallyExecution
import TallyPrimitives
import TallyTransactions

// Nodes: stakes, penalties, rounds and what they earn.

extension EconomyOracle {
    struct Node: Sendable {
        var stake: Stake?
        var power: UInt128 = 0
        /// Jobs that ended well, and others.
        var deliveries: UInt64 = 0
        var failures: UInt64 = 0
        var isActive = false
        var isOffline = false
        var isRetired = false
        /// When the last round was opened that it answered.
        var lastSeen: UInt64 = 0
        /// Steps of the outage that are charged.
        var charged: UInt64 = 0
        var round = Round()
        var earnings = Earnings()
    }

    struct Stake: Sendable {
        let staked: UInt128
        var left: UInt128
        let termDays: UInt32
        let since: UInt64
        let until: UInt64
    }

    struct Round: Sendable {
        var number: UInt64 = 0
        var openedAt: UInt64 = 0
        var drawn = 0
        var isRevealed = false
        var times: [(attester: Address, milliseconds: UInt64)] = []
    }

    struct Penalty: Hashable, Sendable {
        let value: UInt128
        let period: UInt64
    }

    private func node(_ owner: Address) throws(EconomyViolation) -> Node {
        guard isHere(owner), let node = nodes[owner] else {
            throw violation(.nodeStake, "\(owner) has no node here")
        }
        return node
    }

    private mutating func store(_ node: Node, _ owner: Address) {
        nodes[owner] = node
        touched.nodes.insert(owner)
    }

    mutating func follow(_ event: NodeEvent) throws(EconomyViolation) {
        switch event {
        case .registered(let owner, _, _): try register(owner)
        case .updated: break
        case .retired(let owner):
            var node = try node(owner)
            try expect(node.stake == nil && !node.isRetired, .nodeStake, "\(owner) retires")
            (node.isActive, node.isOffline, node.isRetired) = (false, false, true)
            weigh(&node)
            store(node, owner)
        case .staked(let owner, let value, let days, let until):
            try place(owner, value.units, days, until.milliseconds)
        case .unstaked(let owner, let value): try release(owner, value.units)
        case .active(let owner, let power):
            var node = try node(owner)
            node.power = UInt128(power.tenThousandths)
            (node.isActive, node.isOffline) = (true, false)
            weigh(&node)
            store(node, owner)
        case .offline(let owner):
            var node = try node(owner)
            (node.isActive, node.isOffline) = (false, true)
            weigh(&node)
            store(node, owner)
        case .penalised(let owner, let value, let period):
            try penalise(owner, Penalty(value: value.units, period: period))
        case .rewardsClaimed(let owner, let value): try claim(owner, value.units)
        case .rated(let owner, let job, let isGood):
            try rate(Rating(job: job, node: owner, isGood: isGood))
            var node = try node(owner)
            if isGood { node.deliveries += 1 } else { node.failures += 1 }
            store(node, owner)
        }
    }

    private mutating func register(_ owner: Address) throws(EconomyViolation) {
        try expect(isHere(owner), .nodeStake, "\(owner) registers elsewhere")
        var node = nodes[owner] ?? Node()
        if nodes[owner] == nil {
            owners[index].append(owner)
        } else {
            try expect(node.isRetired, .nodeStake, "\(owner) registers twice")
        }
        node.isRetired = false
        node.lastSeen = now
        node.charged = 0
        store(node, owner)
    }

    /// ECON-6: E · multiplier, from the next epoch on.
    private func weigh(_ node: inout Node) {
        var weight: UInt128 = 0
        if node.isActive {
            let row = economy.multipliers.rows.first { $0.termDays == node.stake?.termDays }
            weight = node.power * UInt128(row?.bps ?? 10_000)
        }
        node.earnings.weigh(weight, in: epoch)
    }

    // MARK: Stakes

    private mutating func place(
        _ owner: Address, _ value: UInt128, _ days: UInt32, _ until: UInt64
    ) throws(EconomyViolation) {
        var node = try node(owner)
        try expect(node.stake == nil, .nodeStake, "\(owner) stakes twice")
        try expect(value, is: call?.value ?? 0, .nodeStake, "the stake of \(owner)")
        try expect(
            until, is: now + UInt64(days) * Self.day, .nodeStake, "the end of the term of \(owner)")
        // ECON-7
        let least = Self.quotient(
            node.power, economy.computeStake.stake.units,
            UInt128(economy.computeStake.power.tenThousandths))
        try expect(
            node.isActive && value >= least && value > 0, .nodeStake, "\(owner) stakes too little")
        node.stake = Stake(
            staked: value, left: value, termDays: days, since: now, until: until)
        node.charged = 0
        weigh(&node)
        store(node, owner)
    }

    private mutating func release(
        _ owner: Address, _ value: UInt128
    ) throws(EconomyViolation) {
        var node = try node(owner)
        guard let stake = node.stake else {
            throw violation(.nodeStake, "\(owner) has no stake to take back")
        }
        // NODE-5
        try expect(
            now >= stake.until, .nodeStake,
            "\(owner) unstakes \(stake.until - min(now, stake.until)) ms too early")
        if node.isOffline, let missing = due(node, until: stake.until) {
            try expect(missing.value == 0, .penalty, "\(owner) was not charged \(missing)")
        }
        try expect(value, is: stake.left, .nodeStake, "what \(owner) takes back")
        promise(value, .stake, of: .node(owner), to: owner)
        node.stake = nil
        weigh(&node)
        store(node, owner)
    }

    /// What an outage up to a time costs beyond what was charged; `nil` if that is no whole step.
    private func due(_ node: Node, until end: UInt64) -> Penalty? {
        guard let stake = node.stake else { return nil }
        let step = economy.computeNodes.penaltyStepMilliseconds
        let steps = Self.steps(
            from: max(node.lastSeen, stake.since), to: min(end, stake.until), step)
        guard steps > node.charged else { return nil }
        let whole = Self.cost(stake.staked, stake.termDays, steps, step)
        let before = Self.cost(stake.staked, stake.termDays, node.charged, step)
        return Penalty(value: min(whole - before, stake.left), period: steps)
    }

    /// ECON-14: after a missed round, or at the end of a term.
    private mutating func penalise(
        _ owner: Address, _ penalty: Penalty
    ) throws(EconomyViolation) {
        var node = try node(owner)
        guard var stake = node.stake else {
            throw violation(.penalty, "\(owner) has no stake to lose")
        }
        let expected =
            penalties.removeValue(forKey: owner)
            ?? (node.isOffline && now >= stake.until ? due(node, until: stake.until) : nil)
        try expect(
            expected == penalty, .penalty,
            "\(owner) is charged \(penalty), and owes \(expected.map { "\($0)" } ?? "nothing")")
        stake.left -= penalty.value
        node.stake = stake
        node.charged = penalty.period
        store(node, owner)
    }

    // MARK: Rewards

    /// ECON-18: never more than a node's weight has earned, and all of it but roundings.
    private mutating func claim(
        _ owner: Address, _ value: UInt128
    ) throws(EconomyViolation) {
        var node = try node(owner)
        node.earnings.claim(value)
        try node.earnings.checkClaimed(owner, self)
        try node.earnings.checkPaidUp(owner, self)
        promise(value, .reward, of: .node(owner), to: owner)
        store(node, owner)
    }

    // MARK: Rounds

    mutating func follow(_ event: ProofEvent) throws(EconomyViolation) {
        switch event {
        case .opened(let owner, let number, _, _):
            var node = try node(owner)
            try expect(number > node.round.number, .round, "\(owner) repeats a round")
            node.round = Round(number: number, openedAt: now)
            store(node, owner)
        case .submitted: break
        case .drawn(let owner, let number, _, _):
            var node = try round(number, of: owner)
            let others = validators.count { $0 != owner }
            node.round.drawn = min(Int(economy.rounds.attesters), others)
            store(node, owner)
        case .revealed(let owner, let number, _):
            var node = try round(number, of: owner)
            try expect(!node.round.isRevealed, .round, "\(owner) reveals twice")
            node.round.isRevealed = true
            node.lastSeen = node.round.openedAt
            node.charged = 0
            store(node, owner)
        case .attested(let owner, let attester, let number, let milliseconds):
            try attest(owner, attester, number, milliseconds)
        case .skipped: break
        case .measured(let owner, let number, let milliseconds, let power):
            try measure(owner, number, milliseconds, power)
        case .missed(let owner, let number):
            let node = try round(number, of: owner)
            try expect(!node.round.isRevealed, .round, "\(owner) answered round \(number)")
            miss(owner, node)
        case .void(let owner, let number):
            let round = try round(number, of: owner).round
            try expect(
                round.times.count < round.drawn / 2 + 1, .round, "round \(number) was attested")
        }
    }

    private func round(_ number: UInt64, of owner: Address) throws(EconomyViolation) -> Node {
        let node = try node(owner)
        try expect(number, is: node.round.number, .round, "the round of \(owner)")
        return node
    }

    /// ROUND-7: each drawn validator once.
    private mutating func attest(
        _ owner: Address, _ attester: Address, _ number: UInt64, _ milliseconds: UInt64
    ) throws(EconomyViolation) {
        var node = try round(number, of: owner)
        try expect(
            !node.round.times.contains { $0.attester == attester }, .round,
            "\(attester) attests round \(number) of \(owner) twice")
        try expect(
            attester != owner && node.round.times.count < node.round.drawn, .round,
            "\(attester) was not drawn")
        node.round.times.append((attester, milliseconds))
        reimbursable[Reimbursement(node: owner, attester: attester), default: 0] += 1
        store(node, owner)
    }

    /// ECON-3, ECON-5.
    private func measure(
        _ owner: Address, _ number: UInt64, _ milliseconds: UInt64, _ power: ComputePower
    ) throws(EconomyViolation) {
        let round = try round(number, of: owner).round
        let times = round.times.map(\.milliseconds).sorted()
        try expect(
            round.isRevealed && times.count >= round.drawn / 2 + 1, .round,
            "round \(number) of \(owner) has no time")
        try expect(milliseconds, is: times[times.count / 2], .round, "the time of \(owner)")
        let time = UInt128(milliseconds)
        let doubled = UInt128(economy.referenceMilliseconds) * 20_000
        try expect(
            UInt128(power.tenThousandths), is: (doubled + time) / (2 * time), .round,
            "the power of \(owner)")
    }

    private mutating func miss(_ owner: Address, _ node: Node) {
        guard let penalty = due(node, until: now) else { return }
        if penalty.value > 0 {
            penalties[owner] = penalty
        } else {
            var node = node
            node.charged = penalty.period
            store(node, owner)
        }
    }
}
