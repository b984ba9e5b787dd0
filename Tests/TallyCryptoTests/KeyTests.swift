import TallyCrypto
import TallyPrimitives
import TallyTesting
import Testing

@Suite struct PrivateKeyTests {
    @Test(
        arguments: [
            (1, "0x7e5f4552091a69125d5dfcb7b8c2659029395bdf"),
            (2, "0x2b5ad5c4795c026514f8317c7a215e218dccd6cf"),
            (3, "0x6813eb9362372eef6200f3b1dbc3f819671cba69"),
        ] as [(UInt64, String)])
    func controlsTheKnownAddress(_ number: UInt64, _ address: String) throws {
        let key = try PrivateKey(Hash32(words: (0, 0, 0, number)))
        #expect(key.address.description == address)
        #expect(key.publicKey.address == key.address)
        #expect(Address(publicKey: key.publicKey) == key.address)
    }

    @Test(arguments: [0, 31, 33]) func refusesOtherLengths(_ count: Int) {
        #expect(throws: PrivateKeyError.wrongLength(count)) {
            try PrivateKey([UInt8](repeating: 1, count: count))
        }
    }

    @Test(arguments: [
        "0x0000000000000000000000000000000000000000000000000000000000000000",
        "0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141",
        "0xffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    ])
    func refusesNumbersOutOfRange(_ hex: String) {
        #expect(throws: PrivateKeyError.outOfRange) { try PrivateKey(hash(hex).bytes) }
    }

    @Test func takesTheLargestNumber() throws {
        let largest = hash("0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364140")
        let key = try PrivateKey(largest)
        // −1 · G has the x of 1 · G.
        #expect(key.publicKey.x == (try PrivateKey(Hash32(words: (0, 0, 0, 1)))).publicKey.x)
        #expect(key.exportBytes() == largest.bytes)
    }

    @Test func printsNothingOfTheSecret() throws {
        let key = try PrivateKey([UInt8](repeating: 0x46, count: 32))
        var dumped = ""
        dump(["key": key], to: &dumped)
        let texts = ["\(key)", String(describing: key), String(reflecting: [key]), dumped]
        for text in texts {
            #expect(text.contains("redacted"))
            #expect(!text.contains("46") && !text.contains("70"), "\(text)")
            #expect(!text.contains("5063812098665367110"), "\(text)")
        }
        #expect(Mirror(reflecting: key).children.isEmpty)
    }

    @Test func generatesDistinctKeys() throws {
        let keys = try (0..<8).map { _ in try PrivateKey.generate().exportBytes() }
        #expect(Set(keys).count == 8)
    }
}

@Suite struct PublicKeyTests {
    private static let x = "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
    private static let y = "483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8"

    @Test func readsBothFormsOfTheGenerator() throws {
        let generator = try PrivateKey(Hash32(words: (0, 0, 0, 1))).publicKey
        #expect(generator.x == hash("0x" + Self.x) && generator.y == hash("0x" + Self.y))
        #expect(generator.description == "0x02" + Self.x)
        #expect(try PublicKey(Hex.vector("02" + Self.x)) == generator)
        #expect(try PublicKey(Hex.vector("04" + Self.x + Self.y)) == generator)
        #expect(try PublicKey(Hex.vector("03" + Self.x)) != generator)
    }

    @Test func keepsBothFormsOfRandomKeys() throws {
        try forEachSeed(base: 0x7075_626b, count: 50) { seed, generator in
            let key = try PrivateKey(randomHash(&generator)).publicKey
            #expect(key.compressed.count == 33 && key.uncompressed.count == 65)
            #expect(try PublicKey(key.compressed) == key, "seed \(seed)")
            #expect(try PublicKey(key.uncompressed) == key, "seed \(seed)")
        }
    }

    static let refusals: [(String, PublicKeyError)] = [
        ("", .wrongLength(0)),
        ("02", .wrongLength(1)),
        (x + y, .wrongLength(64)),
        ("04" + x + y + "00", .wrongLength(66)),
        ("04" + x, .unknownPrefix(4)),
        ("00" + x, .unknownPrefix(0)),
        ("05" + x + y, .unknownPrefix(5)),
        ("02" + x + y, .unknownPrefix(2)),
        // The hybrid form, with the right parity.
        ("06" + x + y, .unknownPrefix(6)),
        ("04" + y + x, .notOnCurve),
        // No point has x = 5, and no coordinate reaches 2^256 − 1.
        ("02" + String(repeating: "0", count: 63) + "5", .notOnCurve),
        ("02" + String(repeating: "f", count: 64), .notOnCurve),
    ]

    @Test(arguments: refusals) func refuses(_ hex: String, _ error: PublicKeyError) {
        #expect(throws: error) { try PublicKey(Hex.vector(hex)) }
    }
}
