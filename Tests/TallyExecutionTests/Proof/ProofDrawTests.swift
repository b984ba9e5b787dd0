import TallyCrypto
import TallyPrimitives
import TallyTesting
import Testing

@testable import TallyExecution

// TASK-4

@Suite struct ProofDrawTests {
    private func draw(_ count: Int, of population: UInt64, _ seed: Hash32) -> [UInt64] {
        ProofDraw(count: count, of: population, seed: seed, challenge: .zero, root: .zero).indices
    }

    @Test func drawsDistinctIndicesInOrder() {
        forEachSeed(base: 0x6469_7374, count: 200) { seed, generator in
            let population = UInt64.random(in: 1...(1 << 18), using: &generator)
            let count = Int.random(in: 1...Int(min(population, 64)), using: &generator)
            let drawn = draw(count, of: population, .random(&generator))
            #expect(drawn.count == count, "seed \(seed)")
            #expect(zip(drawn, drawn.dropFirst()).allSatisfy { $0 < $1 }, "seed \(seed)")
            #expect(drawn.allSatisfy { $0 < population }, "seed \(seed)")
        }
    }

    @Test func drawsAllThereIs() {
        #expect(draw(1, of: 1, .zero) == [0])
        #expect(draw(64, of: 64, .zero) == Array(0..<64))
    }

    /// Each of the C(6, 3) = 20 sets comes about as often: chi-squared with 19 degrees of freedom
    /// stays below 43.8 in 999 of 1,000 cases.
    @Test func allSetsAreEquallyLikely() {
        var counts: [[UInt64]: Int] = [:]
        forEachSeed(base: 0x6571_7561, count: 4_000) { _, generator in
            counts[draw(3, of: 6, .random(&generator)), default: 0] += 1
        }
        #expect(counts.count == 20)
        let squares = counts.values.reduce(0.0) { $0 + Double(($1 - 200) * ($1 - 200)) / 200 }
        #expect(squares < 43.8, "\(squares)")
    }

    @Test func seedChallengeAndRootAllMatter() {
        let one = Hash32.zero.flipped
        let all = [
            (Hash32.zero, Hash32.zero, Hash32.zero), (one, .zero, .zero), (.zero, one, .zero),
            (.zero, .zero, one),
        ].map {
            ProofDraw(count: 8, of: 1 << 18, seed: $0.0, challenge: $0.1, root: $0.2).indices
        }
        #expect(Set(all).count == 4)
    }

    /// Words at and above the largest multiple of the population would favour small numbers.
    @Test func skipsWordsThatAreBiased() {
        // 2^64 is 1 above a multiple of 3, 4 above one of 6, 2^62 above one of 3 · 2^62.
        #expect(DrawStream.reduce(.max, upTo: 2) == nil)
        #expect(DrawStream.reduce(.max - 1, upTo: 2) == 2)
        #expect(DrawStream.reduce(.max - 3, upTo: 5) == nil)
        #expect(DrawStream.reduce(.max - 4, upTo: 5) == 5)
        let last = (UInt64(3) << 62) - 1
        #expect(DrawStream.reduce(last + 1, upTo: last) == nil)
        #expect(DrawStream.reduce(last, upTo: last) == last)
        // Powers of two divide 2^64.
        #expect(DrawStream.reduce(.max, upTo: 0) == 0)
        #expect(DrawStream.reduce(.max, upTo: 7) == 7)
        #expect(DrawStream.reduce(.max, upTo: .max) == .max)
    }

    @Test func takesTheNextWordForABiasedOne() {
        let half = UInt64(1) << 63
        var all = DrawStream(.taskDraw, .zero, .zero, .zero)
        let words = (0..<40).map { _ in all.next(upTo: .max) }
        var some = DrawStream(.taskDraw, .zero, .zero, .zero)
        let kept = words.filter { $0 <= half }
        #expect(kept.count < 40)
        #expect((0..<kept.count).map { _ in some.next(upTo: half) } == kept)
    }
}
