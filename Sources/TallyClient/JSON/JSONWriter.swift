/// Writes compact JSON straight into one growing buffer.
///
/// Commas are its business; brackets are the caller's: every value inside an object follows a
/// `key`, and `beginObject` and `beginArray` are closed. `object` and `array` take care of that.
public struct JSONWriter: Sendable {
    public private(set) var bytes: [UInt8] = []
    /// Most bytes to hold. The value that crosses it is the last one written.
    public private(set) var limit: Int
    /// Whether the limit was crossed: the text is then incomplete and of no use.
    public private(set) var isFull = false
    private var needsComma = false

    public init(capacity: Int = 0, limit: Int = .max) {
        self.limit = limit
        bytes.reserveCapacity(capacity)
    }

    public mutating func null() { raw("null") }
    public mutating func bool(_ value: Bool) { raw(value ? "true" : "false") }

    public mutating func integer(_ value: some BinaryInteger) {
        guard separate() else { return }
        if let small = UInt64(exactly: value) {
            appendDigits(small)
        } else {
            bytes.append(contentsOf: String(value).utf8)
        }
    }

    public mutating func string(_ value: String) {
        guard separate() else { return }
        appendQuoted(value)
    }

    /// Any value, parsed or built.
    ///
    /// Recurses as deep as the value, which the parser bounds for values from outside.
    public mutating func value(_ value: JSON) {
        switch value {
        case .null: null()
        case .bool(let value): bool(value)
        case .integer(let value): integer(value)
        case .unsigned(let value): integer(value)
        case .number(let text): raw(text)
        case .string(let value): string(value)
        case .array(let elements):
            array { for element in elements { $0.value(element) } }
        case .object(let object):
            self.object {
                for member in object.members {
                    $0.key(member.key)
                    $0.value(member.value)
                }
            }
        }
    }

    /// The name of the member whose value follows.
    public mutating func key(_ name: String) {
        guard separate() else { return }
        appendQuoted(name)
        bytes.append(UInt8(ascii: ":"))
        needsComma = false
    }

    public mutating func object<E: Error>(
        _ members: (inout JSONWriter) throws(E) -> Void
    ) throws(E) {
        beginObject()
        try members(&self)
        endObject()
    }

    public mutating func array<E: Error>(
        _ elements: (inout JSONWriter) throws(E) -> Void
    ) throws(E) {
        beginArray()
        try elements(&self)
        endArray()
    }

    public mutating func beginObject() { open(UInt8(ascii: "{")) }
    public mutating func endObject() { close(UInt8(ascii: "}")) }
    public mutating func beginArray() { open(UInt8(ascii: "[")) }
    public mutating func endArray() { close(UInt8(ascii: "]")) }

    /// One value that is JSON text already.
    public mutating func encoded(_ text: some Collection<UInt8>) {
        guard separate() else { return }
        bytes.append(contentsOf: text)
    }
}

// What the server needs to frame an answer and to take it back.
extension JSONWriter {
    /// A state to return to.
    package struct Mark: Sendable {
        fileprivate let count: Int
        fileprivate let needsComma: Bool
    }

    package var mark: Mark { Mark(count: bytes.count, needsComma: needsComma) }

    /// Forgets all that was written since, and that it was too much.
    package mutating func rewind(to mark: Mark) {
        bytes.removeLast(bytes.count - mark.count)
        needsComma = mark.needsComma
        isFull = false
    }

    /// The name of the member whose value follows: one that needs no escape.
    package mutating func plainKey(_ name: StaticString) {
        guard separate() else { return }
        let count = name.utf8CodeUnitCount
        append(count: count + 3) { out in
            out[0] = UInt8(ascii: "\"")
            UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(out)[1...])
                .copyMemory(from: UnsafeRawBufferPointer(start: name.utf8Start, count: count))
            out[count + 1] = UInt8(ascii: "\"")
            out[count + 2] = UInt8(ascii: ":")
        }
        needsComma = false
    }

    /// Part of a value, after which comes another value without comma.
    package mutating func fragment(_ text: StaticString) {
        bytes.append(
            contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
        needsComma = false
    }

    /// What a response needs even when there is no room left for results.
    package mutating func withoutLimit(_ body: (inout JSONWriter) -> Void) {
        let saved = limit
        limit = .max
        body(&self)
        limit = saved
    }
}

extension JSONWriter {
    private mutating func raw(_ text: String) {
        guard separate() else { return }
        bytes.append(contentsOf: text.utf8)
    }

    private mutating func open(_ bracket: UInt8) {
        guard separate() else { return }
        bytes.append(bracket)
        needsComma = false
    }

    private mutating func close(_ bracket: UInt8) {
        guard !isFull else { return }
        bytes.append(bracket)
        needsComma = true
    }

    /// Writes the comma that a value or key needs; `false` when there is no room for either.
    mutating func separate() -> Bool {
        guard bytes.count < limit else {
            isFull = true
            return false
        }
        if needsComma { bytes.append(UInt8(ascii: ",")) }
        needsComma = true
        return true
    }

    /// Appends `count` bytes, which `fill` writes, all of them.
    mutating func append(count: Int, _ fill: (UnsafeMutableBufferPointer<UInt8>) -> Void) {
        let start = bytes.count
        bytes.append(contentsOf: repeatElement(0, count: count))
        bytes.withUnsafeMutableBufferPointer {
            fill(UnsafeMutableBufferPointer(rebasing: $0[start...]))
        }
    }

    private mutating func appendDigits(_ value: UInt64) {
        var count = 1
        var rest = value / 10
        while rest > 0 {
            count += 1
            rest /= 10
        }
        append(count: count) {
            var rest = value
            for index in stride(from: count - 1, through: 0, by: -1) {
                $0[index] = 0x30 + UInt8(truncatingIfNeeded: rest % 10)
                rest /= 10
            }
        }
    }

    private mutating func appendQuoted(_ text: String) {
        var text = text
        bytes.append(UInt8(ascii: "\""))
        text.withUTF8 { appendEscaped(UnsafeRawBufferPointer($0)) }
        bytes.append(UInt8(ascii: "\""))
    }

    private mutating func appendEscaped(_ utf8: UnsafeRawBufferPointer) {
        var start = 0
        var position = 0
        while position < utf8.count {
            if utf8.count - position >= 8,
                JSONBytes.arePlain(utf8.loadUnaligned(fromByteOffset: position, as: UInt64.self))
            {
                position += 8
                continue
            }
            let byte = utf8[position]
            if !JSONBytes.isPlain(byte) {
                bytes.append(contentsOf: utf8[start..<position])
                appendEscape(byte)
                start = position + 1
            }
            position += 1
        }
        bytes.append(contentsOf: utf8[start...])
    }

    private mutating func appendEscape(_ byte: UInt8) {
        bytes.append(UInt8(ascii: "\\"))
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes.append(byte)
        case 0x08: bytes.append(UInt8(ascii: "b"))
        case 0x0c: bytes.append(UInt8(ascii: "f"))
        case 0x0a: bytes.append(UInt8(ascii: "n"))
        case 0x0d: bytes.append(UInt8(ascii: "r"))
        case 0x09: bytes.append(UInt8(ascii: "t"))
        default:
            bytes.append(contentsOf: "u00".utf8)
            bytes.append(HexDigits.digit(byte >> 4))
            bytes.append(HexDigits.digit(byte & 15))
        }
    }
}
