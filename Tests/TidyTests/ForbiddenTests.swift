import Testing

/// Targets that may start unstructured tasks: the composition root, and servers of connections.
private let taskStarters: Set<String> = ["TallyNode", "TallyCLI", "TallyRPC", "tally"]
/// Targets that write to a terminal.
private let printers: Set<String> = ["TallyCLI", "tally"]

/// Names that bring time, chance, files or threads into a core, which gets them as input.
private let strangersToCores: Set<String> = [
    "ContinuousClock", "SuspendingClock", "SystemRandomNumberGenerator", "arc4random",
    "clock_gettime", "fopen", "getenv", "getrandom", "gettimeofday", "pthread_create",
]
private let suspensions: Set<String> = ["actor", "async", "await"]

/// Outside influences in a target that must be a function of its input.
func influences(in file: SourceFile) -> [Finding] {
    guard Layers.cores.contains(file.target) else { return [] }
    let isConsensus = file.target == "TallyConsensus"
    return file.tokens.filter {
        $0.kind == .word
            && (strangersToCores.contains($0.text) || isConsensus && suspensions.contains($0.text))
    }.map { file.finding($0.line, "`\($0.text)` in a core") }
}

/// Operations that the product does without.
func forbiddenOperations(in file: SourceFile) -> [Finding] {
    let tokens = file.tokens
    return tokens.indices.compactMap { i in
        guard tokens[i].kind == .word else { return nil }
        let before = i > 0 ? tokens[i - 1].text : ""
        let next = i + 1 < tokens.count ? tokens[i + 1] : nil
        let isCall = next?.text == "(" && before != "func" && before != "."
        let problem: String? =
            switch tokens[i].text {
            case "try" where next?.text == "!" && next?.isGlued == true,
                "as" where next?.text == "!" && next?.isGlued == true:
                "`\(tokens[i].text)!` traps on a failure"
            case "fatalError" where isCall:
                "`fatalError`: a precondition or a typed error serves"
            case "print" where isCall && !printers.contains(file.target),
                "debugPrint" where isCall && !printers.contains(file.target):
                "`\(tokens[i].text)` outside the command line"
            case "Task" where !taskStarters.contains(file.target) && startsTask(i, in: tokens):
                "unstructured task outside the composition root"
            default: nil
            }
        return problem.map { file.finding(tokens[i].line, $0) }
    }
}

/// Whether `Task` at `i` begins a task, rather than naming the type or asking about cancellation.
private func startsTask(_ i: Int, in tokens: [Token]) -> Bool {
    let before = i > 0 ? tokens[i - 1] : nil
    if before?.text == ":" || before?.text == "." { return false }
    // The `>` of an arrow: a result type.
    if before?.text == ">", before?.isGlued == true, i > 1, tokens[i - 2].text == "-" {
        return false
    }
    var next = i + 1
    if next < tokens.count, tokens[next].text == "<" {
        var depth = 0
        repeat {
            if tokens[next].text == "<" { depth += 1 }
            if tokens[next].text == ">" { depth -= 1 }
            next += 1
        } while depth > 0 && next < tokens.count
    }
    guard next < tokens.count else { return false }
    if tokens[next].text == "." {
        return next + 1 < tokens.count
            && ["detached", "immediate", "immediateDetached", "init"]
                .contains(tokens[next + 1].text)
    }
    return tokens[next].text == "{" || tokens[next].text == "("
}

/// Sleeps, which make a test slow and still not sure.
func sleeps(in file: SourceFile) -> [Finding] {
    let tokens = file.tokens
    return tokens.indices.dropFirst().compactMap { i in
        guard ["sleep", "usleep", "nanosleep", "sleepForTimeInterval"].contains(tokens[i].text),
            tokens[i].kind == .word, tokens[i - 1].text != "func", i + 1 < tokens.count,
            tokens[i + 1].text == "("
        else { return nil }
        return file.finding(tokens[i].line, "a test sleeps")
    }
}

/// Notes to oneself, and paths that exist on one machine only.
func forbiddenWords(in file: TextFile) -> [Finding] {
    // Put together here, since this file is read too.
    let notes = ["TO" + "DO", "FIX" + "ME", "XX" + "X"]
    let places = ["../" + "shared", "/work/" + "shared", "." + "library/", "/work/" + "wt"]
    guard (notes + places).contains(where: file.text.contains) else { return [] }
    var found: [Finding] = []
    for (i, line) in file.text.split(separator: "\n", omittingEmptySubsequences: false).enumerated()
    {
        let words = line.split { !$0.isLetter && !$0.isNumber && $0 != "_" }
        for note in notes where words.contains(Substring(note)) {
            found.append(Finding(path: file.path, line: i + 1, message: "the word \(note)"))
        }
        for place in places where line.contains(place) {
            found.append(Finding(path: file.path, line: i + 1, message: "the path \(place)"))
        }
    }
    return found
}

@Suite struct ForbiddenTests {
    @Test func sourcesHaveNoForbiddenOperations() {
        expectNone(Tree.shared.sources.flatMap(forbiddenOperations))
    }

    @Test func coresDependOnTheirInputOnly() {
        expectNone(Tree.shared.sources.flatMap(influences))
    }

    @Test func findsAnInfluenceOnACore() {
        func found(_ target: String, _ text: String) -> Int {
            influences(in: SourceFile("Sources/\(target)/A.swift", text)).count
        }
        #expect(found("TallyState", "let a = ContinuousClock.now") == 1)
        #expect(found("TallyState", "let a = await b()") == 0)
        #expect(found("TallyConsensus", "let a = await b()") == 1)
        #expect(found("TallyEngine", "let a = ContinuousClock.now  // await") == 0)
    }

    @Test func testsDoNotSleep() {
        // KillTest is no test target: it drives real processes, which have their own time.
        let files = Tree.shared.swift.filter {
            $0.path.hasPrefix("Tests/") && !$0.path.hasPrefix("Tests/KillTest/")
        }
        expectNone(files.flatMap(sleeps))
    }

    @Test func nothingIsLeftAsANote() {
        #expect(Tree.shared.texts.count > 20, "the tree is read")
        expectNone(Tree.shared.texts.flatMap(forbiddenWords))
    }

    @Test(arguments: [
        "let a = try! b()", "let a = b as! C", "fatalError()", "print(1)", "debugPrint(1)",
        "Task { await a() }", "Task(priority: .high) { await a() }", "Task.detached { }",
        "let a = Task<Void, Never> { }", "let a = \"\\(try! b())\"", "x > Task { }",
    ])
    func findsAForbiddenOperation(text: String) {
        let file = SourceFile("Sources/TallyEngine/A.swift", text + "\n")
        #expect(forbiddenOperations(in: file).count == 1)
    }

    @Test(arguments: [
        "let a = try b() != c", "// try! a as! b", "let a = \"fatalError()\"", "log.print(1)",
        "func print(_ a: Int) {}", "var a: Task<Void, Never> { b }", "Task.isCancelled",
        "try Task.checkCancellation()", "func a() -> Task<Void, Never> { b }", "case b as !c",
    ])
    func passesOrdinaryCode(text: String) {
        let file = SourceFile("Sources/TallyEngine/A.swift", text + "\n")
        #expect(forbiddenOperations(in: file) == [])
    }

    @Test func compositionRootStartsTasks() {
        #expect(forbiddenOperations(in: SourceFile("Sources/TallyNode/A.swift", "Task {}")) == [])
        #expect(forbiddenOperations(in: SourceFile("Sources/TallyCLI/A.swift", "print(1)")) == [])
    }

    @Test(arguments: [
        "try await Task.sleep(for: .seconds(1))", "Thread.sleep(forTimeInterval: 1)",
        "try await clock.sleep(for: a)", " usleep(10)", " sleep(1)",
    ])
    func findsASleep(text: String) {
        #expect(sleeps(in: SourceFile("Tests/A/A.swift", "let a = 1\n" + text)).map(\.line) == [2])
        #expect(sleeps(in: SourceFile("Tests/A/A.swift", "// " + text)) == [])
    }

    @Test func findsNotesAndForeignPaths() {
        for word in ["TO" + "DO", "FIX" + "ME", "XX" + "X", "../" + "shared/a", "." + "library/a"] {
            #expect(
                forbiddenWords(in: TextFile(path: "a.md", text: "a\nb \(word): c\n")).map(\.line)
                    == [2])
        }
        let fine = "XX" + "XX .library(name: \"A\") shared"
        #expect(forbiddenWords(in: TextFile(path: "a.md", text: fine)) == [])
    }
}
