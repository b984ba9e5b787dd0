/// Why bytes are not one JSON document within its bounds. Offsets are in bytes from 0.
public enum JSONError: Error, Hashable, Sendable {
    /// The input ends inside a value, or is empty.
    case unexpectedEnd(offset: Int)
    /// A byte that cannot stand here.
    case unexpectedByte(UInt8, offset: Int)
    /// A number with a leading zero, or without digits where some are needed.
    case invalidNumber(offset: Int)
    /// A backslash followed by none of `"\/bfnrtu`, or `\u` without four digits.
    case invalidEscape(offset: Int)
    /// Half of a surrogate pair.
    case loneSurrogate(offset: Int)
    /// A string, beginning at this offset, is not UTF-8.
    case invalidUTF8(offset: Int)
    /// A byte below 0x20 inside a string.
    case controlCharacter(offset: Int)
    /// An object, ending at this offset, names two members alike.
    case duplicateKey(String, offset: Int)
    /// Arrays and objects stand deeper inside each other than allowed.
    case tooDeep(limit: Int, offset: Int)
    /// The document has more values than allowed.
    case tooManyValues(limit: Int, offset: Int)
    /// Something follows the value.
    case trailingBytes(offset: Int)
}

extension JSONError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .unexpectedEnd(let offset): "it ends at byte \(offset), inside a value or before one"
        case .unexpectedByte(let byte, let offset):
            "byte \(offset) is 0x\(String(byte, radix: 16)), which cannot stand there"
        case .invalidNumber(let offset): "the number at byte \(offset) is not one of JSON's"
        case .invalidEscape(let offset): "the escape at byte \(offset) is not one of JSON's"
        case .loneSurrogate(let offset): "byte \(offset) begins half of a surrogate pair"
        case .invalidUTF8(let offset): "the string at byte \(offset) is not UTF-8"
        case .controlCharacter(let offset): "a control character stands at byte \(offset)"
        case .duplicateKey(let key, let offset):
            "the object that ends at byte \(offset) names \(key) twice"
        case .tooDeep(let limit, let offset):
            "byte \(offset) opens more than \(limit) arrays and objects inside each other"
        case .tooManyValues(let limit, let offset): "byte \(offset) is past \(limit) values"
        case .trailingBytes(let offset): "more follows behind the value, at byte \(offset)"
        }
    }
}

/// Bounds of a document. Its size is bounded by whoever received the bytes.
public struct JSONLimits: Hashable, Sendable {
    /// Arrays and objects inside each other. The parser recurses this deep and no deeper.
    public let depth: Int
    /// Values of all kinds, because `[0,0,…]` takes ten times its size once parsed.
    public let values: Int

    public init(depth: Int = 32, values: Int = 4_000_000) {
        precondition(depth > 0 && values > 0, "bounds that admit nothing")
        self.depth = depth
        self.values = values
    }

    public static let standard = JSONLimits()
}
