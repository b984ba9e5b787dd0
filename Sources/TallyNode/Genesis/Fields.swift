import TallyClient
import TallyPrimitives

/// Typed reading of the fields of one object, whose path names it in errors.
struct Fields {
    let path: String
    private let object: JSONObject

    /// - Throws: `.notAnObject`.
    init(_ json: JSON, path: String) throws(GenesisDocumentError) {
        guard case .object(let object) = json else { throw .notAnObject(field: path) }
        self.path = path
        self.object = object
    }

    /// - Throws: `.unknownField` for the first that is not listed.
    func allowOnly(_ names: [String]) throws(GenesisDocumentError) {
        for member in object.members where !names.contains(member.key) {
            throw .unknownField(full(member.key))
        }
    }

    /// - Throws: `.missingField` where `read` finds nothing.
    func required<Value>(
        _ name: String, _ read: (String) throws(GenesisDocumentError) -> Value?
    ) throws(GenesisDocumentError) -> Value {
        guard let value = try read(name) else { throw .missingField(full(name)) }
        return value
    }

    func string(_ name: String) throws(GenesisDocumentError) -> String? {
        guard let json = object[name] else { return nil }
        guard let text = json.stringValue else {
            throw .malformed(field: full(name), expected: "a string")
        }
        return text
    }

    func bool(_ name: String) throws(GenesisDocumentError) -> Bool? {
        guard let json = object[name] else { return nil }
        guard case .bool(let value) = json else {
            throw .malformed(field: full(name), expected: "true or false")
        }
        return value
    }

    /// The fields of a required object.
    func object(_ name: String) throws(GenesisDocumentError) -> Fields {
        guard let json = object[name] else { throw .missingField(full(name)) }
        return try Fields(json, path: full(name))
    }

    func has(_ name: String) -> Bool { object[name] != nil }

    func integer<T: FixedWidthInteger>(_ name: String) throws(GenesisDocumentError) -> T? {
        guard let json = object[name] else { return nil }
        guard let number = json.uint64Value, let value = T(exactly: number) else {
            throw .malformed(field: full(name), expected: "an integer of 0 to \(T.max)")
        }
        return value
    }

    func amount(_ name: String) throws(GenesisDocumentError) -> Amount? {
        guard let json = object[name] else { return nil }
        guard let text = json.stringValue, let amount = Amount(decimal: text) else {
            throw .malformed(
                field: full(name), expected: "a string of decimal digits, at most 2^128 - 1")
        }
        return amount
    }

    func address(_ name: String) throws(GenesisDocumentError) -> Address? {
        guard let json = object[name] else { return nil }
        return try Self.address(json, full(name))
    }

    static func address(_ json: JSON, _ field: String) throws(GenesisDocumentError) -> Address {
        guard let text = json.stringValue, let address = Address(hex: text) else {
            throw .malformed(field: field, expected: "\"0x\" and 40 hexadecimal digits")
        }
        return address
    }

    /// The elements of a required array, each with its path.
    func array(
        _ name: String
    ) throws(GenesisDocumentError) -> [(value: JSON, path: String)] {
        guard let json = object[name] else { throw .missingField(full(name)) }
        guard let elements = json.arrayValue else {
            throw .malformed(field: full(name), expected: "an array")
        }
        return elements.enumerated().map { ($1, "\(full(name))[\($0)]") }
    }

    private func full(_ name: String) -> String { path.isEmpty ? name : path + "." + name }
}

extension JSON {
    /// The value on indented lines, for people; short arrays and objects stay on one.
    package func indented(_ depth: Int = 0) -> String {
        let compact = description
        let inner = String(repeating: "  ", count: depth + 1)
        let end = "\n" + String(repeating: "  ", count: depth)
        switch self {
        case .array(let elements) where compact.utf8.count > 80:
            return "[\n"
                + elements.map { inner + $0.indented(depth + 1) }.joined(separator: ",\n")
                + end + "]"
        case .object(let object) where depth == 0 || compact.utf8.count > 80:
            let members = object.members.map {
                inner + JSON.string($0.key).description + ": " + $0.value.indented(depth + 1)
            }
            return "{\n" + members.joined(separator: ",\n") + end + "}"
        case .null, .bool, .integer, .unsigned, .number, .string, .array, .object:
            return compact
        }
    }
}
