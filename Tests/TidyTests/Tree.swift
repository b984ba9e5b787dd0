import Foundation
import Testing

/// Something that breaks a house rule.
struct Finding: Equatable, CustomStringConvertible {
    let path: String
    let line: Int
    let message: String

    var description: String { "\(path):\(line): \(message)" }
}

/// One Swift file, lexed.
struct SourceFile: Sendable {
    /// From the root of the repository, with `/`.
    let path: String
    let lineCount: Int
    let tokens: [Token]
    let comments: [Int: String]

    init(path: String, bytes: [UInt8]) {
        self.path = path
        let lexer = Lexer(bytes)
        tokens = lexer.tokens
        comments = lexer.comments
        let breaks = bytes.reduce(0) { $0 + ($1 == UInt8(ascii: "\n") ? 1 : 0) }
        lineCount = breaks + (bytes.last.map { $0 == UInt8(ascii: "\n") ? 0 : 1 } ?? 0)
    }

    /// For examples of the tests.
    init(_ path: String, _ text: String) { self.init(path: path, bytes: Array(text.utf8)) }

    /// The folder below `Sources`, `Tests` or `Benchmarks`.
    var target: String {
        let parts = path.split(separator: "/")
        return parts.count > 2 ? String(parts[1]) : ""
    }

    var isSource: Bool { path.hasPrefix("Sources/") }

    func finding(_ line: Int, _ message: String) -> Finding {
        Finding(path: path, line: line, message: message)
    }
}

/// A file that is not Swift, or any file seen as plain text.
struct TextFile: Sendable {
    let path: String
    let text: String
}

/// The working tree that these tests were built from.
struct Tree: Sendable {
    /// Every file, from the root, sorted.
    let paths: [String]
    let swift: [SourceFile]
    /// Everything that people write: code, documents, scripts; not the vectors of others.
    let texts: [TextFile]
    let manifest: Manifest

    var sources: [SourceFile] { swift.filter(\.isSource) }
    var specs: [TextFile] {
        texts.filter { $0.path.hasPrefix("Specs/") && $0.path.hasSuffix(".md") }
    }
    var vectors: [String] { paths.filter { $0.hasPrefix("Specs/vectors/") } }

    static let shared = Tree(root: root)

    static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    private static let textSuffixes: Set<String> = [
        "", "bugs", "c", "cfg", "css", "h", "html", "js", "json", "md", "modulemap", "py", "sh",
        "sql",
        "swift", "tla", "toml", "txt", "yaml", "yml",
    ]

    init(root: URL) {
        paths = Self.list(root, prefix: "").sorted()
        var swift: [SourceFile] = []
        var texts: [TextFile] = []
        for path in paths where !path.hasPrefix("Specs/vectors/") {
            let suffix = URL(fileURLWithPath: path).pathExtension
            guard Self.textSuffixes.contains(suffix),
                let data = FileManager.default.contents(atPath: root.path + "/" + path)
            else { continue }
            texts.append(TextFile(path: path, text: String(decoding: data, as: UTF8.self)))
            let top = path.prefix { $0 != "/" }
            if suffix == "swift", ["Sources", "Tests", "Benchmarks", "Fuzz"].contains(top) {
                swift.append(SourceFile(path: path, bytes: Array(data)))
            }
        }
        self.swift = swift
        self.texts = texts
        manifest = Manifest(texts.first { $0.path == "Package.swift" }?.text ?? "")
    }

    /// Skips what git ignores: builds, data directories, caches.
    private static func list(_ folder: URL, prefix: String) -> [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        var found: [String] = []
        for name in names {
            let isIgnored =
                [".git", ".swiftpm", ".venv", "__pycache__", "node_modules", "Package.resolved"]
                .contains(name) || name.hasPrefix(".build") || name.hasPrefix(".tally")
            if isIgnored { continue }
            let url = folder.appendingPathComponent(name)
            var isFolder: ObjCBool = false
            guard FileManager.default.fileExists(atPath: url.path, isDirectory: &isFolder) else {
                continue
            }
            if isFolder.boolValue {
                found += list(url, prefix: prefix + name + "/")
            } else {
                found.append(prefix + name)
            }
        }
        return found
    }
}

/// Records each finding as an issue of the running test.
func expectNone(_ findings: [Finding], sourceLocation: SourceLocation = #_sourceLocation) {
    for finding in findings {
        Issue.record(Comment(rawValue: finding.description), sourceLocation: sourceLocation)
    }
}
