import TallyClient
import TallyCrypto
import TallyNode
import TallyPrimitives
import TallyTransactions
import Testing

@testable import TallyCLI

private let a = "0x00000000000000000000000000000000000000aa"
private let b = "0x00000000000000000000000000000000000000bb"
private let addressA = Address(words: (0, 0, 0xaa))
private let addressB = Address(words: (0, 0, 0xbb))

@Suite struct LegFileTests {
    private func time(_ milliseconds: UInt64) -> BeaconTime {
        BeaconTime(milliseconds: milliseconds)
    }

    @Test func readsCSVAndJSON() throws {
        let csv = """
            # salaries
            address,amount,deadline
            \(a),250
            \(b), 1.5ether , 2026-01-01T00:00:00Z

            \(a),1,at=5
            \(a),2,deadline=6
            """
        let expected = [
            LegFile.Entry(line: 3, leg: TransferLeg(to: addressA, value: Amount(250))),
            LegFile.Entry(
                line: 4,
                leg: TransferLeg(
                    to: addressB, value: Amount(1_500_000_000_000_000_000),
                    terms: .creditBy(time(1_767_225_600_000)))),
            LegFile.Entry(
                line: 6,
                leg: TransferLeg(to: addressA, value: Amount(1), terms: .runAt(time(5)))),
            LegFile.Entry(
                line: 7,
                leg: TransferLeg(to: addressA, value: Amount(2), terms: .creditBy(time(6)))),
        ]
        #expect(try LegFile.entries(csv, name: "f") == expected)
        let json = """
            {"address": "\(a)", "amount": 250}
            {"to": "\(b)", "value": "1.5ether", "deadline": "2026-01-01T00:00:00Z"}
            {"address": "\(a)", "amount": "1", "at": 5}
            {"address": "\(a)", "amount": "2", "deadline": "6"}
            """
        #expect(
            try LegFile.entries(json, name: "f").map(\.leg) == expected.map(\.leg))
    }

    @Test func takesWhatSpreadsheetsWrite() throws {
        let leg = TransferLeg(to: addressA, value: Amount(250))
        for text in ["address,amount\r\n\(a),250\r\n", "\(a),250"] {
            #expect(try LegFile.entries("\u{feff}" + text, name: "f").map(\.leg) == [leg])
        }
    }

    @Test(arguments: [
        ("", "lists no transfer"), ("# nothing\n", "lists no transfer"),
        ("\(a)", "line 1: there are 1 fields"), ("\(a),1,2,3", "line 1: there are 4 fields"),
        ("\(a),1\n0x12,1", "line 2: '0x12' is no address"), ("\(a),0", "the amount is 0"),
        ("\(a),-1", "'-1' is no amount"), ("\(a),1e3", "'1e3' is no amount"),
        ("0x000000000000000000000000000000000000c001,1", "is reserved"),
        ("\(a),1,5", "say what the time is"), ("\(a),1,after=5", "'after' is no time"),
        ("\(a),1,at=0", "'0' is no time"), ("\(a),1,at=soon", "'soon' is no time"),
        ("\(a),1,at=1969-12-31T23:59:59Z", "is no time"),
        ("address,amount,when\n\(a),1", "line 1: the columns are"),
        ("address,value\n\(a),1", "line 1: the columns are"),
        ("\(a),1\naddress,amount", "line 2: 'address' is no address"),
        ("{\"address\": \"\(a)\"}", "address or amount is missing"),
        ("{\"address\": \"\(a)\", \"amount\": 1.5}", "is no string and no integer"),
        ("{\"address\": \"\(a)\", \"amount\": 1, \"memo\": 1}", "unknown member 'memo'"),
        ("{\"address\": \"\(a)\", \"amount\": 1, \"at\": 1, \"deadline\": 1}", "not both"),
        ("{\"address\": ", "no JSON object"),
        ("{\"address\": \"\(a)\", \"to\": \"\(b)\", \"amount\": 1}", "'address' and 'to'"),
        (
            "{\"address\": \"\(a)\", \"amount\": 1, \"value\": \"1ether\"}",
            "'amount' and 'value'"
        ),
    ])
    func refuses(_ text: String, _ message: String) {
        #expect {
            try LegFile.entries(text, name: "legs.csv")
        } throws: { error in
            let failure = error as? CommandFailure
            return failure?.code == "legs" && failure?.message.contains(message) == true
                && failure?.message.hasPrefix("legs.csv") == true
        }
    }
}

@Suite struct BatchVerbTests {
    @Test func batchesReachEveryAccount() async throws {
        let scratch = try Scratch()
        let keyFile = scratch["key"]
        let list = try scratch.write("address,amount\n\(a),250\n\(b),2ether\n", to: "list.csv")
        let poor = try scratch.write("\(a),9000000ether\n", to: "poor.csv")
        try await RunningNode.with(scratch["ledger"]) { node in
            try Files.write(
                Array(Hex.encode(node.network.accounts[0].key.exportBytes()).utf8), to: keyFile,
                mode: 0o600)
            let arguments = [
                "tx", "batch", list, "--key-file", keyFile, "--rpc", node.rpc, "--json",
            ]
            let dry = try await tally(arguments + ["--dry-run"]).json
            #expect(dry["dryRun"] == true)
            let planned = try #require(dry["transactions"]?[0])
            #expect(planned["transfers"] == 2)
            #expect(planned["value"] == "2000000000000000250")
            let explained = await tally(
                "tx", "decode", try #require(planned["raw"]?.stringValue))
            #expect(try explained.json["operation"]?["legs"]?.arrayValue?.count == 2)
            #expect(try await balance(a, node) == "0")
            let sent = await tally(arguments + ["--wait", "settled"])
            #expect(sent.code == 0, "\(sent.error)")
            let transaction = try #require(try sent.json["transactions"]?[0])
            // What the dry run said is what was sent.
            #expect(transaction["hash"] == planned["hash"])
            #expect(transaction["settled"] == true)
            #expect(try await balance(a, node) == "250")
            #expect(try await balance(b, node) == "2000000000000000000")
            let each = await tally(arguments + ["--each"])
            let hashes = try #require(try each.json["hashes"]?.arrayValue)
            #expect(hashes.count == 2)
            for hash in hashes {
                let status = await tally(
                    "tx", "status", hash.stringValue ?? "", "--wait", "settled", "--rpc", node.rpc)
                #expect(status.code == 0, "\(status.error)")
            }
            #expect(try await balance(a, node) == "500")
            let refused = await tally(
                "tx", "batch", poor, "--key-file", keyFile, "--rpc", node.rpc, "--json")
            #expect(refused.code == 1)
            #expect(refused.error.contains("transaction 1 of 1"))
        }
    }

    private func balance(_ address: String, _ node: RunningNode) async throws -> String? {
        try await tally("query", "balance", address, "--rpc", node.rpc, "--json")
            .json["balance"]?.stringValue
    }

    @Test func listsThatDoNotFitAreRefused() async throws {
        let scratch = try Scratch()
        let key = try scratch.write(String(repeating: "1", count: 64), to: "key")
        let long = String(repeating: "\(a),1\n", count: 257)
        let batch = await tally(
            ["tx", "batch", "-", "--key-file", key, "--json"], input: long)
        #expect(batch.errorCode == "legs")
        #expect(batch.error.contains("at most 256"))
        let timed = await tally(
            ["tx", "batch", "-", "--each", "--key-file", key, "--json"], input: "\(a),1,at=5\n")
        #expect(timed.errorCode == "legs")
        #expect(timed.error.contains("line 1"))
        let huge = "\(a),\(UInt128.max)\n\(a),1\n"
        let opening = TransactionOpening(
            type: .dynamicFee, chainID: 1, nonce: 0, maxFee: .zero, maxPriorityFee: .zero)
        let legs = try LegFile.entries(huge, name: "f").map(\.leg)
        #expect(throws: CommandFailure("legs", "the amounts add up to more than 2^128 - 1")) {
            try BatchDraft(
                .batch(legs), opening, offset: 0, PrivateKey([UInt8](repeating: 1, count: 32)))
        }
    }

    @Test(arguments: [
        ["tx", "batch"], ["tx", "batch", "f"],
        ["tx", "batch", "f", "--key-file", "k", "--dry-run", "--wait", "final"],
        ["tx", "batch", "f", "--key-file", "k", "--gas-price", "1", "--max-fee", "1"],
        ["tx", "decode", "a", "b"], ["tx", "decode", "--chain-id", "-1"],
    ])
    func wrongUsageIsTwo(_ arguments: [String]) async {
        #expect(await tally(arguments).code == 2)
    }
}
