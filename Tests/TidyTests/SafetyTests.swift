import Testing

/// Uses of unchecked constructs that have no `// SAFETY:` reason beside or above them.
func unexplainedUnsafety(in file: SourceFile) -> [Finding] {
    let tokens = file.tokens
    let codeLines = Set(tokens.map(\.line))
    return tokens.indices.compactMap { i in
        guard let name = uncheckedConstruct(at: i, in: tokens) else { return nil }
        let line = tokens[i].line
        let isExplained = isReason(file.comments[line]) || hasReason(above: line)
        return isExplained ? nil : file.finding(line, "`\(name)` has no SAFETY: reason beside it")
    }

    /// Within three lines, or at the head of a comment that reaches into them.
    func hasReason(above line: Int) -> Bool {
        var next = line - 1
        while next > 0 {
            if isReason(file.comments[next]) { return true }
            let isComment = file.comments[next] != nil && !codeLines.contains(next)
            if next <= line - 3, !isComment { return false }
            next -= 1
        }
        return false
    }

    func isReason(_ comment: String?) -> Bool {
        guard let parts = comment?.split(separator: "SAFETY:", maxSplits: 1), parts.count == 2
        else { return false }
        return parts[1].contains { $0.isLetter }
    }
}

/// The name of the unchecked construct that begins at a token.
private func uncheckedConstruct(at i: Int, in tokens: [Token]) -> String? {
    guard tokens[i].kind == .word else { return nil }
    let before = i > 0 ? tokens[i - 1].text : ""
    let next = i + 1 < tokens.count ? tokens[i + 1] : nil
    switch tokens[i].text {
    case "unchecked" where before == "@", "preconcurrency" where before == "@":
        return "@" + tokens[i].text
    case "unsafe" where before == "(" && next?.text == ")":
        return i > 1 && tokens[i - 2].text == "nonisolated" ? "nonisolated(unsafe)" : nil
    case "unsafe":
        return next.map { $0.kind != .mark && !$0.isGlued } ?? false ? "unsafe" : nil
    case "Unmanaged", "withoutActuallyEscaping", "unsafeBitCast":
        return tokens[i].text
    default:
        return nil
    }
}

@Suite struct SafetyTests {
    @Test func uncheckedConstructsHaveReasons() {
        expectNone(Tree.shared.swift.flatMap(unexplainedUnsafety))
    }

    @Test(arguments: [
        "final class A: @unchecked Sendable {}", "nonisolated(unsafe) var a = 1",
        "@preconcurrency import A", "let a = unsafe pointer[0]", "let a: Unmanaged<B>",
        "withoutActuallyEscaping(body) { $0() }", "unsafeBitCast(a, to: Int.self)",
    ])
    func findsUnexplained(line: String) {
        func findings(_ text: String) -> [Int] {
            unexplainedUnsafety(in: SourceFile("A.swift", text)).map(\.line)
        }
        #expect(findings("\n\(line)\n") == [2])
        #expect(findings("// SAFETY: one thread only.\n\n\n\n\(line)\n") == [5])
        #expect(findings("// SAFETY:\n\(line)\n") == [2])
        #expect(findings("let a = \"SAFETY: none\"\n\(line)\n") == [2])
        #expect(findings("// SAFETY: one thread only.\n\(line)\n") == [])
        #expect(findings("// SAFETY: one\n// a\n// b\n// c\n// d\n\(line)\n") == [])
        #expect(findings("\(line)  // SAFETY: one thread only.\n") == [])
    }

    @Test func ignoresTextAndSafeCode() {
        let text = """
            // @unchecked Sendable, nonisolated(unsafe)
            let a = "Unmanaged unsafeBitCast"
            nonisolated func b() { isUnsafe = kind(unsafe) }
            """
        #expect(unexplainedUnsafety(in: SourceFile("A.swift", text)) == [])
    }
}
