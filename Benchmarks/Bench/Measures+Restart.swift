import BenchSupport
import Foundation
import TallyEngine
import TallyJournal
import TallyPrimitives
import TallySharding
import TallyState

/// P9: how long a killed node takes until it is ready again.
enum Restart: Measurement {
    static let id = "P9"
    private static let checkpointEvery = CheckpointPolicy().transactions
    /// The kill comes shortly before a checkpoint is due.
    private static let replayed = checkpointEvery - 1_000
    private static let shards = 4
    private static let senders = 10_000

    private static func accounts(_ options: BenchOptions) -> Int {
        options.isQuick ? 100_000 : 1_000_000
    }

    static func kinds(_ options: BenchOptions) -> [MeasureKind] {
        [
            MeasureKind(
                id: "P9",
                name:
                    "restart after kill -9, \(ResultTable.number(Double(accounts(options)))) accounts",
                unit: "s", boundName: "reading the log and loading the trees alone",
                goal: Goal(.value, .atMost, 2))
        ]
    }

    static func run(_ options: BenchOptions) async throws -> [Measure] {
        let growth = accounts(options) - senders
        var shape = WorkloadShape(accounts: senders, shards: shards, transfers: growth + replayed)
        shape.newAccounts = growth
        progress("P9: signing \(shape.transfers) transfers")
        let workload = try await Workload(shape)
        return try await withDirectory { directory in
            let addresses = directory + "/addresses"
            let path = directory + "/ledger"
            try writeAddresses(of: workload.genesis, to: addresses)
            progress("P9: growing to \(accounts(options)) accounts")
            try await LedgerRun.with(
                workload.genesis, checkpointEvery: checkpointEvery, directory: path
            ) { try await $0.offerUntilFinal(workload.raws[..<growth]) }
            try killUnderLoad(workload.raws[growth...], path, addresses)
            var pairs: [Pair] = []
            for _ in 0..<3 {
                let bound = try readAlone(workload.genesis, path)
                let start = Clocks.wall
                let node = try NodeProcess(
                    directory: path, addresses: addresses, shards: shards,
                    checkpointEvery: checkpointEvery)
                let seconds = Clocks.wall - start
                node.process.kill()
                guard node.replayed >= replayed else {
                    throw BenchError("only \(node.replayed) transfers had to be replayed")
                }
                progress("P9: \(seconds) s beside \(bound) s")
                pairs.append(Pair(seconds, bound: bound))
            }
            return [
                Measure(
                    kinds(options)[0], pairs,
                    details: [.init("transfers replayed", Double(replayed))])
            ]
        }
    }

    /// Kills a node when it has so many transfers that only its log holds.
    private static func killUnderLoad(
        _ raws: ArraySlice<[UInt8]>, _ path: String, _ addresses: String
    ) throws {
        let node = try NodeProcess(
            directory: path, addresses: addresses, shards: shards,
            checkpointEvery: checkpointEvery)
        defer { node.process.kill() }
        guard node.replayed == 0 else { throw BenchError("a stopped ledger has nothing to replay") }
        var load = try RPCLoad(node, connections: 4, batch: 100)
        _ = try load.window(raws)
    }

    /// Seconds in which the trees of the checkpoints are loaded and the log's bytes read: what no
    /// restart can do without.
    private static func readAlone(_ genesis: Genesis, _ path: String) throws -> Double {
        let start = Clocks.wall
        let stored = try StoredLedger(
            EngineConfiguration(
                directory: path, genesis: genesis, validator: try WorkloadShape.validator(),
                journalSalt: JournalSalt(high: 1, low: 1)), readOnly: true)
        var accounts: UInt64 = 0
        for view in stored.views { accounts += try StateTree(loading: view).count }
        let log = DataLayout.log(in: path)
        var bytes = 0
        for name in try FileManager.default.contentsOfDirectory(atPath: log) {
            bytes += try Data(contentsOf: URL(filePath: log + "/" + name)).count
        }
        guard accounts > 0, bytes > 0 else { throw BenchError("there is nothing to read") }
        return Clocks.wall - start
    }
}
