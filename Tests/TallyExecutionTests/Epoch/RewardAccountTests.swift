import TallyPrimitives
import TallyState
import TallyTesting
import Testing

@testable import TallyExecution

/// EPOCH-5: what a node earns while its weight changes and shares are under way.
@Suite struct RewardAccountTests {
    @Test func weightChangesTakeEffectWithTheNextEpoch() throws {
        var world = try EpochWorld(shards: 1)
        try world.setWeight(.whole(1), 0, 0)
        try world.passEpoch()
        world.wait(1_000)
        // In the middle of an epoch: the other node has nothing of it, however often it changes.
        try world.setWeight(.whole(7), 0, 1)
        try world.setWeight(.whole(3), 0, 1)
        #expect(world.accounts[0][1].next == .whole(3))
        try world.passEpoch()
        try world.settle(0, 0)
        try world.settle(0, 1)
        #expect(try world.balance(0, 0) == tokens("720000").units)
        #expect(try world.balance(0, 1) == 0)
        try world.passEpoch()
        try world.settle(0, 0)
        try world.settle(0, 1)
        #expect(try world.balance(0, 0) == tokens("900000").units)
        #expect(try world.balance(0, 1) == tokens("540000").units)
    }

    @Test func changeThatIsTakenBackLeavesNothing() throws {
        var world = try EpochWorld(shards: 1)
        try world.setWeight(.whole(2), 0, 0)
        try world.setWeight(.zero, 0, 0)
        #expect(world.accounts[0][0].isSettled)
        #expect(try world.count(.epoch, 0) == 0)
        try world.setWeight(.whole(2), 0, 0)
        try world.passEpoch()
        try world.setWeight(.whole(5), 0, 0)
        try world.setWeight(.whole(2), 0, 0)
        #expect(world.accounts[0][0].weights.map(\.weight) == [.whole(2)])
        #expect(try world.count(.epoch, 0) == 0)
    }

    @Test func retiredNodeIsPaidForItsLastEpoch() throws {
        var world = try EpochWorld(shards: 1)
        try world.setWeight(.whole(1), 0, 0)
        try world.passEpoch()
        try world.setWeight(.zero, 0, 0)
        try world.settle(0, 0)
        #expect(!world.accounts[0][0].isSettled)
        try world.passEpoch()
        #expect(!world.accounts[0][0].isSettled)
        try world.settle(0, 0)
        #expect(world.accounts[0][0].isSettled)
        #expect(try world.balance(0, 0) == tokens("720000").units)
        #expect(try world.count(.epoch, 0) == 0)
        #expect(try world.pool(0).money == .zero)
    }

    @Test func shareThatArrivesLateIsPaidByTheWeightsOfItsEpoch() throws {
        var world = try EpochWorld(shards: 2)
        try world.setWeight(.whole(1), 0, 0)
        try world.setWeight(.whole(1), 0, 1)
        try world.passEpoch()
        try world.settle(0, 1)
        world.held = [2]
        // Three epochs without a share, a weight of the first node for each.
        for power in [UInt128(3), 9, 0] {
            try world.setWeight(.whole(power), 0, 0)
            try world.passEpoch()
            try world.settle(0, 0)
            #expect(try world.balance(0, 0) == 0)
        }
        #expect(world.accounts[0][0].weights.count == 4)
        #expect(try world.count(.epoch, 0) == 3)
        #expect(try world.executor(0).tradeFunding(of: world.epoch - 1) == nil)
        world.held = []
        try world.settleDown()
        try world.settle(0, 0)
        #expect(world.accounts[0][0].isSettled)
        let expected = try tokens("360000").units + tokens("540000").units + tokens("648000").units
        #expect(try world.balance(0, 0) == expected)
        #expect(try world.count(.epoch, 0) == 0)
    }

    @Test func settlingTwicePaysOnce() throws {
        var world = try EpochWorld(shards: 1)
        try world.setWeight(.whole(1), 0, 0)
        try world.passEpoch()
        try world.passEpoch()
        try world.settle(0, 0)
        try world.settle(0, 0)
        #expect(try world.balance(0, 0) == tokens("720000").units)
        #expect(try world.pool(0).money == .zero)
    }

    @Test func auditFindsAnAccountThatIsPaidTwice() throws {
        var world = try EpochWorld(shards: 1)
        try world.setWeight(.whole(1), 0, 0)
        try world.passEpoch()
        try world.settle(0, 0)
        try world.passEpoch()
        let before = world.accounts[0][0]
        try world.settle(0, 0)
        world.accounts[0][0] = before
        #expect(throws: InvariantViolation.broken(.pool, what: "money and promises differ")) {
            try world.audit(0)
        }
        world.accounts[0] = []
        #expect(throws: InvariantViolation.broken(.pool, what: "weights of epoch \(world.epoch)")) {
            try world.audit(0)
        }
    }

    @Test func everythingMintedIsPaidOrTheTreasurys() throws {
        try forEachSeed(base: 0xe90c_1000, count: 20) { seed, generator in
            var world = try EpochWorld(shards: 3) { $0.epochMilliseconds = 10_000 }
            for _ in 0..<60 { try Self.act(&world, &generator) }
            world.held = []
            for endpoint in 0...3 {
                for number in world.accounts[endpoint].indices {
                    try world.setWeight(.zero, endpoint, number)
                }
            }
            for _ in 0..<4 { try world.passEpoch() }
            var paid: UInt128 = 0
            for endpoint in 0...3 {
                for number in world.accounts[endpoint].indices {
                    try world.settle(endpoint, number)
                    #expect(world.accounts[endpoint][number].isSettled, "seed \(seed)")
                    paid += try world.balance(endpoint, number)
                }
                let pool = try world.pool(endpoint)
                #expect(pool.money == .zero, "seed \(seed)")
                #expect(pool.index.reserved == pool.index.returned, "seed \(seed)")
                #expect(try world.count(.epoch, endpoint) == (endpoint == 3 ? 5 : 0))
            }
            #expect(try paid + world.treasury() == world.minted[3].units, "seed \(seed)")
            #expect(paid > 0 && world.bounces == 0, "seed \(seed)")
        }
    }

    private static func act(
        _ world: inout EpochWorld, _ generator: inout SeededGenerator
    ) throws {
        let endpoint = Int.random(in: 0...3, using: &generator)
        let number = Int.random(in: 0...3, using: &generator)
        switch UInt8.random(in: 0...9, using: &generator) {
        case 0...2:
            let shift = UInt64.random(in: 20...63, using: &generator)
            let weight = RewardWeight(units: UInt128(generator.next() >> shift))
            try world.setWeight(weight, endpoint, number)
        case 3, 4:
            guard number < world.accounts[endpoint].count else { return }
            try world.settle(endpoint, number)
        case 5: world.held = [endpoint]
        case 6: world.held = []
        case 7:
            world.wait(UInt64.random(in: 0...40_000, using: &generator))
            try world.step()
        default:
            world.wait(UInt64.random(in: 0...10_000, using: &generator))
            try world.step()
        }
    }

    @Test func decodesWhatItEncodes() throws {
        var world = try EpochWorld(shards: 1)
        try world.setWeight(.whole(1), 0, 0)
        try world.passEpoch()
        try world.passEpoch()
        try world.setWeight(.whole(2), 0, 0)
        let account = world.accounts[0][0]
        #expect(account.weights.count == 2 && !account.accrued.isZero)
        #expect(try RewardAccount(encoded: account.encoded) == account)
        #expect(RewardAccount().encoded == [0xc2, 0x80, 0xc0])
        #expect(throws: RLPError.trailingBytes) {
            try RewardAccount(encoded: account.encoded + [0])
        }
    }
}
