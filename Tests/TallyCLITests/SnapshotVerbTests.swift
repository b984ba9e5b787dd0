import Foundation
import TallyClient
import TallyCrypto
import TallyNode
import TallyPrimitives
import TallySharding
import Testing

@Suite struct SnapshotVerbTests {
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
            let refused = await tally("snapshot", "create", "--data-dir", directory, "--json")
            #expect(refused.errorCode == "locked")
        }
        return directory
    }

    @Test func carriesALedgerToANewDirectory() async throws {
        let scratch = try Scratch()
        let directory = try await ledger(scratch)
        let made = await tally("snapshot", "create", "--data-dir", directory, "--json")
        #expect(made.code == 0, "\(made.error)")
        let path = try #require(try made.json["path"]?.stringValue)
        #expect(path.hasPrefix(directory + "/snapshots/"))
        #expect(try made.json["seals"] == 1)
        let again = await tally("snapshot", "create", "--data-dir", directory, "--json")
        #expect(again.code == 1)
        #expect(again.errorCode == "exists")
        // The genesis lies beside it, or is named.
        let verified = await tally("snapshot", "verify", path)
        #expect(verified.code == 0, "\(verified.error)")
        let genesis = directory + "/genesis.json"
        let named = await tally(
            "snapshot", "verify", path, "--genesis", genesis, "--expect",
            Hash32.zero.description, "--json")
        #expect(named.code == 1)
        #expect(named.errorCode == "unexpectedHead")
        #expect(await tally("snapshot", "verify", scratch["no"]).code == 2)
        let target = scratch["new"]
        let restored = await tally(
            "snapshot", "restore", path, "--data-dir", target, "--genesis", genesis, "--json")
        #expect(restored.code == 0, "\(restored.error)")
        #expect(try restored.json["beacon"] == made.json["beacon"])
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: target).sorted() == [
                "LOCK", "VERSION", "beacon", "genesis.json", "shard-00", "shard-01", "shard-02",
                "shard-03",
            ])
        let read = await tally("db", "verify", "--data-dir", target, "--json")
        #expect(read.code == 0, "\(read.output)\(read.error)")
        let audit = await tally("audit", "supply", "--data-dir", target)
        #expect(audit.error.contains("began from a snapshot"))
        let full = await tally(
            "snapshot", "restore", path, "--data-dir", target, "--json")
        #expect(full.errorCode == "dataDirectory")
    }

    /// Cut short anywhere, a restore leaves nothing that starts, and the next one goes through.
    @Test func whatWasCutShortDoesNotStart() async throws {
        let scratch = try Scratch()
        let directory = try await ledger(scratch)
        let path = scratch["snapshot"]
        #expect(
            await tally("snapshot", "create", "--data-dir", directory, "--out", path).code == 0)
        let genesis = directory + "/genesis.json"
        for (number, names) in [[], ["shard-00"], ["shard-00", "beacon"]].enumerated() {
            let target = scratch["cut-\(number)"]
            for name in ["restore.new"] + names {
                try FileManager.default.createDirectory(
                    atPath: target + "/" + name, withIntermediateDirectories: true)
                try Data([1]).write(to: URL(filePath: target + "/" + name + "/data.mdb"))
            }
            let start = await tally("start", "--data-dir", target, "--json")
            #expect(start.errorCode == "dataDirectory")
            let restored = await tally(
                "snapshot", "restore", path, "--data-dir", target, "--genesis", genesis)
            #expect(restored.code == 0, "\(restored.error)")
            #expect(await tally("db", "verify", "--data-dir", target).code == 0)
        }
        // A snapshot that is refused leaves what was there.
        let damaged = scratch["damaged"]
        try FileManager.default.copyItem(atPath: path, toPath: damaged)
        try Data([1]).write(to: URL(filePath: damaged + "/beacon-000000.rlp"))
        let target = scratch["refused"]
        let refused = await tally(
            "snapshot", "restore", damaged, "--data-dir", target, "--genesis", genesis, "--json")
        #expect(refused.errorCode == "fileSize")
        #expect(try FileManager.default.contentsOfDirectory(atPath: target) == ["LOCK"])
    }

    @Test func carriesVotes() async throws {
        let scratch = try Scratch()
        let directory = try await ledger(scratch)
        let document = try GenesisDocument(json: Files.read(directory + "/genesis.json"))
        let validator = document.genesis.validators[0].description
        let votes = await tally(
            "export", "votes", "--data-dir", directory, "--validator", validator)
        #expect(votes.code == 0, "\(votes.error)")
        let file = try scratch.write(votes.output, to: "votes.json")
        let path = scratch["snapshot"]
        #expect(
            await tally("snapshot", "create", "--data-dir", directory, "--out", path).code == 0)
        let target = scratch["new"]
        let restored = await tally(
            "snapshot", "restore", path, "--data-dir", target, "--genesis",
            directory + "/genesis.json")
        #expect(restored.code == 0, "\(restored.error)")
        let taken = await tally(
            "import", "votes", file, "--data-dir", target, "--validator", validator, "--json")
        #expect(taken.code == 0, "\(taken.error)")
        #expect(try taken.json["changed"] == true)
        let height = try votes.json["data"]?[0]?["final_height"]?.stringValue
        #expect(try taken.json["votesAbove"]?.description == height)
    }
}
