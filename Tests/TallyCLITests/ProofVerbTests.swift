import TallyClient
import TallyCrypto
import TallyNode
import TallyPrimitives
import Testing

@testable import TallyCLI

/// Proofs are fetched from a running node and checked when it is gone.
@Suite struct ProofVerbTests {
    private struct Fetched: Sendable {
        var proofs: [(file: String, hash: String, texts: [String])] = []
        var header = ""
    }

    @Test func proofsAreCheckedWithoutANode() async throws {
        let scratch = try Scratch()
        let directory = scratch.path
        let fetched = try await RunningNode.with(scratch["ledger"]) { node in
            try await fetch(node, directory)
        }
        for proof in fetched.proofs {
            let outcome = await tally("verify-proof", proof.file, "--beacon-hash", proof.hash)
            #expect(outcome.code == 0, "\(outcome.error)")
            for text in proof.texts { #expect(outcome.output.contains(text), "\(outcome.output)") }
            let json = try await tally(
                "verify-proof", proof.file, "--beacon-hash", proof.hash, "--json"
            ).json
            #expect(json["valid"] == true)
            #expect(json["proof"] == nil)
            let other = await tally(
                "verify-proof", proof.file, "--beacon-hash", "\(Hash32.zero)", "--json")
            #expect(other.code == 1)
            #expect(other.errorCode == "untrustedHeader")
            #expect(other.error.contains("--block \(Hash32.zero)"))
        }
        try await checkTheAnchor(fetched, scratch)
        try await checkTheSeals(fetched, scratch)
    }

    /// With the genesis document a header from anybody is as good as one's own.
    private func checkTheSeals(_ fetched: Fetched, _ scratch: Scratch) async throws {
        let proof = try #require(fetched.proofs.first)
        func verify(_ header: String, _ genesis: String) async -> Outcome {
            await tally(
                "verify-proof", proof.file, "--header", header, "--genesis", genesis, "--json")
        }
        let genesis = scratch["ledger"] + "/genesis.json"
        let sealed = await verify(fetched.header, genesis)
        #expect(sealed.code == 0, "\(sealed.error)")
        #expect(try sealed.json["sealedPower"] == 1)
        #expect(try sealed.json["quorum"] == 1)
        let text = await tally(
            "verify-proof", proof.file, "--header", fetched.header, "--genesis", genesis)
        #expect(text.output.contains("seals of 1 of 1, it takes 1"), "\(text.output)")
        let header = try #require(String(validating: Files.read(fetched.header), as: UTF8.self))
        let forged = header.replacing("\"signature\":\"0x", with: "\"signature\":\"0x00")
            .replacing(/0[01]"}],"elections/, with: "\"}],\"elections")
        let refused = await verify(try scratch.write(forged, to: "forged"), genesis)
        #expect(refused.code == 1)
        #expect(refused.errorCode == "notFinal", "\(refused.error)")
        let other = scratch["other.json"]
        let made = await tally(
            "genesis", "new", "--validator", "0x00000000000000000000000000000000000000aa",
            "--out", other)
        #expect(made.code == 0)
        let foreign = await verify(fetched.header, other)
        #expect(foreign.code == 1)
        #expect(foreign.error.contains("another network"), "\(foreign.error)")
        let noHeader = await tally(
            "verify-proof", proof.file, "--beacon-hash", proof.hash, "--genesis", genesis)
        #expect(noHeader.code == 2)
    }

    /// A header in a file is as good as its hash, if it is one and the right one.
    private func checkTheAnchor(_ fetched: Fetched, _ scratch: Scratch) async throws {
        let proof = try #require(fetched.proofs.first)
        let byHeader = await tally("verify-proof", proof.file, "--header", fetched.header)
        #expect(byHeader.code == 0, "\(byHeader.error)")
        let header = try #require(String(validating: Files.read(fetched.header), as: UTF8.self))
        let text = try #require(String(validating: Files.read(proof.file), as: UTF8.self))
        // A node's whole answer is read too, of proofs as of headers.
        func response(_ json: String) -> String {
            "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":\(json)}"
        }
        let whole = try scratch.write(response(text), to: "response")
        let wholeHeader = try scratch.write(response(header), to: "header-response")
        let wrapped = await tally("verify-proof", whole, "--header", wholeHeader)
        #expect(wrapped.code == 0, "\(wrapped.error)")
        let lie = text.replacing("\"exists\":true", with: "\"exists\":false")
        let lied = await tally(
            "verify-proof", try scratch.write(lie, to: "lie"), "--header", fetched.header)
        #expect(lied.code == 1)
        #expect(lied.error == "tally: exists is not what the hashes say\n")
        let bent = header.replacing("\"timeMs\":", with: "\"timeMs\":1")
        let refused = await tally(
            "verify-proof", proof.file, "--header", try scratch.write(bent, to: "bent"))
        #expect(refused.code == 1)
        #expect(refused.error.contains("timeMs is not what the hashes say"))
        let genesis = fetched.header + "-0"
        for (flags, text) in [
            (["--header", genesis], "by then, fetch the proof with --block 0"),
            (["--beacon-hash", "\(Hash32.zero)"], "the trusted one is \(Hash32.zero)"),
        ] {
            let outcome = await tally(["verify-proof", proof.file] + flags)
            #expect(outcome.code == 1)
            #expect(outcome.error.contains(text), "\(outcome.error)")
        }
        let none = await tally("verify-proof", scratch["none"], "--header", fetched.header)
        #expect(none.code == 1)
        let noise = await tally(
            "verify-proof", try scratch.write("{", to: "noise"), "--header", fetched.header)
        #expect(noise.code == 1)
        #expect(noise.error.contains("noise is not JSON"))
    }

    private func fetch(_ node: RunningNode, _ directory: String) async throws -> Fetched {
        let sender = node.network.accounts[0]
        let receiver = node.network.accounts[7]
        let key = directory + "/key"
        try Files.write(
            Array((Hex.encode(sender.key.exportBytes()) + "\n").utf8), to: key, mode: 0o600)
        let sent = try await tally(
            "tx", "send", "--key-file", key, "--to", "\(receiver.address)", "--ether", "1.5",
            "--wait", "settled", "--rpc", node.rpc, "--json"
        ).json
        let hash = try #require(sent["hash"]?.stringValue)
        let verbs: [(name: String, arguments: [String], texts: [String])] = [
            (
                "account", ["account-proof", "\(receiver.address)"],
                ["valid    account", "1000001.5 ether (", "nonce    0", "credits  accepted"]
            ),
            (
                "absent", ["account-proof", "0x00000000000000000000000000000000000000aa"],
                ["no such account", "balance  0 ether"]
            ),
            (
                "receipt", ["receipt-proof", "--transaction", hash],
                ["0 to 3, number 0", "1.5 ether (", "credited"]
            ),
            ("place", ["receipt-proof", "0", "3", "0", "--evidence", "sent"], ["sent"]),
            ("transaction", ["transaction-proof", hash], ["succeeded", hash]),
        ]
        var fetched = Fetched()
        for (name, arguments, texts) in verbs {
            let file = directory + "/" + name
            let outcome = await run(["query"] + arguments + ["--out", file, "--rpc", node.rpc])
            #expect(outcome.code == 0, "\(outcome.error)")
            #expect(outcome.output == "wrote \(file)\n")
            let json = try JSON.parse(Files.read(file))
            let trusted = try #require(json["trusted"]?["hash"]?.stringValue)
            fetched.proofs.append((file, trusted, texts))
        }
        fetched.header = directory + "/header"
        let beacon = await tally(
            "query", "beacon", fetched.proofs[0].hash, "--rpc", node.rpc, "--out", fetched.header)
        #expect(beacon.code == 0, "\(beacon.error)")
        // The height as the proof tells it.
        let proof = try JSON.parse(Files.read(fetched.proofs[0].file))
        let height = try #require(proof["trusted"]?["height"]?.stringValue)
        let byHeight = await tally("query", "beacon", height, "--rpc", node.rpc)
        #expect(try byHeight.json["hash"]?.stringValue == fetched.proofs[0].hash)
        let first = await tally(
            "query", "beacon", "0", "--rpc", node.rpc, "--out", fetched.header + "-0")
        #expect(first.code == 0, "\(first.error)")
        try await checkHeaders(node)
        return fetched
    }

    private func checkHeaders(_ node: RunningNode) async throws {
        let head = try await tally("query", "head", "0", "--rpc", node.rpc, "--json").json
        let hash = try #require(head["hash"]?.stringValue)
        let block = try await tally(
            "query", "block", hash, "--shard", "0", "--rpc", node.rpc, "--json"
        ).json
        #expect(block == head)
        let home = try await tally(
            "query", "shard-of", "\(node.network.accounts[7].address)", "--rpc", node.rpc,
            "--json"
        ).json
        #expect(home["shard"] == 3)
        let missing = await tally(
            "query", "receipt-proof", "0", "3", "9", "--rpc", node.rpc, "--json")
        #expect(missing.code == 1)
        #expect(missing.errorCode == "unknownReceipt")
    }

    private func run(_ arguments: [String]) async -> Outcome {
        let captured = CapturedConsole()
        let code = await CommandLineTool.run(arguments, console: captured.console)
        return Outcome(code: code, output: captured.output, error: captured.error)
    }

    @Test(arguments: [
        ["verify-proof"], ["verify-proof", "p"],
        ["verify-proof", "p", "--beacon-hash", "0x12"],
        ["verify-proof", "p", "--beacon-hash", "\(Hash32.zero)", "--header", "h"],
        ["verify-proof", "-", "--header", "-"],
        ["query", "account-proof", "me"], ["query", "receipt-proof", "0", "1"],
        ["query", "receipt-proof", "0", "1", "2", "--transaction", "\(Hash32.zero)"],
        ["query", "receipt-proof", "0", "1", "2", "--evidence", "all"],
        ["query", "head"],
    ])
    func wrongUsageIsTwo(_ arguments: [String]) async {
        #expect(await run(arguments).code == 2)
    }
}
