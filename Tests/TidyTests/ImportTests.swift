import Testing

/// Imports of a source file that the layers, the manifest or the house rules do not allow.
func forbiddenImports(in file: SourceFile, manifest: Manifest) -> [Finding] {
    Import.all(in: file.tokens).compactMap { one in
        let target = file.target
        let declared = manifest.dependencies[target, default: []]
        let problem: String? =
            if let attribute = one.attributes.first(where: { $0 != "preconcurrency" }) {
                "@\(attribute) import in a source file"
            } else if let objection = Layers.objection(to: one.module, in: target) {
                objection
            } else if !declared.contains(one.module), !Layers.toolchain.contains(one.module) {
                "Package.swift does not let \(target) depend on \(one.module)"
            } else {
                nil
            }
        return problem.map { file.finding(one.line, $0) }
    }
}

/// Imports of a test file that its target does not declare.
func undeclaredImports(in file: SourceFile, manifest: Manifest) -> [Finding] {
    let declared = manifest.dependencies[file.target, default: []]
    return Import.all(in: file.tokens)
        .filter { !declared.contains($0.module) && !Layers.toolchain.contains($0.module) }
        .map { file.finding($0.line, "Package.swift does not let \(file.target) see \($0.module)") }
}

/// Dependencies that the manifest declares against the layers.
func forbiddenDependencies(in manifest: Manifest) -> [Finding] {
    manifest.dependencies.sorted { $0.key < $1.key }.flatMap { target, modules in
        let isTest = target.hasSuffix("Tests") || target == "TallyTesting"
        return isTest || manifest.systemLibraries.contains(target)
            ? []
            : modules.sorted().compactMap { module in
                Layers.objection(to: module, in: target).map {
                    Finding(path: "Package.swift", line: 1, message: $0)
                }
            }
    }
}

/// Files of `Sources` that belong to no target of the manifest and the layer table.
func strayFiles(_ paths: [String], manifest: Manifest) -> [Finding] {
    paths.filter { $0.hasPrefix("Sources/") }.compactMap { path in
        let parts = path.split(separator: "/")
        let target = parts.count > 2 ? String(parts[1]) : "no folder"
        if Layers.table[target] == nil {
            return Finding(path: path, line: 1, message: "\(target) is in no layer")
        }
        if manifest.dependencies[target] == nil {
            return Finding(path: path, line: 1, message: "Package.swift lacks \(target)")
        }
        return nil
    }
}

@Suite struct ImportTests {
    private let manifest = Manifest(
        """
        let nio: [Target.Dependency] = [.product(name: "NIOCore", package: "swift-nio")]
        let log: Target.Dependency = .product(name: "Logging", package: "swift-log")
        func core(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target { .x }
        let package = Package(targets: [
            .systemLibrary(name: "CLMDB", providers: [.apt(["liblmdb-dev"])]),
            core("TallyState", ["TallyPrimitives"], settings: hot),
            core("TallyClient", ["TallyPrimitives", log] + nio),
            .executableTarget(name: "tally", dependencies: ["TallyCLI"]),
            tests("TallyStateTests", ["TallyState"]),
        ])
        """)

    @Test func sourcesImportOnlyLayersAbove() {
        let tree = Tree.shared
        #expect(tree.sources.count > 10, "the tree is read")
        expectNone(tree.sources.flatMap { forbiddenImports(in: $0, manifest: tree.manifest) })
    }

    @Test func testsImportOnlyWhatTheyDeclare() {
        let tree = Tree.shared
        let files = tree.swift.filter { $0.path.hasPrefix("Tests/") }
        #expect(files.count > 5, "the tree is read")
        expectNone(files.flatMap { undeclaredImports(in: $0, manifest: tree.manifest) })
    }

    @Test func manifestKeepsTheLayers() {
        #expect(Tree.shared.manifest.dependencies.count > 10, "the manifest is read")
        expectNone(forbiddenDependencies(in: Tree.shared.manifest))
    }

    @Test func everySourceFileBelongsToAKnownTarget() {
        expectNone(strayFiles(Tree.shared.paths, manifest: Tree.shared.manifest))
    }

    @Test func readsDependenciesOfAManifest() {
        #expect(
            manifest.dependencies["TallyClient"] == ["TallyPrimitives", "Logging", "NIOCore"])
        #expect(manifest.dependencies["TallyState"] == ["TallyPrimitives"])
        #expect(manifest.dependencies["TallyStateTests"] == ["TallyState"])
        #expect(manifest.dependencies["tally"] == ["TallyCLI"])
        #expect(manifest.systemLibraries == ["CLMDB"])
        #expect(manifest.dependencies["name"] == nil)
    }

    @Test(arguments: [
        ("TallyState", "TallyExecution"), ("TallyState", "TallyConsensus"),
        ("TallyExecution", "TallySharding"), ("TallyEngine", "TallyClient"),
        ("TallySimulation", "TallyStore"), ("TallySimulation", "CLMDB"),
        ("TallyEngine", "CLMDB"), ("TallyStore", "COpenSSL"), ("TallyConsensus", "Foundation"),
        ("TallyConsensus", "Glibc"), ("TallyConsensus", "Logging"),
        ("TallyJournal", "Foundation"), ("TallySharding", "Dispatch"),
        ("TallyPrimitives", "FoundationEssentials"), ("TallyExecution", "NIOCore"),
        ("TallyEngine", "NIOPosix"), ("Unheard", "Foundation"),
    ])
    func layersRefuse(target: String, module: String) {
        #expect(Layers.objection(to: module, in: target) != nil)
    }

    @Test(arguments: [
        ("TallySharding", "TallyExecution"), ("tally", "TallyCLI"), ("TallyStore", "CLMDB"),
        ("TallyCrypto", "COpenSSL"), ("TallyConsensus", "TallyCrypto"),
        ("TallyRPC", "NIOHTTP1"), ("TallyNode", "TallyRPC"), ("TallyEngine", "Dispatch"),
        ("TallyState", "Glibc"),
    ])
    func layersAllow(target: String, module: String) {
        #expect(Layers.objection(to: module, in: target) == nil)
    }

    @Test(arguments: [
        "import TallyExecution", "package import struct TallyExecution.Ledger",
        "@testable import TallyPrimitives", "@_exported import TallyPrimitives",
        "#if canImport(Foundation)\n    import Foundation\n#endif",
        "internal import TallyCrypto", "internal import Unheard",
    ])
    func findsAForbiddenImport(text: String) {
        let file = SourceFile("Sources/TallyState/A.swift", text + "\n")
        #expect(forbiddenImports(in: file, manifest: manifest).count == 1)
    }

    @Test func passesAnAllowedImport() {
        let text = """
            // import TallyExecution
            package import TallyPrimitives
            internal import Synchronization
            let text = "import TallyExecution"
            """
        let file = SourceFile("Sources/TallyState/A.swift", text)
        #expect(forbiddenImports(in: file, manifest: manifest) == [])
        #expect(
            Import.all(in: file.tokens).map(\.access) == ["package", "internal"])
    }

    @Test func findsAnUndeclaredImportOfATest() {
        let file = SourceFile(
            "Tests/TallyStateTests/A.swift", "import TallyState\nimport TallyCrypto\n")
        #expect(undeclaredImports(in: file, manifest: manifest).map(\.line) == [2])
    }

    @Test func findsAForbiddenDependency() {
        let bad = Manifest(#"let p = Package(targets: [core("TallyState", ["TallyEngine"])])"#)
        #expect(forbiddenDependencies(in: bad).count == 1)
        #expect(forbiddenDependencies(in: manifest) == [])
    }

    @Test func findsStrayFiles() {
        let paths = [
            "Sources/Stray.swift", "Sources/Unheard/A.swift", "Sources/TallyRPC/A.swift",
            "Sources/TallyState/A.swift",
        ]
        #expect(strayFiles(paths, manifest: manifest).count == 3)
    }
}
