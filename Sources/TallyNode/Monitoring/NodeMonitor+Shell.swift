import TallyEngine
import TallyNetwork
import TallyPrimitives
import TallyRPC
import TallyStore

// Disk, requests, peers and process.
extension NodeMonitor {
    func writeLogs(_ out: inout Exposition) {
        let beacon = engine.beacon.meter
        let logs = [("beacon", engine.beacon.logs.beacon), ("votes", engine.beacon.logs.votes)]
        out.family("tally_log_sync_seconds", .histogram, "Syncs of a log (fdatasync).") { out in
            for (name, log) in logs { out.histogram(log.syncs.reading, ["log": name]) }
        }
        out.family("tally_log_written_bytes_total", .counter, "Bytes written to a log.") { out in
            for (name, log) in logs { out.sample(log.bytesWritten.current, ["log": name]) }
        }
        out.family(
            "tally_log_bytes", .gauge, "Bytes of a log on the disk: what the next start reads."
        ) { out in
            for (name, log) in logs { out.sample(log.byteCount, ["log": name]) }
        }
        out.value(
            "tally_checkpoint_height", .gauge, beacon.checkpointHeight.current,
            "Height of the last checkpoint; a start executes what is above it.")
        out.histogram(
            "tally_checkpoint_seconds", beacon.checkpoints.reading,
            "Writing the state of all endpoints, beside the blocks.")
        out.value(
            "tally_failed_checkpoints_total", .counter, beacon.failedCheckpoints.current,
            "Checkpoints that could not be written.")
        out.value(
            "tally_disk_full", .gauge, engine.intake.takesTransactions ? 0 : 1,
            "1 while no transactions are taken for want of space.")
    }

    func writeStores(_ out: inout Exposition) {
        let stores = engine.publisher.current.endpoints.enumerated().map { index, endpoint in
            let isBeacon = index + 1 == engine.publisher.current.endpoints.count
            return (isBeacon ? "beacon" : String(index), endpoint.view.environmentInfo)
        }
        func write(_ name: String, _ help: String, _ value: (EnvironmentInfo) -> Int) {
            out.family(name, .gauge, help) { out in
                for (shard, info) in stores { out.sample(value(info), ["shard": shard]) }
            }
        }
        write("tally_store_map_bytes", "Address space of an LMDB environment.", \.mapSizeBytes)
        write(
            "tally_store_used_bytes", "Bytes up to the last page ever used in it.", \.usedBytes)
        write(
            "tally_store_readers", "Read views and transactions open in it.", \.openTransactions)
        write("tally_store_max_readers", "Most of them that it has room for.", \.maxReaders)
    }

    func writeRequests(_ out: inout Exposition) {
        out.family(
            "tally_rpc_requests_total", .counter,
            "JSON-RPC calls by method; unknown stands for all that there are not."
        ) { out in
            for (method, answered, failed) in rpc.calls {
                out.sample(answered, ["method": method, "outcome": "answered"])
                out.sample(failed, ["method": method, "outcome": "error"])
            }
            out.sample(rpc.unknown.current, ["method": "unknown", "outcome": "error"])
        }
        out.histogram(
            "tally_rpc_request_seconds", rpc.durations.reading,
            "Answering a call, or all transactions of a batch; not calls that ask to wait.")
        out.value(
            "tally_rpc_connections", .gauge, connections.current, "HTTP and WebSocket connections.")
    }

    /// All 0 for a lone validator, so that a dashboard of any node finds every series.
    func writePeers(_ out: inout Exposition) {
        let links = network?.transport.links ?? []
        let counters = network?.transport.counters ?? TransportCounters()
        out.family("tally_peers", .gauge, "Nodes that are connected.") { out in
            for (name, role) in [("validator", PeerRole.validator), ("observer", .observer)] {
                out.sample(links.count { $0.identity.role == role }, ["role": name])
            }
        }
        func write(_ name: String, _ value: UInt64, _ help: String) {
            out.value("tally_peer_" + name + "_total", .counter, value, help)
        }
        func write(_ name: String, _ counts: TransportCounters.ByClass, _ help: String) {
            out.family("tally_peer_" + name + "_total", .counter, help) { out in
                out.sample(counts.votes, ["class": "votes"])
                out.sample(counts.bodies, ["class": "bodies"])
                out.sample(counts.gossip, ["class": "gossip"])
            }
        }
        write("received_bytes", counters.bytesReceived, "Bytes received from other nodes.")
        write("sent_bytes", counters.bytesSent, "Bytes sent to other nodes.")
        write("received_frames", counters.framesReceived, "Frames received.")
        write("sent_frames", counters.framesSent, "Frames sent.")
        write(
            "dropped_frames", counters.framesDropped,
            "Frames that found no room, of connections that have ended.")
        write("connections", counters.connections, "Peers that were found good.")
        write("dials", counters.dials, "Connections begun here.")
        write("failed_dials", counters.failedDials, "Of these, those that nobody answered.")
        write("refusals", counters.refusals, "Connections that came to nothing.")
        write("offences", counters.offences, "Rules that peers broke.")
        write("bans", counters.bans, "Peers that were shut out for that.")
    }

    func write(_ process: ProcessFigures, _ out: inout Exposition) {
        out.value(
            "process_cpu_seconds_total", .counter, process.cpuSeconds,
            "Processor time used, of user and system.")
        out.value(
            "process_resident_memory_bytes", .gauge, process.residentBytes,
            "Memory in use, mapped pages of the stores included.")
        out.value("process_open_fds", .gauge, process.openFiles, "Open files and sockets.")
        out.value(
            "process_max_fds", .gauge, process.maximumFiles, "Most of them that are allowed.")
        out.value(
            "process_start_time_seconds", .gauge, process.startSeconds,
            "Unix time at which the process began.")
    }
}
