/// Eight bytes at a time: which of them cannot be copied as they are.
enum JSONBytes {
    private static let ones: UInt64 = 0x0101_0101_0101_0101
    private static let highBits: UInt64 = 0x8080_8080_8080_8080

    /// Whether none of eight bytes is a quote, a backslash or a control byte.
    ///
    /// Source: Mycroft's test for a zero byte, `(x - 1) & ~x & 0x80` in every lane; a borrow can
    /// only report a byte too many, which costs a look at the single bytes.
    static func arePlain(_ word: UInt64) -> Bool {
        let quote = word ^ (ones &* 0x22)
        let backslash = word ^ (ones &* 0x5c)
        let found =
            (quote &- ones) & ~quote | (backslash &- ones) & ~backslash
            | (word &- ones &* 0x20) & ~word
        return found & highBits == 0
    }

    /// Whether a byte stands for itself inside a string; bytes from 0x80 need a UTF-8 check.
    static func isPlain(_ byte: UInt8) -> Bool {
        byte >= 0x20 && byte != 0x22 && byte != 0x5c
    }
}

extension JSONParser {
    /// The string whose opening quote stands at the position.
    mutating func string() throws(JSONError) -> String {
        let start = position
        position += 1
        try skipPlain()
        if input[position] == UInt8(ascii: "\"") {
            defer { position += 1 }
            return try text(input[(start + 1)..<position], at: start)
        }
        var unescaped = Array(input[(start + 1)..<position])
        while input[position] != UInt8(ascii: "\"") {
            try escape(into: &unescaped)
            let plain = position
            try skipPlain()
            unescaped.append(contentsOf: input[plain..<position])
        }
        position += 1
        guard let text = String(validating: unescaped, as: UTF8.self) else {
            throw .invalidUTF8(offset: start)
        }
        return text
    }

    private func text(
        _ bytes: Slice<UnsafeRawBufferPointer>, at start: Int
    ) throws(JSONError) -> String {
        let bytes = UnsafeRawBufferPointer(rebasing: bytes)
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw .invalidUTF8(offset: start)
        }
        return text
    }

    /// Moves to the next quote or backslash.
    private mutating func skipPlain() throws(JSONError) {
        while true {
            while input.count - position >= 8,
                JSONBytes.arePlain(
                    input.loadUnaligned(fromByteOffset: position, as: UInt64.self))
            {
                position += 8
            }
            // The word holds something else, or part of a word is left: look at single bytes, and
            // go back to words once past them.
            let end = min(position + 8, input.count)
            while position < end, JSONBytes.isPlain(input[position]) { position += 1 }
            guard position < input.count else { throw .unexpectedEnd(offset: position) }
            guard position == end else { break }
        }
        guard input[position] >= 0x20 else { throw .controlCharacter(offset: position) }
    }

    /// Reads what a backslash at the position stands for.
    private mutating func escape(into bytes: inout [UInt8]) throws(JSONError) {
        let start = position
        guard position + 1 < input.count else { throw .unexpectedEnd(offset: input.count) }
        let kind = input[position + 1]
        position += 2
        switch kind {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): bytes.append(kind)
        case UInt8(ascii: "b"): bytes.append(0x08)
        case UInt8(ascii: "f"): bytes.append(0x0c)
        case UInt8(ascii: "n"): bytes.append(0x0a)
        case UInt8(ascii: "r"): bytes.append(0x0d)
        case UInt8(ascii: "t"): bytes.append(0x09)
        case UInt8(ascii: "u"):
            let scalar = try scalar(start)
            bytes.append(contentsOf: Character(scalar).utf8)
        default: throw .invalidEscape(offset: start)
        }
    }

    /// The scalar of the digits at the position and, after a high surrogate, of `\uXXXX` behind.
    private mutating func scalar(_ start: Int) throws(JSONError) -> Unicode.Scalar {
        let first = try codeUnit(start)
        if let scalar = Unicode.Scalar(first) { return scalar }
        guard UTF16.isLeadSurrogate(first), input.count - position >= 2,
            input[position] == UInt8(ascii: "\\"), input[position + 1] == UInt8(ascii: "u")
        else { throw .loneSurrogate(offset: start) }
        position += 2
        let second = try codeUnit(position - 2)
        guard UTF16.isTrailSurrogate(second) else { throw .loneSurrogate(offset: start) }
        return UTF16.decode(UTF16.EncodedScalar([first, second]))
    }

    private mutating func codeUnit(_ start: Int) throws(JSONError) -> UInt16 {
        guard input.count - position >= 4 else { throw .unexpectedEnd(offset: input.count) }
        var unit: UInt16 = 0
        for _ in 0..<4 {
            let byte = input[position]
            let digit =
                switch byte {
                case 0x30...0x39: byte - 0x30
                case 0x61...0x66: byte - 0x61 + 10
                case 0x41...0x46: byte - 0x41 + 10
                default: throw JSONError.invalidEscape(offset: start)
                }
            unit = unit << 4 | UInt16(digit)
            position += 1
        }
        return unit
    }
}
