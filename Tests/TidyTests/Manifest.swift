/// What `Package.swift` declares, read from its text.
struct Manifest: Sendable {
    /// Modules that each target of ours, of `Sources` or `Tests`, may import.
    private(set) var dependencies: [String: Set<String>] = [:]
    private(set) var systemLibraries: Set<String> = []

    /// Names of the functions that make a target.
    private static let makers: Set<String> = [
        "core", "tests", "target", "testTarget", "executableTarget", "systemLibrary",
    ]

    init(_ text: String) {
        let tokens = Lexer(Array(text.utf8)).tokens
        let shared = Self.sharedDependencies(tokens)
        for i in tokens.indices.dropFirst()
        where Self.makers.contains(tokens[i].text) && tokens[i].kind == .word
            && tokens[i - 1].text != "func" && i + 1 < tokens.count && tokens[i + 1].text == "("
        {
            let call = tokens[(i + 1)..<Self.end(of: i + 1, in: tokens)]
            guard let name = call.first(where: { $0.kind == .literal })?.text else { continue }
            // `.target(name: "X")` inside a list of dependencies is no declaration.
            guard dependencies[name] == nil else { continue }
            var modules = Self.modules(in: call)
            for word in call where word.kind == .word { modules.formUnion(shared[word.text] ?? []) }
            modules.remove(name)
            dependencies[name] = modules
            if tokens[i].text == "systemLibrary" { systemLibraries.insert(name) }
        }
    }

    /// `let name: [Target.Dependency] = …` and the singular, by name.
    private static func sharedDependencies(_ tokens: [Token]) -> [String: Set<String>] {
        var found: [String: Set<String>] = [:]
        for i in tokens.indices where tokens[i].text == "let" && i + 2 < tokens.count {
            let rest = tokens[(i + 2)...]
            guard let equals = rest.firstIndex(where: { $0.text == "=" }),
                tokens[(i + 2)..<equals].contains(where: { $0.text == "Dependency" }),
                let open = rest[equals...].firstIndex(where: { $0.text == "[" || $0.text == "(" })
            else { continue }
            found[tokens[i + 1].text] = modules(in: tokens[open..<end(of: open, in: tokens)])
        }
        return found
    }

    /// Index behind the bracket that closes the one at `open`.
    private static func end(of open: Int, in tokens: [Token]) -> Int {
        var depth = 0
        for i in open..<tokens.count where tokens[i].kind == .mark {
            if "([{".contains(tokens[i].text) { depth += 1 }
            if ")]}".contains(tokens[i].text) { depth -= 1 }
            if depth == 0 { return i + 1 }
        }
        return tokens.count
    }

    /// Literals that stand in an array, or behind `name:`.
    private static func modules(in call: ArraySlice<Token>) -> Set<String> {
        var found: Set<String> = []
        for i in call.indices.dropFirst() where call[i].kind == .literal {
            let before = call[i - 1].text
            let label = before == ":" && i - 2 >= call.startIndex ? call[i - 2].text : ""
            if before == "[" || before == "," || label == "name" { found.insert(call[i].text) }
        }
        return found
    }
}
