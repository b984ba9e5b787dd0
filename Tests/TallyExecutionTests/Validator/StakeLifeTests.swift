import TallyExecution
import TallyPrimitives
import TallyTransactions
import Testing

/// Staking, renewing, getting it back (STAKE-2, STAKE-4, STAKE-5).
@Suite struct StakeLifeTests {
    private let owner = staker(0)
    private let million: Amount
    private let rich: Amount

    init() throws {
        million = try tokens("1000000")
        rich = try tokens("5000000")
    }

    /// Steps of outages are so long here that nothing but the life cycle is seen.
    private func world(
        _ change: (inout NetworkParameters) -> Void = { _ in }
    ) throws -> ValidatorWorld {
        try ValidatorWorld((0..<4).map { (staker($0), rich) }) { parameters in
            let step = 10_000 * ValidatorWorld.day
            parameters.economy?.validators.penaltyStepMilliseconds = step
            parameters.economy?.routers.penaltyStepMilliseconds = step
            change(&parameters)
        }
    }

    @Test func placesAStake() throws {
        var world = try world()
        #expect(
            try world.call(.stakeRole(.validator, termDays: 360, value: million), from: owner)
                == nil)
        let stake = try #require(try world.stakeObject(of: owner))
        let until = BeaconTime(milliseconds: ValidatorWorld.start + 360 * ValidatorWorld.day)
        #expect(stake.id == ObjectID(owner: owner, number: 0))
        #expect(stake.role == .validator)
        #expect(stake.left == million)
        #expect(stake.staked == million)
        #expect(stake.phase == .active)
        #expect(stake.until == until)
        #expect(try world.balance(owner) == tokens("4000000"))
        #expect(try world.roll(.validator) == [owner])
        #expect(try world.roll(.router) == [])
        #expect(
            world.events() == [
                .stakePlaced(stake.id, .validator, value: million, termDays: 360, until: until)
            ])
    }

    /// ECON-20: the whole value of a refused stake comes back.
    @Test(
        arguments: [
            (StakeRole.validator, "999999.99999999", 360, ValidatorFailure.stakeTooSmall),
            (.validator, "1000000", 359, .termTooShort),
            (.router, "99999.99999999", 180, .stakeTooSmall),
            (.router, "100000", 179, .termTooShort),
            (.router, "0", 180, .stakeTooSmall),
        ] as [(StakeRole, String, UInt32, ValidatorFailure)])
    func refusesLessThanTheRoleAsksFor(
        _ role: StakeRole, _ amount: String, _ days: UInt32, _ failure: ValidatorFailure
    ) throws {
        var world = try world()
        let value = try tokens(amount)
        #expect(
            try world.call(.stakeRole(role, termDays: days, value: value), from: owner)
                == .validator(failure))
        #expect(try world.balance(owner) == rich)
        #expect(try world.stakeObject(of: owner) == nil)
        #expect(world.events() == [])
    }

    @Test func takesTheLeastOfARouter() throws {
        var world = try world()
        try world.stake(.router, try tokens("100000"), days: 180, from: owner)
        #expect(try world.roll(.router) == [owner])
    }

    @Test func refusesASecondStake() throws {
        var world = try world()
        try world.stake(million, from: owner)
        for role in StakeRole.allCases {
            #expect(
                try world.call(.stakeRole(role, termDays: 360, value: million), from: owner)
                    == .validator(.alreadyStaked))
        }
        #expect(try world.balance(owner) == tokens("4000000"))
    }

    @Test func refusesATermBeyondAllTimes() throws {
        var world = try ValidatorWorld(
            [(owner, rich)], start: .max - 360 * ValidatorWorld.day + 1)
        #expect(
            try world.call(.stakeRole(.validator, termDays: 360, value: million), from: owner)
                == .validator(.termOverflow))
    }

    @Test func refusesAStakeWithoutRoomForItsEntries() throws {
        // Four for transactions: one less than the first stake needs.
        var world = try world { $0.dueBound = 5 }
        #expect(
            try world.call(.stakeRole(.validator, termDays: 360, value: million), from: owner)
                == .dueQueueFull)
        #expect(try world.balance(owner) == rich)
    }

    /// STAKE-5: the test of the time is not the wrong way round.
    @Test func unstakingIsRefusedAMillisecondBeforeTheEnd() throws {
        var world = try world()
        try world.stake(million, from: owner)
        let end = ValidatorWorld.start + 360 * ValidatorWorld.day
        #expect(
            try world.call(.unstake, from: owner, at: end - 1) == .validator(.termNotOver))
        #expect(try #require(try world.stakeObject(of: owner)).left == million)
        #expect(try world.balance(owner) == tokens("4000000"))
    }

    @Test func unstakingAtOnceIsRefused() throws {
        var world = try world()
        try world.stake(million, from: owner)
        #expect(try world.call(.unstake, from: owner) == .validator(.termNotOver))
    }

    /// The inbox comes before the due queue: the call releases, and the entry finds nothing to do.
    @Test func unstakingPaysBackAtTheEnd() throws {
        var world = try world()
        try world.stake(million, from: owner)
        let end = ValidatorWorld.start + 360 * ValidatorWorld.day
        #expect(try world.call(.unstake, from: owner, at: end) == nil)
        let stake = try #require(try world.stakeObject(of: owner))
        #expect(stake.phase == .released(at: BeaconTime(milliseconds: end)))
        #expect(stake.left == .zero)
        #expect(try world.balance(owner) == rich)
        #expect(
            world.events().filter(\.isRelease) == [.stakeReleased(stake.id, value: million)])
        #expect(try world.call(.unstake, from: owner) == .validator(.noStake))
        #expect(try world.balance(owner) == rich)
    }

    @Test func paysBackByItselfAtTheEnd() throws {
        var world = try world()
        try world.stake(.router, million, days: 180, from: owner)
        let end = ValidatorWorld.start + 180 * ValidatorWorld.day
        try world.step(at: end - 1)
        #expect(try #require(try world.stakeObject(of: owner)).isActive)
        for _ in 0..<4 { try world.step(at: end) }
        let stake = try #require(try world.stakeObject(of: owner))
        #expect(stake.phase == .released(at: BeaconTime(milliseconds: end)))
        #expect(try world.balance(owner) == rich)
        #expect(try world.roll(.router) == [])
        // Nothing is paid twice.
        for days in 1...5 { try world.step(at: end + UInt64(days) * ValidatorWorld.day) }
        #expect(
            world.events().filter(\.isRelease) == [.stakeReleased(stake.id, value: million)])
    }

    /// Twice: when the payout leaves the beacon, and when it arrives.
    @Test func aPaidBackStakeTellsItsObject() throws {
        var world = try world()
        try world.stake(.router, million, days: 180, from: owner)
        let end = ValidatorWorld.start + 180 * ValidatorWorld.day
        for _ in 0..<4 { try world.step(at: end) }
        let payouts = world.history.compactMap { item -> PayoutEvent? in
            if case .compute(.payout(let event)) = item.event { event } else { nil }
        }
        let id = ObjectID(owner: owner, number: 0)
        #expect(payouts.count == 2)
        for payout in payouts {
            switch payout {
            case .sent(_, let object, let reason, let to, let value),
                .paid(_, let object, let reason, let to, let value, false):
                #expect(object == id)
                #expect(reason == .stake)
                #expect(to == owner)
                #expect(value == million)
            case .paid: Issue.record("in escrow")
            }
        }
    }

    @Test func renewsAValidatorOnce() throws {
        var world = try world()
        try world.stake(million, from: owner)
        #expect(
            try world.call(.renewStake(termDays: 179), from: owner) == .validator(.termTooShort))
        #expect(try world.call(.renewStake(termDays: 180), from: owner) == nil)
        let stake = try #require(try world.stakeObject(of: owner))
        #expect(stake.phase == .renewed(times: 1))
        #expect(
            stake.until
                == BeaconTime(milliseconds: ValidatorWorld.start + 540 * ValidatorWorld.day))
        #expect(
            try world.call(.renewStake(termDays: 180), from: owner)
                == .validator(.renewalNotAllowed))
        #expect(
            try world.call(.renewStake(termDays: 1), from: owner)
                == .validator(.renewalNotAllowed))
    }

    @Test func renewsARouterAsOftenAsItLikes() throws {
        var world = try world()
        try world.stake(.router, million, days: 180, from: owner)
        for times in 1...5 {
            #expect(try world.call(.renewStake(termDays: 90), from: owner) == nil)
            let stake = try #require(try world.stakeObject(of: owner))
            #expect(stake.phase == .renewed(times: UInt32(times)))
        }
        #expect(
            try world.call(.renewStake(termDays: 89), from: owner) == .validator(.termTooShort))
        var failure: ExecutionFailure?
        for _ in 0..<60 where failure == nil {
            failure = try world.call(.renewStake(termDays: .max), from: owner)
        }
        #expect(failure == .validator(.termOverflow))
    }

    @Test func renewsOnlyBeforeTheEnd() throws {
        let end = ValidatorWorld.start + 180 * ValidatorWorld.day
        for (time, failure) in [
            (end - 1, nil), (end, ExecutionFailure.validator(.termOver)),
        ] {
            var world = try world()
            try world.stake(.router, million, days: 180, from: owner)
            #expect(
                try world.call(.renewStake(termDays: 90), from: owner, at: time) == failure)
        }
    }

    /// The entry of the old end pays nothing.
    @Test func paysARenewedStakeBackAtItsNewEndOnly() throws {
        var world = try world()
        try world.stake(.router, million, days: 180, from: owner)
        #expect(try world.call(.renewStake(termDays: 90), from: owner) == nil)
        let (old, new) = (
            ValidatorWorld.start + 180 * ValidatorWorld.day,
            ValidatorWorld.start + 270 * ValidatorWorld.day
        )
        for _ in 0..<4 { try world.step(at: old) }
        #expect(try #require(try world.stakeObject(of: owner)).phase == .renewed(times: 1))
        #expect(
            try world.call(.unstake, from: owner, at: new - 1) == .validator(.termNotOver))
        #expect(world.events().count(where: \.isRelease) == 0)
        for _ in 0..<4 { try world.step(at: new) }
        #expect(
            world.events().filter(\.isRelease)
                == [.stakeReleased(ObjectID(owner: owner, number: 0), value: million)])
        #expect(try world.balance(owner) == rich)
    }

    @Test func stakesAgainAfterTheEnd() throws {
        var world = try world()
        try world.stake(.router, million, days: 180, from: owner)
        let end = ValidatorWorld.start + 180 * ValidatorWorld.day
        #expect(try world.call(.unstake, from: owner, at: end) == nil)
        try world.stake(.validator, million, from: owner)
        let stake = try #require(try world.stakeObject(of: owner))
        #expect(stake.role == .validator)
        #expect(stake.phase == .active)
        #expect(stake.id == ObjectID(owner: owner, number: 2))
        #expect(try world.roll(.router) == [])
        #expect(try world.roll(.validator) == [owner])
    }

    @Test func missingAndEndedStakesRefuseEverything() throws {
        let calls: [ValidatorOperation] = [.renewStake(termDays: 400), .unstake, .heartbeat]
        var world = try world()
        try world.stake(.router, million, days: 180, from: staker(1))
        for call in calls + [.impeach(staker(1))] {
            let isVote = call == .impeach(staker(1))
            #expect(
                try world.call(call, from: owner) == .validator(isVote ? .notOfRole : .noStake))
        }
        let end = ValidatorWorld.start + 180 * ValidatorWorld.day
        for _ in 0..<4 { try world.step(at: end) }
        for call in calls + [.impeach(staker(0))] {
            #expect(try world.call(call, from: staker(1)) == .validator(.noStake))
        }
    }

    /// As many as a set of validators has members (STAKE-2).
    @Test func aRoleHas512Stakes() throws {
        let owners = (0...512).map(staker)
        let amount = try tokens("100000")
        var world = try ValidatorWorld(owners.map { ($0, amount) })
        var calls: [Transaction] = []
        for owner in owners.dropLast() {
            calls.append(
                try world.transaction(
                    .stakeRole(.router, termDays: 180, value: amount), from: owner))
        }
        try world.step(at: world.time, calls)
        try world.step(at: world.time)
        #expect(try world.roll(.router).count == 512)
        #expect(
            try world.call(.stakeRole(.router, termDays: 180, value: amount), from: owners[512])
                == .validator(.roleFull))
        #expect(try world.balance(owners[512]) == amount)
    }
}

extension ValidatorEvent {
    var isRelease: Bool { if case .stakeReleased = self { true } else { false } }
    var isPenalty: Bool { if case .rolePenalised = self { true } else { false } }
}
