import TallyPrimitives
import TallyTransactions
import Testing

@testable import TallyExecution

/// What stakes of validators and routers earn (STAKE-14, STAKE-15). An epoch is a day, and makes
/// 720,000 tokens from the second on.
@Suite struct RoleRewardTests {
    private let validator = staker(0)
    private let router = staker(1)
    private let start = ValidatorWorld.start
    private let day = ValidatorWorld.day
    private let million: Amount
    private let rich: Amount

    init() throws {
        million = try tokens("1000000")
        rich = try tokens("5000000")
    }

    /// - Parameter hasPenalties: otherwise outages have no whole step.
    private func world(
        owners: Int = 3, hasPenalties: Bool = false,
        _ change: (inout NetworkParameters) -> Void = { _ in }
    ) throws -> ValidatorWorld {
        try ValidatorWorld((0..<owners).map { (staker($0), rich) }, epochs: true) { parameters in
            if !hasPenalties {
                parameters.economy?.validators.penaltyStepMilliseconds = 10_000 * day
                parameters.economy?.routers.penaltyStepMilliseconds = 10_000 * day
            }
            parameters.economy?.validators.minimumTermDays = 1
            parameters.economy?.routers.minimumTermDays = 1
            change(&parameters)
        }
    }

    /// Goes to the beginning of a day, and on until the shares of the day before have arrived.
    private func pass(to number: UInt64, _ world: inout ValidatorWorld) throws {
        for _ in 0..<8 { try world.step(at: start + number * day) }
    }

    private func rewards(_ owner: Address, _ world: ValidatorWorld) throws -> RewardAccount {
        try #require(try world.stakeObject(of: owner)).rewards
    }

    private func payouts(_ world: ValidatorWorld) -> [Amount] {
        world.events().compactMap { event in
            if case .rewardsClaimed(_, let value) = event { value } else { nil }
        }
    }

    // MARK: Weights

    /// S1:317, S1:321: 100 E for 1,000,000 tokens of a validator, 10 E for 100,000 of a router.
    @Test(
        arguments: [
            (StakeRole.validator, "1000000", 100), (.validator, "2500000", 250),
            (.router, "100000", 10), (.router, "1000000", 100),
        ] as [(StakeRole, String, Int)])
    func aStakeWeighsItsPower(_ role: StakeRole, _ amount: String, _ power: Int) throws {
        var world = try world()
        try world.stake(role, tokens(amount), from: validator)
        let weights = try rewards(validator, world).weights
        #expect(weights.map(\.epoch) == [1_001])
        #expect(weights.map(\.weight) == [.whole(UInt128(power))])
        for _ in 0..<2 { try world.step(at: start + day) }
        let weight = world.history.compactMap { item -> RewardWeight? in
            guard item.endpoint == world.beacon,
                case .compute(.epoch(.closed(1_000, let weight, _, _))) = item.event
            else { return nil }
            return weight
        }
        #expect(weight == [.whole(UInt128(power))])
    }

    /// With the greatest rate there is, every stake weighs the most there is.
    @Test func aPowerBeyond64BitsIsTheGreatest() throws {
        var world = try world {
            $0.economy?.routerPower = PowerRate(
                power: ComputePower(tenThousandths: .max), stake: Amount(1))
        }
        try world.stake(.router, million, from: router)
        #expect(
            try rewards(router, world).next
                == RewardWeight(ComputePower(tenThousandths: .max), multiplierBps: 10_000))
    }

    /// 1,000,000 less an hour are 999,884.25925926 tokens: 99.9884 E, from the next epoch on.
    @Test func aPenaltyLowersTheWeightOfTheNextEpoch() throws {
        var world = try world(hasPenalties: true)
        try world.stake(million, from: validator)
        // Signs of life to the end of the day, then none for an hour.
        for half in 1...48 as ClosedRange<UInt64> {
            let time = start + half * ValidatorWorld.hour / 2 - 60_000
            #expect(try world.call(.heartbeat, from: validator, at: time) == nil)
        }
        let seen = start + day - 60_000
        try world.step(at: seen + ValidatorWorld.hour)
        let account = try rewards(validator, world)
        #expect(account.weights.map(\.epoch) == [1_001, 1_002])
        #expect(
            account.weights.map(\.weight)
                == [.whole(100), RewardWeight(units: 999_884 * 10_000)])
        // A second hour in the same epoch: 231.48148148 in all.
        try world.step(at: seen + 2 * ValidatorWorld.hour)
        #expect(
            try rewards(validator, world).weights.map(\.weight)
                == [.whole(100), RewardWeight(units: 999_768 * 10_000)])
    }

    @Test func aRenewalLeavesTheWeight() throws {
        var world = try world()
        try world.stake(million, from: validator)
        try pass(to: 2, &world)
        let before = try rewards(validator, world)
        #expect(try world.call(.renewStake(termDays: 180), from: validator) == nil)
        #expect(try rewards(validator, world) == before)
    }

    // MARK: Shares

    /// A validator's 100 E, a router's 10 E, and a node's 1.4451 for 90 days, 8.95962 (ECON-6). Of
    /// 720,000 tokens the beacon gets ⌊· 110/118.95962⌋ and the node's shard ⌊· 8.95962/118.95962⌋;
    /// of 665,772.13343485 the validator gets 10/11 and the router 1/11.
    @Test func stakesAndNodesShareByTheirWeight() throws {
        var world = try world()
        try world.stake(million, from: validator)
        try world.stake(.router, try tokens("100000"), from: router)
        let shard = EndpointID(0)
        try world.step(
            at: start, [],
            [
                shard: { executor, accounts in
                    accounts = [RewardAccount()]
                    try executor.setWeight(RewardWeight(units: 895_962_000), of: &accounts[0])
                }
            ])
        // The opening epoch has no weight, and makes nothing.
        try pass(to: 1, &world)
        #expect(world.made == .zero)
        for owner in [validator, router] {
            #expect(try world.call(.claimRewards, from: owner) == .validator(.noRewards))
        }
        try pass(to: 2, &world)
        #expect(try world.made == tokens("720000"))
        for owner in [validator, router] {
            #expect(try world.call(.claimRewards, from: owner) == nil)
            #expect(try world.call(.claimRewards, from: owner) == .validator(.noRewards))
        }
        #expect(
            try payouts(world) == [tokens("605247.39403168"), tokens("60524.73940316")])
        #expect(try world.balance(validator) == tokens("4605247.39403168"))
        #expect(try world.balance(router) == tokens("4960524.73940316"))
        var drawn = Amount.zero
        try world.step(
            at: world.time, [],
            [
                shard: { executor, accounts in
                    drawn = try executor.settle(&accounts[0])
                    try executor.payTreasury(drawn)
                }
            ])
        #expect(try drawn == tokens("54227.86656513"))
    }

    /// The payout is an object's, as a node's rewards are.
    @Test func aClaimIsPaidAsTheStakesReward() throws {
        var world = try world()
        try world.stake(million, from: validator)
        try pass(to: 2, &world)
        #expect(try world.call(.claimRewards, from: validator) == nil)
        let paid = world.history.compactMap { item -> PayoutEvent? in
            guard case .compute(.payout(let event)) = item.event, case .paid = event else {
                return nil
            }
            return event
        }
        #expect(paid.count == 1)
        guard case .paid(_, let object, let reason, let to, let value, false) = paid.first else {
            Issue.record("not paid")
            return
        }
        #expect(object == ObjectID(owner: validator, number: 0))
        #expect(reason == .reward)
        #expect(to == validator)
        #expect(try value == tokens("720000"))
    }

    // MARK: Ends

    /// Three validators share alike. The one that the others impeach on the third day keeps what it has
    /// earned, has a part of the day, and none of the days after.
    @Test func aForfeitedStakeKeepsItsRewardsAndEarnsNothingFurther() throws {
        var world = try world()
        let accused = staker(2)
        for owner in [validator, router, accused] { try world.stake(million, from: owner) }
        try pass(to: 2, &world)
        #expect(try world.call(.impeach(accused), from: validator) == nil)
        #expect(payouts(world) == [])
        #expect(try world.call(.impeach(accused), from: router) == nil)
        #expect(try world.treasury() == million)
        #expect(try payouts(world) == [tokens("240000")])
        #expect(try world.balance(accused) == tokens("4240000"))
        #expect(try rewards(accused, world).weights.map(\.weight) == [.whole(100), .zero])

        try pass(to: 3, &world)
        #expect(try world.call(.claimRewards, from: accused) == nil)
        #expect(try world.balance(accused) == tokens("4480000"))
        #expect(try rewards(accused, world).isSettled)
        for number in 4...6 as ClosedRange<UInt64> {
            try pass(to: number, &world)
            #expect(try world.call(.claimRewards, from: accused) == .validator(.noRewards))
        }
        // The others have all of it: 240,000 of two days, and 360,000 of three.
        #expect(try world.call(.claimRewards, from: validator) == nil)
        #expect(try world.balance(validator) == tokens("5560000"))
    }

    /// A stake of which penalties left nothing earns nothing either.
    @Test func aStakeThatOutagesUsedUpWeighsNothing() throws {
        var world = try world(hasPenalties: true)
        try world.stake(.validator, million, days: 1, from: validator)
        try pass(to: 1, &world)
        let stake = try #require(try world.stakeObject(of: validator))
        #expect(
            stake.phase == .forfeited(.outage, at: BeaconTime(milliseconds: start + day)))
        #expect(stake.rewards.next == .zero)
        try pass(to: 2, &world)
        #expect(try world.call(.claimRewards, from: validator) == nil)
        #expect(try payouts(world) == [tokens("720000")])
        try pass(to: 3, &world)
        #expect(try world.call(.claimRewards, from: validator) == .validator(.noRewards))
    }

    /// Both payouts have been reserved: at the end nobody calls anything.
    @Test func aReleasedStakePaysItsRewardsByItself() throws {
        var world = try world()
        try world.stake(.validator, million, days: 3, from: validator)
        try pass(to: 2, &world)
        #expect(try world.balance(validator) == tokens("4000000"))
        try pass(to: 3, &world)
        #expect(try !#require(try world.stakeObject(of: validator)).isActive)
        // The second day is paid; the third's share arrives later than the release.
        #expect(try payouts(world) == [tokens("720000")])
        #expect(try world.balance(validator) == tokens("5720000"))
    }

    /// What arrived after the end of one stake is drawn through the next.
    @Test func theNextStakeTakesUnclaimedRewardsAlong() throws {
        var world = try world()
        try world.stake(.validator, million, days: 3, from: validator)
        try pass(to: 2, &world)
        try pass(to: 3, &world)
        try world.stake(.router, try tokens("100000"), from: validator)
        try pass(to: 4, &world)
        #expect(try world.call(.claimRewards, from: validator) == nil)
        let second = try #require(try world.stakeObject(of: validator))
        #expect(second.role == .router)
        let total = try tokens("720000")
        // The third and fourth day: the first stake ended with the beginning of the fourth.
        let events = world.events().filter {
            if case .rewardsClaimed = $0 { true } else { false }
        }
        let first = ObjectID(owner: validator, number: 0)
        #expect(
            events == [
                .rewardsClaimed(first, value: total),
                .rewardsClaimed(second.id, value: try tokens("1440000")),
            ])
    }

    // MARK: Refusals

    @Test func whoNeverStakedClaimsNothing() throws {
        var world = try world()
        #expect(try world.call(.claimRewards, from: validator) == .validator(.noStake))
    }

    /// Six entries for transactions. Four are queued, of close, end, watch and election, and two
    /// reserved.
    @Test func aClaimNeedsRoomForItsPayout() throws {
        var world = try world { $0.dueBound = 8 }
        try world.stake(million, from: validator)
        try pass(to: 2, &world)
        let before = try rewards(validator, world)
        #expect(try world.call(.claimRewards, from: validator) == .dueQueueFull)
        #expect(try rewards(validator, world) == before)
        #expect(payouts(world) == [])
    }
}
