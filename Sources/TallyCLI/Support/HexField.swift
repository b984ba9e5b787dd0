import TallyPrimitives

/// Hexadecimal text as people paste it: with `0x` or without, in either case.
enum HexField {
    /// Text without the spaces and tabs around it.
    static func trimmed(_ text: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }
        var text = text.drop(while: isBlank)
        while let last = text.last, isBlank(last) { text.removeLast() }
        return text
    }

    /// - Throws: `notHex`, naming the field and nothing of its content.
    static func bytes(
        _ text: ArraySlice<UInt8>, _ field: String
    ) throws(CommandFailure) -> [UInt8] {
        let hasPrefix =
            text.count >= 2 && text[text.startIndex] == UInt8(ascii: "0")
            && text[text.startIndex + 1] | 0x20 == UInt8(ascii: "x")
        let digits = hasPrefix ? text.dropFirst(2) : text
        guard let bytes = digits.withUnsafeBufferPointer(Hex.decode(digits:)) else {
            throw CommandFailure(
                "notHex", "the \(field) is not an even number of hexadecimal digits")
        }
        return bytes
    }
}
