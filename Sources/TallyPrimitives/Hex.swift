/// Hexadecimal text with a `0x` prefix.
public enum Hex {
    private static let digits = Array("0123456789abcdef".utf8)

    /// `0x` and two lower-case digits for each byte.
    public static func encode(_ bytes: some Collection<UInt8>) -> String {
        String(unsafeUninitializedCapacity: 2 + bytes.count * 2) { out in
            out[0] = UInt8(ascii: "0")
            out[1] = UInt8(ascii: "x")
            var position = 2
            for byte in bytes {
                out[position] = digits[Int(byte >> 4)]
                out[position + 1] = digits[Int(byte & 15)]
                position += 2
            }
            return position
        }
    }

    /// The bytes of `0x`-prefixed text with an even number of digits; `nil` for anything else.
    public static func decode(_ text: some StringProtocol) -> [UInt8]? {
        var text = String(text)
        return text.withUTF8 { utf8 in
            guard utf8.count >= 2, utf8[0] == UInt8(ascii: "0"), utf8[1] | 0x20 == UInt8(ascii: "x")
            else { return nil }
            return decode(digits: UnsafeBufferPointer(rebasing: utf8[2...]))
        }
    }

    /// The bytes of an even number of digits without prefix; `nil` for anything else.
    public static func decode(digits utf8: UnsafeBufferPointer<UInt8>) -> [UInt8]? {
        guard utf8.count.isMultiple(of: 2) else { return nil }
        // The standard library would write a count, 0, into the one array that all empty ones share.
        guard !utf8.isEmpty else { return [] }
        var valid = true
        let bytes = [UInt8](unsafeUninitializedCapacity: utf8.count / 2) { out, count in
            count = utf8.count / 2
            for i in 0..<count {
                guard let high = value(utf8[2 * i]), let low = value(utf8[2 * i + 1]) else {
                    valid = false
                    count = i
                    return
                }
                out[i] = high << 4 | low
            }
        }
        return valid ? bytes : nil
    }

    private static func value(_ digit: UInt8) -> UInt8? {
        switch digit {
        case 0x30...0x39: digit &- 0x30
        case 0x61...0x66: digit &- 0x61 &+ 10
        case 0x41...0x46: digit &- 0x41 &+ 10
        default: nil
        }
    }

    /// A JSON-RPC quantity: `0x0`, or `0x` and digits without a leading zero.
    public static func quantity(_ value: some BinaryInteger) -> String {
        "0x" + String(value, radix: 16)
    }
}
