/// The layers of ARCHITECTURE.md: a target imports only targets of lower numbers.
enum Layers {
    static let table: [String: Int] = [
        "CLMDB": 0, "CSecp256k1": 0, "COpenSSL": 0, "CPostgres": 0, "TallyPrimitives": 0,
        "TallyCrypto": 1, "TallyStore": 1,
        "TallyTransactions": 2, "TallyState": 2, "TallyConsensus": 2,
        "TallyExecution": 3, "TallySharding": 3, "TallyJournal": 3,
        "TallyEngine": 4, "TallyNetwork": 4, "TallySimulation": 4, "TallyClient": 4,
        "TallyWorker": 4,
        "TallyRPC": 5, "TallyIndexer": 5, "TallyBench": 5,
        "TallyNode": 6,
        "TallyCLI": 7, "tally": 7,
        "BenchSupport": 6, "Bench": 8, "KillTest": 8, "PlantedBugRun": 8,
        "FuzzTargets": 8, "Fuzz": 9,
    ]

    /// Imports inside one layer, each the only one of its kind.
    static let withinLayer: [String: Set<String>] = [
        "TallySharding": ["TallyExecution"], "TallyNetwork": ["TallyEngine"], "tally": ["TallyCLI"],
    ]

    /// C modules, each behind one wrapper.
    static let wrappers: [String: String] = [
        "CLMDB": "TallyStore", "CSecp256k1": "TallyCrypto", "COpenSSL": "TallyCrypto",
        "CPostgres": "TallyIndexer",
    ]

    /// Sans-IO targets: no time, disk, network, threads or logs.
    static let cores: Set<String> = [
        "TallyPrimitives", "TallyTransactions", "TallyState", "TallyConsensus", "TallyExecution",
        "TallySharding", "TallyJournal",
    ]

    /// The only targets that see NIO.
    static let onNIO: Set<String> = [
        "TallyNetwork", "TallyClient", "TallyRPC", "TallyIndexer", "TallyBench", "TallyNode",
        "TallyCLI", "tally", "Bench",
    ]

    /// Only these of our targets may be seen by a target with an entry.
    static let onlyImports: [String: Set<String>] = [
        "TallyConsensus": ["TallyPrimitives", "TallyCrypto"]
    ]

    static let neverImports: [String: Set<String>] = [
        "TallySimulation": ["TallyEngine", "TallyNetwork", "TallyStore", "CLMDB"]
    ]

    /// Modules of the toolchain and the system, which no manifest declares.
    static let toolchain: Set<String> = [
        "Swift", "Synchronization", "Foundation", "FoundationEssentials", "FoundationNetworking",
        "Dispatch", "Glibc", "Musl", "Darwin", "Testing", "XCTest",
    ]

    private static func isForbiddenInCores(_ module: String) -> Bool {
        module.hasPrefix("Foundation") || module.hasPrefix("NIO")
            || ["Dispatch", "Logging", "Metrics"].contains(module)
    }

    /// Why `target` may not import `module`; `nil` if it may.
    static func objection(to module: String, in target: String) -> String? {
        guard let layer = table[target] else { return "\(target) is in no layer" }
        if let other = table[module] {
            let isBelow = other < layer || withinLayer[target, default: []].contains(module)
            if !isBelow { return "\(target) (layer \(layer)) imports \(module) (layer \(other))" }
        }
        if let wrapper = wrappers[module], wrapper != target {
            return "only \(wrapper) imports \(module)"
        }
        if neverImports[target, default: []].contains(module) {
            return "\(target) never imports \(module)"
        }
        if let only = onlyImports[target], !only.contains(module), module != "Swift" {
            return "\(target) imports \(only.sorted().joined(separator: " and ")) only"
        }
        if cores.contains(target), isForbiddenInCores(module) {
            return "a core knows no IO: \(target) imports \(module)"
        }
        if module.hasPrefix("NIO"), !onNIO.contains(target) {
            return "\(target) builds without NIO, but imports \(module)"
        }
        return nil
    }
}

/// One `import` declaration.
struct Import: Equatable {
    let module: String
    let access: String?
    /// Without `@`.
    let attributes: [String]
    let line: Int

    private static let kinds: Set<String> = [
        "struct", "class", "enum", "protocol", "func", "var", "let", "typealias",
    ]
    private static let accessLevels: Set<String> = [
        "public", "package", "internal", "fileprivate", "private",
    ]

    /// The imports of a file in order.
    static func all(in tokens: [Token]) -> [Import] {
        var found: [Import] = []
        for i in tokens.indices where tokens[i].kind == .word && tokens[i].text == "import" {
            var next = i + 1
            if next < tokens.count, kinds.contains(tokens[next].text) { next += 1 }
            guard next < tokens.count, tokens[next].kind == .word else { continue }
            var access: String?
            var attributes: [String] = []
            var before = i - 1
            while before >= 0 {
                if accessLevels.contains(tokens[before].text) {
                    access = tokens[before].text
                    before -= 1
                } else if before > 0, tokens[before - 1].text == "@" {
                    attributes.append(tokens[before].text)
                    before -= 2
                } else {
                    break
                }
            }
            found.append(
                Import(
                    module: tokens[next].text, access: access, attributes: attributes,
                    line: tokens[i].line))
        }
        return found
    }
}
