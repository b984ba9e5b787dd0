import BenchSupport
import TallyBench

/// P2: execution alone, on one core.
enum Execution: Measurement {
    static let id = "P2"
    private static let perBlock = 10_000

    private static func sizes(_ options: BenchOptions) -> [(
        id: String, accounts: Int, name: String
    )] {
        var sizes = [("P2", 100_000, "10^5"), ("P2-1M", 1_000_000, "10^6")]
        if options.isLarge { sizes.append(("P2-10M", 10_000_000, "10^7")) }
        return sizes
    }

    static func kinds(_ options: BenchOptions) -> [MeasureKind] {
        sizes(options).map { size in
            MeasureKind(
                id: size.id, name: "execution alone, transfers a core, \(size.name) accounts",
                unit: "/CPU-s", boundName: "recoveries in a second of one core",
                goal: Goal(.value, .atLeast, 200_000, design: 400_000))
        }
    }

    static func run(_ options: BenchOptions) async throws -> [Measure] {
        let sample = try await Workload(
            WorkloadShape(accounts: 100, shards: 1, transfers: 20_000))
        let bound = try RecoverBound(sample.raws)
        return try zip(kinds(options), sizes(options)).map { kind, size in
            try measure(kind, accounts: size.accounts, bound, options)
        }
    }

    private static func measure(
        _ kind: MeasureKind, accounts: Int, _ bound: RecoverBound, _ options: BenchOptions
    ) throws -> Measure {
        let repetitions = options.isQuick ? 3 : 5
        let blocks = 10
        let warmUp = 2
        let total = (warmUp + repetitions * blocks) * perBlock
        progress("\(kind.id): \(accounts) accounts")
        var run = try ExecutionRun(
            WorkloadShape(accounts: accounts, shards: 1, transfers: total), perBlock: perBlock)
        try run.enqueue(warmUp * perBlock)
        _ = try run.drain()
        var pairs: [Pair] = []
        var microseconds: [Double] = []
        for _ in 0..<repetitions {
            let recoveries = try bound.perCoreSecond()
            try run.enqueue(blocks * perBlock)
            let done = try run.drain()
            pairs.append(Pair(Double(done.transfers) / done.seconds, bound: recoveries))
            microseconds.append(done.seconds * 1e6 / Double(done.transfers))
        }
        return Measure(
            kind, pairs,
            details: [
                .init("CPU-µs a transfer", Samples(microseconds).median),
                .init("transfers a block", Double(total) / Double(run.blocks)),
            ])
    }
}
