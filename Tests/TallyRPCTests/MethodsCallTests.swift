import FoundationEssentials
import TallyClient
import TallyCrypto
import TallyExecution
import TallyPrimitives
import TallyTesting
import TallyTransactions
import Testing

@testable import TallyRPC

/// `eth_call` and the document of the methods.
@Suite struct MethodsCallTests {
    private static let address = ReservedAddress.crossShard.description

    /// Call data of words.
    private func data(_ signature: String, _ words: [String]) -> JSON {
        .string(Hex.encode(Selector(signature).bytes) + words.joined())
    }

    private func word(_ value: Int) -> String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 64 - digits.count) + digits
    }

    private func word(_ address: Address) -> String {
        String(repeating: "0", count: 24) + address.description.dropFirst(2)
    }

    private func ask(
        _ ledger: MethodLedger, _ signature: String, _ words: String...
    ) async throws -> [Int] {
        let answer = try await ledger.ask(
            "eth_call", ["to": .string(Self.address), "data": data(signature, words)], "latest")
        let bytes = try #require(answer.hexBytes)
        #expect(bytes.count.isMultiple(of: 32))
        return stride(from: 0, to: bytes.count, by: 32).map { start in
            bytes[start..<start + 32].reduce(0) { $0 << 8 | Int($1) }
        }
    }

    @Test func viewsTellWhereThingsAre() async throws {
        try await withLedger { ledger in
            let me = word(ledger.address(0))
            #expect(try await ask(ledger, "shardCount()") == [2])
            #expect(try await ask(ledger, "shardOf(address)", me) == [0])
            #expect(try await ask(ledger, "shardOf(address)", word(ledger.address(1))) == [1])
            #expect(try await ask(ledger, "escrowOf(address)", me) == [0])
            #expect(try await ask(ledger, "creditPolicyOf(address)", me) == [0])
            let status = "receiptStatus(uint32,uint32,uint64)"
            #expect(try await ask(ledger, status, word(0), word(1), word(0)) == [0, 0])
            _ = try await ledger.settle(try ledger.raw(0, nonce: 0, .setCreditPolicy(.refuse)))
            _ = try await ledger.settle(try ledger.raw(1, nonce: 0, .setCreditPolicy(.refuse)))
            let (hash, sent) = try await ledger.settle(
                ledger.raw(0, nonce: 1, to: ledger.address(1), value: 11))
            #expect(try await ask(ledger, "escrowOf(address)", me) == [11])
            #expect(try await ask(ledger, "creditPolicyOf(address)", me) == [1])
            let height = Int(try #require(sent["blockNumber"]?.units)) + 1
            #expect(try await ask(ledger, status, word(0), word(1), word(0)) == [2, height])
            #expect(
                try await ask(ledger, "stream(uint32,uint32)", word(0), word(1)).prefix(2) == [
                    1, 1,
                ])
            let receipt = try await ledger.ask("eth_getTransactionReceipt", hash)
            let id = try await ledger.ask(
                "eth_call",
                [
                    "to": .string(Self.address),
                    "data": data(
                        "receiptId(uint32,uint32,uint64)", [word(0), word(1), word(0)]),
                ])
            #expect(id == receipt["logs"]?[0]?["topics"]?[1])
        }
    }

    @Test func callsToAccountsAnswerNothing() async throws {
        try await withLedger { ledger in
            let to = JSON(ledger.address(0))
            let answer = try await ledger.ask("eth_call", ["to": to, "data": "0x1234"])
            #expect(answer == "0x")
        }
    }

    @Test func whatIsNoViewReverts() async throws {
        try await withLedger { ledger in
            let me = word(ledger.address(0))
            let calls: [JSON] = [
                "0x", "0x12345678", data("batchTransfer((address,uint256,uint64,uint64)[])", []),
                data("shardOf(address)", []), data("shardOf(address)", [me, me]),
                data("shardOf(address)", [String(repeating: "f", count: 64)]),
                data("shardOf(address)", [word(ReservedAddress.crossShard)]),
                data("stream(uint32,uint32)", [word(0), word(3)]),
            ]
            for call in calls {
                let error = try await ledger.failure(
                    "eth_call", ["to": .string(Self.address), "data": call])
                #expect(error == ["code": 3, "message": "execution reverted", "data": "0x"])
            }
            let treasury = ReservedAddress.treasury.description
            let error = try await ledger.failure("eth_call", ["to": .string(treasury)])
            #expect(error["code"] == 3)
        }
    }

    @Test func stateOfOldBlocksIsATypedError() async throws {
        try await withLedger { ledger in
            _ = try await ledger.settle(
                ledger.raw(0, nonce: 0, to: ledger.address(0, 1), value: 1))
            let call: JSON = [
                "to": .string(Self.address), "data": data("shardCount()", []),
            ]
            let old = try await ledger.failure("eth_call", call, "0x0")
            #expect(old["data"]?["reason"] == "stateUnavailable")
            let unknown = try await ledger.failure("eth_call", call, "0xffff")
            #expect(unknown["data"]?["reason"] == "unknownBlock")
            let creation = try await ledger.failure("eth_call", ["data": "0x00"])
            #expect(creation["code"] != nil)
        }
    }

    /// Every log at the address, but the native transfers' own (EIP-7708), which is Ethereum's.
    @Test func eventsAreThePublishedOnes() throws {
        let file = try Data(contentsOf: Vectors.specification("abi/cross-shard.json"))
        let document = try JSON.parse(Array(file))
        var published: Set<Hash32> = []
        for entry in document.arrayValue ?? [] where entry["type"] == "event" {
            let name = try #require(entry["name"]?.stringValue)
            let types = (entry["inputs"]?.arrayValue ?? []).compactMap { $0["type"]?.stringValue }
            published.insert(
                Keccak256.hash(Array("\(name)(\(types.joined(separator: ",")))".utf8)))
        }
        let place = ReceiptReference(
            source: EndpointID(0), destination: EndpointID(1), index: 0)
        let id = ObjectID(owner: .zero, number: 0)
        let payouts: [PayoutEvent] = [
            .sent(place, object: id, .refund, to: .zero, value: .zero),
            .paid(place, object: id, .refund, to: .zero, value: .zero, isEscrowed: true),
        ]
        var logged = Set(EventTopic.all + payouts.map { EventTopic.topic($0.record.signature) })
        logged.remove(EventTopic.transfer)
        #expect(published == logged)
    }

    // MARK: The document

    @Test func theDocumentIsTheTable() async throws {
        try await withLedger { ledger in
            let document = try await ledger.ask("rpc.discover")
            #expect(document["openrpc"] == "1.3.2")
            #expect(document["info"]?["version"] == "tallystick/test")
            let methods = try #require(document["methods"]?.arrayValue)
            #expect(methods.compactMap { $0["name"]?.stringValue } == RPCMethod.all.map(\.name))
            for (json, method) in zip(methods, RPCMethod.all) {
                let summary = try #require(json["summary"]?.stringValue)
                #expect(summary.count > 5 && !summary.hasSuffix("."), "\(method.name)")
                #expect(json["result"]?["schema"]?.objectValue != nil)
                let parameters = try #require(json["params"]?.arrayValue)
                #expect(
                    parameters.compactMap { $0["name"]?.stringValue }
                        == method.parameters.map(\.name))
                for (parameter, own) in zip(parameters, method.parameters) {
                    #expect(parameter["required"] == .bool(own.isRequired))
                    #expect(parameter["schema"]?.objectValue?.count ?? 0 > 0)
                }
            }
        }
    }

    /// Every method of the document is there, and takes no arguments where it says so.
    @Test func everyMethodOfTheDocumentAnswers() async throws {
        try await withLedger { ledger in
            for method in RPCMethod.all {
                let answer = try await ledger.answer(MethodLedger.call(method.name, []))
                let code = answer["error"]?["code"]
                if case .pushing = method.handler {
                    #expect(answer["error"]?["data"]?["reason"] == "needsWebSocket")
                } else {
                    let needs = method.parameters.contains(where: \.isRequired)
                    #expect(code == (needs ? -32_602 : nil), "\(method.name)")
                }
            }
        }
    }

    /// What the event loop answers is what the connection's task would.
    @Test func bothWaysAnswerTheSame() async throws {
        try await withLedger { ledger in
            let (hash, _) = try await ledger.settle(
                ledger.raw(0, nonce: 0, to: ledger.address(1), value: 5))
            let unknown = JSON.string(Hash32(words: (1, 2, 3, 4)).description)
            for (name, argument) in [
                ("eth_getTransactionReceipt", hash), ("eth_getTransactionReceipt", unknown),
                ("eth_getTransactionByHash", hash),
                ("eth_getTransactionCount", JSON(ledger.address(0))),
            ] {
                let method = try #require(RPCMethod.table[name])
                guard case .mostlyAtOnce(let attempt, let otherwise) = method.handler else {
                    Issue.record("\(name) is not answered at once")
                    continue
                }
                let call = RPCCall(method: name, params: [argument], id: 1)
                let arguments = try RPCArguments(call, method)
                var now = JSONWriter()
                var later = JSONWriter()
                #expect(try attempt(ledger.dispatcher, arguments, &now))
                try await otherwise(ledger.dispatcher, arguments, &later)
                #expect(now.bytes == later.bytes)
                #expect(now.bytes.count > 3)
            }
        }
    }
}
