/// Why bytes are not the canonical RLP of what was expected.
public enum RLPError: Error, Hashable, Sendable {
    /// The input ends inside an item, or an item exceeds its list.
    case truncated
    /// Bytes follow the last expected item.
    case trailingBytes
    /// A length or single byte has a shorter encoding.
    case nonCanonicalLength
    /// An integer has leading zero bytes.
    case nonCanonicalInteger
    /// An integer has more bytes than its type.
    case integerTooLarge
    /// A string stands where a list is expected.
    case expectedList
    /// A list stands where a string is expected.
    case expectedString
    /// A string has another length than its type.
    case wrongLength(expected: Int, actual: Int)
    /// A string or list is longer than its stated bound.
    case tooLong(limit: Int)
    /// A number is none of the values of its type.
    case unknownValue(UInt64)
}

/// Reads the items of a list, or of the top level, strictly and without recursion.
///
/// Holds the whole input and a range of it: a nested list costs a reference count, no copy.
public struct RLPDecoder {
    private let bytes: [UInt8]
    private var position: Int
    private let end: Int

    public init(_ bytes: [UInt8]) {
        self.bytes = bytes
        position = 0
        end = bytes.count
    }

    /// Reads what follows the first `start` bytes, without copying it.
    package init(_ bytes: [UInt8], from start: Int) {
        precondition((0...bytes.count).contains(start), "a start beyond the end")
        self.init(bytes, start..<bytes.count)
    }

    private init(_ bytes: [UInt8], _ range: Range<Int>) {
        self.bytes = bytes
        position = range.lowerBound
        end = range.upperBound
    }

    /// Decodes exactly one list that fills `bytes`.
    /// - Throws: what `body` throws, and `.trailingBytes` inside and after the list.
    public static func list<R>(
        _ bytes: [UInt8], _ body: (inout RLPDecoder) throws(RLPError) -> R
    ) throws(RLPError) -> R {
        var outer = RLPDecoder(bytes)
        var inner = try outer.nextList()
        let result = try body(&inner)
        try inner.finish()
        try outer.finish()
        return result
    }

    public var isAtEnd: Bool { position == end }

    /// Whether the next item is a list; `false` at the end.
    public var nextIsList: Bool { position < end && bytes[position] >= 0xc0 }

    /// - Throws: `.trailingBytes` unless every item was read.
    public func finish() throws(RLPError) {
        guard isAtEnd else { throw .trailingBytes }
    }

    /// The next item as a string of at most `limit` bytes.
    public mutating func nextString(limit: Int = .max) throws(RLPError) -> ArraySlice<UInt8> {
        let range = try nextRange(list: false)
        guard range.count <= limit else { throw .tooLong(limit: limit) }
        return bytes[range]
    }

    /// A decoder of the items of the next item, a list.
    public mutating func nextList() throws(RLPError) -> RLPDecoder {
        RLPDecoder(bytes, try nextRange(list: true))
    }

    /// The next item with its header, decoded no further.
    public mutating func nextEncoded() throws(RLPError) -> ArraySlice<UInt8> {
        let start = position
        _ = try nextRange(list: nextIsList)
        return bytes[start..<position]
    }

    public mutating func nextInteger<T: FixedWidthInteger & UnsignedInteger>(
        _ type: T.Type = T.self
    ) throws(RLPError) -> T {
        let range = try nextRange(list: false)
        guard !range.isEmpty else { return 0 }
        guard bytes[range.lowerBound] != 0 else { throw .nonCanonicalInteger }
        guard range.count <= T.bitWidth / 8 else { throw .integerTooLarge }
        var value: T = 0
        for i in range { value = value << 8 | T(truncatingIfNeeded: bytes[i]) }
        return value
    }

    public mutating func nextFixed<T: FixedBytes>(
        _ type: T.Type = T.self
    ) throws(RLPError) -> T {
        let range = try nextRange(list: false)
        guard range.count == T.byteCount else {
            throw .wrongLength(expected: T.byteCount, actual: range.count)
        }
        return bytes.withUnsafeBytes { T(loading: UnsafeRawBufferPointer(rebasing: $0[range])) }
    }

    public mutating func nextAmount() throws(RLPError) -> Amount { Amount(try nextInteger()) }
    public mutating func nextHeight() throws(RLPError) -> Height { Height(try nextInteger()) }
    public mutating func nextEndpoint() throws(RLPError) -> EndpointID {
        EndpointID(try nextInteger())
    }
    public mutating func nextTime() throws(RLPError) -> BeaconTime {
        BeaconTime(milliseconds: try nextInteger())
    }

    /// An optional fixed-size value: the empty string is `nil`.
    public mutating func nextOptional<T: FixedBytes>(
        _ type: T.Type = T.self
    ) throws(RLPError) -> T? {
        if position < end, bytes[position] == 0x80 {
            position += 1
            return nil
        }
        return try nextFixed(T.self)
    }

    /// The items of the next item, a list of at most `limit` items.
    public mutating func nextArray<Element>(
        limit: Int, _ item: (inout RLPDecoder) throws(RLPError) -> Element
    ) throws(RLPError) -> [Element] {
        var list = try nextList()
        var items: [Element] = []
        while !list.isAtEnd {
            guard items.count < limit else { throw .tooLong(limit: limit) }
            items.append(try item(&list))
        }
        return items
    }

    /// The range of the next item's content; moves past it.
    private mutating func nextRange(list: Bool) throws(RLPError) -> Range<Int> {
        guard position < end else { throw .truncated }
        let first = bytes[position]
        if first < 0x80 {
            guard !list else { throw .expectedList }
            position += 1
            return (position - 1)..<position
        }
        let base: UInt8 = first < 0xc0 ? 0x80 : 0xc0
        guard list == (base == 0xc0) else { throw list ? .expectedList : .expectedString }
        var start = position + 1
        var count = Int(first - base)
        if count > 55 {
            let width = count - 55
            count = try length(at: start, width: width)
            start += width
        }
        guard count <= end - start else { throw .truncated }
        if base == 0x80, count == 1, bytes[start] < 0x80 { throw .nonCanonicalLength }
        position = start + count
        return start..<position
    }

    private func length(at start: Int, width: Int) throws(RLPError) -> Int {
        guard width <= end - start else { throw .truncated }
        guard bytes[start] != 0 else { throw .nonCanonicalLength }
        guard width < 8 else { throw .truncated }
        var count = 0
        for i in start..<(start + width) { count = count << 8 | Int(bytes[i]) }
        guard count > 55 else { throw .nonCanonicalLength }
        return count
    }
}
