import TallyConsensus
import TallyEngine
import TallyExecution
import TallyNetwork
import TallyPrimitives
import TallyRPC
import TallySharding

/// Looks at a running node from outside: what it publishes and what its parts count. Asks no actor, so
/// that looking delays nothing, and a shard that hangs hides nothing (OPS-20).
struct NodeMonitor: Sendable {
    let engine: Engine
    let rpc: RPCMeter
    let connections: Gauge
    /// `nil` for a lone validator.
    let network: PeerNetwork?
    let clock: any NodeClock

    var pages: RPCPageSource {
        NodePages.source(status: { status }, metrics: { metrics })
    }

    private var layout: ShardLayout { engine.genesis.parameters.layout }

    /// Label `shard`: a number, or `beacon` for the beacon's own endpoint.
    private func name(_ endpoint: EndpointID) -> String {
        endpoint == layout.beacon ? "beacon" : endpoint.description
    }

    private func seconds(since time: BeaconTime) -> Double {
        let now = clock.now().milliseconds
        return Double(now - min(time.milliseconds, now)) / 1_000
    }

    // MARK: Readiness

    var status: NodeStatus {
        let head = engine.publisher.current.header
        let meter = engine.beacon.meter
        let faults = meter.quarantined
        var status = NodeStatus(
            height: head.height,
            headAge: .milliseconds(Int64(seconds(since: head.time) * 1_000)),
            heartbeat: .milliseconds(
                Int64(clamping: engine.genesis.parameters.heartbeatMilliseconds)),
            endpointFaults: layout.endpoints.map { faults[$0].map { "\($0)" } })
        let now = clock.uptime().wholeMilliseconds
        status.silence = .milliseconds(Int64(clamping: now - min(meter.pulse.current, now)))
        status.isDiskFull = !engine.intake.takesTransactions
        if let network, needsPeers {
            status.validatorLinks = network.transport.links.count {
                $0.identity.role == .validator
            }
        }
        status.lag = lag(behind: head.height)
        return status
    }

    /// A lone validator with observers goes on without them.
    private var needsPeers: Bool {
        engine.publisher.current.view.validators.count > 1
            || network?.transport.links.contains { $0.identity.role == .validator } ?? false
    }

    /// How far the highest head is above ours that a correct validator must have announced: the one
    /// after those of F others, who may say anything (OPS-6).
    private func lag(behind height: Height) -> UInt64 {
        guard let network else { return 0 }
        let heights = network.transport.links.filter { $0.identity.role == .validator }
            .map(\.height.value).sorted(by: >)
        guard !heights.isEmpty else { return 0 }
        let members = engine.publisher.current.view.validators.count
        let faulty = Int(Quorum.faulty(total: UInt64(members)))
        let known = heights[min(faulty, heights.count - 1)]
        return known - min(known, height.value)
    }

    // MARK: Metrics

    var metrics: Exposition {
        var out = Exposition()
        let snapshot = engine.publisher.current
        writeNode(status, snapshot, &out)
        writeShards(snapshot, &out)
        writeTransactions(&out)
        writeBlocks(&out)
        writeLogs(&out)
        writeStores(&out)
        writeRequests(&out)
        writePeers(&out)
        write(ProcessFigures.read(), &out)
        return out
    }

    private func writeNode(
        _ status: NodeStatus, _ snapshot: LedgerSnapshot, _ out: inout Exposition
    ) {
        let beacon = engine.beacon.meter
        out.family("tally_build_info", .gauge, "Version of the program; always 1.") {
            $0.sample(
                1,
                ["version": ProgramVersion.number, "platform": ProgramVersion.platform])
        }
        out.value(
            "tally_ready", .gauge, status.checks.allSatisfy(\.isGood) ? 1 : 0,
            "Whether /readyz answers 200.")
        out.value(
            "tally_beacon_height", .gauge, snapshot.height.value,
            "Newest final height that readers see.")
        out.value(
            "tally_beacon_head_timestamp_seconds", .gauge,
            Double(snapshot.header.time.milliseconds) / 1_000,
            "Unix time in the header of the newest final beacon block.")
        out.value(
            "tally_beacon_round", .gauge, beacon.round.current,
            "Round of the open height; above 0 after a proposer failed.")
        out.value(
            "tally_catch_up_lag_heights", .gauge, status.lag,
            "Heights that validators say are final above the newest here.")
        out.value(
            "tally_validators", .gauge, beacon.validators.current,
            "Members of the set that decides the next height.")
        out.value(
            "tally_validator_power", .gauge, beacon.power.current,
            "Their voting power.")
        out.value(
            "tally_quorum_power", .gauge, beacon.quorum.current,
            "Least voting power that decides.")
    }

    private func writeShards(_ snapshot: LedgerSnapshot, _ out: inout Exposition) {
        let quarantined = engine.beacon.meter.quarantined
        out.family(
            "tally_shard_height", .gauge,
            "Beacon height of the endpoint's newest block; idle ones stand still."
        ) { out in
            for endpoint in layout.endpoints {
                let head = snapshot.view.heads[Int(endpoint.index)].header
                out.sample(head.height.value, ["shard": name(endpoint)])
            }
        }
        out.family(
            "tally_shard_quarantined", .gauge,
            "1 for an endpoint that builds no blocks, as its own state is damaged."
        ) { out in
            for endpoint in layout.endpoints {
                out.sample(quarantined[endpoint] == nil ? 0 : 1, ["shard": name(endpoint)])
            }
        }
        let backlogs = snapshot.receiptBacklogs()
        out.family(
            "tally_receipts_in_flight", .gauge,
            "Receipts anchored for the endpoint that it has not consumed."
        ) { out in
            for (endpoint, backlog) in zip(layout.endpoints, backlogs) {
                out.sample(backlog.count, ["shard": name(endpoint)])
            }
        }
        out.family(
            "tally_receipt_age_seconds", .gauge,
            "Time since the oldest of them was anchored; 0 when there is none."
        ) { out in
            for (endpoint, backlog) in zip(layout.endpoints, backlogs) {
                out.sample(backlog.oldest.map(seconds(since:)) ?? 0, ["shard": name(endpoint)])
            }
        }
    }

    private func writeTransactions(_ out: inout Exposition) {
        let shards = engine.shards
        out.family(
            "tally_mempool_transactions", .gauge, "Transactions that wait for a block."
        ) { out in
            for shard in shards {
                out.sample(
                    shard.meter.poolTransactions.current, ["shard": name(shard.endpoint)])
            }
        }
        out.family("tally_mempool_bytes", .gauge, "Their bytes, as signed.") { out in
            for shard in shards {
                out.sample(shard.meter.poolBytes.current, ["shard": name(shard.endpoint)])
            }
        }
        out.family(
            "tally_transactions_total", .counter,
            "Signed transactions in final blocks, by the status of their receipts."
        ) { out in
            for shard in shards {
                let shardName = name(shard.endpoint)
                out.sample(
                    shard.meter.succeeded.current, ["shard": shardName, "outcome": "succeeded"])
                out.sample(
                    shard.meter.failed.current, ["shard": shardName, "outcome": "failed"])
            }
        }
        out.family(
            "tally_offered_transactions_total", .counter,
            "Raw transactions offered, by who sent them and what became of them."
        ) { out in
            for (origin, isPeer) in [("client", false), ("peer", true)] {
                for (outcome, count) in engine.intake.meter.offered(fromPeers: isPeer) {
                    out.sample(count, ["origin": origin, "outcome": outcome.rawValue])
                }
            }
        }
        out.histogram(
            "tally_verification_seconds", engine.intake.meter.verifications.reading,
            "Decoding and signature recovery of one submission of any size.")
        out.value(
            "tally_verified_transactions_total", .counter,
            engine.intake.meter.verifiedTransactions.current,
            "Raw transactions whose signatures were recovered, valid or not.")
    }

    private func writeBlocks(_ out: inout Exposition) {
        let beacon = engine.beacon.meter
        out.histogram(
            "tally_block_build_seconds", beacon.builds.reading,
            "Building a block to propose: all shards, or finding that there is nothing to build.")
        out.histogram(
            "tally_block_check_seconds", beacon.checks.reading,
            "Executing a block that another validator proposed.")
        out.histogram(
            "tally_block_publish_seconds", beacon.publications.reading,
            "From a decision to the block being readable.")
        out.histogram(
            "tally_finality_seconds", beacon.finality.reading,
            "From the time in a block's header, by the proposer's clock, to being readable here.")
        out.value(
            "tally_refused_blocks_total", .counter, beacon.refusedBlocks.current,
            "Proposals that are not valid here.")
        out.value(
            "tally_evidence_total", .counter, beacon.evidence.current,
            "Proofs found that a validator broke the rules.")
    }
}
