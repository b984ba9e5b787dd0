import TallyPrimitives
import TallyTesting
import Testing

@testable import TallyExecution

private let seed = Hash32(words: (1, 2, 3, 4))
private let subject = Hash32(words: (5, 6, 7, 8))

private let knownDraw: [UInt64] = [4, 14, 27, 43, 52, 67, 72]
private let knownOther: [UInt64] = [5, 9, 12]

private func addresses(_ count: UInt64) -> [Address] {
    (0..<count).map { Address(words: ($0, 0, 1)) }
}

@Suite struct ValidatorDrawTests {
    @Test(arguments: [(0, 0), (3, 0), (3, 3), (4, 3)] as [(Int, UInt64)])
    func drawsAllWhereThereAreNoMore(_ count: Int, _ population: UInt64) {
        let all = addresses(population)
        #expect(ValidatorDraw.draw(count, of: all, seed: seed, subject: subject) == all)
    }

    @Test(arguments: [0, -1]) func drawsNobodyOfNone(_ count: Int) {
        #expect(
            ValidatorDraw.draw(count, of: addresses(3), seed: seed, subject: subject) == [])
    }

    /// As a program in another language computes it from SEED-6.
    @Test func drawsTheKnownOnes() {
        let drawn = ValidatorDraw.draw(7, of: addresses(100), seed: seed, subject: subject)
        #expect(drawn.map(\.words.0) == knownDraw)
        let wide = ValidatorDraw.draw(3, of: addresses(13), seed: subject, subject: seed)
        #expect(wide.map(\.words.0) == knownOther)
    }

    @Test func drawsDistinctOnesInAscendingOrder() {
        forEachSeed(base: 0x5eed_6000, count: 200) { name, generator in
            let population = UInt64.random(in: 1...40, using: &generator)
            let count = Int.random(in: 0...Int(population), using: &generator)
            let all = addresses(population)
            let drawn = ValidatorDraw.draw(
                count, of: all, seed: .random(&generator), subject: .random(&generator))
            #expect(drawn.count == count, "seed \(name)")
            #expect(
                zip(drawn, drawn.dropFirst()).allSatisfy { $0 < $1 }, "seed \(name)")
            #expect(drawn.allSatisfy(all.contains), "seed \(name)")
        }
    }

    @Test func seedAndSubjectBothDecide() {
        let all = addresses(1_000)
        let first = ValidatorDraw.draw(9, of: all, seed: seed, subject: subject)
        #expect(first != ValidatorDraw.draw(9, of: all, seed: seed.flipped, subject: subject))
        #expect(first != ValidatorDraw.draw(9, of: all, seed: seed, subject: subject.flipped))
    }

    @Test func everyoneIsEquallyLikely() {
        var generator = SeededGenerator(seed: 0x5eed_6001)
        let all = addresses(7)
        var hits = Array(repeating: 0, count: 7)
        let trials = 4_000
        for _ in 0..<trials {
            let drawn = ValidatorDraw.draw(
                3, of: all, seed: .random(&generator), subject: subject)
            for address in drawn { hits[Int(address.words.0)] += 1 }
        }
        for hit in hits { #expect(fits(hit, of: trials, chance: 3.0 / 7)) }
    }
}
