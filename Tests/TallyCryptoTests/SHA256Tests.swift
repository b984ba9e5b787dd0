import FoundationEssentials
import TallyCrypto
import TallyPrimitives
import TallyTesting
import Testing

@Suite struct SHA256Tests {
    @Test func agreesWithEveryShortMessage() throws {
        try agrees(try Vectors.responses("sha256/SHA256ShortMsg.rsp"), count: 65)
    }

    @Test func agreesWithEveryLongMessage() throws {
        try agrees(try Vectors.responses("sha256/SHA256LongMsg.rsp"), count: 64)
    }

    private func agrees(_ cases: [[String: String]], count: Int) throws {
        let messages = cases.filter { $0["Msg"] != nil }
        #expect(messages.count == count)
        for fields in messages {
            let bits = try #require(fields["Len"].flatMap { Int($0) })
            let digest = try #require(fields["MD"])
            // The empty message is written as one byte.
            let message = try Hex.vector(try #require(fields["Msg"])).prefix(bits / 8)
            #expect(message.count == bits / 8)
            #expect(SHA256.plain(Array(message)).description == "0x" + digest, "\(bits) bits")
        }
    }

    /// Across blocks of 64 bytes, and from every alignment.
    @Test func piecesGiveTheHashOfTheWhole() {
        let bytes = (0..<264).map { UInt8(truncatingIfNeeded: $0 &* 167 &+ 13) }
        for length in 0...200 {
            let offset = length % 9
            let message = bytes[offset..<(offset + length)]
            let whole = SHA256.plain([HashDomain.object.rawValue] + message)
            #expect(SHA256.hash(.object) { $0.update(message) } == whole, "\(length) bytes")
            let atOffset = bytes.withUnsafeBytes {
                SHA256.hash(
                    .object,
                    UnsafeRawBufferPointer(rebasing: $0[offset..<(offset + length)]))
            }
            #expect(atOffset == whole, "\(length) bytes")
        }
        forEachSeed(base: 0x7368_6132, count: 200) { _, generator in
            let length = Int.random(in: 0...264, using: &generator)
            let inPieces = SHA256.hash(.object) { hasher in
                var rest = bytes[..<length]
                while !rest.isEmpty {
                    let count = Int.random(in: 1...70, using: &generator)
                    hasher.update(rest.prefix(count))
                    rest = rest.dropFirst(count)
                }
            }
            #expect(inPieces == SHA256.plain([HashDomain.object.rawValue] + bytes[..<length]))
        }
    }

    @Test(arguments: HashDomain.allCases) func putsTheTagInFront(_ domain: HashDomain) {
        let bytes: [UInt8] = [1, 2, 3]
        let tagged = SHA256.plain([domain.rawValue] + bytes)
        #expect(SHA256.hash(domain, bytes) == tagged)
        let inPieces = SHA256.hash(domain) {
            $0.update(bytes[..<1])
            $0.update(bytes[1...])
        }
        #expect(inPieces == tagged)
    }

    @Test func feedsIntegersBigEndianAndValuesAsTheirBytes() {
        let address = Keccak256.hash([])
        let hash = SHA256.hash(.object) {
            $0.update(0x0102_0304 as UInt32)
            $0.update(address)
        }
        #expect(hash == SHA256.hash(.object, [1, 2, 3, 4] + address.bytes))
    }

    /// ENC-4
    @Test func specificationListsEveryTag() throws {
        let text = try Data(contentsOf: Vectors.specification("encoding.md"))
        var listed: [String: UInt8] = [:]
        for line in String(decoding: text, as: UTF8.self).split(separator: "\n") {
            let cells = line.split(separator: "|").map { $0.filter { $0 != " " && $0 != "`" } }
            guard cells.count == 3, let tag = Hex.decode(cells[0]), tag.count == 1 else { continue }
            #expect(listed.updateValue(tag[0], forKey: cells[1]) == nil, "\(cells[1]) twice")
        }
        let tags = HashDomain.allCases.map { ("\($0)", $0.rawValue) }
        #expect(listed == Dictionary(uniqueKeysWithValues: tags))
    }
}
