import TallyPrimitives

/// Why bytes are not the DER form of an ECDSA signature.
package enum DERSignatureError: Error, Hashable, Sendable {
    /// An element ends after its container or the input.
    case truncated
    /// Bytes follow the second number, or the sequence.
    case trailingBytes
    /// Not a sequence of two integers.
    case unexpectedTag(UInt8)
    /// A length in the long form: no signature of 256 bits needs it, and BER would allow any number
    /// of forms.
    case longLength
    /// An integer without bytes.
    case emptyInteger
    case negativeInteger
    /// A zero byte in front of one that needs none.
    case paddedInteger
    /// An integer above 2^256 − 1.
    case integerTooLarge
}

/// A signature as `SEQUENCE { INTEGER r, INTEGER s }` in DER, which has one form for each pair.
///
/// Strict: whatever is read is written again to the same bytes.
/// Sources: RFC 3279, section 2.2.3; ITU-T X.690, sections 8.3 and 10.1.
package enum DERSignature {
    /// 6 bytes of headers and two integers of up to 33.
    package static let maximumByteCount = 72

    private static let sequenceTag: UInt8 = 0x30
    private static let integerTag: UInt8 = 0x02

    /// Reads the numbers, whose range is another check.
    /// - Throws: every case of `DERSignatureError`.
    package static func decode(_ bytes: [UInt8]) throws(DERSignatureError) -> CompactSignature {
        var rest = bytes[...]
        var fields = try element(sequenceTag, &rest)
        guard rest.isEmpty else { throw .trailingBytes }
        let r = try integer(&fields)
        let s = try integer(&fields)
        guard fields.isEmpty else { throw .trailingBytes }
        return CompactSignature(r: r, s: s)
    }

    package static func encode(_ signature: CompactSignature) -> [UInt8] {
        let fields = integer(signature.r) + integer(signature.s)
        return [sequenceTag, UInt8(fields.count)] + fields
    }

    private static func element(
        _ tag: UInt8, _ rest: inout ArraySlice<UInt8>
    ) throws(DERSignatureError) -> ArraySlice<UInt8> {
        guard let first = rest.popFirst() else { throw .truncated }
        guard first == tag else { throw .unexpectedTag(first) }
        guard let length = rest.popFirst() else { throw .truncated }
        guard length < 0x80 else { throw .longLength }
        guard rest.count >= Int(length) else { throw .truncated }
        defer { rest = rest.dropFirst(Int(length)) }
        return rest.prefix(Int(length))
    }

    private static func integer(
        _ rest: inout ArraySlice<UInt8>
    ) throws(DERSignatureError) -> Hash32 {
        var bytes = try element(integerTag, &rest)
        guard let first = bytes.first else { throw .emptyInteger }
        guard first < 0x80 else { throw .negativeInteger }
        if first == 0, let second = bytes.dropFirst().first {
            guard second >= 0x80 else { throw .paddedInteger }
            bytes = bytes.dropFirst()
        }
        guard let number = Hash32(repeatElement(0, count: max(0, 32 - bytes.count)) + bytes)
        else { throw .integerTooLarge }
        return number
    }

    private static func integer(_ number: Hash32) -> [UInt8] {
        var bytes = Array(number.bytes.drop { $0 == 0 })
        if bytes.isEmpty || bytes[0] >= 0x80 { bytes.insert(0, at: 0) }
        return [integerTag, UInt8(bytes.count)] + bytes
    }
}
