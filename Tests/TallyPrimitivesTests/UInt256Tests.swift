import TallyPrimitives
import TallyTesting
import Testing

@Suite struct UInt256Tests {
    /// Any number of bits, so that borders between limbs are met.
    private func random(_ generator: inout SeededGenerator) -> UInt128 {
        let full = UInt128(generator.next()) << 64 | UInt128(generator.next())
        return full >> UInt128.random(in: 0...128, using: &generator)
    }

    @Test func multipliesLikeLongMultiplication() {
        let mask: UInt128 = (1 << 64) - 1
        forEachSeed(base: 1, count: 2_000) { seed, generator in
            let (a, b) = (random(&generator), random(&generator))
            let low = (a & mask) * (b & mask)
            let middle = (a >> 64) * (b & mask) + low >> 64
            let other = (a & mask) * (b >> 64) + middle & mask
            let high = (a >> 64) * (b >> 64) + middle >> 64 + other >> 64
            #expect(
                UInt256(product: a, b) == UInt256(high: high, low: other << 64 | low & mask),
                "seed \(seed)")
        }
    }

    @Test func dividesIntoQuotientAndRemainder() throws {
        try forEachSeed(base: 10_000, count: 2_000) { seed, generator in
            let number = UInt256(high: random(&generator), low: random(&generator))
            let divisor = random(&generator)
            guard let (quotient, remainder) = number.divided(by: divisor) else {
                #expect(divisor == 0, "seed \(seed)")
                return
            }
            #expect(divisor > 0 && remainder < divisor, "seed \(seed)")
            let back = try #require(quotient.multiplied(by: divisor))
            #expect(back.adding(UInt256(remainder)) == number, "seed \(seed)")
        }
    }

    @Test func sumsAndDifferencesAreInverse() throws {
        try forEachSeed(base: 20_000, count: 2_000) { seed, generator in
            let a = UInt256(high: random(&generator), low: random(&generator))
            let b = UInt256(high: random(&generator), low: random(&generator))
            let (small, large) = a < b ? (a, b) : (b, a)
            let difference = try #require(large.subtracting(small))
            #expect(difference.adding(small) == large, "seed \(seed)")
            #expect(a == b || small.subtracting(large) == nil, "seed \(seed)")
        }
    }

    @Test func refusesWhatDoesNotFit() {
        #expect(UInt256.max.adding(UInt256(1)) == nil)
        #expect(UInt256(high: .max, low: 0).adding(UInt256(high: 1, low: 0)) == nil)
        #expect(UInt256.zero.subtracting(UInt256(1)) == nil)
        #expect(UInt256(high: 1, low: 0).subtracting(UInt256(1)) == UInt256(.max))
        #expect(UInt256(high: 1 << 127, low: 0).multiplied(by: 2) == nil)
        #expect(UInt256(high: .max, low: .max).multiplied(by: 2) == nil)
        #expect(UInt256(high: 1, low: .max).multiplied(by: .max) == nil)
        #expect(UInt256(high: 1, low: 0).multiplied(by: .max) == UInt256(high: .max, low: 0))
        #expect(UInt256(7).divided(by: 0) == nil)
        #expect(UInt256(high: 1, low: 0).narrowed == nil)
        #expect(UInt256(.max).narrowed == .max)
    }

    @Test func scalesWithAnExactProduct() {
        #expect(Amount.max.scaled(by: 3, over: 4) == Amount(.max / 4 * 3 + 2))
        #expect(Amount(10).scaled(by: 2, over: 3) == Amount(6), "floored")
        #expect(Amount.max.scaled(by: .max, over: .max) == .max)
        #expect(Amount.max.scaled(by: 2, over: 1) == nil)
        #expect(Amount(1).scaled(by: 1, over: 0) == nil)
    }

    @Test(
        arguments: [
            ("0", "80"), ("127", "7f"), ("128", "8180"),
            ("max128", "90" + String(repeating: "ff", count: 16)),
            ("2^128", "9101" + String(repeating: "00", count: 16)),
            ("max", "a0" + String(repeating: "ff", count: 32)),
        ])
    func encodesAsTheShortestInteger(name: String, bytes: String) throws {
        let values: [String: UInt256] = [
            "0": .zero, "127": UInt256(127), "128": UInt256(128), "max128": UInt256(.max),
            "2^128": UInt256(high: 1, low: 0), "max": .max,
        ]
        let value = try #require(values[name])
        #expect(try Hex.vector(bytes) == value.encoded)
        #expect(try UInt256(encoded: value.encoded) == value)
    }

    @Test(
        arguments: [
            ("00", RLPError.nonCanonicalInteger), ("820001", .nonCanonicalInteger),
            ("a1" + String(repeating: "ff", count: 33), .integerTooLarge),
            ("8105", .nonCanonicalLength), ("c0", .expectedString),
        ])
    func refusesOtherForms(bytes: String, error: RLPError) throws {
        let bytes = try Hex.vector(bytes)
        #expect(throws: error) { try UInt256(encoded: bytes) }
    }
}
