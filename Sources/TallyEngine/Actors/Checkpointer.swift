import TallyPrimitives
import TallyStore

/// Writes checkpoints while blocks go on, on an executor of its own: shards first, the beacon last
/// (STORE-12).
package actor Checkpointer {
    private let beacon: Beacon
    private let beaconStore: EndpointStore
    private let executor = QueueExecutor(label: "tally.checkpointer")

    package nonisolated var unownedExecutor: UnownedSerialExecutor {
        executor.asUnownedSerialExecutor()
    }

    package init(beacon: Beacon, beaconStore: EndpointStore) {
        self.beacon = beacon
        self.beaconStore = beaconStore
    }

    /// Writes what is asked for until the beacon asks no more.
    /// - Throws: what makes the engine unusable. A checkpoint that finds no space is reported and tried
    ///   again later; any other failure stops the node (STORE-9).
    package func run() async throws(EngineError) {
        for await job in beacon.checkpoints { try await write(job) }
    }

    private func write(_ job: Beacon.CheckpointJob) async throws(EngineError) {
        var written = 0
        do throws(StoreError) {
            for (shard, checkpoint) in job.shards {
                try shard.store.write(checkpoint)
                try await shard.finishCheckpoint()
                written += 1
            }
            try beaconStore.write(await beacon.shardsCheckpointed(job.height))
        } catch {
            for (shard, _) in job.shards.dropFirst(written) { await shard.abandonCheckpoint() }
            await beacon.checkpointFailed(job.height, error)
            guard error.isLackOfSpace else { throw .store(error) }
            return
        }
        try await beacon.beaconCheckpointed(job.height)
    }
}
