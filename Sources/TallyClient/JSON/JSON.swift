/// A JSON value (RFC 8259). Numbers keep their exact text unless they are 64-bit integers.
public enum JSON: Hashable, Sendable {
    case null
    case bool(Bool)
    /// An integer from −2^63 to 2^63 − 1 without fraction or exponent, except `-0`.
    case integer(Int64)
    /// An integer from 2^63 to 2^64 − 1; smaller ones are always `integer`.
    case unsigned(UInt64)
    /// The text of any other number, a valid JSON number.
    case number(String)
    case string(String)
    case array([JSON])
    case object(JSONObject)

    /// An integer in its only form.
    public init(_ value: some BinaryInteger) {
        if let small = Int64(exactly: value) {
            self = .integer(small)
        } else if let large = UInt64(exactly: value) {
            self = .unsigned(large)
        } else {
            self = .number(String(value))
        }
    }
}

extension JSON {
    public var isNull: Bool { self == .null }

    public var boolValue: Bool? {
        if case .bool(let value) = self { value } else { nil }
    }

    public var int64Value: Int64? {
        if case .integer(let value) = self { value } else { nil }
    }

    public var uint64Value: UInt64? {
        switch self {
        case .integer(let value): UInt64(exactly: value)
        case .unsigned(let value): value
        case .null, .bool, .number, .string, .array, .object: nil
        }
    }

    public var stringValue: String? {
        if case .string(let value) = self { value } else { nil }
    }

    public var arrayValue: [JSON]? {
        if case .array(let value) = self { value } else { nil }
    }

    public var objectValue: JSONObject? {
        if case .object(let value) = self { value } else { nil }
    }

    /// The member of an object; `nil` when there is none or this is no object.
    public subscript(key: String) -> JSON? { objectValue?[key] }

    /// The element of an array; `nil` when there is none or this is no array.
    public subscript(index: Int) -> JSON? {
        guard case .array(let elements) = self, elements.indices.contains(index) else {
            return nil
        }
        return elements[index]
    }
}

/// The members of a JSON object in their order of appearance.
///
/// Look-up is linear: the objects of JSON-RPC are small, and the order is part of the value.
public struct JSONObject: Hashable, Sendable {
    public struct Member: Hashable, Sendable {
        public let key: String
        public let value: JSON

        public init(_ key: String, _ value: JSON) {
            self.key = key
            self.value = value
        }
    }

    public let members: [Member]

    /// - Precondition: no two keys are equal.
    public init(_ members: [Member]) {
        precondition(
            Self.repeatedKey(in: members) == nil, "an object with two members of the same name")
        self.members = members
    }

    /// Members whose keys the parser has compared already.
    init(distinct members: [Member]) { self.members = members }

    public var count: Int { members.count }

    /// - Complexity: O(members).
    public subscript(key: String) -> JSON? {
        for member in members where member.key == key { return member.value }
        return nil
    }

    /// The index of the first member whose key stood before; `nil` when all differ.
    ///
    /// - Complexity: O(members): a set takes over from comparing all pairs, or a large object
    ///   would cost its sender nothing and its reader quadratic time.
    static func repeatedKey(in members: [Member]) -> Int? {
        if members.count <= 8 {
            for later in members.indices.dropFirst() {
                for earlier in 0..<later where members[earlier].key == members[later].key {
                    return later
                }
            }
            return nil
        }
        var seen = Set<String>(minimumCapacity: members.count)
        return members.firstIndex { !seen.insert($0.key).inserted }
    }
}

extension JSON: ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByStringLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    public init(integerLiteral value: Int64) { self = .integer(value) }
    public init(stringLiteral value: String) { self = .string(value) }
    public init(arrayLiteral elements: JSON...) { self = .array(elements) }
    public init(dictionaryLiteral elements: (String, JSON)...) {
        self = .object(JSONObject(elements.map { JSONObject.Member($0.0, $0.1) }))
    }
}

extension JSON: CustomStringConvertible {
    /// The value as compact JSON text.
    public var description: String {
        var writer = JSONWriter()
        writer.value(self)
        return String(decoding: writer.bytes, as: UTF8.self)
    }
}
