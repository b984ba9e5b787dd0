import TallyPrimitives
import TallySimulation
import TallyState
import TallyTransactions
import Testing

@testable import TallyExecution
@testable import TallySharding

/// EPOCH-1: a network with an economy opens, and its epochs close across all cores. Every height's
/// books are checked from the facts.
@Suite struct EpochLedgerTests {
    private static func events(_ height: DecidedHeight) -> [(Int, EpochEvent)] {
        height.records.flatMap { record in
            (record.systemResult?.events ?? []).compactMap { event in
                guard case .compute(.epoch(let event)) = event else { return nil }
                return (Int(record.header.endpoint.index), event)
            }
        }
    }

    @Test func networkOfEMCOpensAndClosesAnEpoch() throws {
        var ledger = try TestLedger(shards: 3) {
            $0.economy = .emc
            $0.epochMilliseconds = 60_000
        }
        for core in ledger.driver.endpoints {
            #expect(core.due.count == 1)
            #expect(core.nextDueTime(after: ledger.now) == BeaconTime(milliseconds: 1_020_000))
        }
        #expect(!ledger.driver.hasWork)
        // The epoch ends at the time of this block; the next one reads it.
        try ledger.decide(after: 20_000)
        #expect(ledger.driver.mandatory == [0, 1, 2, 3])
        var events: [(Int, EpochEvent)] = []
        while ledger.driver.hasWork { events += Self.events(try ledger.decide()) }
        for endpoint in 0...3 {
            let closed = events.filter { item in
                guard case .closed(16, .zero, .zero, _) = item.1 else { return false }
                return item.0 == endpoint
            }
            #expect(closed.count == 1)
            let arrived = events.filter { item in
                guard case .arrived(_, 16, .zero, .zero, .zero) = item.1 else { return false }
                return item.0 == endpoint
            }
            #expect(arrived.count == 1)
        }
        let minted = EpochEvent.minted(epoch: 16, nodes: .zero, trades: .zero, treasury: .zero)
        #expect(events.filter { $0.1 == minted }.map(\.0) == [3])
        for core in ledger.driver.endpoints {
            #expect(core.due.count == 1)
            #expect(core.nextDueTime(after: ledger.now) == BeaconTime(milliseconds: 1_080_000))
        }
    }

    @Test func networkWithoutEconomyBeginsWithAccountsOnly() throws {
        let ledger = try TestLedger(shards: 2)
        for core in ledger.driver.endpoints {
            #expect(core.due.count == 0)
        }
        #expect(ledger.core(0).tree.count == 2)
        #expect(ledger.driver.endpoints[2].tree.root == StateTree.empty.root)
    }
}
