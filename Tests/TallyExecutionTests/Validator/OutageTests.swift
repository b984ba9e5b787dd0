import TallyExecution
import TallyPrimitives
import TallyTransactions
import Testing

/// What it costs to be away (STAKE-6 … STAKE-8), through stakes, watches and the treasury.
@Suite struct OutageTests {
    private let owner = staker(0)
    private let million: Amount
    private let hour = ValidatorWorld.hour
    private let start = ValidatorWorld.start

    init() throws { million = try tokens("1000000") }

    private func world() throws -> ValidatorWorld {
        try ValidatorWorld([(owner, try tokens("5000000")), (staker(1), million)])
    }

    private func penalty(
        _ amount: String, from: UInt64, to: UInt64, number: UInt64 = 0
    ) throws -> ValidatorEvent {
        .rolePenalised(
            ObjectID(owner: owner, number: number), amount: try tokens(amount),
            from: BeaconTime(milliseconds: from), to: BeaconTime(milliseconds: to))
    }

    /// S1:401: 60 minutes of a validator with 1,000,000 for 360 days, "115.7".
    @Test func anHourOfAValidatorCosts115Point74074074() throws {
        var world = try world()
        try world.stake(million, from: owner)
        try world.step(at: start + hour - 1)
        #expect(world.events().filter(\.isPenalty) == [])
        try world.step(at: start + hour)
        #expect(
            world.events().filter(\.isPenalty)
                == [try penalty("115.74074074", from: start, to: start + hour)])
        #expect(try world.treasury() == tokens("115.74074074"))
        #expect(
            try #require(try world.stakeObject(of: owner)).left == tokens("999884.25925926"))
    }

    /// S1:418: 10 minutes of a router with 100,000 for 180 days, "3.86".
    @Test func tenMinutesOfARouterCost3Point85802469() throws {
        var world = try world()
        let stake = try tokens("100000")
        try world.stake(.router, stake, days: 180, from: owner)
        try world.step(at: start + 599_999)
        #expect(world.events().filter(\.isPenalty) == [])
        try world.step(at: start + 600_000)
        #expect(
            world.events().filter(\.isPenalty)
                == [try penalty("3.85802469", from: start, to: start + 600_000)])
        #expect(try world.treasury() == tokens("3.85802469"))
    }

    /// The second hour costs what two cost less what one did: 231.48148148 in all (ECON-14).
    @Test func chargesEachStepOnceHoweverOftenTheTimeIsLookedAt() throws {
        var world = try world()
        try world.stake(million, from: owner)
        for quarter in 1...10 {
            for _ in 0..<3 { try world.step(at: start + UInt64(quarter) * hour / 4) }
        }
        #expect(
            world.events().filter(\.isPenalty) == [
                try penalty("115.74074074", from: start, to: start + hour),
                try penalty("115.74074074", from: start + hour, to: start + 2 * hour),
            ])
        #expect(try world.treasury() == tokens("231.48148148"))
        #expect(try #require(try world.stakeObject(of: owner)).charged == 2)
    }

    /// ⌊10^14 · 27 / 8640⌋, and nothing of it is lost to flooring each hour.
    @Test func manyStepsCostTheSameInOneAndInMany() throws {
        for steps in [1, 27] {
            var world = try world()
            try world.stake(million, from: owner)
            for part in 1...steps {
                try world.step(at: start + UInt64(27 / steps * part) * hour)
            }
            #expect(try world.treasury() == tokens("3125"), "\(steps) blocks")
            #expect(world.events().count(where: \.isPenalty) == steps)
        }
    }

    @Test func aSignOfLifeEndsAnOutage() throws {
        var world = try world()
        try world.stake(million, from: owner)
        // 59 minutes are no step, and the hour begins anew.
        let first = start + hour - 60_000
        #expect(try world.call(.heartbeat, from: owner, at: first) == nil)
        try world.step(at: first + hour - 1)
        #expect(world.events().filter(\.isPenalty) == [])
        try world.step(at: first + hour)
        #expect(
            world.events().filter(\.isPenalty)
                == [try penalty("115.74074074", from: first, to: first + hour)])
    }

    /// The watch came after one hour, the sign of life after two and a half.
    @Test func aSignOfLifePaysWhatWasMissedBefore() throws {
        var world = try world()
        try world.stake(million, from: owner)
        try world.step(at: start + hour)
        let back = start + 5 * hour / 2
        #expect(try world.call(.heartbeat, from: owner, at: back) == nil)
        let id = ObjectID(owner: owner, number: 0)
        #expect(
            world.events().dropFirst() == [
                try penalty("115.74074074", from: start, to: start + hour),
                try penalty("115.74074074", from: start + hour, to: start + 2 * hour),
                .heartbeat(id, at: BeaconTime(milliseconds: back)),
            ])
        let stake = try #require(try world.stakeObject(of: owner))
        #expect(stake.lastSeen == BeaconTime(milliseconds: back))
        #expect(stake.charged == 0)
        try world.step(at: back + hour - 1)
        #expect(world.events().count(where: \.isPenalty) == 2)
    }

    /// A silence of a millisecond less than a step is none, all week long.
    @Test func whoIsThereAlwaysPaysNothing() throws {
        var world = try world()
        try world.stake(million, from: owner)
        for step in 1...(7 * 24) {
            try world.call(.heartbeat, from: owner, at: start + UInt64(step) * (hour - 1))
        }
        #expect(world.events().count(where: \.isPenalty) == 0)
        #expect(try #require(try world.stakeObject(of: owner)).left == million)
    }

    /// Missing the whole term costs exactly the stake.
    @Test func awayForTheWholeTermLosesTheWholeStake() throws {
        var world = try world()
        try world.stake(million, from: owner)
        let end = start + 360 * ValidatorWorld.day
        try world.step(at: end)
        let id = ObjectID(owner: owner, number: 0)
        #expect(
            world.events().dropFirst() == [
                try penalty("1000000", from: start, to: end),
                .stakeForfeited(id, .outage, value: .zero),
            ])
        #expect(try world.treasury() == million)
        #expect(try world.roll(.validator) == [])
        #expect(try world.call(.unstake, from: owner) == .validator(.noStake))
        // Nothing keeps it from staking again: it has not cheated.
        try world.stake(million, from: owner)
    }

    /// A renewed term has more hours than the stake has money.
    @Test func penaltiesEndWithTheMoney() throws {
        var world = try world()
        try world.stake(million, from: owner)
        #expect(try world.call(.renewStake(termDays: 180), from: owner) == nil)
        for day in 1...180 { try world.step(at: start + UInt64(3 * day) * ValidatorWorld.day) }
        #expect(try world.treasury() == million)
        #expect(
            try #require(try world.stakeObject(of: owner)).phase
                == .forfeited(
                    .outage, at: BeaconTime(milliseconds: start + 360 * ValidatorWorld.day)))
    }

    /// The last outage is paid before the stake is, and ends with the term.
    @Test func aReleaseChargesTheLastOutageFirst() throws {
        var world = try world()
        let stake = try tokens("100000")
        try world.stake(.router, stake, days: 180, from: owner)
        let end = start + 180 * ValidatorWorld.day
        let last = end - 25 * 60_000
        #expect(try world.call(.heartbeat, from: owner, at: last) == nil)
        let left = try #require(try world.stakeObject(of: owner)).left
        let place = world.history.count
        // Hours late: two whole steps lie between the last sign of life and the end.
        #expect(try world.call(.unstake, from: owner, at: end + 9 * hour) == nil)
        let cost = try tokens("7.71604938")
        let id = ObjectID(owner: owner, number: 0)
        #expect(
            world.events(from: place) == [
                try penalty("7.71604938", from: last, to: last + 1_200_000),
                .stakeReleased(id, value: Amount(left.units - cost.units)),
            ])
    }

    @Test func aSignOfLifeOfNobodyFails() throws {
        var world = try world()
        #expect(try world.call(.heartbeat, from: staker(1)) == .validator(.noStake))
    }
}
