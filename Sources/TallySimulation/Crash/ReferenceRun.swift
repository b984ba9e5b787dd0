package import TallyPrimitives
import TallySharding
import TallyState
import TallyTransactions

/// What everybody must agree on after a height.
package struct HeightFacts: Hashable, Sendable {
    package let header: Hash32
    /// By endpoint index.
    package let roots: [Hash32]
    package let sums: [Amount]
    /// Of each endpoint's last header.
    package let heads: [Hash32]
    package let inFlight: Amount
    /// The anchored blocks, by endpoint index.
    package let blocks: [SimulatedBlock?]
}

/// A ledger that never stops: a workload, and what it leads to, found by two replicas without disk
/// and checked at every height.
package struct ReferenceRun: Sendable {
    /// `inputs[h]` makes height h + 1.
    package private(set) var inputs: [HeightInput] = []
    /// `facts[h]` after height h; that of genesis is not looked at.
    package private(set) var facts: [HeightFacts] = []
    package private(set) var transactionCount = 0
    package private(set) var receiptCount = 0

    /// - Throws: `DriverError`, `LedgerViolation`: the ledger itself is broken.
    package init(
        _ setup: NodeSetup, _ workload: Workload, heights: Int, transactionsPerHeight: Int,
        seed: UInt64
    ) throws {
        var driver = try LedgerDriver(setup.genesis, proposer: setup.proposer)
        var checker = LedgerChecker(setup.genesis)
        var generator = SeededGenerator(seed: seed)
        facts.append(HeightFacts(driver, nil))
        for height in 1...heights {
            let now = BeaconTime(
                milliseconds: setup.genesis.time.milliseconds + UInt64(height) * 500)
            let input = HeightInput(
                now: now,
                transactions: try workload.transactions(
                    Int.random(in: 0...transactionsPerHeight, using: &generator), for: driver,
                    at: now, using: &generator))
            guard let decided = try driver.advance(input).decided else {
                preconditionFailure("nobody omits anything here")
            }
            try checker.check(decided, driver)
            inputs.append(input)
            facts.append(HeightFacts(driver, decided))
            for record in decided.records {
                transactionCount += record.transactions.count
                receiptCount += record.sent.count
            }
        }
    }
}

extension HeightFacts {
    fileprivate init(_ driver: LedgerDriver, _ decided: DecidedHeight?) {
        var blocks: [SimulatedBlock?] = Array(repeating: nil, count: driver.endpoints.count)
        for record in decided?.records ?? [] {
            blocks[Int(record.header.endpoint.index)] = SimulatedBlock(record)
        }
        self.init(
            header: driver.beacon.headHash, roots: driver.endpoints.map(\.tree.root),
            sums: driver.endpoints.map(\.tree.sum), heads: driver.endpoints.map(\.headerHash),
            inFlight: driver.beacon.inFlight, blocks: blocks)
    }
}
