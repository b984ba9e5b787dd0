import Foundation
import TallyClient
import TallyEngine
import TallyNode
import TallyPrimitives
import TallyStore
import Testing

@Suite struct AuditVerbTests {
    /// Runs a ledger that settles one transfer between shards.
    private func ledger(_ scratch: Scratch) async throws -> String {
        let directory = scratch["ledger"]
        let keyFile = scratch["key"]
        try await RunningNode.with(directory) { node in
            try Files.write(
                Array((Hex.encode(node.network.accounts[0].key.exportBytes()) + "\n").utf8),
                to: keyFile, mode: 0o600)
            let sent = await tally(
                "tx", "send", "--key-file", keyFile, "--to", "\(node.network.accounts[7].address)",
                "--ether", "1.5", "--wait", "settled", "--rpc", node.rpc, "--json")
            #expect(sent.code == 0, "\(sent.error)")
            for verb in [["audit", "supply"], ["db", "stats"], ["db", "verify"]] {
                let refused = await tally(verb[0], verb[1], "--data-dir", directory)
                #expect(refused.code == 1)
                #expect(refused.error.contains("stop the node first"))
            }
        }
        return directory
    }

    @Test func auditsAStoppedLedger() async throws {
        let scratch = try Scratch()
        let directory = try await ledger(scratch)
        let audit = await tally("audit", "supply", "--data-dir", directory, "--deep", "--json")
        #expect(audit.code == 0, "\(audit.error)")
        let json = try audit.json
        #expect(json["clean"] == true)
        #expect(json["difference"] == "0")
        #expect(json["genesis"] == "8000000000000000000000000")
        #expect(json["checked"]?["receiptsConsumed"] == 1)
        #expect(json["checked"]?["signatures"] == 1)
        #expect(json["endpoints"]?.arrayValue?.count == 5)
        #expect(json["findings"] == [])
        let text = await tally("audit", "supply", "--data-dir", directory)
        #expect(text.output.contains("difference  0"))
        let stats = try await tally("db", "stats", "--data-dir", directory, "--json").json
        #expect(stats["environments"]?[0]?["rows"]?["outbox"] == 1)
        #expect(stats["environments"]?[4]?["checkpoint"] == json["height"])
        #expect(stats["log"]?["segments"]?.arrayValue?.count == 1)
        let verified = try await tally("db", "verify", "--data-dir", directory, "--json").json
        #expect(verified["clean"] == true)
        #expect(verified["logRecords"] == json["height"])
    }

    @Test func failsOnALedgerThatWasTamperedWith() async throws {
        let scratch = try Scratch()
        let directory = try await ledger(scratch)
        try {
            let store = try EndpointStore(
                path: directory + "/shard-00", readOnly: false, limits: Limits())
            let outbox = try store.environment.openDatabase("outbox")
            try store.environment.write { (tx) throws(StoreError) in
                guard let row = try tx.first(in: outbox) else { return }
                try tx.put(row.key, Array(row.value.dropLast()), in: outbox)
            }
        }()
        let audit = await tally("audit", "supply", "--data-dir", directory, "--json")
        #expect(audit.code == 1)
        #expect(audit.errorCode == "findings")
        #expect(try audit.json["clean"] == false)
        #expect(try audit.json["findings"]?[0]?["kind"] == "receiptCorrupt")
        let text = await tally("audit", "supply", "--data-dir", directory)
        #expect(text.code == 1)
        #expect(text.error.contains("receipt 0→3#0 does not decode"))
        let verified = await tally("db", "verify", "--data-dir", directory)
        #expect(verified.code == 1)
        #expect(verified.error.contains("database outbox is damaged"))
    }

    @Test func createsNothingWhereNoLedgerIs() async throws {
        let scratch = try Scratch()
        let audit = await tally("audit", "supply", "--data-dir", scratch["none"], "--json")
        #expect(audit.code == 1)
        #expect(!FileManager.default.fileExists(atPath: scratch["none"]))
    }
}
