import TallyPrimitives
import TallyTesting
import Testing

@testable import TallyClient

@Suite struct JSONParserTests {
    struct Valid: Sendable {
        let text: String
        let value: JSON

        init(_ text: String, _ value: JSON) {
            self.text = text
            self.value = value
        }
    }

    @Test(arguments: [
        Valid("null", .null), Valid("true", true), Valid("false", false),
        Valid("\"\"", ""), Valid(" \t\r\n[ ] \n", []), Valid("{}", [:]), Valid("{ }", [:]),
        Valid("[[],{}]", [[], [:]]),
        Valid("[1 , 2,3 ]", [1, 2, 3]),
        Valid("{\"a\":1,\"b\":{\"c\":[null]}}", ["a": 1, "b": ["c": [.null]]]),
        Valid("{\"\":0}", ["": 0]),
        Valid("\"a/b\"", "a/b"), Valid("\"\u{7f}\"", "\u{7f}"), Valid("\"é漢🜀\"", "é漢🜀"),
        Valid("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\u{8}\u{c}\n\r\t"),
        Valid("\"\\u0041\\u00e9\\u6F22\"", "Aé漢"), Valid("\"\\u0000\"", "\0"),
        Valid("\"\\ud83d\\uDF00\"", "🜀"), Valid("\"\\uFFFF\"", "\u{ffff}"),
        Valid("\"twenty-four plain bytes..\\nand more\"", "twenty-four plain bytes..\nand more"),
    ])
    func acceptsDocument(_ valid: Valid) throws {
        #expect(try JSON.parse(Array(valid.text.utf8)) == valid.value)
    }

    @Test(arguments: [
        Valid("0", 0), Valid("-1", -1), Valid("10", 10), Valid("1234567890", 1_234_567_890),
        Valid("9223372036854775807", .integer(.max)),
        Valid("-9223372036854775808", .integer(.min)),
        Valid("9223372036854775808", .unsigned(1 << 63)),
        Valid("18446744073709551615", .unsigned(.max)),
        Valid("18446744073709551616", .number("18446744073709551616")),
        Valid("-9223372036854775809", .number("-9223372036854775809")),
        Valid("-0", .number("-0")), Valid("1.0", .number("1.0")), Valid("1e3", .number("1e3")),
        Valid("0.5E-10", .number("0.5E-10")), Valid("-1.25e+7", .number("-1.25e+7")),
    ])
    func keepsNumbersExact(_ valid: Valid) throws {
        let value = try JSON.parse(Array(valid.text.utf8))
        #expect(value == valid.value)
        #expect(value.description == valid.text)
    }

    struct Invalid: Sendable {
        let bytes: [UInt8]
        let error: JSONError

        init(_ text: String, _ error: JSONError) {
            bytes = Array(text.utf8)
            self.error = error
        }

        init(_ bytes: [UInt8], _ error: JSONError) {
            self.bytes = bytes
            self.error = error
        }
    }

    @Test(arguments: [
        Invalid("", .unexpectedEnd(offset: 0)), Invalid("  ", .unexpectedEnd(offset: 2)),
        Invalid("[", .unexpectedEnd(offset: 1)), Invalid("[1", .unexpectedEnd(offset: 2)),
        Invalid("[1,", .unexpectedEnd(offset: 3)), Invalid("{\"a\"", .unexpectedEnd(offset: 4)),
        Invalid("{\"a\":", .unexpectedEnd(offset: 5)), Invalid("tru", .unexpectedEnd(offset: 3)),
        Invalid("\"abc", .unexpectedEnd(offset: 4)), Invalid("\"\\", .unexpectedEnd(offset: 2)),
        Invalid("\"12345678", .unexpectedEnd(offset: 9)),
        Invalid("\"\\u12", .unexpectedEnd(offset: 5)),
        Invalid("]", .unexpectedByte(0x5d, offset: 0)),
        Invalid("[1}", .unexpectedByte(0x7d, offset: 2)),
        Invalid("[,1]", .unexpectedByte(0x2c, offset: 1)),
        Invalid("[1,]", .unexpectedByte(0x5d, offset: 3)),
        Invalid("[1 2]", .unexpectedByte(0x32, offset: 3)),
        Invalid("{a:1}", .unexpectedByte(0x61, offset: 1)),
        Invalid("{1:1}", .unexpectedByte(0x31, offset: 1)),
        Invalid("{\"a\" 1}", .unexpectedByte(0x31, offset: 5)),
        Invalid("{\"a\":1,}", .unexpectedByte(0x7d, offset: 7)),
        Invalid("{\"a\":1 \"b\":2}", .unexpectedByte(0x22, offset: 7)),
        Invalid("'a'", .unexpectedByte(0x27, offset: 0)),
        Invalid("TRUE", .unexpectedByte(0x54, offset: 0)),
        Invalid("nul1", .unexpectedByte(0x31, offset: 3)),
        Invalid("NaN", .unexpectedByte(0x4e, offset: 0)),
        Invalid("+1", .unexpectedByte(0x2b, offset: 0)),
        Invalid(".5", .unexpectedByte(0x2e, offset: 0)),
        Invalid("[1]x", .trailingBytes(offset: 3)), Invalid("1 1", .trailingBytes(offset: 2)),
        Invalid("null\0", .trailingBytes(offset: 4)), Invalid("0x1", .trailingBytes(offset: 1)),
        Invalid("/**/1", .unexpectedByte(0x2f, offset: 0)),
    ])
    func rejectsBrokenStructure(_ invalid: Invalid) {
        #expect(throws: invalid.error) { try JSON.parse(invalid.bytes) }
    }

    @Test(arguments: [
        Invalid("01", .invalidNumber(offset: 0)), Invalid("-", .invalidNumber(offset: 0)),
        Invalid("-01", .invalidNumber(offset: 0)), Invalid("[1.]", .invalidNumber(offset: 1)),
        Invalid("1.e5", .invalidNumber(offset: 0)), Invalid("1e", .invalidNumber(offset: 0)),
        Invalid("1e+", .invalidNumber(offset: 0)), Invalid("-a", .invalidNumber(offset: 0)),
        Invalid("\"\\x\"", .invalidEscape(offset: 1)),
        Invalid("\"\\U0041\"", .invalidEscape(offset: 1)),
        Invalid("\"ab\\u00g0\"", .invalidEscape(offset: 3)),
        Invalid("\"\\ud800\"", .loneSurrogate(offset: 1)),
        Invalid("\"\\udc00\"", .loneSurrogate(offset: 1)),
        Invalid("\"\\ud800\\u0041\"", .loneSurrogate(offset: 1)),
        Invalid("\"\\ud800\\n\"", .loneSurrogate(offset: 1)),
        Invalid("\"\\ud800\\ud800\"", .loneSurrogate(offset: 1)),
        Invalid("\"a\nb\"", .controlCharacter(offset: 2)),
        Invalid("\"0123456789\u{1f}\"", .controlCharacter(offset: 11)),
        Invalid("\"\0\"", .controlCharacter(offset: 1)),
        Invalid("\"ab\u{1f}cdefghijklmnop\"", .controlCharacter(offset: 3)),
        Invalid("{\"a\":1,\"a\":1}", .duplicateKey("a", offset: 13)),
        Invalid("{\"a\":1,\"\\u0061\":2}", .duplicateKey("a", offset: 18)),
    ])
    func rejectsBrokenScalars(_ invalid: Invalid) {
        #expect(throws: invalid.error) { try JSON.parse(invalid.bytes) }
    }

    @Test(
        arguments: [
            [0x80], [0xff], [0xc0, 0xaf], [0xc3], [0xe0, 0x80, 0x80], [0xed, 0xa0, 0x80],
            [0xf4, 0x90, 0x80, 0x80], [0xf0, 0x9f, 0x9c], [0x61, 0xc3, 0x28],
        ] as [[UInt8]])
    func rejectsInvalidUTF8(_ bytes: [UInt8]) {
        let quote = UInt8(ascii: "\"")
        #expect(throws: JSONError.invalidUTF8(offset: 0)) {
            try JSON.parse([quote] + bytes + [quote])
        }
        #expect(throws: JSONError.invalidUTF8(offset: 0)) {
            try JSON.parse([quote] + Array("\\n".utf8) + bytes + [quote])
        }
    }

    @Test func rejectsByteOrderMark() {
        #expect(throws: JSONError.unexpectedByte(0xef, offset: 0)) {
            try JSON.parse([0xef, 0xbb, 0xbf, 0x30])
        }
    }

    @Test func boundsDepthWhateverTheNesting() throws {
        for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
            let deepest =
                String(repeating: open, count: 32) + "0" + String(repeating: close, count: 32)
            _ = try JSON.parse(Array(deepest.utf8))
            let offset = 32 * open.utf8.count
            #expect(throws: JSONError.tooDeep(limit: 32, offset: offset)) {
                try JSON.parse(Array(String(repeating: open, count: 100_000).utf8))
            }
        }
    }

    @Test func boundsTheNumberOfValues() throws {
        let limits = JSONLimits(values: 4)
        #expect(try JSON.parse(Array("[1,2,3]".utf8), limits: limits) == [1, 2, 3])
        #expect(throws: JSONError.tooManyValues(limit: 4, offset: 7)) {
            try JSON.parse(Array("[1,2,3,4]".utf8), limits: limits)
        }
    }

    @Test func findsTheRepeatedKeyOfLargeObjects() throws {
        let keys = (0..<5_000).map { "\"k\($0)\":0" }
        let distinct = try JSON.parse(Array("{\(keys.joined(separator: ","))}".utf8))
        #expect(distinct.objectValue?.count == 5_000)
        let text = "{\(keys.joined(separator: ",")),\"k77\":1}"
        #expect(throws: JSONError.duplicateKey("k77", offset: text.utf8.count)) {
            try JSON.parse(Array(text.utf8))
        }
    }

    @Test func keepsTheOrderOfMembers() throws {
        let text = "{\"z\":1,\"a\":2,\"m\":3}"
        let value = try JSON.parse(Array(text.utf8))
        #expect(value.description == text)
        #expect(value["m"] == 3)
        #expect(value["x"] == nil)
    }

    /// A debug build traps on reads outside the buffer, so that this also finds those.
    @Test func neverTrapsOnDamagedDocuments() {
        let document = Array(
            """
            {"jsonrpc":"2.0","id":[1,-2.5e7,18446744073709551616],"method":"\\u00e9\\ud83d\\udf00é",
             "params":[{"a":null,"b":true,"c":false,"d":"0x\\n0123456789abcdef"},[[[]]]]}
            """.utf8)
        forEachSeed(base: 0x6a73_6f6e, count: 3_000) { _, generator in
            var bytes = document
            for _ in 0..<Int.random(in: 1...4, using: &generator) where !bytes.isEmpty {
                let index = Int.random(in: 0..<bytes.count, using: &generator)
                switch UInt8.random(in: 0..<4, using: &generator) {
                case 0: bytes[index] = UInt8.random(in: 0...255, using: &generator)
                case 1: bytes.remove(at: index)
                case 2: bytes.insert(bytes[index], at: index)
                default: bytes.removeLast(bytes.count - max(index, 1))
                }
            }
            if let value = try? JSON.parse(bytes) {
                #expect((try? JSON.parse(Array(value.description.utf8))) == value)
            }
        }
    }
}
