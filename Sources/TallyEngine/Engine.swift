import TallyExecution
import TallyJournal
import TallyPrimitives
package import TallySharding

/// A running ledger over one data directory: the actors and what keeps them going.
package final class Engine: Sendable {
    package let genesis: Genesis
    package let shards: [Shard]
    package let beacon: Beacon
    package let intake: Intake
    private let checkpointer: Checkpointer
    private let clock: any NodeClock
    private let signals: AsyncStream<Void>
    private let signal: AsyncStream<Void>.Continuation

    /// How often the clock is looked at: far below any deadline worth having.
    private static let tickMilliseconds: UInt64 = 20

    init(
        genesis: Genesis, shards: [Shard], beacon: Beacon, checkpointer: Checkpointer,
        network: any BeaconNetwork, clock: any NodeClock, limits: Limits, space: WriteSpace
    ) {
        self.genesis = genesis
        self.shards = shards
        self.beacon = beacon
        self.checkpointer = checkpointer
        self.clock = clock
        let (signals, signal) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
        self.signals = signals
        self.signal = signal
        intake = Intake(
            parameters: genesis.parameters, shards: shards, limits: limits, space: space,
            signal: { signal.yield() }, forward: { network.forward($0) }, known: network.known)
    }

    /// What readers read.
    package var publisher: HeadPublisher { beacon.publisher }

    /// Runs until `stop()`, then writes a last checkpoint.
    /// - Throws: what makes the engine unusable; everything acknowledged as final is in the log.
    package func run() async throws {
        defer { publisher.close() }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                do {
                    try await self.checkpointer.run()
                } catch {
                    // Nothing can be made durable beside the log any more: the blocks end too.
                    self.signal.finish()
                    throw error
                }
            }
            try await withThrowingTaskGroup(of: Void.self) { blocks in
                blocks.addTask { try await self.watchSignals() }
                blocks.addTask { try await self.watchClock() }
                // The signals end with `stop`; an error ends either.
                try await blocks.next()
                blocks.cancelAll()
            }
            await beacon.endCheckpoints()
            try await group.waitForAll()
        }
    }

    /// Asks `run` to come to its end. Transactions that no block holds are dropped.
    package func stop() {
        signal.finish()
    }

    private func watchSignals() async throws {
        // What a restart found waiting is work too.
        try await beacon.work()
        for await _ in signals { try await beacon.work() }
    }

    private func watchClock() async throws {
        while !Task.isCancelled {
            do {
                try await clock.sleep(milliseconds: Self.tickMilliseconds)
            } catch { return }
            try await beacon.tick()
        }
    }
}
