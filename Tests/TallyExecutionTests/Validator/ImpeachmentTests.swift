import TallyExecution
import TallyPrimitives
import TallyTransactions
import Testing

/// Votes of the others (STAKE-11, ECON-23).
@Suite struct ImpeachmentTests {
    private let million: Amount

    init() throws { million = try tokens("1000000") }

    private func world(validators: Int, routers: Int = 0) throws -> ValidatorWorld {
        let count = validators + routers
        var world = try ValidatorWorld((0..<count).map { (staker($0), million) })
        for number in 0..<count {
            let isValidator = number < validators
            try world.stake(isValidator ? .validator : .router, million, from: staker(number))
        }
        return world
    }

    /// 4 others: 2 are half and not enough, 3 are more.
    @Test func moreThanHalfOfTheOthersTakeTheStake() throws {
        var world = try world(validators: 5)
        let id = ObjectID(owner: staker(0), number: 0)
        let place = world.history.count
        for voter in 1...2 {
            #expect(try world.call(.impeach(staker(0)), from: staker(voter)) == nil)
            #expect(try #require(try world.stakeObject(of: staker(0))).phase == .active)
        }
        #expect(try #require(try world.stakeObject(of: staker(0))).votes.count == 2)
        #expect(try world.call(.impeach(staker(0)), from: staker(3)) == nil)
        #expect(
            world.events(from: place) == [
                .impeachmentVoted(id, by: staker(1), votes: 1, others: 4),
                .impeachmentVoted(id, by: staker(2), votes: 2, others: 4),
                .impeachmentVoted(id, by: staker(3), votes: 3, others: 4),
                .stakeForfeited(id, .impeachment, value: million),
            ])
        let stake = try #require(try world.stakeObject(of: staker(0)))
        #expect(
            stake.phase
                == .forfeited(.impeachment, at: BeaconTime(milliseconds: ValidatorWorld.start)))
        #expect(stake.votes == [])
        #expect(try world.treasury() == million)
        #expect(try world.roll(.validator).count == 4)
        #expect(try world.call(.impeach(staker(0)), from: staker(4)) == .validator(.noStake))
        #expect(try world.call(.impeach(staker(1)), from: staker(0)) == .validator(.notOfRole))
    }

    /// 3 others: 2 are more than half.
    @Test func oneOfTwoOthersIsNotEnough() throws {
        var world = try world(validators: 3)
        #expect(try world.call(.impeach(staker(0)), from: staker(1)) == nil)
        #expect(try #require(try world.stakeObject(of: staker(0))).isActive)
        #expect(try world.call(.impeach(staker(0)), from: staker(2)) == nil)
        #expect(try #require(try world.stakeObject(of: staker(0))).isActive == false)
    }

    @Test func nobodyVotesTwiceNorOnItself() throws {
        var world = try world(validators: 5)
        #expect(try world.call(.impeach(staker(0)), from: staker(1)) == nil)
        #expect(
            try world.call(.impeach(staker(0)), from: staker(1)) == .validator(.alreadyVoted))
        #expect(
            try world.call(.impeach(staker(0)), from: staker(0)) == .validator(.ownImpeachment))
        #expect(try #require(try world.stakeObject(of: staker(0))).votes == [staker(1)])
    }

    @Test func otherRolesAndStrangersHaveNoVote() throws {
        var world = try world(validators: 3, routers: 2)
        #expect(try world.call(.impeach(staker(0)), from: staker(3)) == .validator(.notOfRole))
        #expect(try world.call(.impeach(staker(3)), from: staker(0)) == .validator(.notOfRole))
        #expect(try world.call(.impeach(staker(9)), from: staker(0)) == .validator(.noStake))
        // Of two routers the other one decides.
        #expect(try world.call(.impeach(staker(3)), from: staker(4)) == nil)
        #expect(try #require(try world.stakeObject(of: staker(3))).isActive == false)
        #expect(try world.roll(.router) == [staker(4)])
    }

    /// A voter that lost its own stake counts no more; and when others leave, half becomes a majority
    /// as soon as somebody has the votes counted.
    @Test func countsWhoIsAMemberWhenVotesAreCounted() throws {
        var world = try world(validators: 6)
        for voter in 1...2 {
            #expect(try world.call(.impeach(staker(0)), from: staker(voter)) == nil)
        }
        // 2 loses its stake: of the votes one is left, of 4 others.
        for voter in [1, 3, 4] {
            #expect(try world.call(.impeach(staker(2)), from: staker(voter)) == nil)
        }
        #expect(try #require(try world.stakeObject(of: staker(2))).isActive == false)
        let place = world.history.count
        #expect(try world.call(.impeach(staker(0)), from: staker(3)) == nil)
        #expect(
            world.events(from: place) == [
                .impeachmentVoted(
                    ObjectID(owner: staker(0), number: 0), by: staker(3), votes: 2, others: 4)
            ])
        #expect(
            try world.call(.impeach(staker(0)), from: staker(1)) == .validator(.alreadyVoted))
        // 5 loses its stake too: 2 of 3 others are a majority.
        for voter in [1, 3, 4] {
            #expect(try world.call(.impeach(staker(5)), from: staker(voter)) == nil)
        }
        #expect(try #require(try world.stakeObject(of: staker(0))).isActive)
        #expect(try world.call(.impeach(staker(0)), from: staker(1)) == nil)
        #expect(try #require(try world.stakeObject(of: staker(0))).isActive == false)
    }

    /// STAKE-5: the end and the watch of a lost stake find another stake, and leave it alone.
    @Test func entriesOfAnEarlierStakeDoNothing() throws {
        let rich = try tokens("5000000")
        var world = try ValidatorWorld((0..<2).map { (staker($0), rich) }) { parameters in
            parameters.economy?.routers.penaltyStepMilliseconds = 100 * ValidatorWorld.day
        }
        for owner in 0...1 {
            try world.stake(.router, million, days: 180, from: staker(owner))
        }
        #expect(try world.call(.impeach(staker(0)), from: staker(1)) == nil)
        try world.step(at: ValidatorWorld.start + ValidatorWorld.day)
        try world.stake(.router, million, days: 1_000, from: staker(0))
        let id = try #require(try world.stakeObject(of: staker(0))).id
        #expect(world.waiting.filter { $0.stake?.owner == staker(0) }.count == 4)
        for _ in 0..<3 { try world.step(at: ValidatorWorld.start + 180 * ValidatorWorld.day) }
        #expect(try #require(try world.stakeObject(of: staker(0))).isActive)
        let own = world.waiting.compactMap(\.stake).filter { $0.owner == staker(0) }
        #expect(own == [id, id])
    }
}

extension DueAction {
    /// The stake whose end or watch it is.
    fileprivate var stake: ObjectID? {
        if case .validator(.termEnd(let id)) = self { return id }
        if case .validator(.watch(let id)) = self { return id }
        return nil
    }
}
