import Testing

/// One bug of the tables that `tools/planted-bugs` plants (Specs/planted-bugs.md).
struct PlantedBug: Equatable {
    struct Edit: Equatable {
        let path: String
        let line: Int
        var original = ""
        var isReplaced = false
    }

    let name: String
    let line: Int
    var rule = ""
    var simulations: [String] = []
    var says = ""
    var edits: [Edit] = []

    /// All bugs of a table, and lines that mean nothing.
    static func read(_ table: TextFile) -> (bugs: [PlantedBug], findings: [Finding]) {
        var bugs: [PlantedBug] = []
        var findings: [Finding] = []
        let lines = table.text.split(separator: "\n", omittingEmptySubsequences: false)
        for (i, line) in lines.enumerated() where !line.isEmpty && !line.hasPrefix("#") {
            if line.hasPrefix("bug ") {
                bugs.append(PlantedBug(name: String(line.dropFirst(4)), line: i + 1))
            } else if bugs.isEmpty || !bugs[bugs.count - 1].take(line, at: i + 1) {
                findings.append(
                    Finding(path: table.path, line: i + 1, message: "no line of a bug: \(line)"))
            }
        }
        return (bugs, findings)
    }

    private mutating func take(_ line: Substring, at number: Int) -> Bool {
        if line.hasPrefix(" ") {
            guard let last = edits.indices.last else { return false }
            if !edits[last].isReplaced { edits[last].original += line + "\n" }
            return true
        }
        let key = line.prefix { $0 != " " }
        let value = String(line.dropFirst(key.count + 1))
        switch key {
        case "rule": rule = value
        case "simulation": simulations = value.split(separator: " ").map(String.init)
        case "says": says = value
        case "tier": break
        case "file": edits.append(Edit(path: value, line: number))
        case "with":
            guard let last = edits.indices.last, !edits[last].isReplaced else { return false }
            edits[last].isReplaced = true
        default: return false
        }
        return true
    }
}

extension StringProtocol {
    /// Its words with one space between them: line breaks and indentation make no difference.
    fileprivate var words: String { split(whereSeparator: \.isWhitespace).joined(separator: " ") }

    fileprivate func occurrences(of text: String) -> Int {
        var rest = utf8[...]
        let wanted = Array(text.utf8)
        guard let first = wanted.first else { return 0 }
        var count = 0
        while let start = rest.firstIndex(of: first) {
            if rest[start...].starts(with: wanted) { count += 1 }
            rest = rest[rest.index(after: start)...]
        }
        return count
    }
}

/// Bugs that do not fit the sources any more, or are not whole.
func unfitBugs(_ tables: [TextFile], _ texts: [TextFile], _ book: RuleBook) -> [Finding] {
    var sources: [String: String] = [:]
    var names: Set<String> = []
    var found: [Finding] = []
    for table in tables {
        let (bugs, findings) = PlantedBug.read(table)
        found += findings
        for bug in bugs {
            func add(_ line: Int, _ message: String) {
                found.append(
                    Finding(path: table.path, line: line, message: "\(bug.name): \(message)"))
            }
            if !names.insert(bug.name).inserted { add(bug.line, "a second bug of this name") }
            if bug.says.isEmpty || bug.simulations.isEmpty || bug.edits.isEmpty {
                add(bug.line, "says, simulation and file are needed")
            }
            if !RuleID.all(in: bug.rule).contains(where: book.has) {
                add(bug.line, "no specification has \(bug.rule)")
            }
            for edit in bug.edits {
                let source =
                    sources[edit.path] ?? texts.first { $0.path == edit.path }?.text.words
                guard let source else {
                    add(edit.line, "there is no \(edit.path)")
                    continue
                }
                sources[edit.path] = source
                let marks = edit.original.filter { "«»".contains($0) }
                if marks != "«»" { add(edit.line, "«…» marks what is replaced, once") }
                if !edit.isReplaced { add(edit.line, "nothing to replace it with") }
                let original = edit.original.filter { !"«»".contains($0) }.words
                let count = source.occurrences(of: original)
                if count != 1 { add(edit.line, "the original occurs \(count) times") }
            }
        }
    }
    return found
}

@Suite struct PlantedBugTests {
    /// A refactoring that leaves a bug behind is told at once, not by `tools/planted-bugs`.
    @Test func everyBugFitsTheSources() {
        let tree = Tree.shared
        let tables = tree.texts.filter { $0.path.hasSuffix(".bugs") }
        expectNone(unfitBugs(tables, tree.texts, RuleBook(tree.specs)))
        #expect(tables.flatMap { PlantedBug.read($0).bugs }.count >= 24)
    }

    private let book = RuleBook([TextFile(path: "Specs/a.md", text: "- **RCPT-1** One.\n")])
    private let source = TextFile(
        path: "Sources/A/A.swift", text: "let a =\n    1 + 1\nlet b = 2\n")

    private func messages(_ lines: String) -> [String] {
        let table = TextFile(path: "a.bugs", text: lines)
        return unfitBugs([table], [source], book).map { "\($0)" }
    }

    @Test func readsABug() {
        #expect(
            messages(
                """
                # A table.
                bug one
                rule RCPT-1
                simulation ledger network
                says Too little.
                file Sources/A/A.swift
                    let a = «1 + 1»
                with
                    1
                """) == [])
    }

    @Test func findsABugThatDoesNotFit() {
        let bug = """
            bug one
            rule RCPT-2
            simulation ledger
            says Too little.
            file Sources/A/A.swift
                let c = 1
            with
            file Sources/A/B.swift
                «let»
            with
            file Sources/A/A.swift
                «let»
            nonsense
            """
        #expect(
            messages(bug) == [
                "a.bugs:13: no line of a bug: nonsense",
                "a.bugs:1: one: no specification has RCPT-2",
                "a.bugs:5: one: «…» marks what is replaced, once",
                "a.bugs:5: one: the original occurs 0 times",
                "a.bugs:8: one: there is no Sources/A/B.swift",
                "a.bugs:11: one: nothing to replace it with",
                "a.bugs:11: one: the original occurs 2 times",
            ])
    }
}
