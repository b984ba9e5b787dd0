import Foundation
import TallyCrypto
import TallyEngine
import TallyExecution
import TallyJournal
import TallyPrimitives
import TallySharding
import TallyState
import TallyTransactions

/// Final transfers a second through one validator, in process, beside the bare recovery rate of the
/// same cores in the same run (P1), and execution alone (P2).
///
///     LedgerBench [transfers] [accounts] [shards]
@main struct LedgerBench {
    static func main() async throws {
        let arguments = CommandLine.arguments.dropFirst().compactMap { Int($0) }
        let count = arguments.first ?? 100_000
        let accounts = arguments.dropFirst().first ?? 10_000
        let shards = arguments.dropFirst(2).first ?? 4
        let workload = try Workload(transfers: count, accounts: accounts, shards: shards, seed: 1)
        let bare = await recoverRate(workload.raws)
        print("recover     \(rate(bare)) on \(cores) cores")
        let executed = try executionRate(workload)
        print("execution   \(rate(executed.rate)) on one core, \(executed.blocks) blocks (P2)")
        let final = try await finalRate(workload)
        print("final       \(rate(final.rate)), \(final.heights) heights (P1)")
        print("P1          \(String(format: "%.2f", final.rate / bare)) of the recovery rate")
        print("disk        \(final.bytesWritten / UInt64(count)) bytes written a transfer")
    }

    static let clients = 3
    static let batch = 500

    static var cores: Int { ProcessInfo.processInfo.activeProcessorCount }

    static func rate(_ value: Double) -> String { String(format: "%9.0f/s", value) }

    /// Recoveries a second with every core busy.
    static func recoverRate(_ raws: [[UInt8]]) async -> Double {
        let part = min(raws.count / cores, 20_000)
        let start = ContinuousClock.now
        await withTaskGroup(of: Void.self) { group in
            for core in 0..<cores {
                group.addTask {
                    for raw in raws[(core * part)..<((core + 1) * part)] {
                        guard let (envelope, signature) = try? Envelope.decode(raw) else {
                            continue
                        }
                        _ = try? signature.recover(digest: envelope.signingHash)
                    }
                }
            }
        }
        return Double(part * cores) / seconds(since: start)
    }

    static func seconds(since start: ContinuousClock.Instant) -> Double {
        let elapsed = (ContinuousClock.now - start).components
        return Double(elapsed.seconds) + Double(elapsed.attoseconds) * 1e-18
    }

    /// Everything but signatures: blocks of up to 10,000 transfers a shard, state root and log record
    /// included, one shard after another.
    static func executionRate(_ workload: Workload) throws -> (rate: Double, blocks: Int) {
        let states = try workload.genesis.states()
        var beacon = BeaconCore(workload.genesis, states: states)
        var cores = states.map {
            ShardCore(
                genesis: $0, chain: beacon.chain, parameters: workload.genesis.parameters)
        }
        var queues = try workload.transactions()
        var executed = 0
        var blocks = 0
        var bytes = 0
        let start = ContinuousClock.now
        while executed < workload.raws.count {
            let view = beacon.view
            var candidates: [Candidate?] = []
            for index in cores.indices {
                candidates.append(
                    try cores[index].build(
                        view, beneficiary: .zero, from: &queues[index], pages: MemoryPages()))
            }
            let records = candidates.compactMap { $0?.record }
            let block = beacon.propose(
                records.map(\.block), now: beacon.head.time, proposer: .zero)
            bytes += block.logRecord.count
            beacon.commit(block.header, records.map(\.header))
            let deliveries = Delivery.group(records, layout: workload.genesis.parameters.layout)
            for index in cores.indices {
                try cores[index].advance(
                    to: block.header.height, candidates[index], deliveries[index])
            }
            executed += records.reduce(0) { $0 + $1.transactions.count }
            blocks += records.count
        }
        precondition(bytes > 0)
        return (Double(executed) / seconds(since: start), blocks)
    }

    /// From raw bytes into intake to a published, durable height.
    static func finalRate(
        _ workload: Workload
    ) async throws -> (rate: Double, heights: UInt64, bytesWritten: UInt64) {
        let directory = NSTemporaryDirectory() + "tally-bench-" + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let (engine, _) = try Engine.open(
            EngineConfiguration(
                directory: directory, genesis: workload.genesis,
                proposer: workload.genesis.validators[0],
                journalSalt: JournalSalt(high: 1, low: 1)),
            clock: SystemClock(), notify: { _ in })
        let running = Task { try await engine.run() }
        let written = bytesWritten()
        let start = ContinuousClock.now
        let last = try await withThrowingTaskGroup(of: Void.self) { group in
            // Several clients, so that one batch is verified while another is admitted.
            for client in 0..<clients {
                group.addTask {
                    for start in stride(
                        from: client * batch, to: workload.raws.count, by: clients * batch)
                    {
                        let end = min(start + batch, workload.raws.count)
                        try await submit(Array(workload.raws[start..<end]), to: engine)
                    }
                }
            }
            var height = Height.genesis
            var final = 0
            while final < workload.raws.count,
                let snapshot = await engine.publisher.next(after: height)
            {
                while height < snapshot.height {
                    height = height.next
                    final +=
                        try snapshot.beaconBlock(height)?.anchors
                        .reduce(0) { $0 + $1.transactionCount } ?? 0
                }
            }
            try await group.waitForAll()
            return height
        }
        let elapsed = seconds(since: start)
        engine.stop()
        try await running.value
        return (
            Double(workload.raws.count) / elapsed, last.value, bytesWritten() - written
        )
    }

    /// Offers until everything is taken: a full pool is asked again.
    static func submit(_ raws: [[UInt8]], to engine: Engine) async throws {
        var rest = raws
        while !rest.isEmpty {
            let results = await engine.intake.submit(rest)
            var refused: [[UInt8]] = []
            for (raw, result) in zip(rest, results) {
                guard case .failure(let rejection) = result else { continue }
                guard rejection == .pool(.poolFull) || rejection == .busy else { throw rejection }
                refused.append(raw)
            }
            rest = refused
            if !rest.isEmpty {
                _ = await engine.publisher.next(after: engine.publisher.current.height)
            }
        }
    }

    static func bytesWritten() -> UInt64 {
        let text = (try? String(contentsOfFile: "/proc/self/io", encoding: .utf8)) ?? ""
        for line in text.split(separator: "\n") where line.hasPrefix("write_bytes:") {
            return UInt64(line.split(separator: " ")[1]) ?? 0
        }
        return 0
    }
}
