import TallyPrimitives
import Testing

@Suite struct HexTests {
    @Test func keepsEveryByte() {
        let bytes = [UInt8](0...255)
        let text = Hex.encode(bytes)
        #expect(text.hasPrefix("0x000102") && text.hasSuffix("fdfeff"))
        #expect(Hex.decode(text) == bytes)
    }

    @Test func readsBothCases() {
        #expect(Hex.decode("0xaBcDeF") == [0xab, 0xcd, 0xef])
        #expect(Hex.decode("0XFF") == [0xff])
        #expect(Hex.decode("0x") == [])
        #expect(Hex.encode([]) == "0x")
    }

    @Test(arguments: ["", "0", "00", "ff", "0x1", "0xgg", "0x0g", "0xg0", " 0x00", "0x00 ", "0x0x"])
    func refusesOtherText(_ text: String) {
        #expect(Hex.decode(text) == nil)
    }

    @Test func refusesTheNeighboursOfDigits() {
        for character in "/:@G`g".utf8 {
            #expect(
                Hex.decode(String(decoding: [0x30, 0x78, 0x30, character], as: UTF8.self)) == nil)
        }
    }

    @Test func readsDigitsWithoutPrefix() {
        let digits = Array("00ff7F".utf8)
        #expect(digits.withUnsafeBufferPointer { Hex.decode(digits: $0) } == [0, 0xff, 0x7f])
        let odd = Array("00f".utf8)
        #expect(odd.withUnsafeBufferPointer { Hex.decode(digits: $0) } == nil)
    }

    @Test func writesQuantitiesWithoutLeadingZero() {
        #expect(Hex.quantity(0) == "0x0")
        #expect(Hex.quantity(1_024 as UInt64) == "0x400")
        #expect(Hex.quantity(UInt128.max) == "0xffffffffffffffffffffffffffffffff")
    }
}
