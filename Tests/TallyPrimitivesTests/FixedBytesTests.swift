import TallyPrimitives
import TallyTesting
import Testing

@Suite struct FixedBytesTests {
    @Test func takesExactlyItsLength() {
        #expect(Hash32(0..<32)?.bytes == Array(0..<32))
        #expect(Hash32(0..<31) == nil)
        #expect(Hash32(0..<33) == nil)
        #expect(Address(0..<20)?.bytes == Array(0..<20))
        #expect(Address(0..<19) == nil)
        #expect(Address(0..<21) == nil)
    }

    @Test func printsAndReadsHexadecimal() {
        let text = "0x7e5f4552091a69125d5dfcb7b8c2659029395bdf"
        #expect(Address(hex: text)?.description == text)
        #expect(Address(hex: text.dropLast(2)) == nil)
        #expect(Address(hex: text + "00") == nil)
        #expect(Address(hex: text.dropFirst(2)) == nil)
        let hash = "0x" + String(repeating: "0a", count: 32)
        #expect(Hash32(hex: hash)?.description == hash)
    }

    @Test func ordersAsItsBytesDo() {
        forEachSeed(base: 0x6f72_6465, count: 500) { seed, generator in
            // Few distinct bytes, so that long common beginnings occur.
            let bytes = (0..<64).map { _ in UInt8.random(in: 0...1, using: &generator) &* 0xff }
            compare(Hash32.self, bytes[..<32], bytes[32...], seed)
            compare(Address.self, bytes[..<20], bytes[32..<52], seed)
            // Equal but for one byte.
            var near = Array(bytes[..<32])
            near[Int.random(in: 0..<32, using: &generator)] ^= 1
            compare(Hash32.self, bytes[..<32], near[...], seed)
            compare(Address.self, bytes[..<20], near[..<20], seed)
        }
    }

    private func compare<T: FixedBytes>(
        _: T.Type, _ left: ArraySlice<UInt8>, _ right: ArraySlice<UInt8>, _ seed: UInt64
    ) {
        guard let a = T(left), let b = T(right) else {
            Issue.record("wrong length")
            return
        }
        #expect((a < b) == left.lexicographicallyPrecedes(right), "seed \(seed)")
        #expect((a == b) == left.elementsEqual(right), "seed \(seed)")
        #expect(a.bytes == Array(left), "seed \(seed)")
        if a == b { #expect(a.hashValue == b.hashValue, "seed \(seed)") }
    }

    @Test func numbersBitsFromTheFirstBytesMostSignificant() throws {
        for index in 0..<256 {
            var bytes = [UInt8](repeating: 0, count: 32)
            bytes[index / 8] = 0x80 >> UInt8(index % 8)
            let hash = try #require(Hash32(bytes))
            #expect((0..<256).filter(hash.bit) == [index])
        }
    }

    @Test func prefixIsTheFirstTwoBytes() throws {
        let address = try #require(Address([0xab, 0xcd] + [UInt8](repeating: 0xff, count: 18)))
        #expect(address.prefix == 0xabcd)
    }

    @Test func loadsFromUnalignedMemory() throws {
        let bytes = [UInt8](0..<40)
        let hash = bytes.withUnsafeBytes {
            Hash32(loading: UnsafeRawBufferPointer(rebasing: $0[3...]))
        }
        #expect(hash.bytes == Array(3..<35))
        let address = bytes.withUnsafeBytes {
            Address(loading: UnsafeRawBufferPointer(rebasing: $0[5...]))
        }
        #expect(address.bytes == Array(5..<25))
    }
}
