import Foundation
import TallyCrypto
import TallyExecution
import TallyPrimitives
import TallySharding
import TallyTransactions
import Testing

@testable import TallyEngine

@Suite struct MeterTests {
    @Test func bucketsHoldTheirUpperEndsAndAreCumulative() {
        let histogram = Histogram()
        for nanoseconds: Int64 in [0, 10_000, 10_001, 1_000_000, 10_000_000_000, 10_000_000_001] {
            histogram.observe(.nanoseconds(nanoseconds))
        }
        histogram.observe(.seconds(-1))
        let reading = histogram.reading
        #expect(reading.cumulative.count == Histogram.bounds.count + 1)
        #expect(reading.cumulative[0] == 3)
        #expect(reading.cumulative[1] == 4)
        #expect(reading.cumulative[6] == 5)
        #expect(reading.cumulative.suffix(2) == [6, 7])
        #expect(reading.cumulative == reading.cumulative.sorted())
        #expect(reading.sumNanoseconds == 20_001_020_002)
    }

    @Test func boundsAscend() {
        #expect(Histogram.bounds == Histogram.bounds.sorted())
        #expect(Set(Histogram.bounds).count == Histogram.bounds.count)
    }

    /// Labels are the reasons that clients are told, so that both can be compared.
    @Test(arguments: [
        PoolRejection.alreadyKnown, .replacementUnderpriced, .underpriced(minimum: .zero),
        .poolFull, .accountLimit(1), .gapTooLarge(limit: 1),
        .tooHeavy(limit: 1, actual: 2), .ineligible(.nonceTooLow(expected: 1, actual: 0)),
        .ineligible(.insufficientFunds(have: .zero, want: .zero)),
    ])
    func outcomesAreNamedAsReasons(_ rejection: PoolRejection) {
        #expect(AdmissionOutcome(.pool(rejection)).rawValue == rejection.code)
    }

    /// Both outcomes, in results short and long enough for either form of a list's header.
    @Test func countsResultsAsTheyDecode() {
        let meter = ShardMeter()
        let reasons: [ExecutionFailure?] = [nil, .creditsRefused, nil, nil]
        let results = ResultList(
            reasons.flatMap { reason in
                [0, 40].map { events in
                    TransactionResult(
                        failure: reason, weight: 21_000, price: Amount(7), events: [],
                        balances: (0..<events).map { index in
                            BalanceChange(
                                account: Address(words: (0, 0, UInt32(index))), after: Amount(1))
                        })
                }
            })
        meter.count(results)
        let failed = results.count { $0.failure != nil }
        #expect(failed == 2)
        #expect(meter.failed.current == UInt64(failed))
        #expect(meter.succeeded.current == UInt64(results.count - failed))
    }

    @Test func aRunningLedgerCountsWhatItDoes() async throws {
        let ledger = try TestLedger(shards: 2, accounts: 16)
        defer { try? FileManager.default.removeItem(atPath: ledger.directory) }
        let (engine, _) = try ledger.open()
        let homes = ledger.keys.map { engine.genesis.parameters.layout.home(of: $0.address) }
        let other = try #require(homes.firstIndex { $0 != homes[0] })
        let running = Task { try await engine.run() }
        let seen = Task {
            var backlogs: [ReceiptBacklog] = []
            var height = Height.genesis
            while let snapshot = await engine.publisher.next(after: height) {
                height = snapshot.height
                for backlog in snapshot.receiptBacklogs() where backlog.count > 0 {
                    #expect(backlog.oldest.map { $0 <= snapshot.header.time } == true)
                    backlogs.append(backlog)
                }
            }
            return backlogs
        }
        let transactions = 12
        for nonce in 0..<UInt64(transactions) {
            let raw = ledger.transfer(from: 0, to: other, value: 1, nonce: nonce)
            let hash = try #require(await engine.intake.submit([raw]).first).get()
            var snapshot = engine.publisher.current
            while try snapshot.position(of: hash) == nil {
                snapshot = try #require(await engine.publisher.next(after: snapshot.height))
            }
        }
        let again = ledger.transfer(from: 0, to: other, value: 1, nonce: 0)
        _ = await engine.intake.submit([again, [1, 2, 3]], isForwarded: true)
        engine.stop()
        try await running.value
        #expect(await !seen.value.isEmpty)
        #expect(engine.shards.map(\.meter.succeeded.current).reduce(0, +) == UInt64(transactions))
        #expect(engine.shards.map(\.meter.failed.current).reduce(0, +) == 0)
        #expect(engine.shards.map(\.meter.poolTransactions.current) == [0, 0])
        #expect(engine.publisher.current.receiptBacklogs().map(\.count) == [0, 0, 0])
        let client = counts(engine.intake.meter.offered(fromPeers: false))
        #expect(client == [.accepted: UInt64(transactions)])
        let peer = counts(engine.intake.meter.offered(fromPeers: true))
        #expect(peer == [.nonceTooLow: 1, .malformed: 1])
        #expect(engine.intake.meter.verifiedTransactions.current == UInt64(transactions) + 2)
        let beacon = engine.beacon.meter
        let height = engine.publisher.current.height.value
        #expect(beacon.publications.reading.cumulative.last == height)
        #expect(beacon.finality.reading.cumulative.last == height)
        #expect(beacon.checkpointHeight.current == height)
        #expect(beacon.checkpoints.reading.cumulative.last ?? 0 > 0)
        #expect(beacon.validators.current == 1)
        #expect(engine.beacon.logs.beacon.syncs.reading.cumulative.last ?? 0 >= height)
        #expect(engine.beacon.logs.beacon.bytesWritten.current > 0)
    }

    private func counts(
        _ offered: [(outcome: AdmissionOutcome, count: UInt64)]
    ) -> [AdmissionOutcome: UInt64] {
        Dictionary(uniqueKeysWithValues: offered.map { ($0.outcome, $0.count) })
            .filter { $0.value > 0 }
    }
}
