import TallyPrimitives
import TallyState
import TallyTransactions
import Testing

@testable import TallyExecution

/// EPOCH-1 to EPOCH-4: epochs close, are minted for, and their money arrives.
@Suite struct EpochTests {
    @Test func dayOfEMCMints720000Tokens() throws {
        var world = try EpochWorld(shards: 4)
        for shard in 0..<4 { try world.setWeight(.whole(UInt128(shard + 1)), shard, 0) }
        try world.passEpoch()
        // Nobody had weight in the opening epoch.
        #expect(world.minted[4] == .zero)
        #expect(try world.book().unminted == tokens("720000"))
        try world.passEpoch()
        #expect(world.minted[4] == (try tokens("720000")))
        let minted = EpochEvent.minted(
            epoch: world.opening + 1, nodes: try tokens("720000"), trades: .zero, treasury: .zero)
        #expect(world.history.contains { $0.event == minted && $0.endpoint == 4 })
        for shard in 0..<4 {
            try world.settle(shard, 0)
            let expected = try tokens("72000").units * UInt128(shard + 1)
            // The index floors: what is missing is less than a unit, and the treasury's.
            let paid = try world.balance(shard, 0)
            #expect(paid == expected || paid == expected - 1)
        }
        let paid = try (0..<4).reduce(0 as UInt128) { try $0 + world.balance($1, 0) }
        let pools = try (0..<4).reduce(0 as UInt128) { try $0 + world.pool($1).money.units }
        #expect(try paid + pools + world.treasury() == tokens("720000").units)
    }

    @Test func remainderOfTheDivisionIsTheTreasurys() throws {
        var world = try EpochWorld(shards: 3)
        for shard in 0..<3 { try world.setWeight(.whole(1), shard, 0) }
        try world.passEpoch()
        try world.setWeight(.whole(5), 2, 0)
        try world.passEpoch()
        #expect(try world.book().nodes == tokens("720000"))
        try world.passEpoch()
        // 72 · 10^12 does not divide by 7.
        let part = try tokens("720000").units / 7
        let rest = try Amount(tokens("720000").units - 2 * part - tokens("720000").units * 5 / 7)
        #expect(rest.units > 0)
        let minted = EpochEvent.minted(
            epoch: world.opening + 2, nodes: try tokens("720000"), trades: .zero, treasury: rest)
        #expect(world.history.contains { $0.event == minted })
    }

    @Test func periodsFollowTheSchedule() throws {
        var world = try EpochWorld(shards: 1)
        try world.setWeight(.whole(3), 0, 0)
        for _ in 0..<182 { try world.passEpoch() }
        let minted = world.history.compactMap { item -> Amount? in
            guard case .minted(_, let nodes, _, _) = item.event else { return nil }
            return nodes
        }
        #expect(minted.count == 182)
        #expect(minted[0] == .zero)
        #expect(try minted[1...179].allSatisfy { try $0 == tokens("720000") })
        #expect(try minted[180...181].allSatisfy { try $0 == tokens("360000") })
        // The first two periods are 64.8 M each, but for the epoch without weight.
        #expect(try Amount.sum(minted[0..<180]) == tokens("128880000"))
        #expect(world.minted[1] == Amount.sum(minted))
    }

    @Test func mintingEndsAtTheCap() throws {
        var world = try EpochWorld(shards: 2) {
            $0.economy?.nodeRewards.cap = Amount(150_000_000_000_000)
        }
        try world.setWeight(.whole(1), 0, 0)
        for _ in 0..<5 { try world.passEpoch() }
        let minted = world.history.compactMap { item -> String? in
            guard case .minted(_, let nodes, _, _) = item.event else { return nil }
            return nodes.description
        }
        #expect(minted == ["0", "72000000000000", "6000000000000", "0", "0"])
        #expect(try world.book().unminted == tokens("720000"))
    }

    @Test func missedEpochsCloseInOrder() throws {
        var world = try EpochWorld(shards: 2)
        try world.setWeight(.whole(1), 0, 0)
        try world.setWeight(.whole(3), 1, 0)
        try world.passEpoch()
        let first = world.epoch
        world.wait(5 * 86_400_000)
        // What changes now takes effect after the epochs that were missed.
        try world.setWeight(.whole(9), 0, 0)
        try world.settleDown()
        for shard in 0..<2 {
            let closed = world.history.compactMap { item -> UInt64? in
                guard case .closed(let epoch, _, _, _) = item.event, item.endpoint == shard else {
                    return nil
                }
                return epoch
            }
            #expect(closed == Array(world.opening..<(first + 5)))
        }
        #expect(try world.book().nodes == tokens("3600000"))
        try world.settle(0, 0)
        try world.settle(1, 0)
        #expect(try world.balance(0, 0) == tokens("900000").units)
        #expect(try world.balance(1, 0) == tokens("2700000").units)
        try world.passEpoch()
        try world.passEpoch()
        try world.settle(0, 0)
        // Epoch of the change by 1 : 3, the next by 9 : 3.
        #expect(try world.balance(0, 0) == tokens("1620000").units)
    }

    @Test func everyEpochHasOneShareForEach() throws {
        var world = try EpochWorld(shards: 3)
        try world.setWeight(.whole(1), 1, 0)
        for _ in 0..<4 { try world.passEpoch() }
        for endpoint in 0...3 {
            let arrived = world.history.compactMap { item -> UInt64? in
                guard case .arrived(_, let epoch, _, _, _) = item.event,
                    item.endpoint == endpoint
                else { return nil }
                return epoch
            }
            #expect(arrived == (0..<4).map { world.opening + $0 })
        }
        // Reports of the last epoch are kept for its weights, and nothing else.
        #expect(try world.count(.epoch, 3) == 5)
        #expect(try world.count(.epoch, 0) == 0)
    }

    /// Nodes of the beacon, as validators are, share like those of a shard.
    @Test func beaconSharesToo() throws {
        var world = try EpochWorld(shards: 1)
        try world.setWeight(.whole(1), 0, 0)
        try world.setWeight(.whole(1), 1, 0)
        try world.passEpoch()
        try world.passEpoch()
        try world.settle(1, 0)
        #expect(try world.balance(1, 0) == tokens("360000").units)
    }

    /// EPOCH-7
    @Test func economyNeedsEpochsAndRoom() throws {
        let layout = try #require(ShardLayout(shardCount: 3))
        var parameters = NetworkParameters(chainID: 5, layout: layout)
        parameters.epochMilliseconds = 999
        parameters.dueBound = 47
        #expect(parameters.faults.isEmpty)
        parameters.economy = .emc
        #expect(
            parameters.faults == [.epochTooShort(minimum: 1_000), .dueBoundTooSmall(minimum: 48)])
        parameters.epochMilliseconds = 1_000
        parameters.dueBound = 48
        #expect(parameters.faults.isEmpty)
    }

    @Test func mintingWaitsForRoomOnTheQueue() throws {
        var world = try EpochWorld(shards: 1) { $0.dueBound = 40 }
        try world.setWeight(.whole(1), 0, 0)
        let last = world.parameters.end(ofEpoch: world.opening + 9)
        try world.on(1) { executor, _ in
            for _ in 0..<38 {
                _ = try executor.enqueue(
                    .payout(
                        Payout(
                            object: ObjectID(owner: .zero, number: 0), reason: .reward,
                            to: ReservedAddress.treasury)),
                    value: .zero, at: last, to: EndpointID(1))
            }
        }
        world.wait(86_400_000)
        for _ in 0..<10 { try world.step() }
        #expect(!world.history.contains { $0.endpoint == 1 && $0.event.isMinted })
        while world.time < last {
            world.wait(86_400_000)
            for _ in 0..<20 {
                try world.step()
                world.wait(1_000)
            }
        }
        try world.settleDown()
        #expect(world.history.count { $0.event.isMinted } == 10)
        #expect(try world.book().nodes == tokens("6480000"))
    }
}

extension EpochEvent {
    fileprivate var isMinted: Bool {
        switch self {
        case .minted: true
        case .closed, .reported, .shared, .arrived: false
        }
    }
}
