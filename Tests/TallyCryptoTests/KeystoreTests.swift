import TallyCrypto
import TallyPrimitives
import TallyTesting
import Testing

@Suite struct KeystoreTests {
    private static let light: ScryptCost = {
        guard let cost = try? ScryptCost(n: 1_024, r: 8, p: 1) else {
            preconditionFailure("within bounds")
        }
        return cost
    }()

    /// 0, 1, 2 … over all calls.
    private static func counting() -> (Int) -> [UInt8] {
        var next: UInt8 = 0
        return { count in
            defer { next += UInt8(count) }
            return (0..<count).map { next + UInt8($0) }
        }
    }

    private static func makeFile() throws -> KeystoreFile {
        try KeystoreFile(
            encrypting: PrivateKey([UInt8](repeating: 0x46, count: 32)),
            password: "correct horse é", cost: light, random: counting())
    }

    /// `made`, computed with other implementations of scrypt, AES and Keccak.
    private static let document = """
        {"address":"9d8a62f656a8d1615c1294fd71e9cfb3e4855a4f","crypto":{\
        "cipher":"aes-128-ctr",\
        "cipherparams":{"iv":"202122232425262728292a2b2c2d2e2f"},\
        "ciphertext":"a862eadf5c7d4bd73d244685990f1875d5ac6fd9c6ee1ef8ab555ba0ba2f7d05",\
        "kdf":"scrypt",\
        "kdfparams":{"dklen":32,"n":1024,"p":1,"r":8,\
        "salt":"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"},\
        "mac":"ef2e5c743a595dc17132180f651de6730d91d06f9f750b84227b62a821a2db62"},\
        "id":"30313233-3435-4637-b839-3a3b3c3d3e3f","version":3}
        """

    @Test func opensEveryVector() throws {
        let vectors: [String: Vector] = try Vectors.json("keystore/basic_tests.json")
        #expect(vectors.count == 5)
        for (name, vector) in vectors {
            let file = try KeystoreFile(json: Array(vector.json.text.utf8))
            let key = try file.decrypt(password: vector.password)
            #expect(key.exportBytes() == (try Hex.vector(vector.priv)), "\(name)")
            // What is read is written again without loss.
            #expect(try KeystoreFile(json: file.json()) == file, "\(name)")
        }
    }

    @Test func writesTheKnownDocument() throws {
        let file = try Self.makeFile()
        #expect(String(decoding: file.json(), as: UTF8.self) == Self.document)
        #expect(try KeystoreFile(json: Array(Self.document.utf8)) == file)
        let key = try file.decrypt(password: "correct horse é")
        #expect(key.exportBytes() == [UInt8](repeating: 0x46, count: 32))
    }

    @Test func standardCostIsThatOfOtherWallets() {
        let cost = ScryptCost.standard
        #expect((cost.n, cost.r, cost.p) == (262_144, 8, 1))
    }

    @Test func freshFilesShareNothing() throws {
        let key = try PrivateKey.generate()
        let a = try KeystoreFile(encrypting: key, password: "", cost: Self.light)
        let b = try KeystoreFile(encrypting: key, password: "", cost: Self.light)
        #expect(a.id != b.id)
        #expect(a.address == key.address && b.address == key.address)
        #expect(a != b)
        #expect(try a.decrypt(password: "").exportBytes() == key.exportBytes())
    }

    @Test(arguments: ["", "correct horse", "correct horse e\u{301}", "correct horse é "])
    func refusesAnotherPassword(_ password: String) throws {
        let file = try Self.makeFile()
        #expect(throws: KeystoreError.wrongPassword) { try file.decrypt(password: password) }
    }

    @Test func refusesAnotherAddressThanTheKeys() throws {
        let text = Self.document.replacing(
            "9d8a62f656a8d1615c1294fd71e9cfb3e4855a4f",
            with: "0x7e5f4552091a69125d5dfcb7b8c2659029395bdf")
        let file = try KeystoreFile(json: Array(text.utf8))
        let stated = try #require(Address(hex: "0x7e5f4552091a69125d5dfcb7b8c2659029395bdf"))
        let actual = try #require(Address(hex: "0x9d8a62f656a8d1615c1294fd71e9cfb3e4855a4f"))
        #expect(throws: KeystoreError.addressMismatch(stated: stated, actual: actual)) {
            try file.decrypt(password: "correct horse é")
        }
    }

    @Test func opensAFileWithoutAddress() throws {
        let text = Self.document.replacing(
            "\"address\":\"9d8a62f656a8d1615c1294fd71e9cfb3e4855a4f\",", with: "")
        let file = try KeystoreFile(json: Array(text.utf8))
        #expect(file.address == nil)
        #expect(!String(decoding: file.json(), as: UTF8.self).contains("address"))
        _ = try file.decrypt(password: "correct horse é")
    }

    @Test func passesOnTheFailureOfRandomness() throws {
        let key = try PrivateKey.generate()
        #expect(throws: KeystoreError.randomness(.unavailable(code: 7))) {
            _ = try KeystoreFile(encrypting: key, password: "", cost: Self.light) {
                _ throws(SecureRandomError) in throw .unavailable(code: 7)
            }
        }
    }

    /// One replacement in `document` and what it leads to.
    static let refusals: [(String, String, KeystoreError)] = [
        ("{\"address\"", "[\"address\"", .notJSON),
        ("\"version\":3", "\"version\":4", .unsupportedVersion(4)),
        ("\"version\":3", "\"version\":\"3\"", .malformed(field: "version")),
        ("\"version\":3", "\"edition\":3", .malformed(field: "version")),
        ("\"id\":\"30313233-3435-4637-b839-3a3b3c3d3e3f\"", "\"id\":7", .malformed(field: "id")),
        ("\"crypto\"", "\"CRYPTO\"", .malformed(field: "crypto")),
        ("\"9d8a", "\"9d8", .malformed(field: "address")),
        ("aes-128-ctr", "aes-256-ctr", .unsupportedCipher("aes-256-ctr")),
        ("\"iv\":\"20", "\"iv\":\"", .malformed(field: "crypto.cipherparams.iv")),
        ("\"iv\":\"", "\"iw\":\"", .malformed(field: "crypto.cipherparams.iv")),
        (
            "\"iv\":", "\"ivs\":1,\"iv\":",
            .unknownParameter(field: "crypto.cipherparams.ivs")
        ),
        ("\"ciphertext\":\"a8", "\"ciphertext\":\"", .malformed(field: "crypto.ciphertext")),
        ("\"ciphertext\":\"a8", "\"ciphertext\":\"0x", .malformed(field: "crypto.ciphertext")),
        ("\"mac\":\"ef", "\"mac\":\"", .malformed(field: "crypto.mac")),
        ("\"mac\":\"ef", "\"mac\":\"ee", .wrongPassword),
        ("\"ciphertext\":\"a8", "\"ciphertext\":\"a9", .wrongPassword),
        ("\"kdf\":\"scrypt\"", "\"kdf\":\"argon2\"", .unsupportedKDF("argon2")),
        ("\"kdf\":\"scrypt\"", "\"kdf\":7", .malformed(field: "crypto.kdf")),
        ("\"kdf\":\"scrypt\"", "\"kdf\":\"pbkdf2\"", .malformed(field: "crypto.kdfparams.prf")),
        ("\"dklen\":32", "\"dklen\":64", .malformed(field: "crypto.kdfparams.dklen")),
        ("\"dklen\":32,", "", .malformed(field: "crypto.kdfparams.dklen")),
        ("\"n\":1024", "\"n\":1000", .malformed(field: "crypto.kdfparams.n")),
        ("\"n\":1024", "\"n\":1", .malformed(field: "crypto.kdfparams.n")),
        ("\"n\":1024", "\"n\":-2", .malformed(field: "crypto.kdfparams.n")),
        ("\"n\":1024", "\"n\":\"1024\"", .malformed(field: "crypto.kdfparams.n")),
        ("\"r\":8", "\"r\":0", .malformed(field: "crypto.kdfparams.r")),
        ("\"p\":1", "\"p\":0", .malformed(field: "crypto.kdfparams.p")),
        ("\"p\":1", "\"p\":1,\"q\":1", .unknownParameter(field: "crypto.kdfparams.q")),
        ("\"n\":1024", "\"n\":2097152", .excessiveCost(.memory(1 << 31))),
        ("\"n\":1024", "\"n\":9223372036854775808", .excessiveCost(.memory(.max))),
        ("\"p\":1", "\"p\":4096", .excessiveCost(.rounds(1 << 25))),
        ("\"p\":1", "\"p\":65536", .excessiveCost(.blocks(1 << 19))),
        ("\"r\":8", "\"r\":18446744073709551615", .excessiveCost(.blocks(.max))),
    ]

    /// What other wallets leave out or spell otherwise, and nobody needs to open the file.
    @Test(arguments: [
        ("\"id\":\"30313233-3435-4637-b839-3a3b3c3d3e3f\",", ""), ("\"crypto\"", "\"Crypto\""),
        ("\"address\":\"", "\"address\":\"\",\"note\":\""),
    ])
    func readsFilesOfOtherWallets(_ target: String, _ replacement: String) throws {
        #expect(Self.document.contains(target))
        let text = Self.document.replacing(target, with: replacement, maxReplacements: 1)
        let file = try KeystoreFile(json: Array(text.utf8))
        #expect(
            try file.decrypt(password: "correct horse é").exportBytes()
                == [UInt8](repeating: 0x46, count: 32))
        #expect(try KeystoreFile(json: file.json()) == file)
    }

    @Test(arguments: refusals)
    func refuses(_ target: String, _ replacement: String, _ error: KeystoreError) throws {
        #expect(Self.document.contains(target))
        let text = Self.document.replacing(target, with: replacement, maxReplacements: 1)
        #expect(throws: error) {
            try KeystoreFile(json: Array(text.utf8)).decrypt(password: "correct horse é")
        }
    }

    static let iterated: [(String, KeystoreError)] = [
        ("\"c\":0,\"prf\":\"hmac-sha256\"", .malformed(field: "crypto.kdfparams.c")),
        ("\"c\":10000001,\"prf\":\"hmac-sha256\"", .excessiveCost(.rounds(10_000_001))),
        ("\"c\":1,\"prf\":\"hmac-sha512\"", .unsupportedPRF("hmac-sha512")),
        ("\"c\":1,\"n\":2,\"prf\":\"hmac-sha256\"", .unknownParameter(field: "crypto.kdfparams.n")),
        ("\"c\":1,\"prf\":\"hmac-sha256\"", .wrongPassword),
    ]

    @Test(arguments: iterated)
    func refusesPBKDF2(_ parameters: String, _ error: KeystoreError) throws {
        let text = Self.document
            .replacing("\"kdf\":\"scrypt\"", with: "\"kdf\":\"pbkdf2\"")
            .replacing("\"n\":1024,\"p\":1,\"r\":8", with: parameters)
        #expect(throws: error) {
            try KeystoreFile(json: Array(text.utf8)).decrypt(password: "correct horse é")
        }
    }

    @Test func refusesAFileOfAnotherSize() {
        #expect(throws: KeystoreError.tooLarge(limit: 16_384)) {
            try KeystoreFile(json: [UInt8](repeating: 0x20, count: 16_385))
        }
        #expect(throws: KeystoreError.notJSON) { try KeystoreFile(json: []) }
    }
}

@Suite struct ScryptTests {
    /// RFC 7914, section 12. Its first three vectors; the fourth takes 1 GiB.
    @Test(
        arguments: [
            (
                "", "", 16, 1, 1,
                """
                77d6576238657b203b19ca42c18a0497f16b4844e3074ae8dfdffa3fede21442\
                fcd0069ded0948f8326a753a0fc81f17e8d3e0fb2e0d3628cf35e20c38d18906
                """
            ),
            (
                "password", "NaCl", 1_024, 8, 16,
                """
                fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162\
                2eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640
                """
            ),
            (
                "pleaseletmein", "SodiumChloride", 16_384, 8, 1,
                """
                7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2\
                d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887
                """
            ),
        ] as [(String, String, UInt64, UInt64, UInt64, String)])
    func agreesWithTheRFC(
        _ password: String, _ salt: String, _ n: UInt64, _ r: UInt64, _ p: UInt64, _ key: String
    ) throws {
        let derived = try Scrypt.derive(
            password: Array(password.utf8), salt: Array(salt.utf8),
            cost: ScryptCost(n: n, r: r, p: p), count: 64)
        #expect(derived == (try Hex.vector(key)))
    }
}

private struct Vector: Decodable {
    let json: Document
    let password: String
    let priv: String

    /// The document as it stands in the vector, written out again as JSON.
    struct Document: Decodable {
        let text: String

        init(from decoder: any Decoder) throws {
            text = try JSONText(from: decoder).text
        }
    }
}

/// Any JSON without arrays, `null` or fractions, as text.
private struct JSONText: Decodable {
    let text: String

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let number = try? container.decode(Int.self) {
            text = "\(number)"
        } else if let string = try? container.decode(String.self) {
            text = "\"\(string)\""
        } else {
            let members = try container.decode([String: JSONText].self)
            text = "{" + members.map { "\"\($0)\":\($1.text)" }.joined(separator: ",") + "}"
        }
    }
}
