import TallyExecution
import TallyPrimitives
import TallyTransactions
import Testing

/// Who is elected (STAKE-12, STAKE-13).
@Suite struct ElectionTests {
    private func world(_ count: Int, staked: Int) throws -> ValidatorWorld {
        let rich = try tokens("5000000")
        var world = try ValidatorWorld((0..<count).map { (staker($0), rich) }) { parameters in
            parameters.economy?.validators.penaltyStepMilliseconds = 10_000 * ValidatorWorld.day
        }
        for number in 0..<staked { try world.stake(try amount(number), from: staker(number)) }
        return world
    }

    /// The higher the number, the larger the stake.
    private func amount(_ number: Int) throws -> Amount {
        try tokens(String(1_000_000 + number))
    }

    private func epochEnd(_ number: UInt64) -> UInt64 {
        ValidatorWorld.start + number * ValidatorWorld.day
    }

    private func roll(_ count: Int) throws -> RoleRoll {
        var roll = RoleRoll(.validator)
        for number in 0..<count { roll.set(staker(number), try amount(number)) }
        return roll
    }

    /// ECON-22: 13, 16, 19, …
    @Test(
        arguments: [
            (0, 0), (1, 0), (12, 0), (13, 13), (14, 13), (15, 13), (16, 16), (18, 16), (19, 19),
            (511, 511), (512, 511),
        ])
    func sizesAre3FPlus1(_ eligible: Int, _ elected: Int) throws {
        #expect(
            StakedValidators.elected(try roll(eligible), first: 13).count == elected)
    }

    @Test func theLargestStakesAreElectedThenTheSmallestAddresses() throws {
        let elected = StakedValidators.elected(try roll(15), first: 13)
        #expect(elected == (2..<15).map(staker).sorted())
        var equal = RoleRoll(.validator)
        for number in (0..<15).reversed() { equal.set(staker(number), try tokens("1000000")) }
        #expect(
            StakedValidators.elected(equal, first: 13)
                == Array((0..<15).map(staker).sorted().prefix(13)))
    }

    @Test func whoHasNothingLeftIsNotElected() throws {
        var roll = try roll(13)
        roll.set(staker(5), .zero)
        #expect(StakedValidators.elected(roll, first: 13) == [])
    }

    @Test func aRollKeepsItsOrder() throws {
        var roll = try roll(4)
        #expect(roll.entries.map(\.owner) == [3, 2, 1, 0].map(staker))
        roll.set(staker(0), try tokens("2000000"))
        #expect(roll.entries.map(\.owner) == [0, 3, 2, 1].map(staker))
        roll.set(staker(0), try tokens("1"))
        roll.remove(staker(2))
        roll.remove(staker(9))
        #expect(roll.entries.map(\.owner) == [3, 1, 0].map(staker))
        let object = try #require(roll.object)
        #expect(try RoleRoll(object) == roll)
        #expect(RoleRoll(.router).object == nil)
    }

    @Test func twelveLeaveTheGenesis() throws {
        var world = try world(12, staked: 12)
        #expect(try world.elected()?.validators == [])
        for epoch in 1...3 { try world.step(at: epochEnd(UInt64(epoch))) }
        #expect(try world.elected()?.validators == [])
        #expect(world.events().compactMap(\.election) == [])
    }

    @Test func nobodyEverStakedMeansNoSet() throws {
        var world = try world(1, staked: 0)
        try world.step(at: epochEnd(1))
        #expect(try world.elected() == nil)
    }

    /// At the end of the epoch, not before, and told only when it changes.
    @Test func thirteenAreElectedAtTheEndOfTheEpoch() throws {
        var world = try world(17, staked: 13)
        try world.step(at: epochEnd(1) - 1)
        #expect(try world.elected()?.validators == [])
        try world.step(at: epochEnd(1))
        let set = try #require(try world.elected())
        #expect(set.epoch == 1_001)
        #expect(set.validators == (0..<13).map(staker).sorted())
        for _ in 0..<2 { try world.step(at: epochEnd(2)) }
        #expect(try world.elected() == set)
        // Two more change the members, not their number; a sixteenth both.
        for number in 13..<15 { try world.stake(try amount(number), from: staker(number)) }
        #expect(try world.elected() == set, "not before the next end")
        try world.step(at: epochEnd(3))
        let second = try #require(try world.elected())
        #expect(second.validators == (2..<15).map(staker).sorted())
        try world.stake(try amount(15), from: staker(15))
        // An epoch without a block is no election.
        try world.step(at: epochEnd(6))
        let third = try #require(try world.elected())
        #expect(third.epoch == 1_006)
        #expect(third.validators == (0..<16).map(staker).sorted())
        #expect(
            world.events().compactMap(\.election)
                == [set, second, third].map { Election($0.epoch, $0.hash, $0.validators.count) })
    }

    /// STAKE-13: with too few the genesis is back.
    @Test func theGenesisComesBackWhenTooFewAreLeft() throws {
        var world = try world(13, staked: 13)
        try world.step(at: epochEnd(1))
        #expect(try world.elected()?.validators.count == 13)
        for voter in 1...7 {
            #expect(try world.call(.impeach(staker(0)), from: staker(voter)) == nil)
        }
        #expect(try world.elected()?.validators.count == 13, "a set holds for its epoch")
        try world.step(at: epochEnd(2))
        #expect(try world.elected() == ElectedSet(epoch: 1_002, validators: [], seed: .zero))
    }

    @Test func routersAreNotElected() throws {
        let rich = try tokens("5000000")
        var world = try ValidatorWorld((0..<13).map { (staker($0), rich) })
        for number in 0..<13 { try world.stake(.router, rich, from: staker(number)) }
        try world.step(at: epochEnd(1))
        #expect(try world.elected()?.validators == [])
    }
}

/// What an election tells.
struct Election: Equatable {
    let epoch: UInt64
    let hash: Hash32
    let count: Int

    init(_ epoch: UInt64, _ hash: Hash32, _ count: Int) {
        self.epoch = epoch
        self.hash = hash
        self.count = count
    }
}

extension ValidatorEvent {
    var election: Election? {
        if case .validatorsElected(let epoch, let hash, let count) = self {
            Election(epoch, hash, Int(count))
        } else {
            nil
        }
    }
}
