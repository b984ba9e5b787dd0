import TallyPrimitives
import TallyState
import TallyTransactions
import Testing

@testable import TallyExecution

private let owner = machine(1)
/// 1,445.1 tokens: 1,000 for each E of 1.4451 (S1:306, S1:431).
private let fullStake = Amount(1_445_1000_0000)
private let day: UInt64 = 86_400_000

@Suite struct NodeFlowTests {
    private func world(
        _ change: (inout NetworkParameters) -> Void = { _ in }
    ) throws -> NodeWorld {
        var world = try NodeWorld(accounts: [owner, machine(2)], change)
        try world.register(owner)
        return world
    }

    private func activeWorld() throws -> NodeWorld {
        var world = try world()
        try world.pass(owner)
        #expect(
            try world.node(owner).state == .active(ComputePower(tenThousandths: 14_451)))
        return world
    }

    private func stakedWorld(days: UInt32 = 90) throws -> NodeWorld {
        var world = try activeWorld()
        #expect(try world.act(.stake(termDays: days, value: fullStake), by: owner) == nil)
        return world
    }

    // MARK: Registering

    @Test func registersAndBeginsARoundAtOnce() throws {
        let world = try world()
        #expect(
            world.nodeEvents == [.registered(owner, key: NodeWorld.key, spec: NodeWorld.spec)])
        let node = try world.node(owner)
        #expect(node.state == .pending)
        #expect(node.rounds == 1)
        #expect(try world.round(owner).state == .bound(drawFrom: world.seedNumber + 2))
    }

    @Test func refusesASecondNode() throws {
        var world = try world()
        let failure = try world.act(.register(key: .zero, spec: .zero), by: owner)
        #expect(failure == .node(.alreadyRegistered))
        #expect(try world.node(owner).key == NodeWorld.key)
    }

    @Test(
        arguments: [
            .update(key: .zero, spec: .zero), .deregister,
            .stake(termDays: 90, value: Amount(1)), .unstake, .claimRewards,
        ] as [NodeOperation])
    func refusesWhatNeedsANode(_ operation: NodeOperation) throws {
        var world = try world()
        let before = try world.account(machine(2)).balance
        #expect(try world.act(operation, by: machine(2)) == .node(.notRegistered))
        let fee = operation.weight + Weights.callData(operation.callData)
        #expect(
            try world.account(machine(2)).balance == before.subtracting(Amount(UInt128(fee))))
    }

    @Test func updatesKeyAndSpecification() throws {
        var world = try world()
        let other = Hash32(words: (7, 7, 7, 7))
        #expect(try world.act(.update(key: other, spec: .zero), by: owner) == nil)
        #expect(world.nodeEvents == [.updated(owner, key: other, spec: .zero)])
        #expect(try world.node(owner).key == other)
    }

    @Test func deregistersWithoutAStakeOnly() throws {
        var world = try stakedWorld()
        #expect(try world.act(.deregister, by: owner) == .node(.stakeHeld))
        world = try activeWorld()
        #expect(try world.act(.deregister, by: owner) == nil)
        #expect(world.nodeEvents == [.retired(owner)])
        #expect(try world.node(owner).state == .retired)
        #expect(try !world.hasRound(owner))
        #expect(try world.act(.deregister, by: owner) == .node(.notRegistered))
    }

    @Test func aRetiredNodeBeginsAgainWithWhatItDid() throws {
        var world = try activeWorld()
        try world.act(.deregister, by: owner)
        // The entry of the round that ended finds nothing to do, and later not its own round.
        try world.register(owner)
        let node = try world.node(owner)
        #expect(node.state == .pending)
        #expect(node.reputation.passed == 1)
        #expect(node.rounds == 2)
        let entry = try world.round(owner).entry
        try world.go(to: world.time + 3_600_000)
        #expect(try world.node(owner).rounds == 2)
        #expect(try world.round(owner).entry != entry)
    }

    @Test func refusesANodeWithoutRoomForItsEntries() throws {
        // One for the first node's round, one for the sweep of a vault.
        let second = machine(1, 2)
        var world = try NodeWorld(accounts: [owner, second]) { $0.dueBound = 2 }
        try world.register(owner)
        let operation = NodeOperation.register(key: .zero, spec: .zero)
        #expect(try world.act(operation, by: second) == .dueQueueFull)
        #expect(try world.object(ComputeNode.objectKey(of: second), at: second) == nil)
    }

    // MARK: Stakes

    @Test func stakesForMeasuredPowerOnly() throws {
        var world = try world()
        let operation = NodeOperation.stake(termDays: 90, value: fullStake)
        #expect(try world.act(operation, by: owner) == .node(.noPower))
        try world.pass(owner)
        try world.miss(owner)
        #expect(try world.act(operation, by: owner) == .node(.noPower))
    }

    @Test(
        arguments: [
            (NodeOperation.stake(termDays: 90, value: Amount(144_509_999_999)), .stakeTooSmall),
            (.stake(termDays: 90, value: .zero), .stakeTooSmall),
            (.stake(termDays: 0, value: fullStake), .termTooShort),
        ] as [(NodeOperation, NodeFailure)])
    func refusesAStake(_ operation: NodeOperation, _ reason: NodeFailure) throws {
        var world = try activeWorld()
        #expect(try world.act(operation, by: owner) == .node(reason))
        #expect(try world.node(owner).stake == nil)
    }

    @Test func stakesOnceAtATime() throws {
        var world = try stakedWorld()
        let stake = try #require(try world.node(owner).stake)
        #expect(stake.amount == fullStake && stake.staked == fullStake)
        #expect(stake.until.milliseconds == world.time + 90 * day)
        #expect(
            world.nodeEvents == [
                .staked(owner, value: fullStake, termDays: 90, until: stake.until)
            ])
        #expect(
            try world.object(ComputeNode.objectKey(of: owner), at: owner)?.value == fullStake)
        #expect(
            try world.act(.stake(termDays: 90, value: fullStake), by: owner)
                == .node(.alreadyStaked))
    }

    @Test func weightIsPowerTimesTheTermsMultiplierWhileActive() throws {
        let multipliers = EconomyParameters.emc.multipliers
        var node = try stakedWorld().node(owner)
        // 1.4451 E for 90 days weigh 8.95962 (S1:332).
        #expect(node.weight(multipliers).units == 895_962_000)
        node.stake = nil
        #expect(node.weight(multipliers).units == 144_510_000)
        for state: NodeState in [
            .pending, .retired,
            .offline(
                since: BeaconTime(milliseconds: 1), ComputePower(tenThousandths: 14_451)),
        ] {
            node.state = state
            #expect(node.weight(multipliers) == .zero)
        }
    }

    @Test func holdsAStakeUntilItsTermIsOver() throws {
        var world = try stakedWorld(days: 1)
        let until = try #require(try world.node(owner).stake).until.milliseconds
        #expect(try world.act(.unstake, by: owner) == .node(.stakeLocked))
        world.dueStands = true
        try world.step(until - 1 - 1_000 - world.time)
        #expect(try world.act(.unstake, by: owner) == .node(.stakeLocked))
        let before = try world.account(owner).balance
        try world.submit(.node(.unstake), from: owner)
        try world.step(1)
        #expect(world.failures == [nil])
        #expect(world.nodeEvents == [.unstaked(owner, value: fullStake)])
        let fee = Amount(UInt128(28_000 + 64))
        let after = try #require(before.adding(fullStake))
        #expect(try world.account(owner).balance == after.subtracting(fee))
        // The entry that would have released it finds nothing.
        world.dueStands = false
        try world.step()
        #expect(!world.nodeEvents.contains { if case .unstaked = $0 { true } else { false } })
        #expect(try world.act(.unstake, by: owner) == .node(.notStaked))
    }

    @Test func releasesAStakeAtTheEndOfItsTerm() throws {
        // The next round is after the term.
        var world = try world { $0.economy?.rounds.everyMilliseconds = 2 * day }
        try world.pass(owner)
        try world.act(.stake(termDays: 1, value: fullStake), by: owner)
        let until = try #require(try world.node(owner).stake).until.milliseconds
        try world.go(to: until - 1)
        #expect(try world.node(owner).stake != nil)
        try world.go(to: until)
        #expect(world.nodeEvents.contains(.unstaked(owner, value: fullStake)))
        #expect(
            world.paid.contains(
                .paid(
                    nil, object: .node(owner), .stake, to: owner, value: fullStake,
                    isEscrowed: false)))
        #expect(try world.node(owner).stake == nil)
        #expect(try world.act(.unstake, by: owner) == .node(.notStaked))
    }

    @Test func refusesAClaimOfNothing() throws {
        var world = try activeWorld()
        #expect(try world.act(.claimRewards, by: owner) == .node(.noRewards))
    }

    @Test func countsDeliveriesOfNodes() throws {
        let world = try world()
        var executor = try world.executor(1)
        executor.beginSystem()
        let job = ObjectID(owner: machine(2), number: 5)
        try executor.noteDelivery(of: job, by: owner, isGood: true)
        try executor.noteDelivery(of: job, by: owner, isGood: true)
        try executor.noteDelivery(of: job, by: owner, isGood: false)
        try executor.noteDelivery(of: job, by: machine(1, 99), isGood: true)
        #expect(
            executor.events
                == [true, true, false].map {
                    .compute(.node(.rated(owner, job: job, isGood: $0)))
                })
        let node = try #require(try executor.node(of: owner))
        #expect(node.reputation.deliveries == 2 && node.reputation.failures == 1)
        #expect(try executor.node(of: machine(1, 99)) == nil)
    }
}
