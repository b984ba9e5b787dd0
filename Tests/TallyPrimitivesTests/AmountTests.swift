import TallyPrimitives
import TallyTesting
import Testing

@Suite struct AmountTests {
    @Test func addsUpToTheMaximum() {
        #expect(Amount(2).adding(Amount(3)) == Amount(5))
        #expect(Amount.max.adding(.zero) == .max)
        #expect(Amount(.max - 1).adding(Amount(1)) == .max)
        #expect(Amount.max.adding(Amount(1)) == nil)
    }

    @Test func subtractsDownToZero() {
        #expect(Amount(3).subtracting(Amount(3)) == .zero)
        #expect(Amount(2).subtracting(Amount(3)) == nil)
    }

    @Test func multipliesUpToTheMaximum() {
        #expect(Amount(7).multiplied(by: 6) == Amount(42))
        #expect(Amount.max.multiplied(by: 1) == .max)
        #expect(Amount.max.multiplied(by: 0) == .zero)
        #expect(Amount.max.multiplied(by: 2) == nil)
        #expect(Amount(1 << 64).multiplied(by: .max) == Amount((.max >> 64) << 64))
    }

    @Test func sumsUpToTheMaximum() {
        #expect(Amount.sum([]) == .zero)
        #expect(Amount.sum([Amount(1), Amount(2), Amount(3)]) == Amount(6))
        #expect(Amount.sum([.max, Amount(1)]) == nil)
        #expect(Amount.sum([.max, Amount(1), .zero]) == nil)
    }

    @Test func agreesWithWiderArithmetic() {
        forEachSeed(base: 0x616d_6f75, count: 2_000) { seed, generator in
            let a = UInt128.random(in: 0...(.max), using: &generator)
            let b = UInt128.random(in: 0...(.max), using: &generator)
            let fits = a <= .max - b
            #expect((Amount(a).adding(Amount(b)) != nil) == fits, "seed \(seed)")
            #expect((Amount(a).subtracting(Amount(b)) != nil) == (a >= b), "seed \(seed)")
            if let sum = Amount(a).adding(Amount(b)) {
                #expect(sum.subtracting(Amount(b)) == Amount(a), "seed \(seed)")
            }
        }
    }

    @Test(arguments: [
        ("0", 0), ("7", 7), ("1000000000000000000", 1_000_000_000_000_000_000),
        ("340282366920938463463374607431768211455", UInt128.max),
    ])
    func readsDecimals(_ text: String, _ units: UInt128) {
        #expect(Amount(decimal: text) == Amount(units))
        #expect(Amount(units).description == text)
    }

    @Test(arguments: [
        "", "00", "01", "+1", "-1", " 1", "1 ", "1_0", "1.0", "0x1", "١",
        "340282366920938463463374607431768211456",
    ])
    func refusesOtherText(_ text: String) {
        #expect(Amount(decimal: text) == nil)
    }

    @Test func comparesByUnits() {
        #expect(Amount(1) < Amount(2))
        #expect(!(Amount(2) < Amount(2)))
        #expect(Amount.zero.isZero && !Amount(1).isZero)
    }
}
