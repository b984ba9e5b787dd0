import TallyConsensus
import TallyExecution
import TallyJournal
import TallyPrimitives
import TallySharding

/// From a decision to what readers see.
extension Beacon {
    /// The block is final and durable.
    func decide(_ decision: Ibft.Decision) async throws(EngineError) {
        let height = decision.block.height
        let decided: KeptBlock
        if let block = kept[decision.block.digest] {
            decided = block
        } else {
            switch await execute(decision.block, mandatory: false) {
            case .success(let block): decided = block
            case .failure(let refusal): throw .decision(height, refusal)
            }
        }
        timers.forget(through: height)
        finals.append(decision.final)
        let hasWork = try await publish(decided, decision.certificate)
        let (now, time) = (clock.now().milliseconds, decided.block.header.time.milliseconds)
        meter.finality.observe(.milliseconds(Int64(clamping: now - min(time, now))))
        kept = kept.filter { $0.value.block.header.parent == decision.block.digest }
        answer(
            .applied(height, setAfterNext: core.schedule[height.next.next]))
        meter.note(agreement.sets[height.next])
        let checkpoint = durability.published(
            height, transactions: decided.block.transactionCount, bytes: decision.block.body.count)
        for case .checkpointShards(let height) in checkpoint { await startCheckpoint(height) }
        network.announce(agreement.head)
        // IBFT-R18: the proposer is asked for a block anyhow; others begin to wait for one.
        if hasWork, core.schedule[height.next].proposer(height.next, .zero) != agreement.address {
            answer(.work)
        }
    }

    /// Takes the block over everywhere and lets readers see it.
    /// - Returns: whether there is something for the next block.
    private func publish(
        _ decided: KeptBlock, _ certificate: FinalCertificate
    ) async throws(EngineError) -> Bool {
        let digest = certificate.digest
        let height = decided.block.header.height
        let records = decided.records
        let deliveries = Delivery.group(records, layout: layout)
        let parent = core.headHash
        lastTransactions = decided.block.transactionCount
        var hasWork = try await advanceShards(
            decided.candidates.indices.map { index in
                Extension(
                    digest: digest, parent: parent, height: height,
                    candidate: decided.candidates[index], deliveries: deliveries[index])
            })
        books.decide(decided.block.header, decided.headers)
        let beacon = Int(layout.beacon.index)
        own.keep(decided.candidates[beacon], of: digest, on: parent)
        do throws(ExecutionError) {
            try own.advance(to: height, deciding: digest, deliveries: deliveries[beacon])
        } catch { throw .execution(layout.beacon, error) }
        hasWork = hasWork || own.core.isMandatory(core.view)
        if let candidate = decided.candidates[beacon] { ownStorage.append(candidate.record) }
        snapshots[beacon] = ownStorage.snapshot(own.core)
        beaconHistory.append(
            BeaconRow(
                header: decided.block.header, certificate: certificate,
                anchors: records.map(BeaconRow.Anchor.init)))
        publishSnapshot()
        return hasWork
    }

    func publishSnapshot() {
        publisher.publish(
            LedgerSnapshot(
                genesis: genesis, genesisHeader: genesisHeader, beacon: core,
                endpoints: snapshots, beaconHistory: beaconHistory))
    }

    private func advanceShards(_ parts: [Extension]) async throws(EngineError) -> Bool {
        let answers = await ask(
            quarantinedToo: true, transactions: lastTransactions
        ) { shard throws(ExecutionError) in
            try await shard.advance(parts[Int(shard.endpoint.index)])
        }
        var hasWork = false
        for (shard, answer) in zip(shards, answers) {
            switch answer {
            case .success(let advance):
                snapshots[Int(shard.endpoint.index)] = advance.snapshot
                hasWork = hasWork || advance.hasWork
            case .failure(let error): throw .execution(shard.endpoint, error)
            case nil: preconditionFailure("all shards are asked")
            }
        }
        return hasWork
    }
}
