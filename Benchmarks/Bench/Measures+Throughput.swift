import BenchSupport
import TallyBench
import TallyJournal

/// P1: final transfers a second beside bare recovery.
enum Throughput: Measurement {
    static let id = "P1"
    static let kind = MeasureKind(
        id: "P1", name: "final transfers, 4 shards, durable, in process", unit: "/s",
        boundName: "bare recoveries a second on all cores",
        goal: Goal(.ratio, .atLeast, 0.80))

    static func kinds(_ options: BenchOptions) -> [MeasureKind] { [kind] }

    static func run(_ options: BenchOptions) async throws -> [Measure] {
        let size = options.isQuick ? 60_000 : CheckpointPolicy().transactions
        let windows = 3
        let prefix = 1 + size / 2
        progress("P1: signing \(prefix + windows * size) transfers")
        let workload = try await Workload(
            WorkloadShape(accounts: 100_000, shards: 4, transfers: prefix + windows * size))
        let raws = workload.raws
        let bound = try RecoverBound(raws.prefix(options.isQuick ? 20_000 : 60_000))
        return try await LedgerRun.with(workload.genesis, checkpointEvery: size) { ledger in
            try await ledger.settle(raws[0])
            try await ledger.offerUntilFinal(raws[1..<prefix])
            var pairs: [Pair] = []
            var taken: [LedgerRun.Window] = []
            for window in 0..<windows {
                let recoveries = try await bound.perSecond()
                let start = prefix + window * size
                let done = try await ledger.window(raws[start..<(start + size)])
                progress("P1: \(Int(done.perSecond))/s beside \(Int(recoveries)) recoveries/s")
                pairs.append(Pair(done.perSecond, bound: recoveries))
                taken.append(done)
            }
            return [
                Measure(
                    kind, pairs,
                    details: [
                        .init("CPU-µs a transfer", Samples(taken.map(\.cpuMicroseconds)).median),
                        .init("heights a window", Samples(taken.map { Double($0.heights) }).median),
                        .init(
                            "bytes written a transfer",
                            Samples(taken.map(\.bytesPerTransfer)).median),
                        .init(
                            "generator's CPU-µs a transfer, before", workload.generatorMicroseconds),
                    ])
            ]
        }
    }
}

/// P7: bytes written to disk.
enum Disk: Measurement {
    static let id = "P7"
    static let kind = MeasureKind(
        id: "P7", name: "bytes written a transfer, 1 M accounts, 4 shards", unit: "B",
        boundName: "raw bytes of transaction and result", goal: Goal(.value, .atMost, 1_000))

    static func kinds(_ options: BenchOptions) -> [MeasureKind] { [kind] }

    static func run(_ options: BenchOptions) async throws -> [Measure] {
        let size = CheckpointPolicy().transactions
        let windows = options.isQuick ? 1 : 3
        let prefix = 1 + size / 2
        var shape = WorkloadShape(
            accounts: 1_000_000, shards: 4, transfers: prefix + windows * size)
        progress("P7: signing \(shape.transfers) transfers")
        let workload = try await Workload(shape)
        let raws = workload.raws
        shape.transfers = 20_000
        var execution = try ExecutionRun(shape, perBlock: 2_500)
        try execution.enqueue(shape.transfers)
        let content = Double(try drained(&execution)) / Double(shape.transfers)
        return try await LedgerRun.with(workload.genesis, checkpointEvery: size) { ledger in
            try await ledger.settle(raws[0])
            try await ledger.offerUntilFinal(raws[1..<prefix])
            var pairs: [Pair] = []
            for window in 0..<windows {
                let start = prefix + window * size
                let done = try await ledger.window(raws[start..<(start + size)])
                progress("P7: \(Int(done.bytesPerTransfer)) B, \(Int(done.perSecond))/s")
                pairs.append(Pair(done.bytesPerTransfer, bound: content))
            }
            return [
                Measure(kind, pairs, details: [.init("transfers a checkpoint", Double(size))])
            ]
        }
    }

    private static func drained(_ execution: inout ExecutionRun) throws -> Int {
        _ = try execution.drain()
        return execution.contentBytes
    }
}
