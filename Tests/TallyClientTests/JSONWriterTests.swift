import TallyPrimitives
import TallyTesting
import Testing

@testable import TallyClient

@Suite struct JSONWriterTests {
    private func text(_ write: (inout JSONWriter) -> Void) -> String {
        var writer = JSONWriter()
        write(&writer)
        return String(decoding: writer.bytes, as: UTF8.self)
    }

    @Test func putsCommasBetweenMembersAndElements() {
        let written = text { writer in
            writer.object { writer in
                writer.key("a")
                writer.array { writer in
                    writer.integer(1)
                    writer.beginArray()
                    writer.endArray()
                    writer.null()
                }
                writer.key("b")
                writer.beginObject()
                writer.endObject()
                writer.key("c")
                writer.bool(true)
                writer.plainKey("d")
                writer.bool(false)
            }
        }
        #expect(written == "{\"a\":[1,[],null],\"b\":{},\"c\":true,\"d\":false}")
    }

    @Test(arguments: [
        ("", "\"\""), ("plain text of more than eight", "\"plain text of more than eight\""),
        ("\"\\/", "\"\\\"\\\\/\""), ("\u{8}\u{c}\n\r\t", "\"\\b\\f\\n\\r\\t\""),
        ("\0\u{1f}\u{7f}", "\"\\u0000\\u001f\u{7f}\""), ("é漢🜀\n", "\"é漢🜀\\n\""),
        ("ab\u{1f}cdefghijklmnop", "\"ab\\u001fcdefghijklmnop\""),
        ("0123456\"89012345\\", "\"0123456\\\"89012345\\\\\""),
    ])
    func escapesStrings(_ string: String, _ expected: String) {
        #expect(text { $0.string(string) } == expected)
    }

    @Test func writesIntegersOfAnyWidth() {
        let written = text { writer in
            writer.array { writer in
                writer.integer(0)
                writer.integer(Int64.min)
                writer.integer(UInt64.max)
                writer.integer(UInt128.max)
                writer.integer(UInt8(100))
            }
        }
        #expect(
            written == "[0,-9223372036854775808,18446744073709551615,"
                + "340282366920938463463374607431768211455,100]")
    }

    @Test func writesHexWithoutAString() throws {
        let hash = try #require(Hash32((0..<32).map { UInt8($0 * 8) }))
        #expect(text { $0.hex(hash) } == "\"\(hash)\"")
        #expect(text { $0.hex([]) } == "\"0x\"")
        #expect(text { $0.hex([0, 0xab, 0xff]) } == "\"0x00abff\"")
        #expect(text { $0.hex([1, 2, 3][1...]) } == "\"0x0203\"")
    }

    @Test(arguments: [0, 1, 15, 16, 0xabc, UInt64.max])
    func writesQuantitiesWithoutLeadingZeros(_ value: UInt64) throws {
        let written = text { $0.quantity(value) }
        #expect(written == "\"\(Hex.quantity(value))\"")
        #expect(try JSON.parse(Array(written.utf8)).quantity() == value)
    }

    @Test func readsHexStrictly() {
        #expect(JSON.string("0x00ff").hexBytes == [0, 0xff])
        #expect(JSON.string("0x0").hexBytes == nil)
        #expect(JSON.string("00").hexBytes == nil)
        #expect(JSON.integer(0).hexBytes == nil)
        #expect(JSON.string("0x1234").fixedBytes(Address.self) == nil)
        #expect(JSON.string("0x").quantity(UInt64.self) == nil)
        #expect(JSON.string("0x01").quantity(UInt64.self) == nil)
        #expect(JSON.string("0xg").quantity(UInt64.self) == nil)
        #expect(JSON.string("0x100").quantity(UInt8.self) == nil)
        #expect(JSON.string("0xFF").quantity(UInt8.self) == 255)
    }

    @Test func stopsAtItsLimitAndStartsAgainAfterRewinding() {
        var writer = JSONWriter(limit: 20)
        writer.beginArray()
        let mark = writer.mark
        for _ in 0..<1_000 { writer.string("0123456789") }
        #expect(writer.isFull)
        #expect(writer.bytes.count < 40)
        writer.rewind(to: mark)
        #expect(!writer.isFull)
        writer.integer(1)
        writer.integer(2)
        writer.endArray()
        #expect(String(decoding: writer.bytes, as: UTF8.self) == "[1,2]")
    }

    private func random(depth: Int, _ generator: inout SeededGenerator) -> JSON {
        switch Int.random(in: 0..<(depth == 0 ? 6 : 8), using: &generator) {
        case 0: return .null
        case 1: return .bool(Bool.random(using: &generator))
        case 2: return JSON(UInt64.random(in: 0 ... .max, using: &generator))
        case 3: return JSON(Int64.random(in: .min ... .max, using: &generator))
        case 4: return .number("-0.125e\(Int.random(in: 0..<400, using: &generator))")
        case 5:
            let scalars = (0..<Int.random(in: 0..<20, using: &generator)).compactMap { _ in
                Unicode.Scalar(UInt32.random(in: 0..<0x2_0000, using: &generator))
            }
            return .string(String(String.UnicodeScalarView(scalars)))
        case 6:
            return .array(
                (0..<Int.random(in: 0..<5, using: &generator)).map { _ in
                    random(depth: depth - 1, &generator)
                })
        default:
            return .object(
                JSONObject(
                    (0..<Int.random(in: 0..<12, using: &generator)).map {
                        JSONObject.Member("key \($0)\n", random(depth: depth - 1, &generator))
                    }))
        }
    }

    @Test func parsesBackWhatItWrites() throws {
        try forEachSeed(base: 0x7772_6974, count: 500) { _, generator in
            let value = random(depth: 4, &generator)
            let parsed = try JSON.parse(Array(value.description.utf8))
            #expect(parsed == value)
        }
    }
}
