extension JSON {
    /// Parses exactly one value that fills `bytes`, white space aside.
    ///
    /// Strict: RFC 8259 with UTF-8 only, no byte order mark, distinct keys, whole surrogate pairs.
    /// - Throws: every case of `JSONError`.
    /// - Complexity: O(bytes).
    public static func parse(
        _ bytes: UnsafeRawBufferPointer, limits: JSONLimits = .standard
    ) throws(JSONError) -> JSON {
        var parser = JSONParser(bytes, limits)
        return try parser.document()
    }

    public static func parse(
        _ bytes: [UInt8], limits: JSONLimits = .standard
    ) throws(JSONError) -> JSON {
        let result = bytes.withUnsafeBytes { buffer -> Result<JSON, JSONError> in
            do throws(JSONError) {
                return .success(try parse(buffer, limits: limits))
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }
}

/// Recursive descent over raw bytes, the depth of recursion being bounded by the limits.
struct JSONParser {
    // SAFETY: the parser is a local of `JSON.parse` and ends before the caller's buffer does.
    let input: UnsafeRawBufferPointer
    let limits: JSONLimits
    var position = 0
    private var remainingValues: Int

    init(_ input: UnsafeRawBufferPointer, _ limits: JSONLimits) {
        self.input = input
        self.limits = limits
        remainingValues = limits.values
    }

    mutating func document() throws(JSONError) -> JSON {
        let value = try value(depth: 0)
        skipWhitespace()
        guard position == input.count else { throw .trailingBytes(offset: position) }
        return value
    }

    private mutating func value(depth: Int) throws(JSONError) -> JSON {
        let first = try nextSignificant()
        guard remainingValues > 0 else {
            throw .tooManyValues(limit: limits.values, offset: position)
        }
        remainingValues -= 1
        switch first {
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "{"): return .object(try object(depth: depth + 1))
        case UInt8(ascii: "["): return .array(try array(depth: depth + 1))
        case UInt8(ascii: "-"), 0x30...0x39: return try number()
        case UInt8(ascii: "t"): return try literal("true", .bool(true))
        case UInt8(ascii: "f"): return try literal("false", .bool(false))
        case UInt8(ascii: "n"): return try literal("null", .null)
        default: throw .unexpectedByte(first, offset: position)
        }
    }

    private mutating func array(depth: Int) throws(JSONError) -> [JSON] {
        try enter(depth)
        var elements: [JSON] = []
        if try nextSignificant() == UInt8(ascii: "]") {
            position += 1
            return elements
        }
        while true {
            elements.append(try value(depth: depth))
            if try closes(UInt8(ascii: "]")) { return elements }
        }
    }

    private mutating func object(depth: Int) throws(JSONError) -> JSONObject {
        try enter(depth)
        var members: [JSONObject.Member] = []
        if try nextSignificant() == UInt8(ascii: "}") {
            position += 1
            return JSONObject(distinct: members)
        }
        while true {
            try expect(UInt8(ascii: "\""))
            let key = try string()
            try expect(UInt8(ascii: ":"))
            position += 1
            members.append(JSONObject.Member(key, try value(depth: depth)))
            if try closes(UInt8(ascii: "}")) { break }
        }
        if let repeated = JSONObject.repeatedKey(in: members) {
            throw .duplicateKey(members[repeated].key, offset: position)
        }
        return JSONObject(distinct: members)
    }

    /// Moves past an opening bracket.
    private mutating func enter(_ depth: Int) throws(JSONError) {
        guard depth <= limits.depth else { throw .tooDeep(limit: limits.depth, offset: position) }
        position += 1
    }

    /// Moves past a comma or the closing bracket, and says whether it was the latter.
    private mutating func closes(_ bracket: UInt8) throws(JSONError) -> Bool {
        let byte = try nextSignificant()
        guard byte == bracket || byte == UInt8(ascii: ",") else {
            throw .unexpectedByte(byte, offset: position)
        }
        position += 1
        return byte == bracket
    }

    private mutating func literal(
        _ text: StaticString, _ value: JSON
    ) throws(JSONError) -> JSON {
        for index in 0..<text.utf8CodeUnitCount {
            guard position < input.count else { throw .unexpectedEnd(offset: position) }
            guard input[position] == text.utf8Start[index] else {
                throw .unexpectedByte(input[position], offset: position)
            }
            position += 1
        }
        return value
    }

    /// Moves to the next byte that is not white space, which must be `byte`.
    private mutating func expect(_ byte: UInt8) throws(JSONError) {
        let found = try nextSignificant()
        guard found == byte else { throw .unexpectedByte(found, offset: position) }
    }

    /// Moves to the next byte that is not white space and returns it.
    private mutating func nextSignificant() throws(JSONError) -> UInt8 {
        skipWhitespace()
        guard position < input.count else { throw .unexpectedEnd(offset: position) }
        return input[position]
    }

    private mutating func skipWhitespace() {
        while position < input.count {
            let byte = input[position]
            guard byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09 else { return }
            position += 1
        }
    }
}

// Numbers.
extension JSONParser {
    private mutating func number() throws(JSONError) -> JSON {
        let start = position
        let isNegative = input[position] == UInt8(ascii: "-")
        if isNegative { position += 1 }
        let digits = position
        var magnitude: UInt64? = 0
        while position < input.count, case let digit = input[position] &- 0x30, digit < 10 {
            magnitude = magnitude.flatMap { Self.appending(digit, to: $0) }
            position += 1
        }
        guard position > digits, input[digits] != 0x30 || position == digits + 1 else {
            throw .invalidNumber(offset: start)
        }
        let isInteger = try !fractionAndExponent(start)
        if isInteger, let magnitude, let exact = Self.integer(magnitude, isNegative) {
            return exact
        }
        let text = UnsafeRawBufferPointer(rebasing: input[start..<position])
        return .number(String(decoding: text, as: UTF8.self))
    }

    private static func appending(_ digit: UInt8, to value: UInt64) -> UInt64? {
        let (tens, overflow) = value.multipliedReportingOverflow(by: 10)
        let (sum, carry) = tens.addingReportingOverflow(UInt64(digit))
        return overflow || carry ? nil : sum
    }

    /// `nil` for what needs its text: `-0`, and integers beyond 64 bits.
    private static func integer(_ magnitude: UInt64, _ isNegative: Bool) -> JSON? {
        guard isNegative else { return JSON(magnitude) }
        guard magnitude > 0, magnitude <= UInt64(Int64.max) + 1 else { return nil }
        return .integer(Int64(truncatingIfNeeded: 0 &- magnitude))
    }

    /// Moves past `.5e-3` and the like, and says whether there was any of it.
    private mutating func fractionAndExponent(_ start: Int) throws(JSONError) -> Bool {
        var found = false
        if position < input.count, input[position] == UInt8(ascii: ".") {
            position += 1
            try skipDigits(start)
            found = true
        }
        if position < input.count, input[position] | 0x20 == UInt8(ascii: "e") {
            position += 1
            if position < input.count,
                input[position] == UInt8(ascii: "+") || input[position] == UInt8(ascii: "-")
            {
                position += 1
            }
            try skipDigits(start)
            found = true
        }
        return found
    }

    private mutating func skipDigits(_ start: Int) throws(JSONError) {
        let first = position
        while position < input.count, input[position] &- 0x30 < 10 { position += 1 }
        guard position > first else { throw .invalidNumber(offset: start) }
    }
}
