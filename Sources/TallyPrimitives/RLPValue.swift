/// A value with one canonical RLP encoding.
public protocol RLPValue {
    /// Appends exactly one item.
    func encode(to out: inout RLPEncoder)
    /// Reads exactly one item.
    init(from input: inout RLPDecoder) throws(RLPError)
}

extension RLPValue {
    /// The encoding on its own.
    public var encoded: [UInt8] {
        var out = RLPEncoder(capacity: 128)
        encode(to: &out)
        return out.bytes
    }

    /// Decodes a value that fills `bytes`.
    public init(encoded bytes: [UInt8]) throws(RLPError) {
        var input = RLPDecoder(bytes)
        self = try Self(from: &input)
        try input.finish()
    }
}

extension RLPEncoder {
    /// A list of values.
    public mutating func append<Value: RLPValue>(_ values: [Value]) {
        list { out in for value in values { value.encode(to: &out) } }
    }

    /// An optional fixed-size value: `nil` is the empty string.
    public mutating func append(optional value: (some FixedBytes)?) {
        if let value { append(value) } else { append(EmptyCollection<UInt8>()) }
    }
}

extension RLPDecoder {
    /// A list of at most `limit` values.
    public mutating func nextArray<Value: RLPValue>(
        of type: Value.Type = Value.self, limit: Int
    ) throws(RLPError) -> [Value] {
        try nextArray(limit: limit) { (input) throws(RLPError) in try Value(from: &input) }
    }

    /// A number of an enumeration with one-byte raw values.
    public mutating func nextCase<Value: RawRepresentable<UInt8>>(
        _ type: Value.Type = Value.self
    ) throws(RLPError) -> Value {
        let raw: UInt8 = try nextInteger()
        guard let value = Value(rawValue: raw) else { throw .unknownValue(UInt64(raw)) }
        return value
    }
}
