import TallyPrimitives
import Testing

@Suite struct AmountTests {
    @Test func addsAndSubtractsWithinRange() {
        #expect(Amount(2).adding(Amount(3)) == Amount(5))
        #expect(Amount.max.adding(Amount(1)) == nil)
        #expect(Amount(2).subtracting(Amount(3)) == nil)
        #expect(Amount.max.multiplied(by: 2) == nil)
        #expect(Amount.sum([.max, Amount(1)]) == nil)
    }
}
