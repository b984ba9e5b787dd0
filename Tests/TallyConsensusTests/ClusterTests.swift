import TallyConsensus
import TallyPrimitives
import TallyTesting
import Testing

/// Whole networks in virtual time.
@Suite struct ClusterTests {
    /// What must hold whatever happens: one chain, and nobody honest accused.
    private func expectSafe(_ cluster: Cluster, _ comment: Comment? = nil) {
        #expect(cluster.forks.isEmpty, comment)
        #expect(cluster.evidence.isEmpty, comment)
        #expect(cluster.refusals.filter(\.isOffence).isEmpty, comment)
        let longest = cluster.nodes.map(\.chain).max { $0.count < $1.count } ?? []
        for node in cluster.nodes {
            for (decided, other) in zip(node.chain, longest) {
                #expect(decided.block.digest == other.block.digest, comment)
            }
        }
    }

    private func expect(
        _ cluster: inout Cluster, until deadline: UInt64, because comment: Comment? = nil,
        _ condition: (Cluster) -> Bool, at location: SourceLocation = #_sourceLocation
    ) {
        let holds = cluster.run(until: deadline, condition)
        #expect(holds, comment, sourceLocation: location)
    }

    private func allReached(_ height: Int) -> (Cluster) -> Bool {
        { cluster in cluster.nodes.allSatisfy { !$0.isUp || $0.chain.count >= height } }
    }

    // MARK: Latency

    /// 3 delays from proposal to finality, 2 between blocks (IBFT-P1).
    @Test(arguments: [4, 5, 6, 7]) func finalAfterThreeDelaysEveryTwo(count: Int) throws {
        var cluster = try Cluster(count)
        cluster.start()
        expect(&cluster, until: 10_000, allReached(20))
        expectSafe(cluster)
        for height in 1...20 {
            let proposed = try #require(cluster.proposedAt[Height(UInt64(height))])
            #expect(proposed == UInt64(height - 1) * 200)
            for node in cluster.nodes { #expect(node.decidedAt[height - 1] == proposed + 300) }
        }
    }

    @Test func withoutPipeliningEveryThree() throws {
        var cluster = try Cluster(4, .init(isPipelined: false))
        cluster.start()
        expect(&cluster, until: 10_000, allReached(10))
        for height in 1...10 {
            #expect(cluster.proposedAt[Height(UInt64(height))] == UInt64(height - 1) * 300)
        }
    }

    /// A single validator needs nobody: it decides after its own durable votes.
    @Test func oneValidatorDecidesAlone() throws {
        var cluster = try Cluster(1, .init(hasWork: false))
        cluster.start()
        #expect(cluster.nodes[0].chain.isEmpty, "no work, no block (IBFT-R18)")
        expect(&cluster, until: 30_000) { $0.nodes[0].chain.count == 5 }
        #expect(cluster.nodes[0].decidedAt == [5000, 10000, 15000, 20000, 25000], "heartbeats")
        expectSafe(cluster)
    }

    // MARK: Faults

    @Test(arguments: [1, 4, 5, 6, 7]) func livesWithLossAndReorder(count: Int) throws {
        try forEachSeed(base: 100, count: 2) { seed, generator in
            let loss = generator.next() % 31
            // One validator that always has work would decide without end in no time.
            var cluster = try Cluster(
                count,
                .init(jitter: 400, loss: loss, isPipelined: seed % 3 != 0, hasWork: count > 1),
                seed: seed)
            cluster.start()
            expect(
                &cluster, until: 900_000, because: "seed \(seed), \(loss) % lost", allReached(20))
            expectSafe(cluster, "seed \(seed)")
        }
    }

    /// F of the validators are gone from the beginning (IBFT-R1: with 5 and 6 that is one).
    @Test(arguments: [(4, 1), (5, 1), (6, 1), (7, 2)]) func livesWithFaulty(count: Int, gone: Int)
        throws
    {
        var cluster = try Cluster(count)
        for i in 0..<gone { cluster.kill(i) }
        cluster.start()
        expect(&cluster, until: 300_000, allReached(20))
        expectSafe(cluster)
    }

    /// Nodes die at requests to persist, before or after the write, and come back with their disk.
    @Test func survivesDeathsAtPersistPoints() throws {
        try forEachSeed(base: 500, count: 10) { seed, generator in
            var cluster = try Cluster(4, .init(jitter: 200, loss: 5), seed: seed)
            let every = 7 + Int(generator.next() % 40)
            cluster.crashes = { _, count in count % every == 0 && count < 1500 }
            cluster.start()
            for _ in 0..<4000 where !allReached(12)(cluster) || !cluster.nodes.allSatisfy(\.isUp) {
                _ = cluster.run(until: cluster.now + 300) { _ in false }
                for i in cluster.nodes.indices where !cluster.nodes[i].isUp { cluster.restart(i) }
                cluster.passTime()
            }
            #expect(allReached(12)(cluster), "seed \(seed), every \(every)")
            expectSafe(cluster, "seed \(seed)")
            #expect(contradictions(cluster.sent).isEmpty, "seed \(seed)")
        }
    }

    /// No two messages of one kind, sender, height and round differ (IBFT-R3, IBFT-R9).
    private func contradictions(_ sent: [Message]) -> [Message] {
        var first: [String: Message] = [:]
        return sent.filter { message in
            let round: Round
            switch message {
            case .proposal(let message): round = message.round
            case .prepare(let message): round = message.round
            case .commit(let message): round = message.round
            case .roundChange(let message): round = message.round
            case .final, .headQuery, .headAnswer: return false
            }
            guard let sender = message.sender else { return false }
            let slot = "\(message.kind) \(sender) \(message.height) \(round)"
            guard let held = first[slot] else {
                first[slot] = message
                return false
            }
            return held.wire != message.wire
        }
    }

    /// A lost vote log: the node watches, then votes again, and never contradicts itself.
    @Test func observesAfterALostDisk() throws {
        var cluster = try Cluster(4, .init(jitter: 50))
        cluster.start()
        _ = cluster.run(until: 2050)
        let before = cluster.nodes[0].machine.head.height
        cluster.restart(0, lostVotes: true)
        let sentBefore = cluster.sent.count
        expect(&cluster, until: 60_000, allReached(Int(before.value) + 12))
        let sender = cluster.fixture.members[0]
        let votes = cluster.sent[sentBefore...].filter {
            $0.sender == sender && $0.kind != .headQuery && $0.kind != .headAnswer
        }
        let firstVote = try #require(votes.first?.height)
        #expect(firstVote > before.next.next, "two heights past what the others had")
        #expect(contradictions(cluster.sent).isEmpty)
        expectSafe(cluster)
    }

    /// A minute apart, then one decision at once (IBFT-R10, IBFT-R11): the round of the one that was
    /// alone did not run away.
    @Test func minorityDoesNotRunAway() throws {
        var cluster = try Cluster(4)
        cluster.connects = { from, to, now in
            now < 1000 || now > 61_000 || (from == 3) == (to == 3)
        }
        cluster.start()
        _ = cluster.run(until: 61_000)
        let behind = cluster.nodes[3].chain.count
        let ahead = cluster.nodes[0].chain.count
        #expect(behind < 8 && ahead > 100)
        #expect(cluster.nodes[3].machine.round <= Round(1), "alone it goes no further")
        expect(&cluster, until: 66_000) { $0.nodes[3].chain.count >= ahead }
        expectSafe(cluster)
    }

    @Test func halvesMeetAgain() throws {
        var cluster = try Cluster(4)
        cluster.connects = { from, to, now in
            now < 1000 || now > 61_000 || (from < 2) == (to < 2)
        }
        cluster.start()
        _ = cluster.run(until: 61_000)
        let height = cluster.nodes.map(\.chain.count).max() ?? 0
        #expect(height < 8, "no half decides alone")
        for node in cluster.nodes { #expect(node.machine.round <= Round(2)) }
        expect(&cluster, until: 61_000 + 12_000, allReached(height + 5))
        expectSafe(cluster)
    }

    /// Clocks an hour wrong, F of them (IBFT-R15).
    @Test(arguments: [-3_600_000, 3_600_000]) func keepsDecidingWithAWrongClock(offset: Int64)
        throws
    {
        var cluster = try Cluster(4)
        cluster.nodes[2].clockOffset = offset
        cluster.start()
        expect(&cluster, until: 300_000, allReached(20))
        expectSafe(cluster)
    }

    // MARK: Sets

    /// The whole set is replaced in steps, while one who joins and one who leaves are cut off from
    /// before until after (IBFT-R13, IBFT-R14).
    @Test func laggardsCrossAChangeOfTheSet() throws {
        var cluster = try Cluster(
            8,
            .init(
                jitter: 50,
                changes: [
                    (1, [0, 1, 2, 3]), (10, [1, 2, 3, 4]), (14, [3, 4, 5, 6]), (16, [4, 5, 6, 7]),
                ]))
        cluster.connects = { from, to, now in
            now < 1000 || now > 20_000 || ![0, 7].contains(from) && ![0, 7].contains(to)
        }
        cluster.start()
        _ = cluster.run(until: 20_000)
        #expect(cluster.nodes[0].chain.count < 10 && cluster.nodes[7].chain.count < 10)
        #expect(cluster.nodes[5].chain.count >= 30)
        expect(&cluster, until: 80_000) { [allReached] in allReached(60)($0) }
        expectSafe(cluster)
        for decision in cluster.nodes[0].chain {
            let set = cluster.set(at: decision.block.height)
            #expect(decision.certificate.commits(set).count >= 3)
        }
    }

    /// The same seed gives the same run.
    @Test func isDeterministic() throws {
        func digests() throws -> [Hash32] {
            var cluster = try Cluster(5, .init(jitter: 300, loss: 10), seed: 9)
            cluster.start()
            _ = cluster.run(until: 20_000)
            return cluster.nodes[0].chain.map(\.block.digest)
        }
        let first = try digests()
        #expect(first.count > 5)
        #expect(try first == digests())
    }
}
