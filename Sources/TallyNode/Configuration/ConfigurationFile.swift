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
