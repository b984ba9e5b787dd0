import TallyClient
import TallyCrypto
import TallyExecution
import TallyPrimitives
import TallyTransactions
import Testing

@testable import TallyRPC

/// Transactions from their sending to the end of their last leg, as callers see them.
@Suite struct MethodsLifeTests {
    private func leg(_ status: JSON, _ index: Int = 0) throws -> JSON {
        try #require(status["legs"]?[index])
    }

    @Test func aLocalTransferIsSettledInItsBlock() async throws {
        try await withLedger { ledger in
            let to = ledger.address(0, 1)
            let (hash, status) = try await ledger.settle(
                ledger.raw(0, nonce: 0, to: to, value: 5))
            #expect(status["state"] == "final")
            #expect(status["status"] == "0x1")
            #expect(status["settled"] == true)
            #expect(status["shard"] == "0x0")
            let leg = try leg(status)
            #expect(leg["state"] == "credited")
            #expect(leg["height"] == status["blockNumber"])
            #expect(leg["to"] == JSON(to))
            #expect(leg["value"] == "0x5")
            #expect(try await ledger.balance(to) == MethodLedger.opening + 5)

            let receipt = try await ledger.ask("eth_getTransactionReceipt", hash)
            #expect(receipt["status"] == "0x1")
            #expect(receipt["gasUsed"] == "0x5208")
            #expect(receipt["effectiveGasPrice"]?.units == 1_000_000_001)
            #expect(receipt["contractAddress"] == .null)
            #expect(receipt["failure"] == nil)
            let log = try #require(receipt["logs"]?[0])
            #expect(log["address"] == "0xfffffffffffffffffffffffffffffffffffffffe")
            #expect(
                log["topics"]?[0]
                    == "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef")
            #expect(log["topics"]?[2] == .string(Hash32(to).description))
            #expect(log["data"]?.fixedBytes(Hash32.self) == Hash32(words: (0, 0, 0, 5)))
            let spent = MethodLedger.opening - 5 - 21_000 * 1_000_000_001
            #expect(try await ledger.balance(ledger.address(0)) == spent)
        }
    }

    @Test func aTransferToAnotherShardIsCreditedThere() async throws {
        try await withLedger { ledger in
            let to = ledger.address(1)
            let (hash, status) = try await ledger.settle(
                ledger.raw(0, nonce: 0, to: to, value: 7))
            let leg = try leg(status)
            #expect(leg["state"] == "credited")
            #expect(leg["shard"] == "0x1")
            #expect(leg["sentHeight"] == status["blockNumber"])
            let sent = try #require(status["blockNumber"]?.units)
            #expect(leg["height"]?.units == sent + 1)
            #expect(try await ledger.balance(to) == MethodLedger.opening + 7)

            let receipt = try await ledger.ask("eth_getTransactionReceipt", hash)
            let log = try #require(receipt["logs"]?[0])
            #expect(log["topics"]?[0] == .string(EventTopic.sent.description))
            #expect(log["topics"]?[1] == leg["receipt"])
            // The credit is a log of the destination's system transaction, under the same id.
            let receipts = try await ledger.ask(
                "eth_getBlockReceipts", .string(Hex.quantity(sent + 1)))
            let system = try #require(receipts[0])
            #expect(system["type"] == "0x0")
            #expect(system["from"] == .string(ReservedAddress.nativeTransfers.description))
            #expect(system["logs"]?.arrayValue?.count == 2)
            #expect(
                system["logs"]?[1]?["topics"]?[0] == .string(EventTopic.credited.description))
            #expect(system["logs"]?[1]?["topics"]?[1] == leg["receipt"])
        }
    }

    @Test func aTransferPastItsDeadlineBouncesAndIsRefunded() async throws {
        try await withLedger { ledger in
            let legs = [
                TransferLeg(
                    to: ledger.address(1), value: Amount(9),
                    terms: .creditBy(BeaconTime(milliseconds: 1)))
            ]
            let (_, status) = try await ledger.settle(try ledger.raw(0, nonce: 0, .batch(legs)))
            let leg = try leg(status)
            #expect(leg["state"] == "refunded")
            #expect(leg["reason"] == "deadlinePassed")
            let sent = try #require(status["blockNumber"]?.units)
            #expect(leg["height"]?.units == sent + 2)
            #expect(try await ledger.balance(ledger.address(1)) == MethodLedger.opening)
            let receipts = try await ledger.ask(
                "eth_getBlockReceipts", .string(Hex.quantity(sent + 2)))
            let log = try #require(receipts[0]?["logs"]?[0])
            #expect(log["topics"]?[0] == .string(EventTopic.refunded.description))
            #expect(log["topics"]?[1] == leg["receipt"])
        }
    }

    @Test func whatNobodyTakesWaitsInEscrowUntilItIsClaimed() async throws {
        try await withLedger { ledger in
            _ = try await ledger.settle(try ledger.raw(0, nonce: 0, .setCreditPolicy(.refuse)))
            _ = try await ledger.settle(try ledger.raw(1, nonce: 0, .setCreditPolicy(.refuse)))
            let (_, status) = try await ledger.settle(
                ledger.raw(0, nonce: 1, to: ledger.address(1), value: 11))
            let leg = try leg(status)
            #expect(leg["state"] == "escrowed")
            #expect(leg["reason"] == "creditsRefused")
            let before = try await ledger.balance(ledger.address(0))
            let (_, claimed) = try await ledger.settle(try ledger.raw(0, nonce: 2, .claimEscrow))
            #expect(claimed["legs"] == [])
            #expect(claimed["status"] == "0x1")
            let after = try await ledger.balance(ledger.address(0))
            #expect(after == before + 11 - 21_064 * 1_000_000_001)
        }
    }

    @Test func aFailedTransferKeepsItsFee() async throws {
        try await withLedger { ledger in
            _ = try await ledger.settle(try ledger.raw(0, 1, nonce: 0, .setCreditPolicy(.refuse)))
            let (hash, status) = try await ledger.settle(
                ledger.raw(0, nonce: 0, to: ledger.address(0, 1), value: 3))
            #expect(status["status"] == "0x0")
            #expect(status["failure"] == "creditsRefused")
            #expect(try leg(status)["state"] == "failed")
            #expect(try leg(status)["value"] == "0x3")
            let receipt = try await ledger.ask("eth_getTransactionReceipt", hash)
            #expect(receipt["status"] == "0x0")
            #expect(receipt["failure"] == "creditsRefused")
            #expect(receipt["logs"] == [])
        }
    }

    @Test func scheduledLegsRunWhenTheirTimeHasCome() async throws {
        try await withLedger { ledger in
            let time = BeaconTime(milliseconds: 50_000)
            let legs = [
                TransferLeg(to: ledger.address(0, 1), value: Amount(1), terms: .runAt(time)),
                TransferLeg(to: ledger.address(1), value: Amount(2), terms: .runAt(time)),
                TransferLeg(to: ledger.address(0, 2), value: Amount(3), terms: .runAt(time)),
                TransferLeg(to: ledger.address(1, 2), value: Amount(4)),
            ]
            _ = try await ledger.settle(try ledger.raw(0, 2, nonce: 0, .setCreditPolicy(.refuse)))
            let hash = try await ledger.send(try ledger.raw(0, nonce: 0, .batch(legs)))
            let waiting = try await ledger.status(hash, "final")
            #expect(waiting["settled"] == false)
            #expect(try leg(waiting)["state"] == "scheduled")
            #expect(try leg(waiting)["runAtMs"] == 50_000)
            #expect(try leg(waiting, 1)["state"] == "scheduled")
            #expect(try leg(waiting, 3)["receipt"]?.stringValue?.count == 66)
            ledger.clock.set(60_000)
            let status = try await ledger.status(hash, "settled")
            #expect(try leg(status)["state"] == "credited")
            #expect(try leg(status, 1)["state"] == "credited")
            #expect(try leg(status, 1)["receipt"]?.stringValue?.count == 66)
            #expect(try leg(status, 2)["state"] == "refunded")
            #expect(try leg(status, 2)["reason"] == "creditsRefused")
            #expect(try leg(status, 3)["state"] == "credited")
            #expect(try await ledger.balance(ledger.address(1)) == MethodLedger.opening + 2)
        }
    }

    @Test func waitingEndsWhenTheTimeIsUp() async throws {
        try await withLedger { ledger in
            async let answer = ledger.ask(
                "shard_getTransactionStatus", .string(Hash32.zero.description), "final", 5_000)
            await ledger.clock.waiterArrived()
            ledger.clock.set(MethodLedger.start + 5_000)
            let status = try await answer
            #expect(status["state"] == "unknown")
            #expect(status["timedOut"] == true)
            #expect(status["legs"] == [])
            #expect(status["blockNumber"] == .null)
        }
    }

    @Test func aTransactionBehindAGapIsPending() async throws {
        try await withLedger { ledger in
            let hash = try await ledger.send(
                ledger.raw(0, nonce: 1, to: ledger.address(1), value: 3))
            let status = try await ledger.status(hash, "accepted")
            #expect(status["state"] == "pending")
            #expect(try leg(status)["state"] == "pending")
            let pending = try await ledger.ask("eth_getTransactionByHash", hash)
            #expect(pending["blockHash"] == .null)
            #expect(pending["transactionIndex"] == .null)
            #expect(pending["hash"] == hash)
            #expect(try await ledger.ask("eth_getTransactionReceipt", hash) == .null)
            let count = try await ledger.ask(
                "eth_getTransactionCount", JSON(ledger.address(0)), "pending")
            #expect(count == "0x0")
            _ = try await ledger.settle(
                ledger.raw(0, nonce: 0, to: ledger.address(0, 1), value: 1))
            let next = try await ledger.ask(
                "eth_getTransactionCount", JSON(ledger.address(0)), "pending")
            #expect(next == "0x2")
        }
    }
}
