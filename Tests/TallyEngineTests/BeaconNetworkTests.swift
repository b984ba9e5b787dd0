import Foundation
import TallyConsensus
import TallyCrypto
import TallyEngine
import TallyExecution
import TallyJournal
import TallyPrimitives
import TallySharding
import Testing

/// Several validators in one process: what IBFT decides is what all execute.
@Suite struct BeaconNetworkTests {
    @Test func fourValidatorsDecideTheSameBlocks() async throws {
        let network = try InProcessNetwork(validators: 4)
        var sent: [[UInt8]] = []
        for nonce in 0..<4 as Range<UInt64> {
            let raws = network.round(nonce)
            sent += raws
            try await network.submit(raws)
            try await network.run { try $0.haveAll(raws) }
        }
        // Until what was sent to other shards has arrived.
        try await network.run { $0.isSettled }
        try network.expectAgreement()
        let heads = network.running.map(\.publisher.current)
        let proposers = try Set(
            (1...heads[0].height.value).compactMap {
                try heads[0].beaconBlock(Height($0))?.header.proposer
            })
        #expect(proposers.count > 1, "the proposers take turns")
        for account in network.accounts {
            let balances = try heads.map { try $0.account(account.address) }
            #expect(balances.allSatisfy { $0 == balances[0] })
            #expect(balances[0].nonce == 4)
        }
    }

    /// Body and decision of a lone validator are one record: it is there or it is not (STORE-19).
    @Test func aLoneValidatorRestartsAtEveryPoint() async throws {
        let network = try InProcessNetwork(validators: 1)
        var copies: [(path: String, height: UInt64)] = []
        for nonce in 0..<3 as Range<UInt64> {
            try await network.submit(network.round(nonce))
            try await network.step()
            let height = try #require(network.heights.first).value
            let path = network.root + "/copy-\(copies.count)"
            try FileManager.default.copyItem(atPath: network.directory(0), toPath: path)
            copies.append((path, height))
        }
        #expect(copies.map(\.height) == copies.map(\.height).sorted() && copies[0].height > 1)
        for (path, height) in copies {
            for cut in [0, 1, 60] {
                try network.restore(0, from: path, cutting: cut)
                #expect(network.heights == [Height(cut == 0 ? height : height - 1)])
                let head = try #require(network.running.first).publisher.current
                let raws = try network.accounts.indices.map { index in
                    network.transfer(
                        from: index, to: (index + 3) % 8, value: 5,
                        nonce: try head.account(network.accounts[index].address).nonce)
                }
                try await network.submit(raws)
                try await network.run { try $0.haveAll(raws) && $0.isSettled }
            }
        }
        let votes = DataLayout.votes(in: network.directory(0))
        #expect(try FileManager.default.contentsOfDirectory(atPath: votes).isEmpty)
    }

    @Test func threeOfFourGoOnAndTheFourthCatchesUp() async throws {
        let network = try InProcessNetwork(validators: 4)
        let first = network.round(0)
        try await network.submit(first)
        try await network.run { try $0.haveAll(first) }
        network.stop(2)
        let second = network.round(1)
        try await network.submit(second)
        try await network.run { try $0.haveAll(second) }
        let reached = try #require(network.heights.min())
        try network.start(2)
        try await network.run { $0.heights.allSatisfy { $0 >= reached.next } }
        try network.expectAgreement()
    }

    /// IBFT-R14: further behind than sets are kept, so that neither side can check what the other says.
    @Test func catchesUpFromWhereNobodyKnowsItsHeight() async throws {
        let network = try InProcessNetwork(validators: 4)
        let first = network.round(0)
        try await network.submit(first)
        try await network.run { try $0.haveAll(first) }
        let left = try #require(network.heights.max())
        network.stop(2)
        let far = Height(left.value + ValidatorSets.recentHeights + 4)
        var nonce: UInt64 = 1
        while let lowest = network.heights.min(), lowest < far {
            let raws = network.round(nonce)
            nonce += 1
            try await network.submit(raws)
            try await network.run { try $0.haveAll(raws) }
        }
        try network.start(2)
        #expect(try #require(network.heights.min()) <= left.next)
        try await network.run { $0.heights.allSatisfy { $0 >= far.next } }
        try network.expectAgreement()
    }

    /// IBFT-R14, by itself: the answers to heights whose sets are not known.
    @Test func saysWhereItIsOrAsksForMore() async throws {
        let network = try InProcessNetwork(validators: 4)
        try await network.run { $0.heights.allSatisfy { $0 >= Height(2) } }
        let engine = try #require(network.engines[0])
        let peer = network.validators[3].address
        let head = engine.publisher.current.height
        func answers(_ refusal: MessageRefusal) async throws -> [Post.Letter] {
            _ = network.post.take()
            try await engine.beacon.refused(refusal, from: peer)
            return network.post.take().map(\.letter)
        }
        #expect(try await answers(.unknownValidatorSet(.genesis)) == [.head(head, to: peer)])
        // A guess of a height that is not there: asked for, and nothing else.
        #expect(
            try await answers(.unknownValidatorSet(Height(40)))
                == [.finals(from: head.next, through: Height(39))])
        #expect(try await answers(.heightPast(.genesis)) == [])
        #expect(try await answers(.wrongSigner(claimed: peer)) == [])
        #expect(engine.publisher.current.height == head)
    }

    @Test func goesOnWhereItWasAfterAllWereKilled() async throws {
        let network = try InProcessNetwork(validators: 4)
        for nonce in 0..<3 as Range<UInt64> {
            let raws = network.round(nonce)
            try await network.submit(raws)
            // In the middle of a height, sometimes of two.
            for _ in 0..<(3 + nonce) { try await network.step() }
            let heights = network.heights
            for index in 0..<4 { network.stop(index) }
            for index in 0..<4 { try network.start(index) }
            for (before, after) in zip(heights, network.heights) { #expect(after >= before) }
            try await network.submit(
                raws.filter { raw in (try? network.haveAll([raw])) == false })
            try await network.run { try $0.haveAll(raws) }
        }
        try network.expectAgreement()
    }

    enum Loss: CaseIterable { case votes, disk }

    /// IBFT-R9: who lost its votes stays silent until the others are two heights past it. Who lost its
    /// disk learns of that by the first FINAL with its seal (STORE-20).
    @Test(arguments: Loss.allCases)
    func observesAfterItsVotesAreLost(_ loss: Loss) async throws {
        let network = try InProcessNetwork(validators: 4)
        let first = network.round(0)
        try await network.submit(first)
        try await network.run { try $0.haveAll(first) }
        let index = try #require(try await network.sealed(Height(1)))
        let lost = network.validators[index].address
        let before = try #require(network.said[lost])
        let voted = try #require(before.filter { $0.kind == .commit }.map(\.height).max())
        network.stop(index)
        let directory = network.directory(index)
        try FileManager.default.removeItem(
            atPath: loss == .votes ? DataLayout.votes(in: directory) : directory)
        try network.start(index)
        let second = network.round(1)
        try await network.submit(second)
        try await network.run { try $0.haveAll(second) }
        try await network.run { $0.heights.allSatisfy { $0.value >= voted.value + 6 } }
        let since = try #require(network.said[lost]).dropFirst(before.count)
        let asked = try #require(since.firstIndex { $0.kind == .headQuery })
        let votes = since[asked...].filter { [.prepare, .commit].contains($0.kind) }
        // The others are at least where it voted, and it is silent for two heights more.
        #expect(votes.allSatisfy { $0.height > voted.next.next }, "votes at \(votes.map(\.height))")
        #expect(!votes.isEmpty, "it votes again")
        try network.expectAgreement()
    }
}
