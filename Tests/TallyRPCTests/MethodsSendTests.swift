import TallyClient
import TallyCrypto
import TallyPrimitives
import TallyTransactions
import Testing

@testable import TallyRPC

/// What senders are told.
@Suite struct MethodsSendTests {
    @Test func refusalsCarryTheTextsOfGeth() async throws {
        try await withLedger { ledger in
            let to = ledger.address(1)
            _ = try await ledger.settle(ledger.raw(0, nonce: 0, to: to, value: 1))
            // Behind a gap: it stays in the pool.
            let pooled = ledger.raw(0, nonce: 3, to: to, value: 1)
            _ = try await ledger.send(pooled)
            let foreign = Envelope(
                chainID: 1, nonce: 0, weightLimit: 21_000, maxFee: MethodLedger.price,
                maxPriorityFee: Amount(1), to: to, value: Amount(1)
            ).signed(by: ledger.keys[0][0])
            let cheap = Envelope(
                chainID: MethodLedger.chainID, nonce: 1, weightLimit: 21_000, maxFee: Amount(5),
                maxPriorityFee: Amount(1), to: to, value: Amount(1)
            ).signed(by: ledger.keys[0][0])
            let cases: [(raw: [UInt8], code: Int, text: String, reason: JSON, retryable: JSON)] = [
                (
                    ledger.raw(0, nonce: 0, to: to, value: 1), -32_003,
                    "nonce too low: next nonce 1, tx nonce 0", "nonceTooLow", false
                ),
                (pooled, -32_003, "already known", "alreadyKnown", false),
                (
                    ledger.raw(0, nonce: 3, to: to, value: 2), -32_003,
                    "replacement transaction underpriced", "replacementUnderpriced", false
                ),
                (
                    ledger.raw(0, nonce: 1, to: to, value: MethodLedger.opening), -32_003,
                    "insufficient funds for gas * price + value: have ", "insufficientFunds", true
                ),
                (
                    ledger.raw(0, nonce: 500, to: to, value: 1), -32_003,
                    "nonce too high: at most 64 ahead of the next", "gapTooLarge", true
                ),
                (cheap, -32_003, "transaction underpriced: ", "underpriced", false),
                (
                    foreign, -32_000, "invalid chain id for signer: have 1 want 1337",
                    "wrongChainId", false
                ),
                (
                    ledger.raw(0, nonce: 1, to: to, value: 1, weight: 20_999), -32_000,
                    "intrinsic gas too low: have 20999, want 21000", "intrinsicGasTooLow", false
                ),
                ([], -32_000, "typed transaction too short", "empty", false),
                (
                    [0xc0], -32_000, "rlp: value size exceeds available input length", "truncated",
                    false
                ),
            ]
            for item in cases {
                let error = try await ledger.failure(
                    "eth_sendRawTransaction", .string(Hex.encode(item.raw)))
                #expect(error["code"] == JSON(item.code), "\(item.text)")
                #expect(error["message"]?.stringValue?.hasPrefix(item.text) == true, "\(error)")
                #expect(error["data"]?["reason"] == item.reason)
                #expect(error["data"]?["retryable"] == item.retryable)
            }
        }
    }

    @Test func aBatchIsOneSubmissionAnsweredInOrder() async throws {
        try await withLedger { ledger in
            let raws = (0..<98).map { index in
                let nonce: Nonce = index == 40 ? 1_000 : Nonce(index < 40 ? index : index - 1)
                return ledger.raw(0, nonce: nonce, to: ledger.address(1), value: 1)
            }
            var calls: [JSON] = raws.enumerated().map { index, raw in
                MethodLedger.call(
                    "eth_sendRawTransaction", [.string(Hex.encode(raw))], id: index)
            }
            calls.append(MethodLedger.call("eth_sendRawTransaction", [1], id: 98))
            calls.append(MethodLedger.call("eth_chainId", [], id: 99))
            let answers = try await ledger.answer(.array(calls))
            #expect(answers.arrayValue?.count == 100)
            for (index, raw) in raws.enumerated() {
                let answer = try #require(answers[index])
                #expect(answer["id"] == JSON(index))
                if index == 40 {
                    #expect(answer["error"]?["data"]?["reason"] == "gapTooLarge")
                } else {
                    #expect(answer["result"] == .string(Keccak256.hash(raw).description))
                }
            }
            #expect(answers[98]?["error"]?["code"] == -32_602)
            #expect(answers[99]?["result"] == "0x539")
            let last = try #require(answers[97]?["result"])
            let status = try await ledger.status(last, "settled")
            #expect(status["settled"] == true)
            let count = try await ledger.ask("eth_getTransactionCount", JSON(ledger.address(0)))
            #expect(count == "0x61")
        }
    }
}
