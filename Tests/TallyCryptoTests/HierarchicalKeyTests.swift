import Foundation
import TallyPrimitives
import TallyTesting
import Testing

@testable import TallyCrypto

@Suite struct HierarchicalKeyTests {
    @Test func agreesWithEveryChainOfBIP32() throws {
        let vectors = try TreeVectors.read()
        #expect(vectors.seeds.map(\.chains.count) == [6, 6, 2, 3])
        for (seed, chains) in vectors.seeds {
            let master = try ExtendedPrivateKey(seed: try Hex.vector(seed))
            for chain in chains {
                let key = try master.descendant(DerivationPath(chain.path))
                #expect(key.exportText() == chain.privateKey, "\(chain.path)")
                #expect(key.publicKey.exportText() == chain.publicKey, "\(chain.path)")
            }
        }
    }

    @Test func readsEveryKeyOfBIP32Back() throws {
        let chains = try TreeVectors.read().seeds.flatMap(\.chains)
        #expect(chains.count == 17)
        for chain in chains {
            guard case .privateKey(let key) = try ExtendedKey(chain.privateKey),
                case .publicKey(let publicKey) = try ExtendedKey(chain.publicKey)
            else {
                Issue.record("read as the other kind: \(chain.path)")
                continue
            }
            #expect(key.exportText() == chain.privateKey)
            #expect(key.publicKey == publicKey)
            #expect(Int(key.position.depth) == (try DerivationPath(chain.path)).indices.count)
            #expect(publicKey.exportText() == chain.publicKey)
        }
    }

    /// The reasons in the order of test vector 5.
    private static let reasons: [ExtendedKeyError] = [
        .wrongKind, .wrongKind, .unknownPrefix(4), .unknownPrefix(4), .unknownPrefix(1),
        .unknownPrefix(1), .masterWithParent, .masterWithParent, .masterWithIndex,
        .masterWithIndex, .unknownVersion(0x0101_0101), .unknownVersion(0x0101_0101),
        .keyOutOfRange, .keyOutOfRange, .notOnCurve, .base58(.wrongChecksum),
    ]

    @Test func refusesEveryInvalidKeyOfBIP32() throws {
        let invalid = try TreeVectors.read().invalid
        #expect(invalid.count == 16)
        #expect(Self.reasons.count == 16)
        for ((text, note), reason) in zip(invalid, Self.reasons) {
            #expect(throws: reason, "\(note)") { try ExtendedKey(text) }
        }
    }

    private static let valid =
        "xprv9s21ZrQH143K3QTDL4LXw2F7HEK3wJUD2nW2nRk4stbPy6cq3jPPqjiChkVvvNKmPGJxWUtg6LnF5kejMRNN"
        + "U3TGtRBeJgk33yuGBxrMPHi"

    @Test(
        arguments: [
            ("", .base58(.truncated)),
            ("1111", .base58(.wrongChecksum)),
            (valid + "0", .base58(.unknownCharacter(offset: 111))),
            (
                valid.replacing("x", with: "l", maxReplacements: 1),
                .base58(.unknownCharacter(offset: 0))
            ),
            ("1" + valid, .base58(.wrongChecksum)),
            (String(repeating: "z", count: 129), .base58(.tooLong(limit: 128))),
            // Nothing, with its right checksum.
            ("3QJmnh", .wrongLength(0)),
        ] as [(String, ExtendedKeyError)])
    func refusesText(_ text: String, _ error: ExtendedKeyError) {
        #expect(throws: error) { try ExtendedKey(text) }
    }

    @Test(arguments: [0, 15, 65])
    func refusesSeeds(_ count: Int) {
        #expect(throws: ExtendedKeyError.seedLength(count)) {
            try ExtendedPrivateKey(seed: [UInt8](repeating: 1, count: count))
        }
    }

    @Test func aKeyAtDepth255HasNoChildren() throws {
        var key = try ExtendedPrivateKey(seed: [UInt8](repeating: 1, count: 16))
        for _ in 0..<255 { key = try key.child(0) }
        #expect(key.position.depth == 255)
        #expect(throws: ExtendedKeyError.tooDeep) { try key.child(0) }
        #expect(throws: ExtendedKeyError.tooDeep) { try key.child(DerivationPath.hardened) }
    }

    /// The first account of the phrase of zeros, as every Ethereum wallet shows it.
    @Test func findsTheAccountOfWallets() throws {
        let phrase =
            "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon "
            + "abandon about"
        let master = try ExtendedPrivateKey(seed: try Mnemonic(phrase: phrase).seed())
        let key = try master.descendant(.ethereum)
        #expect(key.key.address.description == "0x9858effd232b4033e47d90003d41ec34ecaeda94")
    }

    @Test func neverPrintsItself() throws {
        let key = try ExtendedPrivateKey(seed: [UInt8](repeating: 1, count: 16))
        var dumped = ""
        dump(key, to: &dumped)
        for text in ["\(key)", String(reflecting: key), dumped] {
            #expect(text.contains("redacted"))
            #expect(!text.contains("chainCode"))
        }
    }
}

@Suite struct DerivationPathTests {
    private static let h = DerivationPath.hardened

    @Test(
        arguments: [
            ("m", []), ("m/0", [0]), ("m/44'/60'/0'/0/7", [44 | h, 60 | h, h, 0, 7]),
            ("m/1h/2H/3'", [1 | h, 2 | h, 3 | h]), ("m/2147483647'", [UInt32.max]),
            ("m/2147483647", [h - 1]),
        ] as [(String, [UInt32])])
    func reads(_ text: String, _ indices: [UInt32]) throws {
        let path = try DerivationPath(text)
        #expect(path.indices == indices)
        #expect(try DerivationPath(path.description) == path)
    }

    @Test func isWrittenWithApostrophes() throws {
        #expect(try DerivationPath("m/44h/60H/0'/0/0").description == "m/44'/60'/0'/0/0")
        #expect(DerivationPath.ethereum.description == "m/44'/60'/0'/0/0")
        #expect(try DerivationPath("m").description == "m")
    }

    @Test(
        arguments: [
            ("", .missingRoot), ("0/1", .missingRoot), ("M/0", .missingRoot),
            ("/0", .missingRoot), (" m/0", .missingRoot),
            ("m/", .malformedStep(position: 1)), ("m//0", .malformedStep(position: 1)),
            ("m/0/", .malformedStep(position: 2)), ("m/-1", .malformedStep(position: 1)),
            ("m/+1", .malformedStep(position: 1)), ("m/0''", .malformedStep(position: 1)),
            ("m/'", .malformedStep(position: 1)), ("m/0/x", .malformedStep(position: 2)),
            ("m/0x10", .malformedStep(position: 1)), ("m/1 ", .malformedStep(position: 1)),
            ("m/2147483648", .stepTooLarge(position: 1)),
            ("m/2147483648'", .stepTooLarge(position: 1)),
            ("m/0/99999999999999999999", .stepTooLarge(position: 2)),
            ("m" + String(repeating: "/0", count: 256), .tooDeep(limit: 255)),
        ] as [(String, DerivationPathError)])
    func refuses(_ text: String, _ error: DerivationPathError) {
        #expect(throws: error) { try DerivationPath(text) }
    }
}

/// The test vectors as they stand in the text of BIP-32: headings, then a seed with its chains, or
/// invalid keys with their reasons.
private struct TreeVectors {
    struct Chain {
        let path: String
        var publicKey = ""
        var privateKey = ""
    }

    private(set) var seeds: [(seed: String, chains: [Chain])] = []
    private(set) var invalid: [(text: String, note: String)] = []

    static func read() throws -> TreeVectors {
        let text = try String(
            decoding: Data(contentsOf: Vectors.url("bip32/bip-0032.mediawiki")), as: UTF8.self)
        guard let start = text.range(of: "==Test Vectors==") else {
            throw VectorError("no test vectors in BIP-32")
        }
        var vectors = TreeVectors()
        for line in text[start.upperBound...].split(separator: "\n") {
            try vectors.read(line)
        }
        return vectors
    }

    private mutating func read(_ line: Substring) throws {
        if let seed = Self.rest(line, after: "Seed (hex): ") {
            seeds.append((seed, []))
        } else if let chain = Self.rest(line, after: "* Chain ") {
            let path = chain.replacing("<sub>H</sub>", with: "'")
            seeds[seeds.count - 1].chains.append(Chain(path: path))
        } else if let key = Self.rest(line, after: "** ext pub: ") {
            try change { $0.publicKey = key }
        } else if let key = Self.rest(line, after: "** ext prv: ") {
            try change { $0.privateKey = key }
        } else if let entry = Self.rest(line, after: "* "), let space = entry.firstIndex(of: " "),
            entry.distance(from: entry.startIndex, to: space) > 100
        {
            invalid.append((String(entry[..<space]), String(entry[space...])))
        }
    }

    private mutating func change(_ body: (inout Chain) -> Void) throws {
        guard let seed = seeds.indices.last, let chain = seeds[seed].chains.indices.last else {
            throw VectorError("a key without a chain")
        }
        body(&seeds[seed].chains[chain])
    }

    private static func rest(_ line: Substring, after prefix: String) -> String? {
        line.hasPrefix(prefix) ? String(line.dropFirst(prefix.count)) : nil
    }
}
