import Foundation
import TallyEngine
import TallyExecution
import TallyPrimitives
import TallySharding
import TallyTransactions
import Testing

@Suite struct IntakeTests {
    /// Raw transactions of all shards, good and bad ones mixed, each with what must be said of it.
    private func mixed(
        _ ledger: TestLedger, rounds: Range<UInt64>
    ) throws -> (raws: [[UInt8]], expected: [SubmitRejection?]) {
        var raws: [[UInt8]] = []
        var expected: [SubmitRejection?] = []
        for nonce in rounds {
            for from in ledger.keys.indices {
                let to = (from + 1) % ledger.keys.count
                raws.append(ledger.transfer(from: from, to: to, value: 5, nonce: nonce))
                expected.append(nil)
                if from % 3 == 0 {
                    raws.append([UInt8(from % 128)])
                    expected.append(.malformed(.unsupportedType(UInt8(from % 128))))
                }
                if from % 5 == 0 {
                    raws.append(raws[raws.count - (from % 3 == 0 ? 2 : 1)])
                    expected.append(.pool(.alreadyKnown))
                }
            }
        }
        return (raws, expected)
    }

    @Test func answersStandInTheOrderOfTheRequests() async throws {
        let ledger = try TestLedger(shards: 4, accounts: 23)
        defer { try? FileManager.default.removeItem(atPath: ledger.directory) }
        let (engine, _) = try ledger.open()
        // Type 1 and 2 are known: a lone byte of those is malformed otherwise.
        let (raws, expected) = try mixed(ledger, rounds: 0..<6)
        let results = await engine.intake.submit(raws)
        #expect(results.count == raws.count)
        for (index, (result, rejection)) in zip(results, expected).enumerated() {
            switch (result, rejection) {
            case (.success(let hash), nil):
                let transaction = try Transaction(raw: raws[index], chainID: 1337)
                #expect(hash == transaction.hash, "at \(index)")
            case (.failure(let actual), let expected?):
                #expect(actual == expected, "at \(index)")
            default:
                Issue.record("\(result) at \(index), expected \(String(describing: rejection))")
            }
        }
        var pooled = 0
        for shard in engine.shards { pooled += await shard.poolSize.count }
        #expect(pooled == 23 * 6)
    }

    @Test func asksToComeBackAboveItsBound() async throws {
        let ledger = try TestLedger(shards: 2, accounts: 4)
        defer { try? FileManager.default.removeItem(atPath: ledger.directory) }
        var limits = Limits()
        limits.intakeInFlight = 3
        let (engine, _) = try ledger.open(limits: limits)
        let raws = (0..<4).map { ledger.transfer(from: $0, to: 0, value: 1, nonce: 0) }
        let refused = await engine.intake.submit(raws)
        #expect(refused == raws.map { _ in .failure(.busy) })
        let taken = await engine.intake.submit(Array(raws.prefix(3)))
        #expect(taken.allSatisfy { (try? $0.get()) != nil })
    }

    /// A result keeps its events until two checkpoints later: room taken for the inbox's must not be
    /// taken again for every transaction.
    @Test func resultsKeepNoSpareRoom() async throws {
        let ledger = try TestLedger(shards: 2, accounts: 40)
        defer { try? FileManager.default.removeItem(atPath: ledger.directory) }
        let (engine, _) = try ledger.open()
        let running = Task { try await engine.run() }
        var largest = 0
        for nonce: UInt64 in 0..<4 {
            let raws = ledger.keys.indices.map {
                ledger.transfer(from: $0, to: ($0 + 1) % 40, value: 1, nonce: nonce)
            }
            let hashes = try await engine.intake.submit(raws).map { try $0.get() }
            var snapshot = engine.publisher.current
            while try hashes.contains(where: { try snapshot.position(of: $0) == nil }) {
                snapshot = try #require(await engine.publisher.next(after: snapshot.height))
            }
            for endpoint in snapshot.endpoints {
                for height in 1...snapshot.height.value {
                    guard let record = endpoint.history.block(Height(height)) else { continue }
                    largest = max(largest, record.systemResult?.events.count ?? 0)
                    for result in record.results { #expect(result.events.capacity <= 4) }
                }
            }
        }
        #expect(largest > 4, "an inbox was consumed in front of transactions")
        engine.stop()
        try await running.value
    }
}
