/// A word, a string literal or one punctuation character of Swift source.
struct Token: Equatable {
    enum Kind { case word, literal, mark }
    let kind: Kind
    /// The characters; for a literal what stands between its quotes, without interpolations.
    var text: String
    /// From 1.
    let line: Int
    /// Whether it directly follows the token before it.
    let isGlued: Bool
}

/// Splits Swift source into tokens and comments: enough to tell code from text, no more.
///
/// Knows nested comments, raw and multi-line strings, interpolations and regex literals.
struct Lexer {
    private(set) var tokens: [Token] = []
    /// The text of comments by line, from 1; a comment of several lines is several entries.
    private(set) var comments: [Int: String] = [:]

    private let bytes: [UInt8]
    private var index = 0
    private var line = 1
    private var lastEnd = -1

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
        scanCode(isInterpolation: false)
    }

    private func byte(at offset: Int) -> UInt8 {
        index + offset < bytes.count ? bytes[index + offset] : 0
    }

    private func isNext(_ text: StaticString, at offset: Int = 0) -> Bool {
        for i in 0..<text.utf8CodeUnitCount
        where byte(at: offset + i) != text.utf8Start[i] { return false }
        return true
    }

    private mutating func advance(_ count: Int = 1) {
        for _ in 0..<count where index < bytes.count {
            if bytes[index] == UInt8(ascii: "\n") { line += 1 }
            index += 1
        }
    }

    private func text(_ range: Range<Int>) -> String {
        String(decoding: bytes[range], as: UTF8.self)
    }

    private mutating func append(_ kind: Token.Kind, _ text: String, from start: Int) {
        tokens.append(Token(kind: kind, text: text, line: line, isGlued: start == lastEnd))
    }

    /// Up to the end, or behind the `)` that closes an interpolation.
    private mutating func scanCode(isInterpolation: Bool) {
        var depth = 0
        while index < bytes.count {
            let next = bytes[index]
            if next <= UInt8(ascii: " ") {
                advance()
            } else if isNext("//") {
                scanLineComment()
            } else if isNext("/*") {
                scanBlockComment()
            } else if Self.isWord(next) {
                scanWord()
            } else if next == UInt8(ascii: "\"") || next == UInt8(ascii: "#") {
                scanHashOrQuote()
            } else if next == UInt8(ascii: "/"), let length = lengthOfRegex() {
                append(.literal, "", from: index)
                advance(length)
                lastEnd = index
            } else {
                if next == UInt8(ascii: "(") { depth += 1 }
                if next == UInt8(ascii: ")") { depth -= 1 }
                if isInterpolation, depth < 0 { return advance() }
                append(.mark, String(UnicodeScalar(next)), from: index)
                advance()
                lastEnd = index
            }
        }
    }

    private static func isWord(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "`"),
            UInt8(ascii: "$"), 0x80...:
            true
        default: false
        }
    }

    private mutating func scanWord() {
        let start = index
        while index < bytes.count, Self.isWord(bytes[index]) { index += 1 }
        append(.word, text(start..<index), from: start)
        lastEnd = index
    }

    private mutating func scanLineComment() {
        let start = index
        while index < bytes.count, bytes[index] != UInt8(ascii: "\n") { index += 1 }
        comments[line, default: ""] += text(start..<index)
    }

    private mutating func scanBlockComment() {
        var depth = 0
        var start = index
        repeat {
            if isNext("/*") {
                depth += 1
                advance(2)
            } else if isNext("*/") {
                depth -= 1
                advance(2)
            } else {
                if bytes[index] == UInt8(ascii: "\n") {
                    comments[line, default: ""] += text(start..<index)
                    start = index + 1
                }
                advance()
            }
        } while depth > 0 && index < bytes.count
        comments[line, default: ""] += text(start..<index)
    }

    private mutating func scanHashOrQuote() {
        var hashes = 0
        while byte(at: hashes) == UInt8(ascii: "#") { hashes += 1 }
        if byte(at: hashes) == UInt8(ascii: "\"") {
            scanString(hashes: hashes)
        } else if hashes > 0, byte(at: hashes) == UInt8(ascii: "/") {
            append(.literal, "", from: index)
            repeat { advance() } while index < bytes.count && !isNext("/#")
            advance(1 + hashes)
            lastEnd = index
        } else {
            append(.mark, "#", from: index)
            advance()
            lastEnd = index
        }
    }

    private mutating func scanString(hashes: Int) {
        let place = tokens.count
        append(.literal, "", from: index)
        advance(hashes)
        let quotes = isNext("\"\"\"") && !(hashes == 0 && isNext("\"\"\"\"")) ? 3 : 1
        advance(quotes)
        var content: [UInt8] = []
        while index < bytes.count, !isClosing(quotes: quotes, hashes: hashes) {
            if byte(at: 0) == UInt8(ascii: "\\"), hasHashes(hashes, at: 1) {
                if byte(at: 1 + hashes) == UInt8(ascii: "(") {
                    advance(2 + hashes)
                    scanCode(isInterpolation: true)
                    continue
                }
                content.append(bytes[index])
                advance(1 + hashes)
                if index >= bytes.count { break }
            } else if quotes == 1, byte(at: 0) == UInt8(ascii: "\n") {
                break
            }
            content.append(bytes[index])
            advance()
        }
        advance(quotes + hashes)
        lastEnd = index
        tokens[place].text = String(decoding: content, as: UTF8.self)
    }

    private func hasHashes(_ count: Int, at offset: Int) -> Bool {
        (0..<count).allSatisfy { byte(at: offset + $0) == UInt8(ascii: "#") }
    }

    private func isClosing(quotes: Int, hashes: Int) -> Bool {
        (0..<quotes).allSatisfy { byte(at: $0) == UInt8(ascii: "\"") }
            && hasHashes(hashes, at: quotes)
    }

    /// The length of a `/…/` literal that begins here; `nil` for a division.
    private func lengthOfRegex() -> Int? {
        guard tokens.last.map({ "=(,[{:&|!?".contains($0.text) }) ?? true else { return nil }
        let first = byte(at: 1)
        guard first > UInt8(ascii: " "), first != UInt8(ascii: ")"), first != UInt8(ascii: ",")
        else { return nil }
        var length = 1
        while byte(at: length) != 0, byte(at: length) != UInt8(ascii: "\n") {
            if byte(at: length) == UInt8(ascii: "/") { return length + 1 }
            length += byte(at: length) == UInt8(ascii: "\\") ? 2 : 1
        }
        return nil
    }
}
