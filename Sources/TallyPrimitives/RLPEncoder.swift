/// Writes canonical RLP (Ethereum Yellow Paper, appendix B) into one growing buffer.
public struct RLPEncoder: Sendable {
    public private(set) var bytes: [UInt8] = []

    public init(capacity: Int = 0) { bytes.reserveCapacity(capacity) }

    /// Forgets what was written, and keeps the memory for what comes.
    package mutating func removeAll() { bytes.removeAll(keepingCapacity: true) }

    /// The encoding of one list whose items `body` writes.
    public static func list(capacity: Int = 0, _ body: (inout RLPEncoder) -> Void) -> [UInt8] {
        var encoder = RLPEncoder(capacity: capacity)
        encoder.list(body)
        return encoder.bytes
    }

    /// A byte string.
    public mutating func append(_ string: some Collection<UInt8>) {
        let count = string.count
        if count == 1, let only = string.first, only < 0x80 {
            bytes.append(only)
            return
        }
        header(0x80, count)
        bytes.append(contentsOf: string)
    }

    public mutating func append(_ value: some FixedBytes) {
        value.withBytes {
            header(0x80, $0.count)
            bytes.append(contentsOf: $0)
        }
    }

    /// An unsigned integer as its shortest big-endian string; zero is the empty string.
    public mutating func append<T: FixedWidthInteger & UnsignedInteger>(_ value: T) {
        if value < 0x80 {
            bytes.append(value == 0 ? 0x80 : UInt8(truncatingIfNeeded: value))
            return
        }
        let count = (T.bitWidth - value.leadingZeroBitCount + 7) / 8
        bytes.append(0x80 + UInt8(count))
        appendBigEndian(value, count: count)
    }

    public mutating func append(_ amount: Amount) { append(amount.units) }
    public mutating func append(_ height: Height) { append(height.value) }
    public mutating func append(_ endpoint: EndpointID) { append(endpoint.index) }
    public mutating func append(_ time: BeaconTime) { append(time.milliseconds) }

    /// An item that is already encoded.
    public mutating func append(encoded item: some Collection<UInt8>) {
        bytes.append(contentsOf: item)
    }

    /// A list whose items `body` writes.
    public mutating func list(_ body: (inout RLPEncoder) -> Void) {
        let start = bytes.count
        // Room for the header of a short list, as most are; a longer one is moved.
        bytes.append(0xc0)
        body(&self)
        let count = bytes.count - start - 1
        guard count > 55 else {
            bytes[start] += UInt8(count)
            return
        }
        let width = Self.width(of: count)
        appendBigEndian(UInt64(count), count: width)
        bytes.withUnsafeMutableBytes { bytes in
            let moved = UnsafeMutableRawBufferPointer(rebasing: bytes[(start + 1 + width)...])
            moved.copyMemory(
                from: UnsafeRawBufferPointer(rebasing: bytes[(start + 1)...].prefix(count)))
            bytes[start] = 0xf7 + UInt8(width)
            for i in 0..<width {
                bytes[start + width - i] = UInt8(truncatingIfNeeded: count >> (8 * i))
            }
        }
    }

    private mutating func header(_ offset: UInt8, _ count: Int) {
        guard count > 55 else {
            bytes.append(offset + UInt8(count))
            return
        }
        let width = Self.width(of: count)
        bytes.append(offset + 55 + UInt8(width))
        appendBigEndian(UInt64(count), count: width)
    }

    /// The last `count` bytes of the big-endian form.
    private mutating func appendBigEndian<T: FixedWidthInteger>(_ value: T, count: Int) {
        withUnsafeBytes(of: value.bigEndian) {
            bytes.append(contentsOf: UnsafeRawBufferPointer(rebasing: $0.suffix(count)))
        }
    }

    private static func width(of count: Int) -> Int {
        (Int.bitWidth - count.leadingZeroBitCount + 7) / 8
    }
}
