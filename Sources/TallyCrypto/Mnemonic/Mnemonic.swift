import Foundation
import TallyPrimitives

/// Why words are no recovery phrase. No case holds a word: they are secret.
package enum MnemonicError: Error, Hashable, Sendable {
    /// Not 12, 15, 18, 21 or 24 words.
    case wordCount(Int)
    /// Not 16, 20, 24, 28 or 32 bytes.
    case entropyLength(Int)
    /// The word at this position, from 1, is not in the English list.
    case unknownWord(position: Int)
    /// Every word is known, but they do not belong together: one is wrong, or the order is.
    case wrongChecksum
}

extension MnemonicError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .wordCount(let count):
            "a recovery phrase has 12, 15, 18, 21 or 24 words, not \(count)"
        case .entropyLength(let count):
            "a recovery phrase is made of 16, 20, 24, 28 or 32 bytes, not \(count)"
        case .unknownWord(let position):
            "word \(position) is not one of the English words of recovery phrases"
        case .wrongChecksum:
            "the words do not belong together: one of them is wrong, or their order is"
        }
    }
}

/// A recovery phrase in English (ENC-13): random bytes and their checksum as words to write down.
///
/// Every printed form hides it: the words leave only through `exportPhrase()`.
/// Source: BIP-39.
package struct Mnemonic: Sendable {
    /// How many words a phrase may have.
    package static let wordCounts = [12, 15, 18, 21, 24]

    private let entropy: [UInt8]

    /// - Parameter entropy: 16, 20, 24, 28 or 32 bytes.
    /// - Throws: `.entropyLength`.
    package init(entropy: [UInt8]) throws(MnemonicError) {
        guard entropy.count.isMultiple(of: 4), (16...32).contains(entropy.count) else {
            throw .entropyLength(entropy.count)
        }
        self.entropy = entropy
    }

    /// Words as somebody wrote them down: any white space between them, in either case.
    /// - Throws: `.wordCount`, `.unknownWord`, `.wrongChecksum`.
    package init(phrase: String) throws(MnemonicError) {
        let words = Self.normalised(phrase).lowercased().split(whereSeparator: \.isWhitespace)
        guard Self.wordCounts.contains(words.count) else { throw .wordCount(words.count) }
        // 33 bits for each 3 words, of which 32 are entropy.
        var bytes: [UInt8] = []
        var pending: UInt32 = 0
        var pendingBits: UInt32 = 0
        for (position, word) in words.enumerated() {
            guard let index = WordList.index(of: word) else {
                throw .unknownWord(position: position + 1)
            }
            pending = pending << 11 | UInt32(index)
            pendingBits += 11
            while pendingBits >= 8 {
                pendingBits -= 8
                bytes.append(UInt8(truncatingIfNeeded: pending >> pendingBits))
            }
        }
        defer { SecretBytes.wipe(&bytes) }
        let count = words.count / 3 * 4
        let entropy = Array(bytes[..<count])
        // 4 to 8 bits: those in the byte after the entropy, or not yet a whole byte.
        let checksumBits = UInt32(words.count / 3)
        let checksum =
            checksumBits == 8
            ? bytes[count] : UInt8(truncatingIfNeeded: pending & (1 << checksumBits - 1))
        guard Self.checksum(entropy) == checksum else { throw .wrongChecksum }
        self.entropy = entropy
    }

    /// A fresh phrase from the operating system's randomness.
    /// - Parameter wordCount: one of `wordCounts`.
    /// - Throws: `SecureRandomError.unavailable`.
    package static func generate(wordCount: Int) throws(SecureRandomError) -> Mnemonic {
        precondition(wordCounts.contains(wordCount), "no phrase has so many words")
        let entropy = try SecureRandom.bytes(wordCount / 3 * 4)
        guard let mnemonic = try? Mnemonic(entropy: entropy) else {
            preconditionFailure("4 bytes for 3 words are a length that is allowed")
        }
        return mnemonic
    }

    package var wordCount: Int { entropy.count / 4 * 3 }

    /// The secret words, each followed by one space but the last.
    package func exportPhrase() -> String {
        var words: [String] = []
        var pending: UInt32 = 0
        var pendingBits: UInt32 = 0
        func take() {
            while pendingBits >= 11 {
                pendingBits -= 11
                words.append(WordList.english[Int(pending >> pendingBits) & 2_047])
            }
        }
        for byte in entropy {
            pending = pending << 8 | UInt32(byte)
            pendingBits += 8
            take()
        }
        let checksumBits = UInt32(entropy.count / 4)
        pending = pending << checksumBits | UInt32(Self.checksum(entropy))
        pendingBits += checksumBits
        take()
        return words.joined(separator: " ")
    }

    /// The 64 secret bytes that keys are derived from.
    /// - Parameter passphrase: any text; another one gives another seed, and none is wrong.
    package func seed(passphrase: String = "") -> [UInt8] {
        Self.seed(phrase: exportPhrase(), passphrase: passphrase)
    }

    /// The seed of a phrase in any language, which is not checked.
    /// - Complexity: 2,048 rounds of PBKDF2 with HMAC-SHA-512, about 1 ms.
    static func seed(phrase: String, passphrase: String) -> [UInt8] {
        var password = Array(normalised(phrase).utf8)
        var salt = Array(("mnemonic" + normalised(passphrase)).utf8)
        defer {
            SecretBytes.wipe(&password)
            SecretBytes.wipe(&salt)
        }
        return PBKDF2.derive(
            password: password, salt: salt, rounds: 2_048, count: 64, function: .sha512)
    }

    /// The first bit of SHA-256 for each 4 bytes of entropy.
    private static func checksum(_ entropy: [UInt8]) -> UInt8 {
        let bits = entropy.count / 4
        return SHA256.plain(entropy).bytes[0] >> UInt8(8 - bits)
    }

    /// NFKD (Unicode Standard Annex 15).
    private static func normalised(_ text: String) -> String {
        text.utf8.allSatisfy { $0 < 0x80 } ? text : text.decomposedStringWithCompatibilityMapping
    }
}

extension Mnemonic: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package var description: String { "Mnemonic(redacted)" }
    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(self, children: []) }
}
