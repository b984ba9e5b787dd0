import Testing

/// The body of a function, an initialiser or a computed property.
struct Body: Equatable {
    let name: String
    let line: Int
    /// From the keyword to the closing brace, both included.
    let lineCount: Int

    private static let keywords: Set<String> = [
        "func", "init", "deinit", "subscript", "var", "let",
    ]

    /// Bodies of a file in order; nested ones too.
    static func all(in tokens: [Token]) -> [Body] {
        tokens.indices.compactMap { i in
            guard isDeclaration(at: i, in: tokens), let open = opening(after: i, in: tokens),
                let close = closing(of: open, in: tokens)
            else { return nil }
            let isNamed = ["func", "var", "let"].contains(tokens[i].text)
            return Body(
                name: isNamed && i + 1 < tokens.count ? tokens[i + 1].text : tokens[i].text,
                line: tokens[i].line, lineCount: tokens[close].line - tokens[i].line + 1)
        }
    }

    private static func isDeclaration(at i: Int, in tokens: [Token]) -> Bool {
        guard tokens[i].kind == .word, keywords.contains(tokens[i].text) else { return false }
        let next = i + 1 < tokens.count ? tokens[i + 1].text : ""
        return !(i > 0 && tokens[i - 1].text == ".") && next != ":"
    }

    /// The `{` of the declaration at `start`; `nil` when it has no body.
    private static func opening(after start: Int, in tokens: [Token]) -> Int? {
        let isProperty = ["var", "let"].contains(tokens[start].text)
        var depth = 0
        var hasValue = false
        for i in (start + 1)..<tokens.count {
            let text = tokens[i].kind == .literal ? "" : tokens[i].text
            if "([".contains(text), !text.isEmpty { depth += 1 }
            if ")]".contains(text), !text.isEmpty { depth -= 1 }
            if depth < 0 { return nil }
            if depth > 0 { continue }
            if text == "{" {
                let isClosure = tokens[i - 1].text == "="
                if isProperty, tokens[start].text == "let" || hasValue {
                    return isClosure ? i : nil
                }
                return i
            }
            if text == "}" || text == ";" { return nil }
            if isDeclaration(at: i, in: tokens) { return nil }
            if isProperty, tokens[i].line > tokens[i - 1].line, tokens[i - 1].text != "=",
                tokens[i - 1].text != ":"
            {
                return nil
            }
            if text == "=" { hasValue = true }
        }
        return nil
    }

    private static func closing(of open: Int, in tokens: [Token]) -> Int? {
        var depth = 0
        for i in open..<tokens.count where tokens[i].kind == .mark {
            if tokens[i].text == "{" { depth += 1 }
            if tokens[i].text == "}" { depth -= 1 }
            if depth == 0 { return i }
        }
        return nil
    }
}

/// Sizes by name that exceed `limit`, judged by an allow-list that may only shrink.
func excesses(
    _ sizes: [(place: Finding, name: String, size: Int)], limit: Int, allowed: [String: Int]
)
    -> [Finding]
{
    var found: [Finding] = []
    var largest: [String: Int] = [:]
    for (place, name, size) in sizes where size > limit {
        largest[name] = max(size, largest[name] ?? 0)
        if size > allowed[name] ?? limit { found.append(place) }
    }
    for (name, size) in allowed.sorted(by: { $0.key < $1.key }) where size > largest[name] ?? 0 {
        let need = largest[name].map { "needs \($0) lines only" } ?? "is no longer needed"
        found.append(
            Finding(path: "AllowList.swift", line: 1, message: "the entry for \(name) \(need)"))
    }
    return found
}

func longFiles(_ files: [SourceFile], allowed: [String: Int]) -> [Finding] {
    excesses(
        files.map { ($0.finding(1, "\($0.lineCount) lines of 600"), $0.path, $0.lineCount) },
        limit: 600, allowed: allowed)
}

func longFunctions(_ files: [SourceFile], allowed: [String: Int]) -> [Finding] {
    excesses(
        files.flatMap { file in
            Body.all(in: file.tokens).map {
                (
                    file.finding($0.line, "`\($0.name)` has \($0.lineCount) lines of 70"),
                    file.path + " " + $0.name, $0.lineCount
                )
            }
        }, limit: 70, allowed: allowed)
}

@Suite struct SizeTests {
    @Test func filesHaveAtMost600Lines() {
        expectNone(longFiles(Tree.shared.swift, allowed: AllowList.files))
    }

    @Test func functionsHaveAtMost70Lines() {
        expectNone(longFunctions(Tree.shared.swift, allowed: AllowList.functions))
    }

    private func function(lines: Int) -> String {
        "func long() {\n" + String(repeating: "    step()\n", count: lines - 2) + "}\n"
    }

    @Test func findsALongFunction() {
        let good = SourceFile("Sources/A/A.swift", function(lines: 70))
        let bad = SourceFile("Sources/A/B.swift", "\n" + function(lines: 71))
        #expect(longFunctions([good], allowed: [:]) == [])
        #expect(
            longFunctions([good, bad], allowed: [:]) == [
                bad.finding(2, "`long` has 71 lines of 70")
            ])
    }

    @Test func findsALongFile() {
        let good = SourceFile("A.swift", String(repeating: "x\n", count: 600))
        let bad = SourceFile("B.swift", String(repeating: "x\n", count: 600) + "x")
        #expect(longFiles([good, bad], allowed: [:]).map(\.path) == ["B.swift"])
    }

    @Test func allowListMayOnlyShrink() {
        let bad = [SourceFile("A.swift", function(lines: 80))]
        #expect(longFunctions(bad, allowed: ["A.swift long": 80]) == [])
        #expect(longFunctions(bad, allowed: ["A.swift long": 79]).count == 1)
        #expect(
            longFunctions(bad, allowed: ["A.swift long": 81]).map(\.message) == [
                "the entry for A.swift long needs 80 lines only"
            ])
        #expect(
            longFunctions([], allowed: ["A.swift long": 80]).map(\.message) == [
                "the entry for A.swift long is no longer needed"
            ])
    }

    @Test func measuresEveryKindOfBody() {
        let text = """
            protocol P {
                func required(a: Int)
                var needed: Int { get }
                init(x: Int)
            }
            struct S: P {
                let stored: Int
                var empty = [1, 2].map { $0 }
                static let table: [Int] = {
                    [1]
                }()
                var needed: Int {
                    1
                }
                init(
                    x: Int, body: () -> Int = { 3 }
                ) {
                    self.init(y: { 4 })
                }
                deinit {
                    if let a = b {
                        print("}}} \\(c.map { "{" }) {")  // }
                    }
                }
                subscript(i: Int) -> Int {
                    /* } /* } */ } */ 1
                }
                func required(a: Int) where T: P {
                    let t = #"{" { "#
                    let u = \"""
                        } {
                        \"""
                }
            }
            """
        let bodies = Body.all(in: Lexer(Array(text.utf8)).tokens)
        let expected = [
            ("needed", 1), ("table", 3), ("needed", 3), ("init", 5), ("deinit", 5),
            ("subscript", 3), ("required", 6),
        ]
        #expect(bodies.map(\.name) == expected.map(\.0))
        #expect(bodies.map(\.lineCount) == expected.map(\.1))
    }
}
