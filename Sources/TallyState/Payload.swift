/// What an object holds besides its money: 0 to 2^20 bytes, meant to be an RLP item.
///
/// Up to 15 bytes lie in the value itself, because the payload of an account is a nonce of at
/// most 9 bytes and a block reads and writes tens of thousands of them.
package struct Payload: Hashable, Sendable {
    /// Short strings have one representation only, so that `==` may compare representations.
    private enum Storage: Hashable, Sendable {
        /// Bytes in little-endian order; the last, most significant one is the count.
        case small(UInt64, UInt64)
        /// More than `smallLimit` bytes.
        case large([UInt8])
    }

    private let storage: Storage

    private static let smallLimit = 15
    /// Most bytes a payload may have.
    package static let maximumCount = 1 << 20
    package static let empty = Payload(small: 0, 0)

    private init(small low: UInt64, _ high: UInt64) { storage = .small(low, high) }

    package init(_ bytes: [UInt8]) {
        self = bytes.withUnsafeBytes { Payload(copying: $0) { bytes } }
    }

    init(copying bytes: UnsafeRawBufferPointer) {
        self.init(copying: bytes) { Array(bytes) }
    }

    private init(copying bytes: UnsafeRawBufferPointer, large: () -> [UInt8]) {
        guard bytes.count <= Self.smallLimit else {
            precondition(bytes.count <= Self.maximumCount, "payload of \(bytes.count) bytes")
            storage = .large(large())
            return
        }
        var words: (UInt64, UInt64) = (0, 0)
        withUnsafeMutableBytes(of: &words) {
            $0.copyMemory(from: bytes)
            $0[Self.smallLimit] = UInt8(bytes.count)
        }
        storage = .small(UInt64(littleEndian: words.0), UInt64(littleEndian: words.1))
    }

    /// The canonical RLP of one integer, 1 to 9 bytes. Allocates nothing.
    package init(rlpInteger value: UInt64) {
        guard value >= 0x80 else {
            self.init(small: value == 0 ? 0x80 : value, 1 << 56)
            return
        }
        let count = (64 - value.leadingZeroBitCount + 7) / 8
        let digits = value.byteSwapped >> UInt64(64 - 8 * count)
        let high = count == 8 ? digits >> 56 : 0
        self.init(small: digits << 8 | UInt64(0x80 + count), high | UInt64(count + 1) << 56)
    }

    /// The integer whose canonical RLP this is; `nil` when it is anything else.
    package var rlpInteger: UInt64? {
        guard case .small(let low, let high) = storage else { return nil }
        let count = Int(high >> 56)
        let first = low & 0xff
        if count == 1 {
            return first == 0x80 ? 0 : (1..<0x80).contains(first) ? first : nil
        }
        guard (2...9).contains(count), first == UInt64(0x80 + count - 1) else { return nil }
        let digits = low >> 8 | high << 56
        let value = digits.byteSwapped >> UInt64(64 - 8 * (count - 1))
        return Payload(rlpInteger: value) == self ? value : nil
    }

    package var count: Int {
        switch storage {
        case .small(_, let high): Int(high >> 56)
        case .large(let bytes): bytes.count
        }
    }

    package var isEmpty: Bool { count == 0 }

    package var bytes: [UInt8] {
        switch storage {
        case .small: withBytes { Array($0) }
        case .large(let bytes): bytes
        }
    }

    /// Calls `body` with the bytes. They must not escape.
    package func withBytes<R>(_ body: (UnsafeRawBufferPointer) -> R) -> R {
        switch storage {
        case .small(let low, let high):
            withUnsafeBytes(of: (low.littleEndian, high.littleEndian)) {
                body(UnsafeRawBufferPointer(rebasing: $0[0..<Int(high >> 56)]))
            }
        case .large(let bytes): bytes.withUnsafeBytes(body)
        }
    }
}
