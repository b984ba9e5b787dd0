/// A value of a fixed number of bytes: a hash, an address.
///
/// Stored as words in big-endian order, so that `<` is the order of the bytes and equality and
/// hashing cost a few word operations.
public protocol FixedBytes: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// Length in bytes.
    static var byteCount: Int { get }
    /// Reads the first `byteCount` bytes of `buffer`, which must hold that many.
    init(loading buffer: UnsafeRawBufferPointer)
    /// Calls `body` with the `byteCount` bytes. They must not escape.
    func withBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R
}

extension FixedBytes {
    /// The value of exactly `byteCount` bytes; `nil` for any other length.
    public init?(_ bytes: some Sequence<UInt8>) {
        let copy = Array(bytes)
        guard copy.count == Self.byteCount else { return nil }
        self = copy.withUnsafeBytes { Self(loading: $0) }
    }

    /// `0x` followed by `2 * byteCount` hexadecimal digits; `nil` for anything else.
    public init?(hex: some StringProtocol) {
        guard let bytes = Hex.decode(hex) else { return nil }
        self.init(bytes)
    }

    /// The bytes as an array of `byteCount`.
    public var bytes: [UInt8] { withBytes { Array($0) } }

    /// `0x` and lower-case digits.
    public var description: String { withBytes { Hex.encode($0) } }
}

/// 32 bytes: a SHA-256 or Keccak-256 digest.
public struct Hash32: FixedBytes {
    /// The bytes as four big-endian words, most significant first.
    package let words: (UInt64, UInt64, UInt64, UInt64)

    public static var byteCount: Int { 32 }
    public static let zero = Hash32(words: (0, 0, 0, 0))

    package init(words: (UInt64, UInt64, UInt64, UInt64)) { self.words = words }

    public init(loading buffer: UnsafeRawBufferPointer) {
        words = (
            UInt64(bigEndian: buffer.loadUnaligned(fromByteOffset: 0, as: UInt64.self)),
            UInt64(bigEndian: buffer.loadUnaligned(fromByteOffset: 8, as: UInt64.self)),
            UInt64(bigEndian: buffer.loadUnaligned(fromByteOffset: 16, as: UInt64.self)),
            UInt64(bigEndian: buffer.loadUnaligned(fromByteOffset: 24, as: UInt64.self))
        )
    }

    public func withBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
        let raw = (
            words.0.bigEndian, words.1.bigEndian, words.2.bigEndian, words.3.bigEndian
        )
        return try withUnsafeBytes(of: raw, body)
    }

    /// Bit `index` of the bytes, most significant bit of the first byte being 0.
    package func bit(_ index: Int) -> Bool {
        let word =
            switch index >> 6 {
            case 0: words.0
            case 1: words.1
            case 2: words.2
            default: words.3
            }
        return (word >> UInt64(63 - (index & 63))) & 1 == 1
    }

    public static func == (a: Hash32, b: Hash32) -> Bool { a.words == b.words }
    public static func < (a: Hash32, b: Hash32) -> Bool { a.words < b.words }
    public func hash(into hasher: inout Hasher) {
        hasher.combine(words.0)
        hasher.combine(words.1)
    }
}

/// 20 bytes: an account, as Ethereum derives it (the last 20 bytes of the Keccak-256 of the key).
public struct Address: FixedBytes {
    package let words: (UInt64, UInt64, UInt32)

    public static var byteCount: Int { 20 }
    public static let zero = Address(words: (0, 0, 0))

    package init(words: (UInt64, UInt64, UInt32)) { self.words = words }

    public init(loading buffer: UnsafeRawBufferPointer) {
        words = (
            UInt64(bigEndian: buffer.loadUnaligned(fromByteOffset: 0, as: UInt64.self)),
            UInt64(bigEndian: buffer.loadUnaligned(fromByteOffset: 8, as: UInt64.self)),
            UInt32(bigEndian: buffer.loadUnaligned(fromByteOffset: 16, as: UInt32.self))
        )
    }

    public func withBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
        var raw: (UInt64, UInt64, UInt32) = (0, 0, 0)
        raw.0 = words.0.bigEndian
        raw.1 = words.1.bigEndian
        raw.2 = words.2.bigEndian
        return try withUnsafeBytes(of: raw) {
            try body(UnsafeRawBufferPointer(rebasing: $0[0..<20]))
        }
    }

    /// The first 16 bits, which decide the home shard.
    public var prefix: UInt16 { UInt16(truncatingIfNeeded: words.0 >> 48) }

    public static func == (a: Address, b: Address) -> Bool { a.words == b.words }
    public static func < (a: Address, b: Address) -> Bool { a.words < b.words }
    public func hash(into hasher: inout Hasher) {
        hasher.combine(words.0)
        hasher.combine(words.1)
        hasher.combine(words.2)
    }
}
