import TallyClient
import TallyCrypto
import TallyEngine
import TallyExecution
import TallyPrimitives
import TallySharding
import TallyTransactions
import Testing

@testable import TallyRPC

/// Blocks, transactions, receipts and logs fit together.
@Suite struct MethodsViewTests {
    /// Traffic of every kind among three shards, settled.
    private func traffic(_ ledger: MethodLedger) async throws {
        var raws: [[UInt8]] = []
        for shard in 0..<3 {
            for nonce in 0..<6 {
                let to = ledger.address((shard + nonce) % 3, 1)
                let type: EnvelopeType = [.legacy, .accessList, .dynamicFee][nonce % 3]
                raws.append(
                    ledger.raw(shard, nonce: Nonce(nonce), to: to, value: 5, type: type))
            }
            let legs = (0..<3).map { TransferLeg(to: ledger.address($0, 2), value: Amount(1)) }
            raws.append(try ledger.raw(shard, nonce: 6, .batch(legs)))
        }
        let calls = raws.map {
            MethodLedger.call("eth_sendRawTransaction", [.string(Hex.encode($0))])
        }
        let answers = try await ledger.answer(.array(calls)).arrayValue ?? []
        #expect(answers.count == 21)
        for answer in answers {
            _ = try await ledger.status(try #require(answer["result"]), "settled")
        }
    }

    @Test func indexesRunThroughTheWholeBlock() async throws {
        try await withLedger(shards: 3) { ledger in
            try await traffic(ledger)
            let head = try #require(try await ledger.ask("eth_blockNumber").units)
            var parent: JSON?
            var systemTransactions = 0
            var signed = 0
            for number in 0...head {
                let tag = JSON.string(Hex.quantity(number))
                let block = try await ledger.ask("eth_getBlockByNumber", tag, true)
                #expect(block["number"] == tag)
                if let parent { #expect(block["parentHash"] == parent) }
                parent = block["hash"]
                let receipts = try await ledger.ask("eth_getBlockReceipts", tag)
                for transaction in block["transactions"]?.arrayValue ?? [] {
                    if transaction["from"] == .string(ReservedAddress.nativeTransfers.description) {
                        systemTransactions += 1
                    } else {
                        signed += 1
                    }
                }
                try await checkTransactions(ledger, block, receipts)
            }
            #expect(signed == 21)
            #expect(systemTransactions >= 3)
        }
    }

    private func checkTransactions(
        _ ledger: MethodLedger, _ block: JSON, _ receipts: JSON
    ) async throws {
        let hash = try #require(block["hash"])
        let number = try #require(block["number"])
        let transactions = try #require(block["transactions"]?.arrayValue)
        let hashes = try await ledger.ask("eth_getBlockByHash", hash)
        #expect(hashes["transactions"]?.arrayValue == transactions.compactMap { $0["hash"] })
        let count = JSON.string(Hex.quantity(transactions.count))
        #expect(try await ledger.ask("eth_getBlockTransactionCountByNumber", number) == count)
        #expect(try await ledger.ask("eth_getBlockTransactionCountByHash", hash) == count)
        #expect(try await ledger.ask("eth_getUncleCountByBlockHash", hash) == "0x0")
        #expect(receipts.arrayValue?.count == transactions.count)
        var gas: UInt128 = 0
        var logs = 0
        var places: [UInt128] = []
        for (index, transaction) in transactions.enumerated() {
            let receipt = try #require(receipts[index])
            let position = JSON.string(Hex.quantity(index))
            let name = try #require(transaction["hash"])
            #expect(transaction["transactionIndex"] == position)
            #expect(transaction["blockHash"] == hash)
            #expect(receipt["transactionHash"] == name)
            #expect(receipt["transactionIndex"] == position)
            #expect(receipt["blockHash"] == hash)
            // System transactions too: by hash as by place.
            #expect(try await ledger.ask("eth_getTransactionByHash", name) == transaction)
            #expect(try await ledger.ask("eth_getTransactionReceipt", name) == receipt)
            #expect(
                try await ledger.ask("eth_getTransactionByBlockNumberAndIndex", number, position)
                    == transaction)
            #expect(
                try await ledger.ask("eth_getTransactionByBlockHashAndIndex", hash, position)
                    == transaction)
            gas += try #require(receipt["gasUsed"]?.units)
            #expect(receipt["cumulativeGasUsed"]?.units == gas)
            logs += try check(receipt["logs"]?.arrayValue ?? [], from: logs, receipt, block)
            places.append(try #require(transaction["shard"]?.units))
        }
        #expect(block["gasUsed"]?.units == gas)
        #expect(places == places.sorted())
        let past = try await ledger.ask("eth_getTransactionByBlockHashAndIndex", hash, count)
        #expect(past == .null)
    }

    private func check(
        _ logs: [JSON], from first: Int, _ receipt: JSON, _ block: JSON
    ) throws -> Int {
        for (offset, log) in logs.enumerated() {
            #expect(log["logIndex"] == .string(Hex.quantity(first + offset)))
            #expect(log["blockHash"] == block["hash"])
            #expect(log["transactionHash"] == receipt["transactionHash"])
            #expect(log["transactionIndex"] == receipt["transactionIndex"])
            #expect(log["removed"] == false)
            let address = try #require(log["address"]?.fixedBytes(Address.self))
            let topics = try #require(log["topics"]?.arrayValue)
            for filter in [receipt["logsBloom"], block["logsBloom"]] {
                let bytes = try #require(filter?.hexBytes)
                #expect(LogsBloom.contains(address, in: bytes))
                for topic in topics {
                    let topic = try #require(topic.fixedBytes(Hash32.self))
                    #expect(LogsBloom.contains(topic, in: bytes))
                }
            }
        }
        return logs.count
    }

    @Test func transactionsShowWhatWasSigned() async throws {
        try await withLedger { ledger in
            let to = ledger.address(0, 1)
            for (nonce, type) in [EnvelopeType.legacy, .accessList, .dynamicFee].enumerated() {
                let raw = ledger.raw(
                    0, nonce: Nonce(nonce), to: to, value: 300, weight: 22_000, data: [1, 0, 255],
                    type: type)
                let (hash, _) = try await ledger.settle(raw)
                let (_, signature) = try Envelope.decode(raw)
                let transaction = try await ledger.ask("eth_getTransactionByHash", hash)
                #expect(transaction["type"] == .string(Hex.quantity(type.rawValue)))
                #expect(transaction["from"] == JSON(ledger.address(0)))
                #expect(transaction["to"] == JSON(to))
                #expect(transaction["value"] == "0x12c")
                #expect(transaction["input"] == "0x0100ff")
                #expect(transaction["gas"] == "0x55f0")
                #expect(transaction["nonce"]?.units == UInt128(nonce))
                #expect(transaction["chainId"] == "0x539")
                let r = try #require(transaction["r"]?.stringValue?.dropFirst(2))
                #expect(
                    String(repeating: "0", count: 64 - r.count) + r
                        == signature.r.description.dropFirst(2))
                let isLegacy = type == .legacy
                let v = isLegacy ? 1_337 * 2 + 35 + Int(signature.yParity) : Int(signature.yParity)
                #expect(transaction["v"] == .string(Hex.quantity(v)))
                #expect((transaction["accessList"] == nil) == isLegacy)
                #expect((transaction["yParity"] == nil) == isLegacy)
                let hasCaps = type == .dynamicFee
                #expect(transaction["maxFeePerGas"]?.units == (hasCaps ? 2_000_000_000 : nil))
                #expect(transaction["maxPriorityFeePerGas"]?.units == (hasCaps ? 1 : nil))
                let price: UInt128 = hasCaps ? 1_000_000_001 : 2_000_000_000
                #expect(transaction["gasPrice"]?.units == price)
            }
        }
    }

    @Test func blocksHaveTheShapeThatClientsRead() async throws {
        try await withLedger { ledger in
            _ = try await ledger.settle(
                ledger.raw(0, nonce: 0, to: ledger.address(0, 1), value: 1))
            let block = try await ledger.ask("eth_getBlockByNumber", "latest")
            let head = ledger.engine.publisher.current
            #expect(block["hash"] == .string(head.hash.description))
            #expect(block["timestamp"] == "0xa")
            #expect(block["timestampMs"] == "0x2710")
            #expect(block["miner"] == JSON(ledger.address(0)))
            #expect(block["uncles"] == [])
            #expect(block["extraData"] == "0x")
            #expect(block["nonce"] == "0x0000000000000000")
            #expect(block["baseFeePerGas"]?.units == 1_000_000_000)
            #expect(block["gasLimit"] == "0x32116200")
            #expect(
                block["sha3Uncles"]
                    == "0x1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347")
            for name in ["mixHash", "stateRoot", "receiptsRoot", "transactionsRoot"] {
                #expect(block[name]?.stringValue?.count == 66, "\(name)")
            }
            #expect(block["logsBloom"]?.stringValue?.count == 514)
            for tag: JSON in ["pending", "safe", "finalized"] {
                #expect(try await ledger.ask("eth_getBlockByNumber", tag) == block)
            }
            let genesis = try await ledger.ask("eth_getBlockByNumber", "earliest")
            #expect(genesis["number"] == "0x0")
            #expect(genesis["transactions"] == [])
            #expect(block["parentHash"] == genesis["hash"])
            #expect(try await ledger.ask("eth_getBlockByNumber", "0xffff") == .null)
            let zero = JSON.string(Hash32.zero.description)
            #expect(try await ledger.ask("eth_getBlockByHash", zero) == .null)
            #expect(try await ledger.ask("eth_getBlockReceipts", zero) == .null)
            #expect(try await ledger.ask("eth_getTransactionReceipt", zero) == .null)
            #expect(try await ledger.ask("eth_getTransactionByHash", zero) == .null)
        }
    }

    /// The bits of the Yellow Paper's example: the Keccak-256 of an address of Ethereum's tests.
    @Test func theBloomHasThreeBitsAValue() {
        var bloom = LogsBloom()
        bloom.insert(EventLog(address: .zero, topics: [], data: []))
        // keccak256(20 zero bytes) = 5380c7b7ae81…: bits 0x380, 0x7b7, 0x681.
        var expected = [UInt8](repeating: 0, count: 256)
        for bit in [0x380, 0x7b7, 0x681] { expected[255 - bit / 8] |= 1 << (bit % 8) }
        #expect(bloom.bytes == expected)
    }

    /// The bits of our own logs are known in part before: they are the same.
    @Test func theBloomOfALogHasTheBitsOfItsValues() {
        for event in EventTopic.all {
            for address in [ReservedAddress.nativeTransfers, ReservedAddress.crossShard] {
                let other = Hash32(words: (1, 2, 3, 4))
                var bloom = LogsBloom()
                bloom.insert(EventLog(address: address, topics: [event, other], data: []))
                // No log of ours: each of its values is hashed.
                var expected = LogsBloom()
                expected.insert(EventLog(address: address, topics: [other, event], data: []))
                #expect(bloom == expected)
            }
        }
    }
}
