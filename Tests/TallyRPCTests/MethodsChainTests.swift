import TallyClient
import TallyEngine
import TallyPrimitives
import TallySharding
import TallyTransactions
import Testing

@testable import TallyRPC

/// Who answers, what things cost, and what bad calls are told.
@Suite struct MethodsChainTests {
    @Test func tellsTheChain() async throws {
        try await withLedger { ledger in
            #expect(try await ledger.ask("web3_clientVersion") == "tallystick/test")
            #expect(try await ledger.ask("net_version") == "1337")
            #expect(try await ledger.ask("eth_chainId") == "0x539")
            #expect(try await ledger.ask("eth_blockNumber") == "0x0")
            #expect(try await ledger.ask("eth_syncing") == false)
            #expect(try await ledger.ask("eth_accounts") == [JSON(ledger.address(0))])
            let info = try await ledger.ask("node_info")
            #expect(info["clientVersion"] == "tallystick/test")
            #expect(info["genesisHash"] == .string(ledger.engine.genesis.hash.description))
            #expect(info["shards"] == 2)
            #expect(info["height"] == "0x0")
            #expect(info["headTimeMs"] == 1_000)
            #expect(info["validator"] == JSON(ledger.address(0)))
            #expect(info["address"] == info["validator"])
            #expect(info["role"] == "validator")
            #expect(info["peers"] == 0)
        }
    }

    @Test func tellsTheShards() async throws {
        try await withLedger { ledger in
            _ = try await ledger.send(ledger.raw(0, nonce: 1, to: ledger.address(1), value: 1))
            _ = try await ledger.settle(
                ledger.raw(0, 1, nonce: 0, to: ledger.address(1), value: 1))
            let shards = try await ledger.ask("shard_list")
            #expect(shards.arrayValue?.count == 2)
            let heads = ledger.engine.publisher.current.view.heads
            for index in 0..<2 {
                let shard = try #require(shards[index])
                let header = heads[index].header
                #expect(shard["id"] == JSON(index))
                #expect(shard["height"] == .string(Hex.quantity(header.height.value)))
                #expect(shard["hash"] == .string(header.hash.description))
                #expect(shard["stateRoot"] == .string(header.stateRoot.description))
                #expect(shard["stateSum"] == .string(header.stateSum.description))
                #expect(shard["stateSumHex"]?.units == header.stateSum.units)
                #expect(shard["baseFee"]?.units == 1_000_000_000)
                #expect(shard["poolTransactions"] == JSON(index == 0 ? 1 : 0))
                #expect(shard["inboundReceipts"] == 0)
            }
        }
    }

    @Test func tellsAccounts() async throws {
        try await withLedger { ledger in
            let account = JSON(ledger.address(0))
            let balance = try await ledger.ask("eth_getBalance", account, "finalized")
            #expect(balance.units == MethodLedger.opening)
            #expect(try await ledger.ask("eth_getBalance", account, "0x0") == balance)
            let named = try await ledger.answer(
                MethodLedger.call("eth_getBalance", ["address": account]))
            #expect(named["result"] == balance)
            #expect(try await ledger.ask("eth_getCode", account, "latest") == "0x")
            let reserved = JSON(ReservedAddress.crossShard)
            #expect(try await ledger.ask("eth_getCode", reserved, "latest") == "0xfe")
            #expect(try await ledger.ask("eth_getBalance", reserved) == "0x0")
            let genesis = try await ledger.ask("eth_getBlockByNumber", "earliest")
            let hash = try #require(genesis["hash"])
            #expect(try await ledger.ask("eth_getBalance", account, ["blockHash": hash]) == balance)

            _ = try await ledger.settle(ledger.raw(0, nonce: 0, to: ledger.address(1), value: 1))
            for tag: JSON in ["latest", "pending", "safe", "finalized"] {
                #expect(try await ledger.ask("eth_getTransactionCount", account, tag) == "0x1")
            }
            let old = try await ledger.failure("eth_getBalance", account, "earliest")
            #expect(old["code"] == -32_002)
            #expect(old["data"] == ["reason": "stateUnavailable", "retryable": false])
            let new = try await ledger.failure("eth_getTransactionCount", account, "0xffff")
            #expect(new["code"] == -32_001)
            #expect(new["message"] == "header not found")
            #expect(new["data"] == ["reason": "unknownBlock", "retryable": true])
        }
    }

    @Test func tellsFees() async throws {
        try await withLedger { ledger in
            #expect(try await ledger.ask("eth_gasPrice").units == 1_100_000_000)
            #expect(try await ledger.ask("eth_maxPriorityFeePerGas").units == 100_000_000)
            for nonce in 0..<3 {
                _ = try await ledger.settle(
                    ledger.raw(0, nonce: Nonce(nonce), to: ledger.address(0, 1), value: 1))
            }
            let history = try await ledger.ask(
                "eth_feeHistory", "0x2", "latest", [10, .number("90.5")])
            #expect(history["oldestBlock"] == "0x2")
            #expect(
                history["baseFeePerGas"]?.arrayValue?.map(\.units) == [
                    1_000_000_000, 1_000_000_000, 1_000_000_000,
                ])
            let ratio = 21_000.0 / (2 * 20_000 * 21_000)
            #expect(history["gasUsedRatio"] == [.number(String(ratio)), .number(String(ratio))])
            #expect(history["reward"] == [["0x1", "0x1"], ["0x1", "0x1"]])
            let all = try await ledger.ask("eth_feeHistory", 1_000_000, "latest")
            #expect(all["oldestBlock"] == "0x0")
            #expect(all["reward"] == nil)
            #expect(all["baseFeePerGas"]?.arrayValue?.count == 5)
        }
    }

    @Test func estimatesExactly() async throws {
        try await withLedger { ledger in
            let to = JSON(ledger.address(1))
            let plain = try await ledger.ask("eth_estimateGas", ["to": to, "value": "0x1"])
            #expect(plain == "0x5208")
            let data = try await ledger.ask(
                "eth_estimateGas", ["to": to, "data": "0x00ff"], "latest")
            #expect(data.units == 21_020)
            let legs = [TransferLeg(to: ledger.address(1), value: Amount(4))]
            let batch = TransferOperation.batch(legs)
            let estimate = try await ledger.ask(
                "eth_estimateGas",
                [
                    "from": JSON(ledger.address(0)), "to": JSON(ReservedAddress.crossShard),
                    "value": "0x4", "input": .string(Hex.encode(batch.callData)),
                ])
            #expect(estimate.units == UInt128(batch.weight + Weights.callData(batch.callData)))

            let creation = try await ledger.failure("eth_estimateGas", ["data": "0x"])
            #expect(creation["data"]?["reason"] == "contractCreation")
            let poor = try await ledger.failure(
                "eth_estimateGas",
                ["from": JSON(ledger.address(0)), "to": to, "value": "0xffffffffffffffff"])
            #expect(poor["message"] == "insufficient funds for transfer")
            let malformed = try await ledger.failure(
                "eth_estimateGas", ["to": to, "value": "1"])
            #expect(malformed["code"] == -32_602)
        }
    }

    @Test(arguments: [
        "eth_sign", "eth_sendTransaction", "eth_signTransaction", "personal_sign",
        "debug_traceTransaction", "trace_block", "eth_mine", "",
    ])
    func methodsThatAreNotThere(method: String) async throws {
        try await withLedger { ledger in
            let error = try await ledger.failure(method)
            #expect(error["code"] == -32_601)
            #expect(
                error["message"] == .string("the method \(method) does not exist/is not available"))
        }
    }

    @Test func badArgumentsAreNamed() async throws {
        let cases: [(String, JSON, String)] = [
            ("eth_getBalance", [], "missing value for required argument 0: address"),
            ("eth_getBalance", ["0x12"], "invalid argument 0: address"),
            ("eth_getBalance", [JSON(Address.zero), "newest"], "invalid argument 1: block"),
            ("eth_getBalance", [JSON(Address.zero), "0x01"], "invalid argument 1: block"),
            ("eth_getBalance", [JSON(Address.zero), [:]], "invalid argument 1: block"),
            ("eth_getBalance", ["account": "0x"], "unknown argument account"),
            ("eth_chainId", [1], "too many arguments, want at most 0"),
            ("eth_getBlockByNumber", ["latest", "yes"], "invalid argument 1: full"),
            ("eth_getBlockByHash", ["0x1"], "invalid argument 0: hash"),
            (
                "eth_getTransactionByBlockNumberAndIndex", ["latest", "x"],
                "invalid argument 1: index"
            ),
            ("eth_sendRawTransaction", ["0x0"], "invalid argument 0: transaction"),
            ("eth_feeHistory", [1, "latest", [50, 10]], "invalid argument 2: rewardPercentiles"),
            ("eth_estimateGas", ["0x"], "invalid argument 0: transaction"),
            (
                "shard_getTransactionStatus", [.string(Hash32.zero.description), "mined"],
                "invalid argument 1: waitUntil must be one of accepted, included, final, settled"
            ),
        ]
        try await withLedger { ledger in
            for (method, params, text) in cases {
                let error = try await ledger.answer(MethodLedger.call(method, params))["error"]
                #expect(error?["code"] == -32_602, "\(method)")
                #expect(
                    error?["message"]?.stringValue?.hasPrefix(text) == true,
                    "\(String(describing: error))")
            }
        }
    }

    @Test func theTableHasNoNameTwice() {
        #expect(RPCMethod.table.count == RPCMethod.all.count)
        for method in RPCMethod.all {
            // Optional parameters come last, or positions would be ambiguous.
            let flags = method.parameters.map(\.isRequired)
            #expect(flags == flags.sorted { $0 && !$1 }, "\(method.name)")
        }
    }
}
