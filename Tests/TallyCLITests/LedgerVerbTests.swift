import TallyClient
import TallyCrypto
import TallyEngine
import TallyNode
import TallyPrimitives
import TallySharding
import Testing

@testable import TallyCLI

@Suite struct LedgerVerbTests {
    @Test func verbsUseARunningLedger() async throws {
        let scratch = try Scratch()
        let keyFile = scratch["key"]
        try await RunningNode.with(scratch["ledger"]) { node in
            let sender = node.network.accounts[0]
            let receiver = node.network.accounts[7]
            try Files.write(
                Array((Hex.encode(sender.key.exportBytes()) + "\n").utf8), to: keyFile,
                mode: 0o600)
            let sent = await tally(
                "tx", "send", "--key-file", keyFile, "--to", "\(receiver.address)", "--ether",
                "1.5", "--wait", "settled", "--rpc", node.rpc, "--json")
            #expect(sent.code == 0, "\(sent.error)")
            let json = try sent.json
            #expect(json["settled"] == true)
            #expect(json["legs"]?[0]?["state"] == "credited")
            let hash = try #require(json["hash"]?.stringValue)
            try await checkQueries(node, hash, receiver.address)
            let legacy = await tally(
                "tx", "send", "--key-file", keyFile, "--to", "\(receiver.address)", "--value",
                "1", "--gas-price", "2000000000", "--nonce", "1", "--rpc", node.rpc)
            #expect(legacy.code == 0, "\(legacy.error)")
            let poor = await tally(
                "tx", "send", "--key-file", keyFile, "--to", "\(receiver.address)", "--ether",
                "2000000", "--rpc", node.rpc)
            #expect(poor.code == 1)
            #expect(poor.error.contains("insufficient funds"))
        }
    }

    private func checkQueries(
        _ node: RunningNode, _ hash: String, _ receiver: Address
    ) async throws {
        let status = await tally("tx", "status", hash, "--rpc", node.rpc)
        #expect(status.output.contains("\(hash)  settled at height "))
        #expect(status.output.contains("1.5 ether to \(receiver) on shard 3: credited"))
        let balance = await tally("query", "balance", "\(receiver)", "--rpc", node.rpc)
        #expect(balance.output.hasPrefix("1000001.5 ether"))
        let nonce = await tally(
            "query", "nonce", "\(node.network.accounts[0].address)", "--rpc", node.rpc)
        #expect(nonce.output == "1\n")
        let receipt = try await tally("query", "receipt", hash, "--rpc", node.rpc, "--json").json
        #expect(receipt["status"] == "0x1")
        let block = try #require(receipt["blockHash"]?.stringValue)
        let byHash = try await tally("query", "block", block, "--rpc", node.rpc, "--json").json
        #expect(byHash["hash"] == .string(block))
        let height = try #require(byHash["number"]?.quantity(UInt64.self))
        let byHeight =
            try await tally("query", "block", "\(height)", "--rpc", node.rpc, "--json").json
        #expect(byHeight == byHash)
        let missing = await tally("query", "block", "999999", "--rpc", node.rpc, "--json")
        #expect(missing.code == 1)
        #expect(missing.errorCode == "notFound")
        let shards = try await tally("query", "shards", "--rpc", node.rpc, "--json").json
        #expect(shards.arrayValue?.count == 4)
        let table = await tally("query", "shards", "--rpc", node.rpc)
        #expect(table.output.split(separator: "\n").count == 5)
        let info = try await tally("query", "info", "--rpc", node.rpc, "--json").json
        #expect(info["genesisHash"] == .string(node.genesis.hash.description))
    }

    @Test func aKeyThatOthersReadIsRefused() async throws {
        let scratch = try Scratch()
        let key = scratch["key"]
        try Files.write(Array("0x01".utf8), to: key, mode: 0o644)
        let arguments = [
            "tx", "send", "--key-file", key, "--to", "\(Address.zero)", "--value", "1", "--json",
        ]
        let loose = CapturedConsole()
        #expect(await CommandLineTool.run(arguments, console: loose.console) == 1)
        #expect(loose.error.contains("chmod go-rwx"))
        _ = try scratch.write("0x01", to: "key")
        let malformed = CapturedConsole()
        #expect(await CommandLineTool.run(arguments, console: malformed.console) == 1)
        #expect(malformed.error.contains("holds no private key"))
    }

    @Test func theTourSettlesAndTheAuditIsClean() async throws {
        let scratch = try Scratch()
        let directory = scratch["ledger"]
        let captured = CapturedConsole()
        let outcome = try await RunningNode.with(directory, shards: 2) { node in
            let demo = DemoNode(
                rpc: node.rpc, chainID: DevNetwork.chainID,
                accounts: node.network.accounts.map {
                    DemoNode.Account(key: $0.key, address: $0.address, shard: $0.shard)
                })
            return try await Console.$current.withValue(captured.console) {
                try await DemoTour(
                    node: demo, narrator: Narrator(isSilent: false), delayMilliseconds: 200
                ).run()
            }
        }
        #expect(outcome.complaints == [])
        #expect(outcome.statuses.count == 4)
        for text in ["bounced by shard 0", "refunded to the sender", "waits on the due queue"] {
            #expect(captured.output.contains(text))
        }
        let genesis = try DataDirectory(path: directory).genesis().genesis
        let report = try SupplyAudit.run(directory: directory, genesis: genesis)
        #expect(report.isClean)
        #expect(DemoAudit(report).text.contains("genesis + minted           4000000"))
    }
}
