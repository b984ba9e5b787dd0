package import FoundationEssentials
package import TallyPrimitives

/// Files of `Specs`: test vectors that others wrote, and the rules that tests compare with.
///
/// Tests name the path literally in the call, so that the tree can be searched for unread files.
package enum Vectors {
    /// A file of `Specs/vectors`.
    package static func url(_ path: String) -> URL {
        specification("vectors").appending(path: path)
    }

    /// A file or folder of `Specs`.
    package static func specification(_ path: String) -> URL {
        // Tests/TallyTesting/Vectors.swift
        var root = URL(filePath: #filePath)
        for _ in 0..<3 { root.deleteLastPathComponent() }
        return root.appending(path: "Specs").appending(path: path)
    }

    /// A JSON file of `Specs/vectors`.
    package static func json<T: Decodable>(
        _ path: String, as type: T.Type = T.self
    ) throws -> T {
        try JSONDecoder().decode(T.self, from: Data(contentsOf: url(path)))
    }

    /// The cases of a response file of NIST's: the `name = value` lines between blank lines.
    /// Headings and comments are left out.
    package static func responses(_ path: String) throws -> [[String: String]] {
        var cases: [[String: String]] = []
        var fields: [String: String] = [:]
        let text = String(decoding: try Data(contentsOf: url(path)), as: UTF8.self)
        for line in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline) {
            if line.isEmpty {
                if !fields.isEmpty { cases.append(fields) }
                fields = [:]
            } else if line.first != "#", line.first != "[", let equals = line.firstIndex(of: "=") {
                let name = line[..<equals].filter { $0 != " " }
                fields[name] = line[line.index(after: equals)...].filter { $0 != " " }
            }
        }
        if !fields.isEmpty { cases.append(fields) }
        return cases
    }
}

/// A file that does not hold what its reader expects.
package struct VectorError: Error, CustomStringConvertible {
    package let description: String
    package init(_ description: String) { self.description = description }
}

extension Hex {
    /// The bytes of digits with or without prefix, as vectors mix both.
    package static func vector(_ text: String) throws -> [UInt8] {
        guard let bytes = decode(text.hasPrefix("0x") ? text : "0x" + text) else {
            throw VectorError("not hexadecimal: \(text.prefix(80))")
        }
        return bytes
    }
}
