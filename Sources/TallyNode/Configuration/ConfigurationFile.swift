import Glibc
import TOMLKit

/// `config.toml` as a list of dotted keys and the text of their values.
package enum ConfigurationFile {
    /// None when there is no file.
    /// - Throws: `.unreadable`, `.notTOML`, and `.malformed` for values that are no scalar.
    static func values(_ path: String) throws(ConfigurationError) -> [(key: String, value: String)]
    {
        let bytes: [UInt8]
        do throws(FileError) {
            bytes = try Files.read(path, limit: 1 << 20)
        } catch {
            if error.errno == ENOENT { return [] }
            throw .unreadable(error)
        }
        if let line = lineOfNamelessTable(bytes) {
            throw .notTOML(
                path: path,
                reason: "line \(line): a table is named by letters, digits, - and _, or in quotes")
        }
        if let line = lineOfBraceInArray(bytes) {
            throw .notTOML(path: path, reason: "line \(line): a brace closes what a bracket opened")
        }
        let table: TOMLTable
        do {
            table = try TOMLTable(string: String(decoding: bytes, as: UTF8.self))
        } catch let error as TOMLParseError {
            throw .notTOML(
                path: path, reason: "\(error.source.begin.debugDescription): \(error.description)")
        } catch {
            throw .notTOML(path: path, reason: "\(error)")
        }
        var found: [(key: String, value: String)] = []
        try collect(table, "", path, into: &found)
        return found
    }

    /// The line, from 1, that opens a table with something that begins no name.
    ///
    /// toml++ 3 asserts there that it does, which ends the process. A line of a text of several lines
    /// is refused with them: no setting has one.
    private static func lineOfNamelessTable(_ bytes: [UInt8]) -> Int? {
        let byteOrderMark: [UInt8] = [0xef, 0xbb, 0xbf]
        let text = bytes.starts(with: byteOrderMark) ? bytes.dropFirst(3) : bytes[...]
        func isBlank(_ byte: UInt8) -> Bool {
            byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t")
        }
        let lines = text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        let index = lines.firstIndex { line in
            var rest = line.drop(while: isBlank)
            guard rest.first == UInt8(ascii: "[") else { return false }
            rest = rest.dropFirst().drop(while: isBlank)
            if rest.first == UInt8(ascii: "[") { rest = rest.dropFirst().drop(while: isBlank) }
            return !(rest.first.map(canBeginName) ?? false)
        }
        return index.map { $0 + 1 }
    }

    /// The line, from 1, with a closing brace where an array's next element begins.
    ///
    /// toml++ 3 asserts there that an element does. Texts of several lines are looked at like other lines.
    private static func lineOfBraceInArray(_ bytes: [UInt8]) -> Int? {
        var line = 1
        var quote: UInt8?
        var isComment = false
        var isEscaped = false
        var last: UInt8 = 0
        for byte in bytes {
            if byte == UInt8(ascii: "\n") {
                (line, quote, isComment, isEscaped) = (line + 1, nil, false, false)
            } else if isComment || isEscaped {
                isEscaped = false
            } else if let open = quote {
                isEscaped = byte == UInt8(ascii: "\\") && open == UInt8(ascii: "\"")
                if byte == open { quote = nil }
            } else if byte == UInt8(ascii: "#") {
                isComment = true
            } else if byte > UInt8(ascii: " ") {
                let awaits = last == UInt8(ascii: "[") || last == UInt8(ascii: ",")
                if byte == UInt8(ascii: "}"), awaits { return line }
                if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") { quote = byte }
                last = byte
            }
        }
        return nil
    }

    /// A closing bracket is left to the library, which has words for it.
    private static func canBeginName(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: "-_]\"'".utf8.contains(byte)
        }
    }

    private static func collect(
        _ table: TOMLTable, _ prefix: String, _ path: String,
        into found: inout [(key: String, value: String)]
    ) throws(ConfigurationError) {
        for key in table.keys.sorted() {
            guard let value = table[key] else { continue }
            let name = prefix + key
            if let inner = value.table {
                try collect(inner, name + ".", path, into: &found)
            } else if let text = value.string {
                found.append((name, text))
            } else if let number = value.int {
                found.append((name, String(number)))
            } else {
                throw .malformed(
                    .file(path: path, key: name), value: value.type.rawValue,
                    expected: "a string or an integer")
            }
        }
    }

    /// The line, from 1, that sets a key; `nil` where it is written in an unusual way, as inside
    /// of an inline table.
    package static func line(of key: String, in path: String) -> Int? {
        guard let bytes = try? Files.read(path, limit: 1 << 20) else { return nil }
        var table = ""
        let lines = String(decoding: bytes, as: UTF8.self)
            .split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
        for (index, line) in lines.enumerated() {
            let text = line.filter { $0 != " " && $0 != "\t" && $0 != "\"" }
            if text.first == "[", let end = text.firstIndex(of: "]") {
                table = text[text.index(after: text.startIndex)..<end] + "."
            } else if let equals = text.firstIndex(of: "="), table + text[..<equals] == key {
                return index + 1
            }
        }
        return nil
    }
}
