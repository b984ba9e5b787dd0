// swift-tools-version:6.2
import PackageDescription

// The layers of ARCHITECTURE.md, lowest first: a target depends only on what stands above it.
// `TidyTests` compares every import with this table.

let root = Context.packageDirectory
let isRoot = !root.contains("/.build/checkouts/") && !root.contains("/SourcePackages/")

/// The path of libFuzzer when `tools/fuzz` builds: only then does its executable link, and is our
/// own code, nobody else's, watched.
let libFuzzer = Context.environment["TALLY_FUZZ"]

/// Settings of every target of ours. Unsafe flags bar a package from being a dependency, so
/// they apply only when this package is the root.
let settings: [SwiftSetting] =
    [
        .swiftLanguageMode(.v6),
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("InternalImportsByDefault"),
        .enableUpcomingFeature("MemberImportVisibility"),
        .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
        .treatAllWarnings(as: .error),
    ]
    + (isRoot ? [.unsafeFlags(["-cross-module-optimization"], .when(configuration: .release))] : [])
    + (libFuzzer == nil ? [] : [.unsafeFlags(["-sanitize=fuzzer"])])

/// Hashing is nine times slower unoptimised, which makes debug tests unusable.
let hotSettings = settings + (isRoot ? [.unsafeFlags(["-O"], .when(configuration: .debug))] : [])

func core(
    _ name: String, _ dependencies: [Target.Dependency] = [], settings: [SwiftSetting] = settings,
    exclude: [String] = [], resources: [Resource] = []
) -> Target {
    .target(
        name: name, dependencies: dependencies, exclude: exclude, resources: resources,
        swiftSettings: settings)
}

func tests(
    _ name: String, _ dependencies: [Target.Dependency], resources: [Resource] = []
) -> Target {
    .testTarget(
        name: name, dependencies: dependencies, resources: resources, swiftSettings: settings)
}

let nio: [Target.Dependency] = [
    .product(name: "NIOCore", package: "swift-nio"),
    .product(name: "NIOPosix", package: "swift-nio"),
    .product(name: "NIOHTTP1", package: "swift-nio"),
]
let webSocket: Target.Dependency = .product(name: "NIOWebSocket", package: "swift-nio")
let mutualTLS: [Target.Dependency] = [
    .product(name: "NIOCore", package: "swift-nio"),
    .product(name: "NIOPosix", package: "swift-nio"),
    .product(name: "NIOTLS", package: "swift-nio"),
    .product(name: "NIOSSL", package: "swift-nio-ssl"),
]
let log: Target.Dependency = .product(name: "Logging", package: "swift-log")

let fuzzing: [Target] =
    libFuzzer.map { library in
        [
            .executableTarget(
                name: "Fuzz", dependencies: ["FuzzTargets"], path: "Tests/Fuzz",
                swiftSettings: settings,
                linkerSettings: [.unsafeFlags(["-Xlinker", library])])
        ]
    } ?? []

let package = Package(
    name: "Tallystick",
    products: [
        .library(
            name: "Tallystick", targets: ["TallyPrimitives", "TallyTransactions", "TallyClient"]),
        .executable(name: "tally", targets: ["tally"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/LebJe/TOMLKit", from: "0.6.0"),
        .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
    ],
    targets: [
        // Layer 0
        .systemLibrary(name: "CLMDB", pkgConfig: "lmdb", providers: [.apt(["liblmdb-dev"])]),
        .systemLibrary(
            name: "CSecp256k1", pkgConfig: "libsecp256k1", providers: [.apt(["libsecp256k1-dev"])]),
        .systemLibrary(name: "COpenSSL", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
        core("TallyPrimitives", settings: hotSettings),
        // Layer 1
        core(
            "TallyCrypto", ["TallyPrimitives", "COpenSSL", "CSecp256k1"], settings: hotSettings,
            exclude: ["Mnemonic/NOTICE.md"], resources: [.embedInCode("Mnemonic/english.txt")]),
        core("TallyStore", ["TallyPrimitives", "CLMDB"]),
        // Layer 2
        core("TallyTransactions", ["TallyPrimitives", "TallyCrypto"]),
        core("TallyState", ["TallyPrimitives", "TallyCrypto"]),
        core("TallyConsensus", ["TallyPrimitives", "TallyCrypto"]),
        // Layer 3
        core(
            "TallyExecution",
            [
                "TallyPrimitives", "TallyCrypto", "TallyTransactions", "TallyState",
                "TallyConsensus",
            ]),
        core(
            "TallySharding",
            [
                "TallyPrimitives", "TallyCrypto", "TallyTransactions", "TallyState",
                "TallyConsensus", "TallyExecution",
            ]),
        core("TallyJournal", ["TallyPrimitives", "TallyCrypto", "TallyConsensus"]),
        // Layer 4
        core(
            "TallyEngine",
            [
                "TallyPrimitives", "TallyCrypto", "TallyStore", "TallyTransactions", "TallyState",
                "TallyConsensus", "TallyExecution", "TallySharding", "TallyJournal",
                .product(name: "DequeModule", package: "swift-collections"),
                .product(name: "HeapModule", package: "swift-collections"),
            ]),
        core(
            "TallySimulation",
            [
                "TallyPrimitives", "TallyCrypto", "TallyTransactions", "TallyState",
                "TallyConsensus", "TallyExecution", "TallySharding", "TallyJournal",
            ]),
        core("TallyClient", ["TallyPrimitives", "TallyCrypto", "TallyTransactions"] + nio),
        core(
            "TallyWorker",
            ["TallyPrimitives", "TallyCrypto", "TallyTransactions", "TallyExecution"]),
        core(
            "TallyNetwork",
            ["TallyPrimitives", "TallyCrypto", "TallyConsensus", "TallySharding", "TallyEngine"]
                + mutualTLS),
        // Layer 5
        core(
            "TallyRPC",
            [
                "TallyPrimitives", "TallyCrypto", "TallyTransactions", "TallyState",
                "TallyConsensus", "TallyExecution", "TallySharding", "TallyEngine", "TallyClient",
                log, webSocket,
            ] + nio),
        core(
            "TallyBench",
            [
                "TallyPrimitives", "TallyCrypto", "TallyTransactions", "TallyClient",
                .product(name: "Histogram", package: "hdrhistogram-swift"),
            ]),
        // Layer 6
        core(
            "TallyNode",
            [
                "TallyPrimitives", "TallyCrypto", "TallyStore", "TallyTransactions",
                "TallyState", "TallyExecution", "TallySharding", "TallyJournal", "TallyEngine",
                "TallyConsensus", "TallyNetwork", "TallyWorker",
                "TallyClient", "TallyRPC", log,
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
                .product(name: "TOMLKit", package: "TOMLKit"),
            ]),
        // Layer 7
        core(
            "TallyCLI",
            [
                "TallyPrimitives", "TallyCrypto", "TallyStore", "TallyTransactions", "TallyState",
                "TallyExecution", "TallySharding", "TallyEngine", "TallySimulation",
                "TallyClient", "TallyRPC", "TallyBench", "TallyWorker", "TallyNode", log,
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ]),
        .executableTarget(name: "tally", dependencies: ["TallyCLI"], swiftSettings: settings),

        // Tests
        .target(
            name: "TallyTesting", dependencies: ["TallyPrimitives"], path: "Tests/TallyTesting",
            swiftSettings: settings),
        // Optimised: it reads every byte of the repository.
        .testTarget(name: "TidyTests", swiftSettings: hotSettings),
        tests("TallyPrimitivesTests", ["TallyPrimitives", "TallyTesting"]),
        tests("TallyCryptoTests", ["TallyCrypto", "TallyPrimitives", "TallyTesting"]),
        tests("TallyStoreTests", ["TallyStore", "TallyPrimitives", "TallyTesting"]),
        tests(
            "TallyJournalTests",
            ["TallyJournal", "TallyConsensus", "TallyCrypto", "TallyPrimitives", "TallyTesting"]),
        .testTarget(
            name: "TallyConsensusTests",
            dependencies: ["TallyConsensus", "TallyCrypto", "TallyPrimitives", "TallyTesting"],
            exclude: ["Golden", "Transcripts"], swiftSettings: settings),
        tests("TallyStateTests", ["TallyState", "TallyCrypto", "TallyPrimitives", "TallyTesting"]),
        tests(
            "TallyTransactionsTests",
            ["TallyTransactions", "TallyCrypto", "TallyPrimitives", "TallyTesting"]),
        tests(
            "TallyExecutionTests",
            [
                "TallyExecution", "TallyConsensus", "TallyState", "TallyTransactions",
                "TallyCrypto",
                "TallyPrimitives", "TallyTesting",
            ]),
        tests(
            "TallyShardingTests",
            [
                "TallySimulation", "TallySharding", "TallyConsensus", "TallyExecution",
                "TallyState", "TallyTransactions", "TallyCrypto", "TallyPrimitives",
                "TallyTesting",
            ]),
        .testTarget(
            name: "TallySimulationTests",
            dependencies: [
                "TallySimulation", "TallyConsensus", "TallyJournal", "TallySharding",
                "TallyExecution", "TallyState", "TallyTransactions", "TallyCrypto",
                "TallyPrimitives", "TallyTesting",
            ], exclude: ["PlantedBugs"], swiftSettings: settings),
        // The process that `tools/planted-bugs` builds from a copy of the sources with bugs in it.
        .executableTarget(
            name: "PlantedBugRun",
            dependencies: [
                "TallySimulation", "TallyConsensus", "TallyJournal", "TallySharding",
                "TallyExecution", "TallyTransactions", "TallyCrypto", "TallyPrimitives",
            ], path: "Tests/PlantedBugRun", swiftSettings: settings),
        tests(
            "TallyEngineTests",
            [
                "TallyEngine", "TallyStore", "TallyJournal", "TallySharding", "TallyConsensus",
                "TallyExecution", "TallyState",
                "TallyTransactions", "TallyCrypto", "TallyPrimitives", "TallyTesting",
            ]),
        tests(
            "TallyNetworkTests",
            [
                "TallyNetwork", "TallyEngine", "TallyJournal", "TallySharding", "TallyConsensus",
                "TallyExecution", "TallyState", "TallyTransactions", "TallyCrypto",
                "TallyPrimitives", "TallyTesting",
            ] + mutualTLS),
        tests(
            "TallyWorkerTests",
            [
                "TallyWorker", "TallyExecution", "TallyState", "TallyTransactions", "TallyCrypto",
                "TallyPrimitives", "TallyTesting",
            ]),
        tests("TallyClientTests", ["TallyClient", "TallyPrimitives", "TallyTesting"]),
        tests(
            "TallyRPCTests",
            [
                "TallyRPC", "TallyClient", "TallyEngine", "TallySharding", "TallyExecution",
                "TallyJournal", "TallyState", "TallyTransactions", "TallyCrypto",
                "TallyPrimitives", "TallyTesting",
            ] + nio),
        tests(
            "TallyNodeTests",
            [
                "TallyNode", "TallyRPC", "TallyNetwork", "TallyEngine", "TallyJournal",
                "TallyStore",
                "TallyClient", "TallySharding", "TallyExecution", "TallyState", "TallyTransactions",
                "TallyCrypto",
                "TallyPrimitives", "TallyTesting", log,
            ]),
        // The process that `tools/kill-test` runs: it kills nodes and looks what is left.
        .executableTarget(
            name: "KillTest",
            dependencies: [
                "TallyClient", "TallyEngine", "TallyNode", "TallyTransactions", "TallyCrypto",
                "TallyPrimitives",
            ], path: "Tests/KillTest", exclude: ["Shim"], swiftSettings: settings),
        // What `tools/fuzz` and, over the committed corpus, a test give any bytes to.
        .target(
            name: "FuzzTargets",
            dependencies: [
                "TallyNode", "TallyRPC", "TallyNetwork", "TallyClient", "TallyEngine",
                "TallyJournal", "TallySharding", "TallyExecution", "TallyConsensus", "TallyState",
                "TallyTransactions", "TallyCrypto", "TallyPrimitives",
            ], path: "Tests/FuzzTargets", swiftSettings: settings),
        .testTarget(
            name: "FuzzTargetsTests",
            dependencies: [
                "FuzzTargets", "TallySimulation", "TallyNode", "TallyNetwork", "TallyClient",
                "TallySharding", "TallyExecution", "TallyConsensus", "TallyState",
                "TallyTransactions", "TallyCrypto", "TallyPrimitives", "TallyTesting",
            ], exclude: ["Corpus"], swiftSettings: settings),
        // Benchmarks are targets of this manifest: another package cannot see `package` symbols.
        .target(
            name: "BenchSupport", dependencies: ["TallyBench", "TallyClient"],
            path: "Benchmarks/BenchSupport", swiftSettings: settings),
        .executableTarget(
            name: "Bench",
            dependencies: [
                "BenchSupport", "TallyBench", "TallyRPC", "TallyNetwork", "TallyEngine",
                "TallyClient",
                "TallyJournal", "TallySharding", "TallyExecution", "TallyConsensus", "TallyState",
                "TallyTransactions", "TallyCrypto", "TallyPrimitives",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ] + nio, path: "Benchmarks/Bench", swiftSettings: settings),
        tests("BenchSupportTests", ["BenchSupport", "TallyBench", "TallyClient"]),
        tests(
            "TallyBenchTests",
            ["TallyBench", "TallyClient", "TallyCrypto", "TallyPrimitives", "TallyTesting"]),
        tests(
            "TallyCLITests",
            [
                "TallyCLI", "TallyBench", "TallyNode", "TallyNetwork", "TallySimulation",
                "TallyEngine", "TallyStore", "TallyClient", "TallySharding", "TallyExecution",
                "TallyConsensus",
                "TallyState", "TallyTransactions", "TallyCrypto", "TallyPrimitives",
                "TallyTesting", log,
            ]),
    ] + fuzzing
)

// Some test targets by their names, for `tools/race`, which needs no others.
if let names = Context.environment["TALLY_TESTS"]?.split(separator: " ").map(String.init) {
    package.targets.removeAll { $0.type == .test && !names.contains($0.name) }
}
