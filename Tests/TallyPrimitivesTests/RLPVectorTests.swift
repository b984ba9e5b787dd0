import TallyPrimitives
import TallyTesting
import Testing

@Suite struct RLPVectorTests {
    @Test func encodesAndDecodesEveryValidVector() throws {
        let vectors: [String: Valid] = try Vectors.json("rlp/rlptest.json")
        #expect(vectors.count == 28)
        for (name, vector) in vectors {
            let bytes = try Hex.vector(vector.out)
            #expect(vector.in.tree.encoded == bytes, "\(name)")
            #expect(try RLPTree(decoding: bytes) == vector.in.tree, "\(name)")
        }
    }

    @Test func writesVectorIntegersAsIntegers() throws {
        let vectors: [String: Valid] = try Vectors.json("rlp/rlptest.json")
        var integers = 0
        for (name, vector) in vectors {
            guard case .integer(let value) = vector.in else { continue }
            integers += 1
            var encoder = RLPEncoder()
            encoder.append(value)
            #expect(encoder.bytes == (try Hex.vector(vector.out)), "\(name)")
            var decoder = RLPDecoder(encoder.bytes)
            #expect(try decoder.nextInteger() == value, "\(name)")
        }
        #expect(integers == 9)
    }

    @Test func reencodesTheRandomVector() throws {
        let vectors: [String: Random] = try Vectors.json("rlp/RandomRLPTests/example.json")
        #expect(vectors.count == 1)
        for (name, vector) in vectors {
            #expect(vector.in == "VALID")
            let bytes = try Hex.vector(vector.out)
            #expect(try RLPTree(decoding: bytes).encoded == bytes, "\(name)")
        }
    }

    @Test func refusesEveryInvalidVectorForItsReason() throws {
        let vectors: [String: Random] = try Vectors.json("rlp/invalidRLPTest.json")
        #expect(vectors.count == 26)
        for (name, vector) in vectors {
            #expect(vector.in == "INVALID")
            let bytes = try Hex.vector(vector.out)
            let reason = try #require(Self.reasons[name], "\(name)")
            #expect(throws: reason, "\(name)") { try RLPTree(decoding: bytes) }
        }
    }

    private static let reasons: [String: RLPError] = [
        "int32Overflow": .truncated,
        "int32Overflow2": .truncated,
        "wrongSizeList": .nonCanonicalLength,
        "wrongSizeList2": .nonCanonicalLength,
        "incorrectLengthInArray": .nonCanonicalLength,
        "randomRLP": .nonCanonicalLength,
        "bytesShouldBeSingleByte00": .nonCanonicalLength,
        "bytesShouldBeSingleByte01": .nonCanonicalLength,
        "bytesShouldBeSingleByte7F": .nonCanonicalLength,
        "leadingZerosInLongLengthArray1": .nonCanonicalLength,
        "leadingZerosInLongLengthArray2": .nonCanonicalLength,
        "leadingZerosInLongLengthList1": .nonCanonicalLength,
        "leadingZerosInLongLengthList2": .nonCanonicalLength,
        "nonOptimalLongLengthArray1": .nonCanonicalLength,
        "nonOptimalLongLengthArray2": .nonCanonicalLength,
        "nonOptimalLongLengthList1": .nonCanonicalLength,
        "nonOptimalLongLengthList2": .nonCanonicalLength,
        "emptyEncoding": .truncated,
        "lessThanShortLengthArray1": .truncated,
        "lessThanShortLengthArray2": .truncated,
        "lessThanShortLengthList1": .truncated,
        "lessThanShortLengthList2": .truncated,
        "lessThanLongLengthArray1": .truncated,
        "lessThanLongLengthArray2": .truncated,
        "lessThanLongLengthList1": .truncated,
        "lessThanLongLengthList2": .truncated,
    ]
}

private struct Valid: Decodable {
    let `in`: Input
    let out: String
}

private struct Random: Decodable {
    let `in`: String
    let out: String
}

/// The `in` of a vector: text, a number, `#` and a number too large for JSON, or a list of these.
private indirect enum Input: Decodable {
    case text(String)
    case integer(UInt128)
    case large([UInt8])
    case list([Input])

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let number = try? container.decode(UInt64.self) {
            self = .integer(UInt128(number))
        } else if let text = try? container.decode(String.self) {
            guard text.hasPrefix("#") else {
                self = .text(text)
                return
            }
            let digits = text.dropFirst()
            self = UInt128(digits).map { .integer($0) } ?? .large(Self.bigEndian(decimal: digits))
        } else {
            self = .list(try container.decode([Input].self))
        }
    }

    var tree: RLPTree {
        switch self {
        case .text(let text): .string(Array(text.utf8))
        case .integer(let value): .string(Self.bigEndian(decimal: String(value)[...]))
        case .large(let bytes): .string(bytes)
        case .list(let items): .list(items.map(\.tree))
        }
    }

    /// The shortest big-endian bytes of a decimal number of any size; none for zero.
    private static func bigEndian(decimal digits: Substring) -> [UInt8] {
        var bytes: [UInt8] = []
        for digit in digits.compactMap(\.wholeNumberValue) {
            var carry = digit
            for i in bytes.indices.reversed() {
                carry += Int(bytes[i]) * 10
                bytes[i] = UInt8(carry & 255)
                carry >>= 8
            }
            if carry > 0 { bytes.insert(UInt8(carry), at: 0) }
        }
        return bytes
    }
}
