import Foundation
import TallyEngine
import TallyExecution
import TallyJournal
import TallyPrimitives
import TallySharding

/// A durable ledger in this process, loaded with transfers in windows.
///
/// A window offers as many transfers as lie between two checkpoints, and begins half-way between
/// them: each holds one whole checkpoint, written while blocks are built, as in a long run.
struct LedgerRun: Sendable {
    let engine: Engine
    /// What opening it found.
    let report: RecoveryReport
    private let checkpoints: AsyncStream<Result<Height, BenchError>>

    /// What one window took.
    struct Window: Sendable {
        let transfers: Int
        /// From the first offer until the last transfer is final and the checkpoint written.
        let seconds: Double
        /// Processor time of the process, without the generator's, which signed before.
        let cpuSeconds: Double
        let bytesWritten: UInt64
        let heights: UInt64

        var perSecond: Double { Double(transfers) / seconds }
        var cpuMicroseconds: Double { cpuSeconds * 1e6 / Double(transfers) }
        var bytesPerTransfer: Double { Double(bytesWritten) / Double(transfers) }
    }

    private static let clients = 3
    private static let batch = 500

    /// Opens a new ledger, runs it while `body` does, and stops it.
    static func with<Result: Sendable>(
        _ genesis: Genesis, checkpointEvery transfers: Int,
        _ body: (LedgerRun) async throws -> Result
    ) async throws -> Result {
        try await withDirectory { directory in
            try await with(genesis, checkpointEvery: transfers, directory: directory, body)
        }
    }

    /// Opens the ledger of a directory, runs it while `body` does, and stops it.
    static func with<Result: Sendable>(
        _ genesis: Genesis, checkpointEvery transfers: Int, directory: String,
        _ body: (LedgerRun) async throws -> Result
    ) async throws -> Result {
        var configuration = EngineConfiguration(
            directory: directory, genesis: genesis, validator: try WorkloadShape.validator(),
            journalSalt: JournalSalt(high: 1, low: 1))
        configuration.checkpoints = CheckpointPolicy(transactions: transfers)
        let (checkpoints, notices) = AsyncStream.makeStream(
            of: Swift.Result<Height, BenchError>.self)
        let (engine, report) = try Engine.open(configuration, clock: SystemClock()) { notice in
            switch notice {
            case .checkpointed(let height): notices.yield(.success(height))
            case .checkpointFailed(_, let error):
                notices.yield(.failure(BenchError("no checkpoint: \(error)")))
            case .spaceRanOut(let shortage):
                notices.yield(.failure(BenchError("the disk is full: \(shortage)")))
            case .spaceIsBack, .refused, .evidence: break
            case .quarantined(let shard, let error):
                notices.yield(.failure(BenchError("\(shard) is quarantined: \(error)")))
            }
        }
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                defer { notices.finish() }
                try await engine.run()
            }
            defer { engine.stop() }
            return try await body(
                LedgerRun(engine: engine, report: report, checkpoints: checkpoints))
        }
    }

    /// Writes the opening state, so that no window does.
    func settle(_ raw: [UInt8]) async throws {
        try await offerUntilFinal([raw])
        try await checkpoint()
    }

    /// Writes what is final and not in the stores.
    func checkpoint() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                // A beacon that is still looking for work takes no request.
                while !Task.isCancelled {
                    await engine.beacon.requestCheckpoint()
                    try? await Task.sleep(for: .milliseconds(10))
                }
            }
            try await waitForCheckpoint()
            group.cancelAll()
        }
    }

    /// Offers transfers and waits until all are final.
    func offerUntilFinal(_ raws: ArraySlice<[UInt8]>) async throws {
        let watch = FinalWatch(engine)
        try await withThrowingTaskGroup(of: Void.self) { group in
            // Several clients, so that one batch is verified while another is admitted.
            for client in 0..<Self.clients {
                group.addTask {
                    for start in stride(
                        from: raws.startIndex + client * Self.batch, to: raws.endIndex,
                        by: Self.clients * Self.batch)
                    {
                        let end = min(start + Self.batch, raws.endIndex)
                        try await submit(Array(raws[start..<end]))
                    }
                }
            }
            group.addTask {
                var watch = watch
                try await watch.wait(until: raws.count)
            }
            try await group.waitForAll()
        }
    }

    /// Measures a window that holds a checkpoint.
    func window(_ raws: ArraySlice<[UInt8]>) async throws -> Window {
        let height = engine.publisher.current.height
        let written = try Clocks.bytesWritten()
        let cpu = Clocks.process
        let start = Clocks.wall
        try await offerUntilFinal(raws)
        try await waitForCheckpoint()
        return Window(
            transfers: raws.count, seconds: Clocks.wall - start, cpuSeconds: Clocks.process - cpu,
            bytesWritten: try Clocks.bytesWritten() - written,
            heights: engine.publisher.current.height.value - height.value)
    }

    func waitForCheckpoint() async throws {
        for await checkpoint in checkpoints {
            _ = try checkpoint.get()
            return
        }
        throw BenchError("the ledger stopped")
    }

    /// Offers until everything is taken: a full pool is asked again.
    private func submit(_ raws: [[UInt8]]) async throws {
        var rest = raws
        while !rest.isEmpty {
            let height = engine.publisher.current.height
            let results = await engine.intake.submit(rest)
            var refused: [[UInt8]] = []
            for (raw, result) in zip(rest, results) {
                guard case .failure(let rejection) = result else { continue }
                guard rejection == .pool(.poolFull) || rejection == .busy else { throw rejection }
                refused.append(raw)
            }
            rest = refused
            if !rest.isEmpty { _ = await engine.publisher.next(after: height) }
        }
    }
}

/// Counts transactions that become final.
struct FinalWatch: Sendable {
    private let publisher: HeadPublisher
    private var height: Height
    /// Since the watch began.
    private(set) var final = 0

    init(_ engine: Engine) {
        publisher = engine.publisher
        height = publisher.current.height
    }

    mutating func wait(until count: Int) async throws {
        while final < count {
            guard let snapshot = await publisher.next(after: height) else {
                throw BenchError("the ledger stopped after \(final) of \(count) transfers")
            }
            while height < snapshot.height {
                height = height.next
                final +=
                    try snapshot.beaconBlock(height)?.anchors
                    .reduce(0) { $0 + $1.transactionCount } ?? 0
            }
        }
    }
}
