import TallyJournal
package import TallyPrimitives
import TallySharding
package import TallyStore

/// Writing the state now and then, behind the blocks.
extension Beacon {
    /// What one checkpoint writes, taken at one height.
    package struct CheckpointJob: Sendable {
        package let height: Height
        package let shards: [(shard: Shard, checkpoint: Checkpoint)]
    }

    /// Takes the state of every endpoint as of the height just published. Nothing is executed
    /// meanwhile, so all are of the same height.
    func startCheckpoint(_ height: Height) async {
        checkpointBegun = .now
        var parts: [(shard: Shard, checkpoint: Checkpoint)] = []
        for shard in shards { parts.append((shard, await shard.beginCheckpoint())) }
        let rows = beaconHistory.rows(after: checkpointedRows, through: height)
        beaconCheckpoint = ownStorage.beginCheckpoint(
            own.core,
            beacon: BeaconCheckpoint(
                books: core.encodedBooks, genesis: genesisHeader, blocks: rows))
        checkpointJobs.yield(CheckpointJob(height: height, shards: parts))
    }

    /// Writes the state of the last published height, unless it is written already.
    package func requestCheckpoint() async {
        // A record that waits for space is of a height whose state there is not yet.
        guard !isWorking, shortage.tokens.isEmpty else { return }
        isWorking = true
        for case .checkpointShards(let height) in durability.requestCheckpoint() {
            await startCheckpoint(height)
        }
        isWorking = false
    }

    /// Blocks have ended: asks for a last checkpoint, behind one that is under way, then for no more,
    /// which ends `Checkpointer.run`.
    package func endCheckpoints() async {
        isEnding = true
        // Whoever ends what is under way calls again.
        guard beaconCheckpoint == nil, !isWorking else { return }
        await requestCheckpoint()
        if beaconCheckpoint == nil { checkpointJobs.finish() }
    }

    /// The checkpoints of all shards are durable.
    /// - Returns: the beacon's, to be written next (STORE-12).
    package func shardsCheckpointed(_ height: Height) -> Checkpoint {
        let effects = durability.shardsCheckpointed(height)
        guard effects == [.checkpointBeacon(height)], let beaconCheckpoint else {
            preconditionFailure("the beacon's checkpoint follows the shards'")
        }
        return beaconCheckpoint
    }

    /// The beacon's checkpoint is durable too.
    package func beaconCheckpointed(_ height: Height) async throws(EngineError) {
        do throws(StoreError) {
            own.flush(try ownStorage.finishCheckpoint())
        } catch { throw .store(error) }
        beaconCheckpoint = nil
        checkpointedRows = height
        meter.checkpointHeight.set(height.value)
        beaconHistory.checkpointed(height)
        do throws(JournalRefusal) {
            shortage.pruning.add(try durability.beaconCheckpointed(height))
        } catch { throw .journalRefused(error) }
        try prune()
        meter.checkpoints.observe(since: checkpointBegun)
        notify(.checkpointed(height))
        shortage.needsCheckpoint = false
        endShortage()
        await refresh()
        if isEnding { await endCheckpoints() }
    }

    /// A checkpoint could not be written. The log keeps everything it would have held.
    package func checkpointFailed(_ height: Height, _ error: StoreError) {
        durability.checkpointFailed()
        ownStorage.abandonCheckpoint()
        beaconCheckpoint = nil
        meter.failedCheckpoints.add()
        notify(.checkpointFailed(height, error))
        // Nobody waits for room any more: the log keeps what the last one would have held.
        if isEnding { checkpointJobs.finish() }
        guard error.isLackOfSpace else { return }
        shortage.needsCheckpoint = true
        ranShort(.checkpoint(error))
    }

    /// Publishes the same height over the new checkpoint, so that an idle ledger does not hold on to
    /// an old view of the store.
    private func refresh() async {
        guard !isWorking else { return }
        isWorking = true
        for shard in shards {
            snapshots[Int(shard.endpoint.index)] = await shard.snapshot()
        }
        snapshots[Int(layout.beacon.index)] = ownStorage.snapshot(own.core)
        publishSnapshot()
        isWorking = false
    }
}
