import Foundation
import TallyCrypto
import TallyPrimitives
import TallyTesting
import Testing

@testable import TallyBench

@Suite struct WorkloadTests {
    private func plan(_ shape: LoadShape, shards: UInt16 = 4, stream: UInt64 = 0) -> LoadPlan {
        LoadPlan(
            shape, homes: (0..<shape.accounts).map { ShardID(UInt16($0) % shards) },
            stream: stream)
    }

    private func transactions(_ plan: LoadPlan, _ count: Int = 2_000) -> [PlannedTransaction] {
        var plan = plan
        return (0..<count).map { _ in plan.next() }
    }

    @Test func theSeedDecidesEverything() {
        var shape = LoadShape()
        shape.accounts = 50
        shape.zipf = 0.9
        shape.batchRatio = 0.2
        shape.crossRatio = 0.4
        #expect(transactions(plan(shape)) == transactions(plan(shape)))
        #expect(transactions(plan(shape)) != transactions(plan(shape, stream: 1)))
        var other = shape
        other.seed = 2
        #expect(transactions(plan(shape)) != transactions(plan(other)))
    }

    @Test func nobodyPaysHimself() {
        forEachSeed(base: 9100, count: 20) { _, random in
            var shape = LoadShape()
            shape.accounts = Int.random(in: 2...30, using: &random)
            shape.zipf = Double.random(in: 0...2, using: &random)
            shape.crossRatio = Bool.random(using: &random) ? nil : 0.5
            shape.batchRatio = 0.3
            shape.seed = random.next()
            for transaction in transactions(plan(shape), 200) {
                #expect(!transaction.recipients.contains(transaction.sender))
            }
        }
    }

    @Test(arguments: [0, 0.25, 1.0]) func crossRatioIsKept(ratio: Double) {
        var shape = LoadShape()
        shape.accounts = 100
        shape.crossRatio = ratio
        let plan = plan(shape)
        let all = transactions(plan, 4_000)
        let share = Double(all.count(where: plan.isCross)) / Double(all.count)
        #expect(abs(share - ratio) < 0.03, "\(share)")
    }

    @Test func oneShardHasNothingAcross() {
        var shape = LoadShape()
        shape.accounts = 10
        shape.crossRatio = 1
        let plan = plan(shape, shards: 1)
        #expect(!transactions(plan, 100).contains(where: plan.isCross))
    }

    @Test(arguments: [0, 0.1, 1.0]) func mixIsKept(ratio: Double) {
        var shape = LoadShape()
        shape.batchRatio = ratio
        let all = transactions(plan(shape), 4_000)
        let batches = all.count { $0.recipients.count == shape.batchLegs }
        #expect(abs(Double(batches) / Double(all.count) - ratio) < 0.02)
        #expect(all.count { $0.recipients.count == 1 } == all.count - batches)
    }

    /// The k-th account is drawn in proportion to 1 ÷ k^s.
    @Test(arguments: [0.5, 1, 1.5]) func zipfFollowsItsLaw(exponent: Double) {
        let count = 100
        let sampler = ZipfSampler(count: count, exponent: exponent)
        var random = SeededGenerator(seed: 7)
        var drawn = Array(repeating: 0, count: count)
        let draws = 200_000
        for _ in 0..<draws { drawn[sampler.draw(&random)] += 1 }
        var total = 0.0
        for rank in 1...count { total += 1 / pow(Double(rank), exponent) }
        for rank in [1, 2, 10, 100] {
            let wanted = Double(draws) / pow(Double(rank), exponent) / total
            let miss = abs(Double(drawn[rank - 1]) - wanted)
            #expect(miss < 5 * wanted.squareRoot() + 1, "rank \(rank): \(drawn[rank - 1])")
        }
    }

    @Test func signsWhatItPlanned() async throws {
        var shape = LoadShape()
        shape.accounts = 5
        shape.batchRatio = 0.5
        let layout = try #require(ShardLayout(shardCount: 4))
        let fees = BenchFees(chainID: 7, maxFee: Amount(100), tip: Amount(1))
        var first = await BenchAccounts(shape, salt: 0, layout: layout, fees: fees)
        var second = await BenchAccounts(shape, salt: 0, layout: layout, fees: fees)
        let other = await BenchAccounts(shape, salt: 1, layout: layout, fees: fees)
        #expect(first.addresses == second.addresses)
        #expect(first.addresses != other.addresses)
        var (planA, planB) = (
            LoadPlan(shape, homes: first.homes), LoadPlan(shape, homes: first.homes)
        )
        let signed = await first.sign(&planA, count: 40)
        #expect(await second.sign(&planB, count: 40).map(\.raw) == signed.map(\.raw))
        #expect(Set(signed.map(\.hash)).count == 40)
        #expect(signed.allSatisfy { $0.hash == Keccak256.hash($0.raw) })
        #expect(first.accounts.reduce(0) { $0 + $1.nonce } == 40)
    }
}
