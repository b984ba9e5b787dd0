import Foundation
import FoundationNetworking
import Logging
import TallyClient
import TallyCrypto
import TallyExecution
import TallyNode
import TallyPrimitives
import TallySharding
import TallyTransactions
import Testing

/// A real node, looked at as Prometheus and a load balancer look at it.
@Suite struct MonitoringTests {
    private let scratch: Scratch
    private let network: DevNetwork

    init() throws {
        scratch = try Scratch()
        network = DevNetwork(layout: try #require(ShardLayout(shardCount: 2)))
        try DataDirectory(path: scratch.path)
            .create(network.genesis(time: BeaconTime(milliseconds: 1_000)))
    }

    private func withNode(_ body: @Sendable (String) async throws -> Void) async throws {
        let remains = try await run(body)
        await remains.waitUntilGone()
    }

    private func run(_ body: @Sendable (String) async throws -> Void) async throws -> Remains {
        var configuration = NodeConfiguration(dataDirectory: scratch.path)
        configuration.rpcPort = 0
        let node = try await Node.open(
            configuration, in: try DataDirectory(path: scratch.path), key: network.validator,
            logger: .node(level: .critical, format: .text))
        let (end, ending) = AsyncStream<Void>.makeStream()
        async let running: Void = node.run(signals: .none, until: end)
        let result: Result<Void, any Error>
        do {
            result = .success(try await body(node.rpcURL))
        } catch { result = .failure(error) }
        ending.finish()
        try await running
        try result.get()
        return Remains(of: node, in: scratch.path)
    }

    static func get(_ url: String) async throws -> (Int, String, type: String) {
        let session = URLSession(configuration: .ephemeral)
        defer { session.finishTasksAndInvalidate() }
        let (body, response) = try await session.data(from: try #require(URL(string: url)))
        let http = try #require(response as? HTTPURLResponse)
        return (
            http.statusCode, String(decoding: body, as: UTF8.self),
            http.value(forHTTPHeaderField: "content-type") ?? ""
        )
    }

    /// Samples by name and labels, as they stand in the text.
    static func scrape(_ url: String) async throws -> [String: Double] {
        let (status, text, type) = try await get(url + "/metrics")
        #expect(status == 200)
        #expect(type == "text/plain; version=0.0.4; charset=utf-8")
        var samples: [String: Double] = [:]
        for line in text.split(separator: "\n") where !line.hasPrefix("#") {
            let space = try #require(line.lastIndex(of: " "))
            let value = try #require(Double(line[line.index(after: space)...]))
            #expect(samples.updateValue(value, forKey: String(line[..<space])) == nil, "\(line)")
        }
        return samples
    }

    @Test func countersMoveByWhatIsSent() async throws {
        let count = 7
        let raws = (0..<count).map { nonce in
            Envelope(
                chainID: DevNetwork.chainID, nonce: UInt64(nonce), weightLimit: 21_000,
                maxFee: Amount(2_000_000_000), maxPriorityFee: Amount(1),
                to: network.accounts[0].address, value: Amount(5)
            ).signed(by: network.accounts[0].key)
        }
        let home = network.layout.home(of: network.accounts[0].address)
        try await withNode { url in
            let client = try LedgerClient(url)
            let before = try await Self.scrape(url)
            for raw in raws {
                let hash = try await client.send(raw: raw)
                _ = try await client.status(of: hash, waitUntil: .final)
            }
            await #expect(throws: (any Error).self) { try await client.send(raw: raws[0]) }
            let after = try await Self.scrape(url)
            #expect(Set(before.keys) == Set(after.keys), "a series is there from the start")
            func moved(_ name: String) throws -> Double {
                try #require(after[name], "\(name)") - (try #require(before[name], "\(name)"))
            }
            let shard = "shard=\"\(home)\""
            let good = try moved("tally_transactions_total{\(shard),outcome=\"succeeded\"}")
            #expect(good == Double(count))
            let offered = "tally_offered_transactions_total{origin=\"client\",outcome="
            #expect(try moved(offered + "\"accepted\"}") == Double(count))
            #expect(try moved(offered + "\"nonceTooLow\"}") == 1)
            #expect(try moved("tally_verified_transactions_total") == Double(count) + 1)
            let send = "tally_rpc_requests_total{method=\"eth_sendRawTransaction\",outcome="
            #expect(try moved(send + "\"answered\"}") == Double(count))
            #expect(try moved(send + "\"error\"}") == 1)
            let height = try moved("tally_beacon_height")
            #expect(height >= 1)
            #expect(try moved("tally_finality_seconds_count") >= height - 1)
            #expect(try moved("tally_log_sync_seconds_count{log=\"beacon\"}") >= height - 1)
            #expect(after["tally_validators"] == 1)
            #expect(after["tally_store_used_bytes{shard=\"beacon\"}"] ?? 0 > 0)
            #expect(after["process_open_fds"] ?? 0 > 3)
            #expect(after["process_resident_memory_bytes"] ?? 0 > 1e6)
            let started =
                Date.now.timeIntervalSince1970 - (after["process_start_time_seconds"] ?? 0)
            #expect((0..<86_400).contains(started))
        }
    }

    /// A validator alone decides nothing: it lives, and is not to be asked.
    @Test(.timeLimit(.minutes(2))) func isReadyOnlyAmongOthers() async throws {
        let network = try PeerTestNetwork(validators: 4)
        try await network.run { group in
            try await network.start(0, in: &group)
            let url = try network.url(0)
            #expect(try await Self.get(url + "/livez").0 == 200)
            let alone = try await Self.get(url + "/readyz")
            #expect(alone.0 == 503)
            #expect(alone.1 == "not ready: beacon, peers\n")
            #expect(try await Self.scrape(url)["tally_ready"] == 0)
            for index in 1..<4 { try await network.start(index, in: &group) }
            while try await Self.get(url + "/readyz").0 != 200 { await Task.yield() }
            // Ready with one other connected; the rest comes.
            var samples = try await Self.scrape(url)
            while samples["tally_peers{role=\"validator\"}"] != 3 {
                samples = try await Self.scrape(url)
            }
            #expect(samples["tally_validators"] == 4)
            #expect(samples["tally_quorum_power"] == 3)
            #expect(samples["tally_peer_received_frames_total{class=\"votes\"}"] ?? 0 > 0)
            #expect(samples["tally_peer_offences_total"] == 0)
            #expect(samples["tally_evidence_total"] == 0)
        }
    }

    /// The genesis is of 1970: the head is too old until the first block.
    @Test(.timeLimit(.minutes(1))) func becomesReady() async throws {
        try await withNode { url in
            #expect(
                try await Self.get(url + "/livez") == (200, "ok\n", "text/plain; charset=utf-8"))
            let client = try LedgerClient(url)
            while try await client.height() == .genesis { await Task.yield() }
            let (status, text, _) = try await Self.get(url + "/readyz?verbose")
            #expect(status == 200)
            let names = text.split(separator: "\n").map { $0.prefix { $0 != ":" } }
            #expect(
                names == [
                    "[+] alive", "[+] beacon", "[+] lag", "[+] disk", "[+] shard-0",
                    "[+] shard-1", "[+] shard-beacon", "ready",
                ])
            #expect(try await Self.scrape(url)["tally_ready"] == 1)
            #expect(try await Self.get(url + "/metricz").0 == 404)
        }
    }
}
