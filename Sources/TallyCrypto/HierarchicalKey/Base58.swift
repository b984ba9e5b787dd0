import TallyPrimitives

/// Why text is not Base58Check.
package enum Base58Error: Error, Hashable, Sendable {
    /// More characters than any value of ours has.
    case tooLong(limit: Int)
    /// Not one of the 58 characters, at this offset in bytes.
    case unknownCharacter(offset: Int)
    /// No room for a checksum.
    case truncated
    case wrongChecksum
}

/// Base58 with a checksum, as BIP-32 writes keys: the first 4 bytes of the SHA-256 of the SHA-256
/// follow the content, and all of it is one number in base 58, a `1` for each zero byte in front.
enum Base58Check {
    /// An extended key has 111 characters.
    static let characterLimit = 128

    private static let alphabet = Array(
        "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz".utf8)

    /// - Complexity: quadratic in the length.
    static func encode(_ content: [UInt8]) -> String {
        let bytes = content + checksum(content)
        // Digits of base 58, least significant first.
        var digits: [UInt8] = []
        for byte in bytes {
            var carry = Int(byte)
            for i in digits.indices {
                carry += Int(digits[i]) << 8
                digits[i] = UInt8(carry % 58)
                carry /= 58
            }
            while carry > 0 {
                digits.append(UInt8(carry % 58))
                carry /= 58
            }
        }
        let zeros = bytes.prefix { $0 == 0 }.map { _ in alphabet[0] }
        return String(
            decoding: zeros + digits.reversed().map { alphabet[Int($0)] }, as: UTF8.self)
    }

    /// - Complexity: quadratic in the length, which is bounded.
    static func decode(_ text: String) throws(Base58Error) -> [UInt8] {
        let characters = Array(text.utf8)
        guard characters.count <= characterLimit else { throw .tooLong(limit: characterLimit) }
        // Bytes, least significant first.
        var number: [UInt8] = []
        for (offset, character) in characters.enumerated() {
            guard let digit = alphabet.firstIndex(of: character) else {
                throw .unknownCharacter(offset: offset)
            }
            var carry = digit
            for i in number.indices {
                carry += Int(number[i]) * 58
                number[i] = UInt8(truncatingIfNeeded: carry)
                carry >>= 8
            }
            while carry > 0 {
                number.append(UInt8(truncatingIfNeeded: carry))
                carry >>= 8
            }
        }
        let zeros = characters.prefix { $0 == alphabet[0] }.map { _ in UInt8(0) }
        let bytes = zeros + number.reversed()
        guard bytes.count >= 4 else { throw .truncated }
        let content = Array(bytes.dropLast(4))
        guard checksum(content) == Array(bytes.suffix(4)) else { throw .wrongChecksum }
        return content
    }

    private static func checksum(_ content: [UInt8]) -> [UInt8] {
        Array(SHA256.plain(SHA256.plain(content).bytes).bytes[..<4])
    }
}
