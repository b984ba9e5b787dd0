import Foundation
import TallyPrimitives
import TallyTesting
import Testing

@testable import TallyCrypto

@Suite struct MnemonicTests {
    /// Entropy, phrase, seed under the passphrase TREZOR, master key.
    private static func vectors() throws -> [String: [[String]]] {
        try Vectors.json("bip39/vectors.json")
    }

    @Test func wordListIsThatOfBIP39() {
        #expect(
            SHA256.plain(PackageResources.english_txt).description
                == "0x2f5eed53a4727b4bf8880d8f3f199efc90e58503646d9ff8eff3a2ed3b24dbda")
        #expect(WordList.english.count == 2_048)
        #expect(WordList.english == WordList.english.sorted())
        #expect(WordList.index(of: "abandon") == 0)
        #expect(WordList.index(of: "zoo") == 2_047)
        #expect(WordList.index(of: "zo") == nil)
        for (index, word) in WordList.english.enumerated() {
            #expect(WordList.index(of: word) == index)
        }
    }

    @Test func agreesWithEveryEnglishVector() throws {
        let vectors = try #require(Self.vectors()["english"])
        #expect(vectors.count == 24)
        #expect(Set(vectors.map(\.[0].count)) == [32, 48, 64])
        for vector in vectors {
            let entropy = try Hex.vector(vector[0])
            let mnemonic = try Mnemonic(entropy: entropy)
            #expect(mnemonic.exportPhrase() == vector[1])
            let read = try Mnemonic(phrase: vector[1])
            #expect(read.exportPhrase() == vector[1])
            #expect(read.wordCount == vector[1].split(separator: " ").count)
            let seed = read.seed(passphrase: "TREZOR")
            #expect(seed == (try Hex.vector(vector[2])))
            #expect(try ExtendedPrivateKey(seed: seed).exportText() == vector[3])
        }
    }

    /// The word lists of other languages are not known here, but their phrases give seeds too:
    /// most of them only when they are normalised.
    @Test func seedsOfEveryLanguageAgree() throws {
        let vectors = try Self.vectors()
        #expect(vectors.count == 12)
        var count = 0
        var changed = 0
        for (language, cases) in vectors {
            for vector in cases {
                let seed = Mnemonic.seed(phrase: vector[1], passphrase: "TREZOR")
                #expect(seed == (try Hex.vector(vector[2])), "\(language)")
                #expect(
                    try ExtendedPrivateKey(seed: seed).exportText() == vector[3], "\(language)")
                count += 1
                let composed = vector[1].precomposedStringWithCanonicalMapping
                if !composed.utf8.elementsEqual(vector[1].utf8) { changed += 1 }
                #expect(Mnemonic.seed(phrase: composed, passphrase: "TREZOR") == seed)
            }
        }
        #expect(count == 288)
        #expect(changed > 0)
    }

    @Test(arguments: Mnemonic.wordCounts)
    func everySizeComesBack(_ wordCount: Int) throws {
        try forEachSeed(base: 0x6d6e_656d, count: 50) { seed, generator in
            let entropy = (0..<(wordCount / 3 * 4)).map { _ in
                UInt8.random(in: 0...255, using: &generator)
            }
            let mnemonic = try Mnemonic(entropy: entropy)
            let phrase = mnemonic.exportPhrase()
            #expect(phrase.split(separator: " ").count == wordCount, "seed \(seed)")
            #expect(try Mnemonic(phrase: phrase).exportPhrase() == phrase, "seed \(seed)")
        }
        let fresh = try Mnemonic.generate(wordCount: wordCount)
        #expect(fresh.wordCount == wordCount)
        #expect(
            fresh.exportPhrase() != (try Mnemonic.generate(wordCount: wordCount)).exportPhrase())
    }

    private static let phrase =
        "legal winner thank year wave sausage worth useful legal winner thank yellow"

    @Test func readsWhatPeopleType() throws {
        let typed =
            "  LEGAL Winner thank\tyear wave sausage\nworth useful legal winner  "
            + "thank\u{3000}yellow\r\n"
        #expect(try Mnemonic(phrase: typed).exportPhrase() == Self.phrase)
    }

    @Test(
        arguments: [
            ("", .wordCount(0)),
            ("legal", .wordCount(1)),
            (phrase.replacing(" yellow", with: ""), .wordCount(11)),
            (phrase + " yellow", .wordCount(13)),
            (phrase.replacing("winner", with: "winer"), .unknownWord(position: 2)),
            (phrase.replacing("yellow", with: "yellown"), .unknownWord(position: 12)),
            (phrase.replacing("yellow", with: "zoo"), .wrongChecksum),
            (
                "winner legal thank year wave sausage worth useful legal winner thank yellow",
                .wrongChecksum
            ),
        ] as [(String, MnemonicError)])
    func refusesPhrases(_ phrase: String, _ error: MnemonicError) {
        #expect(throws: error) { try Mnemonic(phrase: phrase) }
        // The words themselves stay secret.
        for word in ["legal", "winer", "zoo"] { #expect(!"\(error)".contains(word)) }
    }

    @Test(arguments: [0, 12, 15, 17, 33, 36])
    func refusesEntropy(_ count: Int) {
        #expect(throws: MnemonicError.entropyLength(count)) {
            try Mnemonic(entropy: [UInt8](repeating: 0, count: count))
        }
    }

    @Test func onlyTheChecksumOf256BitsHasAByteOfItsOwn() throws {
        // Of 24 words, one in 256 last words fits; of 12, one in 16.
        func fitting(_ words: [String]) -> Int {
            WordList.english.count { last in
                (try? Mnemonic(phrase: (words + [last]).joined(separator: " "))) != nil
            }
        }
        #expect(fitting([String](repeating: "zoo", count: 11)) == 128)
        #expect(fitting([String](repeating: "zoo", count: 23)) == 8)
    }

    @Test func thePassphraseIsNormalised() throws {
        let mnemonic = try Mnemonic(phrase: Self.phrase)
        #expect(mnemonic.seed(passphrase: "\u{e9}") == mnemonic.seed(passphrase: "e\u{301}"))
        #expect(mnemonic.seed(passphrase: "e") != mnemonic.seed(passphrase: "\u{e9}"))
        #expect(mnemonic.seed() == mnemonic.seed(passphrase: ""))
    }

    @Test func neverPrintsItself() throws {
        let mnemonic = try Mnemonic(phrase: Self.phrase)
        var dumped = ""
        dump(mnemonic, to: &dumped)
        for text in ["\(mnemonic)", String(reflecting: mnemonic), dumped] {
            #expect(text.contains("redacted"))
            #expect(!text.contains("legal") && !text.contains("127"))
        }
    }
}
