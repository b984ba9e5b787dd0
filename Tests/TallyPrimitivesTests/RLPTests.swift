import TallyPrimitives
import TallyTesting
import Testing

@Suite struct RLPTests {
    /// What a decoder method does to bytes, so that failures can stand in a table.
    struct Refusal: Sendable, CustomTestStringConvertible {
        let name: String
        let bytes: [UInt8]
        let error: RLPError
        let read: @Sendable (inout RLPDecoder) throws(RLPError) -> Void
        var testDescription: String { name }

        init(
            _ name: String, _ bytes: [UInt8], _ error: RLPError,
            _ read: @escaping @Sendable (inout RLPDecoder) throws(RLPError) -> Void
        ) {
            self.name = name
            self.bytes = bytes
            self.error = error
            self.read = read
        }
    }

    static let refusals: [Refusal] = [
        Refusal("no item", [], .truncated) { d throws(RLPError) in _ = try d.nextString() },
        Refusal("short string", [0x82, 1], .truncated) { d throws(RLPError) in
            _ = try d.nextString()
        },
        Refusal("item over the end of its list", [0xc1, 0x81, 0x80], .truncated) {
            d throws(RLPError) in
            var list = try d.nextList()
            _ = try list.nextString()
        },
        Refusal("length of length over the end", [0xb9, 1], .truncated) { d throws(RLPError) in
            _ = try d.nextString()
        },
        Refusal("length of 2^56 and more", [0xbf, 1, 0, 0, 0, 0, 0, 0, 0], .truncated) {
            d throws(RLPError) in _ = try d.nextString()
        },
        Refusal("item left over", [1, 2], .trailingBytes) { d throws(RLPError) in
            _ = try d.nextString()
            try d.finish()
        },
        Refusal("padded byte", [0x81, 0x7f], .nonCanonicalLength) { d throws(RLPError) in
            _ = try d.nextString()
        },
        Refusal("long form of 55", [0xb8, 55], .nonCanonicalLength) { d throws(RLPError) in
            _ = try d.nextString()
        },
        Refusal("length with a leading zero", [0xf9, 0, 56], .nonCanonicalLength) {
            d throws(RLPError) in _ = try d.nextList()
        },
        Refusal("integer zero as a byte", [0], .nonCanonicalInteger) { d throws(RLPError) in
            _ = try d.nextInteger(UInt8.self)
        },
        Refusal("integer with a leading zero", [0x82, 0, 1], .nonCanonicalInteger) {
            d throws(RLPError) in _ = try d.nextInteger(UInt64.self)
        },
        Refusal("256 as a byte", [0x82, 1, 0], .integerTooLarge) { d throws(RLPError) in
            _ = try d.nextInteger(UInt8.self)
        },
        Refusal("string for a list", [0x80], .expectedList) { d throws(RLPError) in
            _ = try d.nextList()
        },
        Refusal("byte for a list", [1], .expectedList) { d throws(RLPError) in
            _ = try d.nextList()
        },
        Refusal("list for a string", [0xc0], .expectedString) { d throws(RLPError) in
            _ = try d.nextString()
        },
        Refusal("list for an integer", [0xc0], .expectedString) { d throws(RLPError) in
            _ = try d.nextAmount()
        },
        Refusal("short address", [0x82, 1, 2], .wrongLength(expected: 20, actual: 2)) {
            d throws(RLPError) in _ = try d.nextFixed(Address.self)
        },
        Refusal("short optional", [1], .wrongLength(expected: 32, actual: 1)) {
            d throws(RLPError) in _ = try d.nextOptional(Hash32.self)
        },
        Refusal("string over its bound", [0x83, 1, 2, 3], .tooLong(limit: 2)) {
            d throws(RLPError) in _ = try d.nextString(limit: 2)
        },
        Refusal("list over its bound", [0xc3, 1, 2, 3], .tooLong(limit: 2)) {
            d throws(RLPError) in
            _ = try d.nextArray(limit: 2) { i throws(RLPError) in
                try i.nextInteger(UInt8.self)
            }
        },
        Refusal("number of no meaning", [7], .unknownValue(7)) { d throws(RLPError) in
            let value = try d.nextInteger(UInt64.self)
            throw .unknownValue(value)
        },
    ]

    @Test(arguments: refusals) func refuses(_ refusal: Refusal) {
        #expect(throws: refusal.error) {
            var decoder = RLPDecoder(refusal.bytes)
            try refusal.read(&decoder)
        }
    }

    @Test func refusesBytesInsideAndAfterTheOuterList() throws {
        let one: (inout RLPDecoder) throws(RLPError) -> UInt8 = { d throws(RLPError) in
            try d.nextInteger()
        }
        #expect(try RLPDecoder.list([0xc1, 5], one) == 5)
        #expect(throws: RLPError.trailingBytes) { try RLPDecoder.list([0xc2, 5, 6], one) }
        #expect(throws: RLPError.trailingBytes) { try RLPDecoder.list([0xc1, 5, 6], one) }
    }

    @Test func keepsIntegersOfAllWidths() throws {
        try keeps(UInt8.self)
        try keeps(UInt16.self)
        try keeps(UInt32.self)
        try keeps(UInt64.self)
        try keeps(UInt128.self)
    }

    /// Both sides of every power of 256, encoded in the fewest bytes.
    private func keeps<T: FixedWidthInteger & UnsignedInteger & Sendable>(_: T.Type) throws {
        var values: [T] = [0, 1, 0x7f, 0x80, .max]
        for shift in stride(from: 8, to: T.bitWidth, by: 8) {
            values += [(1 as T) << T(shift), (1 as T) << T(shift) - 1]
        }
        for value in values {
            var encoder = RLPEncoder()
            encoder.append(value)
            let count = (T.bitWidth - value.leadingZeroBitCount + 7) / 8
            #expect(encoder.bytes.count == (value < 0x80 ? 1 : 1 + count))
            var decoder = RLPDecoder(encoder.bytes)
            #expect(try decoder.nextInteger(T.self) == value)
            #expect(decoder.isAtEnd)
        }
    }

    @Test(arguments: [0, 1, 2, 55, 56, 255, 256, 65_535, 65_536])
    func keepsStringsAndListsAroundEachLengthOfLength(_ count: Int) throws {
        let string = [UInt8](repeating: 0xaa, count: count)
        let header =
            switch count {
            case 0..<56: 1
            case 56..<256: 2
            case 256..<65_536: 3
            default: 4
            }
        let tree = RLPTree.string(string)
        #expect(tree.encoded.count == header + count)
        #expect(try RLPTree(decoding: tree.encoded) == tree)
        let list = RLPTree.list([RLPTree](repeating: .string([1]), count: count))
        #expect(list.encoded.count == header + count)
        #expect(try RLPTree(decoding: list.encoded) == list)
    }

    @Test func readsNestedListsWithTheirOwnEnds() throws {
        let bytes = RLPEncoder.list { outer in
            outer.list { $0.list { $0.append(Amount(5)) } }
            outer.append(Height(9))
        }
        #expect(bytes == [0xc4, 0xc2, 0xc1, 5, 9])
        try RLPDecoder.list(bytes) { outer throws(RLPError) in
            var middle = try outer.nextList()
            var inner = try middle.nextList()
            let amount = try inner.nextAmount()
            #expect(inner.isAtEnd && middle.isAtEnd && !outer.isAtEnd)
            let height = try outer.nextHeight()
            #expect(amount == Amount(5) && height == Height(9))
        }
    }

    @Test func writesAndReadsEveryType() throws {
        let hash = try #require(Hash32(0..<32))
        let bytes = RLPEncoder.list { e in
            e.append(Amount.max)
            e.append(Height(1 << 40))
            e.append(EndpointID(1024))
            e.append(BeaconTime(milliseconds: 1_700_000_000_000))
            e.append(hash)
            e.append([UInt8]())
            e.append(hash)
            e.append(encoded: RLPEncoder.list { $0.append(1 as UInt8) })
            e.list { for i in 0..<3 as Range<UInt8> { $0.append(i) } }
        }
        try RLPDecoder.list(bytes) { d throws(RLPError) in
            let amount = try d.nextAmount()
            #expect(amount == .max)
            let height = try d.nextHeight()
            #expect(height == Height(1 << 40))
            let endpoint = try d.nextEndpoint()
            #expect(endpoint == EndpointID(1024))
            let time = try d.nextTime()
            #expect(time == BeaconTime(milliseconds: 1_700_000_000_000))
            let fixed = try d.nextFixed(Hash32.self)
            #expect(fixed == hash)
            let absent = try d.nextOptional(Hash32.self)
            #expect(absent == nil)
            let present = try d.nextOptional(Hash32.self)
            #expect(present == hash)
            let encoded = try d.nextEncoded()
            #expect(encoded == [0xc1, 1])
            let items = try d.nextArray(limit: 3) { i throws(RLPError) in
                try i.nextInteger(UInt8.self)
            }
            #expect(items == [0, 1, 2])
        }
    }

    @Test func randomBytesNeverTrapAndHaveOneForm() {
        var decoded = 0
        forEachSeed(base: 0x514c_5000, count: 20_000) { seed, generator in
            let count = Int.random(in: 0...24, using: &generator)
            // Low bytes and headers are frequent, so that many inputs are well formed.
            let bytes = (0..<count).map { _ in
                let byte = UInt8.random(in: 0...255, using: &generator)
                return Bool.random(using: &generator) ? byte & 0xc7 : byte
            }
            guard let tree = try? RLPTree(decoding: bytes) else { return }
            decoded += 1
            #expect(tree.encoded == bytes, "seed \(seed)")
        }
        #expect(decoded > 500)
    }

    @Test func randomTreesSurviveAndTheirTruncationsDoNot() throws {
        try forEachSeed(base: 0x7472_6565, count: 200) { seed, generator in
            let tree = Self.tree(depth: 4, &generator)
            let bytes = tree.encoded
            let decoded = try RLPTree(decoding: bytes)
            #expect(decoded == tree, "seed \(seed)")
            for end in bytes.indices {
                #expect(throws: RLPError.truncated, "seed \(seed)") {
                    try RLPTree(decoding: Array(bytes[..<end]))
                }
            }
            #expect(throws: RLPError.trailingBytes, "seed \(seed)") {
                try RLPTree(decoding: bytes + [0])
            }
        }
    }

    private static func tree(depth: Int, _ generator: inout SeededGenerator) -> RLPTree {
        guard depth > 0, Bool.random(using: &generator) else {
            let count = Int.random(in: 0...70, using: &generator)
            return .string((0..<count).map { _ in .random(in: 0...255, using: &generator) })
        }
        let count = Int.random(in: 0...4, using: &generator)
        return .list((0..<count).map { _ in tree(depth: depth - 1, &generator) })
    }
}
