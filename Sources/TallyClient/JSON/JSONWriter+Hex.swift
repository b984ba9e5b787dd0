public import TallyPrimitives

/// The strings of Ethereum's JSON-RPC, from bytes to text with no string between.
extension JSONWriter {
    /// `"0x…"` with two lower-case digits for each byte.
    public mutating func hex(_ bytes: UnsafeRawBufferPointer) {
        guard separate() else { return }
        append(count: 4 + 2 * bytes.count) { out in
            HexDigits.open(out)
            var position = 3
            HexDigits.pairs.withUnsafeBufferPointer { pairs in
                for byte in bytes {
                    out[position] = pairs[2 * Int(byte)]
                    out[position + 1] = pairs[2 * Int(byte) + 1]
                    position += 2
                }
            }
        }
    }

    public mutating func hex(_ bytes: [UInt8]) { bytes.withUnsafeBytes { hex($0) } }
    public mutating func hex(_ bytes: ArraySlice<UInt8>) { bytes.withUnsafeBytes { hex($0) } }
    public mutating func hex(_ value: some FixedBytes) { value.withBytes { hex($0) } }

    /// `"0x0"`, or `"0x…"` without leading zeros.
    public mutating func quantity<T: FixedWidthInteger & UnsignedInteger>(_ value: T) {
        // Two bodies for all types: this one may be called from where it cannot be specialised.
        if T.bitWidth <= 64 {
            appendQuantity(UInt64(truncatingIfNeeded: value))
        } else {
            precondition(T.bitWidth <= 128, "a quantity of more than 128 bits")
            appendQuantity(UInt128(truncatingIfNeeded: value))
        }
    }

    private mutating func appendQuantity<T: FixedWidthInteger & UnsignedInteger>(_ value: T) {
        guard separate() else { return }
        let digits = max(1, (T.bitWidth - value.leadingZeroBitCount + 3) / 4)
        append(count: 4 + digits) { out in
            HexDigits.open(out)
            var rest = value
            for index in stride(from: 2 + digits, through: 3, by: -1) {
                out[index] = HexDigits.digit(UInt8(truncatingIfNeeded: rest) & 15)
                rest >>= 4
            }
        }
    }

    public mutating func quantity(_ amount: Amount) { quantity(amount.units) }
    public mutating func quantity(_ height: Height) { quantity(height.value) }
}

extension JSON {
    /// The bytes of a `"0x…"` string of an even number of digits; `nil` for anything else.
    public var hexBytes: [UInt8]? {
        guard case .string(let text) = self else { return nil }
        return Hex.decode(text)
    }

    /// The value of a `"0x…"` string of exactly its length; `nil` for anything else.
    public func fixedBytes<T: FixedBytes>(_ type: T.Type = T.self) -> T? {
        hexBytes.flatMap { T($0) }
    }

    /// The value of `"0x0"` or of `"0x…"` without leading zeros; `nil` for anything else and
    /// for values that do not fit.
    public func quantity<T: FixedWidthInteger & UnsignedInteger>(_ type: T.Type = T.self) -> T? {
        guard case .string(var text) = self else { return nil }
        return text.withUTF8 { utf8 in
            guard utf8.count >= 3, utf8.count <= 2 + T.bitWidth / 4,
                utf8[0] == UInt8(ascii: "0"), utf8[1] == UInt8(ascii: "x"),
                utf8[2] != UInt8(ascii: "0") || utf8.count == 3
            else { return nil }
            var value: T = 0
            for byte in utf8[2...] {
                guard let digit = HexDigits.value(byte) else { return nil }
                value = value << 4 | T(digit)
            }
            return value
        }
    }
}

enum HexDigits {
    /// The two digits of every byte.
    static let pairs = (0...UInt8.max).flatMap { [digit($0 >> 4), digit($0 & 15)] }

    static func digit(_ nibble: UInt8) -> UInt8 {
        nibble &+ (nibble < 10 ? UInt8(ascii: "0") : UInt8(ascii: "a") &- 10)
    }

    static func value(_ digit: UInt8) -> UInt8? {
        switch digit {
        case 0x30...0x39: digit &- 0x30
        case 0x61...0x66: digit &- 0x61 &+ 10
        case 0x41...0x46: digit &- 0x41 &+ 10
        default: nil
        }
    }

    /// Writes `"0x` at the front and `"` at the end.
    static func open(_ out: UnsafeMutableBufferPointer<UInt8>) {
        out[0] = UInt8(ascii: "\"")
        out[1] = UInt8(ascii: "0")
        out[2] = UInt8(ascii: "x")
        out[out.count - 1] = UInt8(ascii: "\"")
    }
}
