import BenchSupport
import TallyJournal
import TallyPrimitives

/// P6: what more shards, transfers across them, and more accounts add to a transaction's processor
/// time, signature check and checkpoints included.
enum Scaling: Measurement {
    static let id = "P6"

    private struct Comparison {
        let kind: MeasureKind
        let value: WorkloadShape
        let bound: WorkloadShape
    }

    private static func comparisons(_ options: BenchOptions) -> [Comparison] {
        let many = options.isQuick ? 1_000_000 : 10_000_000
        func shape(
            _ accounts: Int, _ shards: Int, _ locality: WorkloadShape.Locality = .uniform
        ) -> WorkloadShape {
            WorkloadShape(
                accounts: accounts, shards: shards,
                transfers: prefix(options) + windows(options) * size(options), locality: locality)
        }
        func kind(_ id: String, _ name: String, _ bound: String, _ goal: Double) -> MeasureKind {
            MeasureKind(
                id: id, name: "CPU-µs a transfer, " + name, unit: "µs", boundName: bound,
                goal: Goal(.ratio, .atMost, goal))
        }
        return [
            Comparison(
                kind: kind("P6-shards", "16 shards", "the same on 1 shard", 1.15),
                value: shape(100_000, 16), bound: shape(100_000, 1)),
            Comparison(
                kind: kind("P6-cross", "all across 4 shards", "all inside 4 shards", 2.0),
                value: shape(100_000, 4, .cross), bound: shape(100_000, 4, .local)),
            Comparison(
                kind: kind(
                    "P6-accounts", "\(many / 1_000_000) M accounts", "10 k accounts", 1.5),
                value: shape(many, 4), bound: shape(10_000, 4)),
        ]
    }

    private static func size(_ options: BenchOptions) -> Int {
        options.isQuick ? 30_000 : CheckpointPolicy().transactions
    }
    private static func windows(_ options: BenchOptions) -> Int { options.isQuick ? 1 : 2 }
    private static func prefix(_ options: BenchOptions) -> Int { 1 + size(options) / 2 }

    static func kinds(_ options: BenchOptions) -> [MeasureKind] {
        comparisons(options).map(\.kind)
    }

    static func run(_ options: BenchOptions) async throws -> [Measure] {
        var measures: [Measure] = []
        for comparison in comparisons(options) {
            measures.append(try await measure(comparison, options))
        }
        return measures
    }

    private static func measure(
        _ comparison: Comparison, _ options: BenchOptions
    ) async throws -> Measure {
        progress("\(comparison.kind.id): preparing")
        let value = try await Workload(comparison.value)
        let bound = try await Workload(comparison.bound)
        let size = size(options)
        let prefix = prefix(options)
        // Both ledgers are open at once, and take turns.
        return try await LedgerRun.with(bound.genesis, checkpointEvery: size) { small in
            try await LedgerRun.with(value.genesis, checkpointEvery: size) { large in
                for (ledger, raws) in [(small, bound.raws), (large, value.raws)] {
                    try await ledger.settle(raws[0])
                    try await ledger.offerUntilFinal(raws[1..<prefix])
                }
                var pairs: [Pair] = []
                for window in 0..<windows(options) {
                    let start = prefix + window * size
                    let less = try await small.window(bound.raws[start..<(start + size)])
                    let more = try await large.window(value.raws[start..<(start + size)])
                    progress(
                        "\(comparison.kind.id): \(more.cpuMicroseconds) µs beside "
                            + "\(less.cpuMicroseconds) µs")
                    pairs.append(Pair(more.cpuMicroseconds, bound: less.cpuMicroseconds))
                }
                return Measure(comparison.kind, pairs)
            }
        }
    }
}
