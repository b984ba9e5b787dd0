import Testing

/// Vectors that no test names by a string literal: a vector that nobody reads proves nothing.
func unreadVectors(_ paths: [String], tests: [SourceFile]) -> [Finding] {
    var literals: Set<String> = []
    for file in tests where file.target != "TidyTests" {
        for token in file.tokens where token.kind == .literal { literals.insert(token.text) }
    }
    return paths.compactMap { path in
        let name = path.dropFirst("Specs/vectors/".count)
        let base = name.split(separator: "/").last.map(String.init) ?? ""
        let isNotice = ["README", "LICENSE", "NOTICE"].contains { base.hasPrefix($0) }
        return isNotice || literals.contains(String(name))
            ? nil : Finding(path: path, line: 1, message: "no test names \"\(name)\"")
    }
}

/// The id of a rule: `RCPT-4`, `IBFT-R9`, `IBFT-4.2`.
struct RuleID: Hashable, CustomStringConvertible {
    let prefix: String
    let number: String

    var description: String { prefix + "-" + number }
    /// `IBFT-4` for `IBFT-4.2`.
    var parent: RuleID {
        RuleID(prefix: prefix, number: String(number.prefix { $0 != "." }))
    }

    /// Everything in `text` that has the form of an id, in order.
    static func all(in text: some StringProtocol) -> [RuleID] {
        let bytes = Array(text.utf8)
        func isLetter(_ i: Int) -> Bool {
            i < bytes.count && (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(bytes[i])
        }
        func isDigit(_ i: Int) -> Bool {
            i < bytes.count && (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[i])
        }
        func isWord(_ i: Int) -> Bool {
            guard i >= 0, i < bytes.count else { return false }
            return isLetter(i) || isDigit(i) || bytes[i] == UInt8(ascii: "_")
                || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(bytes[i])
        }
        var found: [RuleID] = []
        for dash in bytes.indices where bytes[dash] == UInt8(ascii: "-") {
            var start = dash
            while start > 0, isLetter(start - 1) { start -= 1 }
            guard (2...8).contains(dash - start), !isWord(start - 1) else { continue }
            var end = dash + 1
            if isLetter(end) { end += 1 }
            let digits = end
            while isDigit(end) { end += 1 }
            guard end > digits, !isWord(end) else { continue }
            if end < bytes.count, bytes[end] == UInt8(ascii: "."), isDigit(end + 1) {
                end += 1
                while isDigit(end) { end += 1 }
            }
            found.append(
                RuleID(
                    prefix: String(decoding: bytes[start..<dash], as: UTF8.self),
                    number: String(decoding: bytes[(dash + 1)..<end], as: UTF8.self)))
        }
        return found
    }
}

/// Rules that the specifications define, in headings or at the start of bold text.
struct RuleBook {
    private(set) var rules: Set<RuleID> = []
    private(set) var repeated: [Finding] = []

    var prefixes: Set<String> { Set(rules.map(\.prefix)) }

    init(_ specs: [TextFile]) {
        for file in specs {
            let lines = file.text.split(separator: "\n", omittingEmptySubsequences: false)
            for (i, line) in lines.enumerated() {
                for (rule, isFirst) in Self.definitions(in: line) {
                    let isNew = rules.insert(rule).inserted
                    if !isNew, isFirst {
                        repeated.append(
                            Finding(
                                path: file.path, line: i + 1, message: "\(rule) is defined twice"))
                    }
                }
            }
        }
    }

    /// Ids that begin a heading or bold text, and whether they begin the line.
    private static func definitions(in line: Substring) -> [(RuleID, Bool)] {
        if line.hasPrefix("#") {
            let title = line.drop { $0 == "#" || $0 == " " || $0 == "*" }
            return leading(title).map { [($0, true)] } ?? []
        }
        let parts = line.split(separator: "**", omittingEmptySubsequences: false)
        let isFirst = parts[0].allSatisfy { "-* |.0123456789".contains($0) }
        var found: [(RuleID, Bool)] = []
        for (i, part) in parts.enumerated() where i % 2 == 1 {
            guard let rule = leading(part) else { continue }
            found.append((rule, isFirst && i == 1))
        }
        return found
    }

    private static func leading(_ text: Substring) -> RuleID? {
        guard let rule = RuleID.all(in: text.prefix(24)).first,
            text.hasPrefix(rule.description)
        else { return nil }
        return rule
    }

    func has(_ rule: RuleID) -> Bool { rules.contains(rule) || rules.contains(rule.parent) }
}

/// Rules cited in comments of code, and in the specifications themselves, that nobody defined.
func unknownRules(_ book: RuleBook, code: [SourceFile], specs: [TextFile]) -> [Finding] {
    let prefixes = book.prefixes
    func unknown(_ text: some StringProtocol) -> [RuleID] {
        guard text.utf8.contains(UInt8(ascii: "-")) else { return [] }
        return RuleID.all(in: text).filter { prefixes.contains($0.prefix) && !book.has($0) }
    }
    var found: [Finding] = []
    for file in code where file.target != "TidyTests" {
        for (line, comment) in file.comments.sorted(by: { $0.key < $1.key }) {
            found += unknown(comment).map { file.finding(line, "no specification has \($0)") }
        }
    }
    for file in specs {
        for (i, line) in file.text.split(separator: "\n", omittingEmptySubsequences: false)
            .enumerated()
        {
            found += unknown(line).map {
                Finding(path: file.path, line: i + 1, message: "no specification has \($0)")
            }
        }
    }
    return found
}

/// Specifications that a comment names by path, and that do not exist.
func missingSpecs(_ code: [SourceFile], paths: Set<String>) -> [Finding] {
    var found: [Finding] = []
    for file in code where file.target != "TidyTests" {
        for (line, comment) in file.comments.sorted(by: { $0.key < $1.key })
        where comment.contains("Specs/") {
            let words = comment.split { " `,;:()<>\"'".contains($0) }
            for word in words where word.hasPrefix("Specs/") {
                let path = word.last == "." ? word.dropLast() : word
                let isThere = paths.contains(String(path)) || !path.contains(".")
                if !isThere { found.append(file.finding(line, "there is no \(path)")) }
            }
        }
    }
    return found
}

/// Rules of `prefix` that no source cites, in order.
func uncitedRules(_ book: RuleBook, prefix: String, sources: [SourceFile]) -> [RuleID] {
    var cited: Set<RuleID> = []
    for comment in sources.flatMap({ $0.comments.values }) where comment.contains(prefix + "-") {
        for rule in RuleID.all(in: comment) { cited.formUnion([rule, rule.parent]) }
    }
    return book.rules.filter { $0.prefix == prefix && !cited.contains($0) }
        .sorted { ($0.number.count, $0.number) < ($1.number.count, $1.number) }
}

@Suite struct SpecTests {
    @Test func everyVectorIsNamedByATest() {
        let tree = Tree.shared
        #expect(!tree.vectors.isEmpty, "the tree is read")
        expectNone(unreadVectors(tree.vectors, tests: tree.swift.filter { !$0.isSource }))
    }

    @Test func citedRulesExist() {
        let tree = Tree.shared
        let book = RuleBook(tree.specs)
        expectNone(book.repeated)
        expectNone(unknownRules(book, code: tree.swift, specs: tree.specs))
    }

    @Test func namedSpecificationsExist() {
        expectNone(missingSpecs(Tree.shared.swift, paths: Set(Tree.shared.paths)))
    }

    @Test func findsAMissingSpecification() {
        let file = SourceFile(
            "Sources/A/A.swift", "// `Specs/a.md`, A-1.\n// See Specs/b.md.\n// Specs/ has all.\n")
        #expect(missingSpecs([file], paths: ["Specs/a.md"]).map(\.line) == [2])
    }

    /// A warning, not a failure: a specification may be ahead of the code.
    @Test func receiptRulesAreCited() {
        let tree = Tree.shared
        let uncited = uncitedRules(RuleBook(tree.specs), prefix: "RCPT", sources: tree.sources)
        if !uncited.isEmpty {
            let list = uncited.map(\.description).joined(separator: ", ")
            Issue.record("no source cites \(list)", severity: .warning)
        }
    }

    @Test func findsAnUnreadVector() {
        let paths = ["Specs/vectors/rlp/a.json", "Specs/vectors/rlp/README.md"]
        let reader = SourceFile("Tests/A/A.swift", #"let a = Vectors.url("rlp/a.json")"#)
        let comment = SourceFile("Tests/A/A.swift", #"// Vectors.url("rlp/a.json")"#)
        #expect(unreadVectors(paths, tests: [reader]) == [])
        #expect(unreadVectors(paths, tests: [comment]).map(\.path) == [paths[0]])
    }

    private let spec = TextFile(
        path: "Specs/receipts.md",
        text: """
            ## IBFT-4 Rounds
            1. **RCPT-1** Only final roots, as ENC-4 says.
            - **RCPT-2 (prefix).** See RCPT-1 and SHA-256.
            | **RCPT-10** | text |
            **IBFT-R9** text
            """)

    @Test func readsTheRulesOfASpecification() {
        let book = RuleBook([spec])
        #expect(
            Set(book.rules.map(\.description))
                == ["IBFT-4", "RCPT-1", "RCPT-2", "RCPT-10", "IBFT-R9"])
        #expect(book.repeated == [])
        #expect(RuleBook([spec, spec]).repeated.count == 5)
    }

    @Test func findsAnUnknownRule() {
        func unknown(_ text: String) -> [String] {
            unknownRules(
                RuleBook([spec]), code: [SourceFile("Sources/A/A.swift", text)], specs: [spec]
            ).map(\.message)
        }
        #expect(unknown("// RCPT-3: a.") == ["no specification has RCPT-3"])
        #expect(unknown("/// See RCPT-1..12, IBFT-R8.") == ["no specification has IBFT-R8"])
        #expect(unknown("// RCPT-1, IBFT-4.2, IBFT-R9. SHA-256, EIP-155, XRCPT-9, RCPT-9a") == [])
        #expect(unknown("let a = \"RCPT-3\"") == [])
    }

    @Test func findsAnUncitedRule() {
        let file = SourceFile("Sources/A/A.swift", "// RCPT-10\nlet a = \"RCPT-1\"\n")
        #expect(
            uncitedRules(RuleBook([spec]), prefix: "RCPT", sources: [file]).map(\.description)
                == ["RCPT-1", "RCPT-2"])
    }
}
