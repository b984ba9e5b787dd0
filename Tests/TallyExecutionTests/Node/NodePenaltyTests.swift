import TallyPrimitives
import TallyState
import TallyTransactions
import Testing

@testable import TallyExecution

private let owner = machine(1)
private let fullStake = Amount(1_445_1000_0000)
private let hour: UInt64 = 3_600_000
/// Of 1,445.1 tokens for 90 days, 60 min (ECON-14).
private let hourly = Amount(66_902_777)

@Suite struct NodePenaltyTests {
    private func stakedWorld(days: UInt32 = 90, _ value: Amount = fullStake) throws -> NodeWorld {
        var world = try NodeWorld(accounts: [owner])
        try world.register(owner)
        try world.pass(owner)
        #expect(try world.act(.stake(termDays: days, value: value), by: owner) == nil)
        // So that it was last seen after it staked.
        try world.pass(owner)
        return world
    }

    private func penalties(_ events: [NodeEvent]) -> [NodeEvent] {
        events.filter { if case .penalised = $0 { true } else { false } }
    }

    /// Misses a round.
    /// - Returns: what it cost.
    private func miss(_ world: inout NodeWorld) throws -> [NodeEvent] {
        try world.miss(owner)
        return penalties(world.nodeEvents)
    }

    @Test func aMissedRoundTakesAnActiveNodeOffline() throws {
        var world = try stakedWorld()
        try world.miss(owner)
        let node = try world.node(owner)
        #expect(
            node.state
                == .offline(
                    since: BeaconTime(milliseconds: world.time),
                    ComputePower(tenThousandths: 14_451)))
        #expect(world.nodeEvents.first == .offline(owner))
        try world.miss(owner)
        #expect(!world.nodeEvents.contains(.offline(owner)), "it is")
        #expect(try world.node(owner).reputation.missed == 2)
    }

    @Test func chargesEachWholeHourOnce() throws {
        var world = try stakedWorld()
        let before = try world.vault(at: owner)
        let second = Amount(66_902_778)
        #expect(try miss(&world) == [.penalised(owner, value: hourly, period: 1)])
        // The floor is of the whole outage: 2 · 0.669027777… is 1.338055555….
        #expect(try miss(&world) == [.penalised(owner, value: second, period: 2)])
        let stake = try #require(try world.node(owner).stake)
        let charged = hourly.units + second.units
        #expect(stake.amount.units == fullStake.units - charged)
        #expect(stake.staked == fullStake)
        #expect(try world.vault(at: owner).units == before.units + charged)
        #expect(try world.node(owner).outage.charged == 2)
    }

    /// A step of an outage is charged once, also by two misses within it.
    @Test func aStepIsChargedOnce() throws {
        var world = try NodeWorld(accounts: [owner]) {
            $0.economy?.rounds.everyMilliseconds = 900_000
        }
        try world.register(owner)
        try world.pass(owner)
        #expect(try world.act(.stake(termDays: 90, value: fullStake), by: owner) == nil)
        var charged: [NodeEvent] = []
        for _ in 0..<10 { charged += try miss(&world) }
        #expect(charged.first == .penalised(owner, value: hourly, period: 1))
        #expect(charged.count == 2, "two hours in two and a half")
    }

    @Test func chargesWhatWasStakedAndNotWhatIsLeft() throws {
        var world = try stakedWorld()
        var total: UInt128 = 0
        for _ in 0..<30 {
            for event in try miss(&world) {
                if case .penalised(_, let value, _) = event { total += value.units }
            }
        }
        let period = try world.node(owner).outage.charged
        #expect((28...31).contains(period))
        #expect(
            total == fullStake.units * UInt128(period) / (90 * 24), "one floor for one outage")
    }

    @Test func aPassedRoundBringsANodeBack() throws {
        var world = try stakedWorld()
        _ = try miss(&world)
        _ = try miss(&world)
        let missed = try world.node(owner).outage
        #expect(missed.charged == 2 && missed.missedInARow == 2)
        let draw = try world.prove(owner)
        #expect(penalties(world.nodeEvents) == [])
        let opening = try world.round(owner).state.opening
        let seen = try world.node(owner).outage
        #expect(seen.charged == 0 && seen.missedInARow == 0)
        #expect(seen.lastSeen == opening?.at)
        try world.attest(
            owner, Array(repeating: 15_000, count: draw.attesters.count), by: draw.attesters)
        try world.finish(owner)
        #expect(
            try world.node(owner).state == .active(ComputePower(tenThousandths: 10_000)))
        #expect(
            try miss(&world) == [.penalised(owner, value: hourly, period: 1)],
            "a new outage begins at nothing")
    }

    @Test func neverTakesMoreThanIsLeft() throws {
        // 1 day: 24 hours of outage take everything.
        var world = try stakedWorld(days: 1)
        var taken: UInt128 = 0
        let until = try #require(try world.node(owner).stake).until.milliseconds
        while world.time < until {
            for event in try miss(&world) {
                if case .penalised(_, let value, _) = event { taken += value.units }
            }
        }
        let node = try world.node(owner)
        #expect(node.stake == nil)
        #expect(taken <= fullStake.units)
        #expect(taken >= fullStake.units * 22 / 24)
    }

    @Test func chargesTheEndOfTheTermBeforeItReleases() throws {
        var world = try stakedWorld(days: 1)
        let stake = try #require(try world.node(owner).stake)
        for _ in 0..<3 { _ = try miss(&world) }
        world.dueStands = true
        try world.step(stake.until.milliseconds + 10 * hour - world.time)
        world.dueStands = false
        try world.step()
        let outage = stake.until.milliseconds - stake.since.milliseconds
        #expect(outage / hour == 24)
        // Of 24 hours it was seen in the first.
        let left = world.nodeEvents.compactMap { event -> Amount? in
            if case .unstaked(_, let value) = event { value } else { nil }
        }
        #expect(left == [Amount(fullStake.units / 24)])
    }

    @Test func anOutageBeforeTheStakeIsNotCharged() throws {
        var world = try NodeWorld(accounts: [owner])
        try world.register(owner)
        try world.pass(owner)
        let seen = try world.node(owner).outage.lastSeen.milliseconds
        // Not found out yet: the next round is to come.
        try world.go(to: seen + 3_000_000)
        #expect(try world.act(.stake(termDays: 90, value: fullStake), by: owner) == nil)
        let since = world.time
        try world.miss(owner)
        #expect(penalties(world.nodeEvents) == [])
        try world.miss(owner)
        #expect(world.time - since < 2 * hour)
        #expect(penalties(world.nodeEvents) == [.penalised(owner, value: hourly, period: 1)])
    }

    @Test func aNodeWithoutStakePaysNothing() throws {
        var world = try NodeWorld(accounts: [owner])
        try world.register(owner)
        try world.pass(owner)
        for _ in 0..<4 {
            try world.miss(owner)
            #expect(penalties(world.nodeEvents) == [])
        }
    }

    @Test func retiresANodeThatMissesManyWithoutAStake() throws {
        var world = try NodeWorld(accounts: [owner])
        try world.register(owner)
        for _ in 0..<23 { try world.miss(owner) }
        #expect(try world.node(owner).state == .pending)
        try world.miss(owner)
        #expect(try world.node(owner).state == .retired)
        #expect(world.nodeEvents == [.retired(owner)])
        #expect(try !world.hasRound(owner))
        var staked = try stakedWorld()
        for _ in 0..<25 { try staked.miss(owner) }
        #expect(try staked.node(owner).stake != nil)
    }
}

private let power = ComputePower(tenThousandths: 7)
private let now = BeaconTime(milliseconds: 9)
private let states: [NodeState] = [
    .pending, .active(power), .offline(since: now, power), .retired,
]

@Suite struct NodeStateTests {
    /// By what happens, what each of `states` becomes.
    @Test func everyTransitionIsListed() {
        let later = BeaconTime(milliseconds: 10)
        let other = ComputePower(tenThousandths: 8)
        #expect(states.map { $0.registered() } == [nil, nil, nil, .pending])
        #expect(
            states.map { $0.measured(other) }
                == [.active(other), .active(other), .active(other), nil])
        #expect(
            states.map { $0.missed(at: later) }
                == [
                    .pending, .offline(since: later, power), .offline(since: now, power), nil,
                ])
        #expect(states.map { $0.ended() } == [.retired, .retired, .retired, nil])
    }

    @Test func nodesDecodeAsTheyWereEncoded() throws {
        for state in states {
            var node = ComputeNode(
                owner: owner, key: Hash32(words: (1, 2, 3, 4)), spec: .zero, state: state,
                outage: NodeOutage(lastSeen: now))
            node.outage.charged = 5
            node.outage.missedInARow = 6
            node.reputation.passed = 300
            node.reputation.failures = 1
            node.rounds = 77
            #expect(try ComputeNode(node.object) == node)
            node.stake = NodeStake(
                amount: Amount(5), staked: Amount(9), termDays: 30, since: now,
                until: BeaconTime(milliseconds: 99), release: 3)
            #expect(try ComputeNode(node.object) == node)
            #expect(node.object.value == Amount(5))
        }
    }

    @Test func refusesMoneyWithoutAStake() {
        let node = ComputeNode(
            owner: owner, key: .zero, spec: .zero, state: .pending,
            outage: NodeOutage(lastSeen: now))
        var object = node.object
        object.value = Amount(1)
        #expect(throws: RLPError.unknownValue(0)) { try ComputeNode(object) }
    }

    @Test func eventsDecodeAsTheyWereEncoded() throws {
        let events: [NodeEvent] = [
            .registered(owner, key: .zero, spec: Hash32(words: (1, 2, 3, 4))),
            .updated(owner, key: .zero, spec: .zero), .retired(owner),
            .staked(owner, value: Amount(3), termDays: 7, until: now),
            .unstaked(owner, value: Amount(4)), .active(owner, power), .offline(owner),
            .penalised(owner, value: Amount(5), period: 6),
            .rewardsClaimed(owner, value: Amount(7)),
        ]
        for event in events {
            #expect(try NodeEvent(encoded: event.encoded) == event)
            let whole = ComputeEvent.node(event)
            #expect(try ComputeEvent(encoded: whole.encoded) == whole)
        }
        let due = NodeDue.release(node: owner)
        #expect(try NodeDue(encoded: due.encoded) == due)
        #expect(throws: RLPError.unknownValue(2)) {
            try NodeDue(encoded: RLPEncoder.list { $0.append(UInt8(2)) })
        }
    }

    @Test func failuresKeepTheirNumbers() {
        #expect(NodeFailure.allCases.map(\.rawValue) == Array(16...25))
        #expect(ProofFailure.allCases.map(\.rawValue) == Array(40...58))
        for reason in NodeFailure.allCases {
            #expect(ExecutionFailure(rawValue: reason.rawValue) == .node(reason))
        }
        for reason in ProofFailure.allCases {
            #expect(ExecutionFailure(rawValue: reason.rawValue) == .proof(reason))
        }
    }
}
