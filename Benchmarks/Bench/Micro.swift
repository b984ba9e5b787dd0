import BenchSupport
import Foundation
import TallyBench
import TallyClient
import TallyCrypto
import TallyEngine
import TallyPrimitives
import TallyRPC
import TallyState
import TallyTransactions

/// One part of the ledger alone, on one core.
enum Micro: String, CaseIterable, Sendable {
    case recover
    case hash
    case tree
    case block
    case checkpoint
    case receipt
    case families

    /// Prints its figures.
    func run() async throws {
        switch self {
        case .recover: try await Self.recover()
        case .hash: Self.hash()
        case .tree: for accounts in [100_000, 1_000_000] { try Self.tree(accounts) }
        case .block: try Self.block()
        case .checkpoint: try Self.checkpoint()
        case .receipt: try await Self.receipt()
        case .families: try Self.families()
        }
    }

    /// The median CPU time of `body`, in µs for each of `count` things; the first run only warms up.
    private static func measure(
        _ name: String, per count: Int, repetitions: Int = 7, _ body: () throws -> Void
    ) rethrows {
        try body()
        var samples: [Double] = []
        for _ in 0..<repetitions {
            let start = Clocks.thread
            try body()
            samples.append((Clocks.thread - start) * 1e6 / Double(count))
        }
        report(name, Samples(samples))
    }

    private static func report(_ name: String, _ samples: Samples) {
        let figures = [samples.median, samples.least, samples.most].map {
            String(format: "%9.3f", $0)
        }
        print(
            name.padding(toLength: 44, withPad: " ", startingAt: 0)
                + "\(figures[0]) µs  (\(figures[1]) to \(figures[2]))")
    }

    /// Each kind of transaction beside a plain transfer: execution and state tree, without signatures.
    private static func families() throws {
        var runs: [String: [Double]] = [:]
        var order: [(kind: String, weight: Weight)] = []
        for _ in 0..<5 {
            var run = try FamilyRun(4_000)
            try run.run()
            order = run.samples.map { ($0.kind, $0.weight) }
            for sample in run.samples {
                runs[sample.kind, default: []].append(
                    sample.seconds * 1e6 / Double(sample.transactions))
            }
        }
        let transfer = Samples(runs["transfer"] ?? []).median
        for (kind, weight) in order {
            let samples = Samples(runs[kind] ?? [])
            report(kind, samples)
            let times = String(format: "%.2f", samples.median / transfer)
            let weights =
                weight == 0
                ? "prepaid"
                : String(
                    format: "%.2f transfers'", Double(weight) / Double(max(order[0].weight, 1)))
            let rate = String(format: "%.0f", 1e6 / samples.median)
            print("    \(rate)/s a core, \(times) transfers' time, \(weights) weight")
        }
    }

    private static func recover() async throws {
        let workload = try await Workload(
            WorkloadShape(accounts: 100, shards: 1, transfers: 5_000))
        let bound = try RecoverBound(workload.raws)
        try measure("ecdsa_recover", per: 5_000) { _ = try bound.perCoreSecond() }
        try measure("raw bytes to a verified transaction", per: 5_000) {
            for raw in workload.raws {
                _ = try Transaction(raw: raw, chainID: WorkloadShape.chainID)
            }
        }
    }

    private static func hash() {
        let bytes = [UInt8](repeating: 0x5a, count: 64)
        let count = 200_000
        var last = Hash32.zero
        measure("SHA-256 of 64 B", per: count) {
            for _ in 0..<count { last = SHA256.plain(bytes) }
        }
        measure("Keccak-256 of 64 B", per: count) {
            for _ in 0..<count { last = Keccak256.hash(bytes) }
        }
        precondition(last != .zero)
    }

    private static func account(_ nonce: UInt64) -> StateObject {
        StateObject(
            kind: .account, value: Amount(UInt128(nonce) << 60),
            payload: Payload(rlpInteger: nonce))
    }

    private static func paths(_ accounts: Int) -> [Hash32] {
        var random = SeededGenerator(seed: 1)
        return (0..<accounts).map { _ in
            ObjectKey.account(
                Address(
                    words: (
                        random.next(), random.next(), UInt32(truncatingIfNeeded: random.next())
                    ))
            ).path
        }
    }

    private static func changes(
        _ paths: [Hash32], _ count: Int, _ nonce: UInt64, _ random: inout SeededGenerator
    ) -> [StateChange] {
        var picked: Set<Int> = []
        while picked.count < count { picked.insert(Int.random(in: paths.indices, using: &random)) }
        return picked.map { StateChange(paths[$0], account(nonce)) }
    }

    private static func tree(_ accounts: Int) throws {
        let paths = paths(accounts)
        let pages = MemoryPages()
        var tree = try StateTree.empty.updating(
            paths.map { StateChange($0, account(0)) }.inPathOrder(), pages)
        var random = SeededGenerator(seed: 2)
        var samples: [Double] = []
        for round in 1...20 {
            let batch = changes(paths, 20_000, UInt64(round), &random)
            let start = Clocks.thread
            tree = try tree.updating(batch.inPathOrder(), pages)
            samples.append((Clocks.thread - start) * 1e6 / 20_000)
        }
        let name = ResultTable.number(Double(accounts))
        report("tree of \(name): a key of 20,000", Samples(samples))
        let reads = (0..<200_000).map { _ in paths[Int.random(in: paths.indices, using: &random)] }
        try measure("tree of \(name): read", per: reads.count) {
            for path in reads where try tree.object(path, pages) == nil {
                throw BenchError("an account is missing")
            }
        }
    }

    private static func block() throws {
        var run = try ExecutionRun(
            WorkloadShape(accounts: 100_000, shards: 1, transfers: 120_000), perBlock: 10_000)
        var samples: [Double] = []
        for round in 0..<12 {
            try run.enqueue(10_000)
            let done = try run.drain()
            if round > 1 { samples.append(done.seconds * 1e6 / Double(done.transfers)) }
        }
        report("a transfer of a block of 10,000", Samples(samples))
    }

    /// What a checkpoint takes from the tree, and what a restart does with it; without a disk.
    private static func checkpoint() throws {
        let paths = paths(1_000_000)
        var pages = MemoryPages()
        var tree = try StateTree.empty.updating(
            paths.map { StateChange($0, account(0)) }.inPathOrder(), pages)
        pages.apply(tree.pageChanges(since: .empty))
        tree = tree.flushed(tree)
        let stored = pages
        let flushed = tree
        try measure("load a tree of 1 M, an account", per: paths.count, repetitions: 3) {
            let loaded = try StateTree(loading: stored)
            guard loaded.root == flushed.root else { throw BenchError("another root") }
        }
        var random = SeededGenerator(seed: 3)
        let batch = changes(paths, 200_000, 7, &random).inPathOrder()
        try measure("tree of 1 M in the store: a key of 200,000", per: 200_000, repetitions: 3) {
            _ = try flushed.updating(batch, stored)
        }
        let changed = try flushed.updating(batch, stored)
        var written: [PageChange] = []
        measure("page changes, a key of 200,000", per: 200_000, repetitions: 3) {
            written = changed.pageChanges(since: flushed)
        }
        var bytes = 0
        for case .putBucket(_, let bucket) in written { bytes += bucket.count }
        print("page changes: \(written.count) buckets, \(bytes) bytes")
    }

    private static func receipt() async throws {
        let count = 2_000
        let workload = try await Workload(
            WorkloadShape(accounts: 1_000, shards: 4, transfers: count))
        let calls = workload.raws.map { raw in
            RPCCall(
                method: "eth_getTransactionReceipt",
                params: [.string(Keccak256.hash(raw).description)], id: nil)
        }
        try await LedgerRun.with(workload.genesis, checkpointEvery: 1_000_000) { ledger in
            try await ledger.offerUntilFinal(workload.raws[...])
            try await ledger.checkpoint()
            let engine = ledger.engine
            let dispatcher = LedgerDispatcher(
                publisher: engine.publisher, intake: engine.intake, shards: engine.shards,
                genesis: workload.genesis, clientVersion: "bench")
            var samples: [Double] = []
            var bytes = 0
            for _ in 0..<7 {
                var writer = JSONWriter(capacity: 4_096 * count)
                let start = Clocks.process
                writer.beginArray()
                for call in calls { try await dispatcher.respond(to: call, into: &writer) }
                writer.endArray()
                samples.append((Clocks.process - start) * 1e6 / Double(count))
                bytes = writer.bytes.count
            }
            report("receipt as JSON, \(bytes / count) B, from the store", Samples(samples))
        }
    }
}
