@testable import TallyBench

extension BenchResults {
    /// A small run that nobody made.
    static func sample() -> BenchResults {
        var histogram = LatencyHistogram()
        for value in 1...100 { histogram.record(nanoseconds: UInt64(value) * 1_000_000) }
        let stage = Repetition.Stage(histogram)
        let use = ProcessUse(
            name: "node-1", pid: 17, cpuSeconds: 0.5, bytesWritten: 4_096,
            residentBytes: 1_048_576, mappedBytes: 524_288)
        let second = Repetition.Second(
            second: 1, offered: 10, accepted: 9, final: 8, settled: 7, failed: 0, backlog: 2,
            p50: 1.5, p99: 2.5, processes: [use])
        var next = second
        next.second = 2
        let repetition = Repetition(
            stages: .init(accepted: stage, included: stage, final: stage, settled: stage),
            rates: .init(offered: 10, accepted: 9, final: 8, settled: 7),
            counts: .init(
                offered: 20, acknowledged: 18, final: 16, settled: 14, crossShard: 3, failed: 0,
                unsuccessful: 0, resubmitted: 1, failovers: 1, refusals: ["underpriced": 1],
                retries: ["poolFull": 2]),
            sustained: .init(seconds: [second, next], rate: 10, failureRatio: 0),
            costs: .init(cpuMicroseconds: 60, bytesWritten: 500, fsyncs: nil),
            generator: .init(
                cpuSeconds: 1, cpuMicroseconds: 62.5, lateShare: 0, worstLagMilliseconds: 2,
                signingSeconds: 0.1),
            conservation: .init(
                before: "100", after: "90", fees: "10", inFlight: "0", holds: true),
            presence: [
                .init(node: "node-1", height: 12, missing: 0, repeated: 0, differing: 0)
            ], seconds: [second, next], events: [.init(second: 1, text: "kill -9 of node-1")],
            invalid: [], faults: [])
        return BenchResults(
            program: "0.1.0", date: "2026-01-01T00:00:00Z", environment: .current,
            target: .init(kind: "localnet", nodes: ["node-1"], shards: 4, killEvery: 20),
            load: LoadOptions(), workload: LoadShape(), repetitions: [repetition],
            summary: Figure.summary([repetition]), search: nil)
    }
}
