import TallyCrypto
import TallyExecution
import TallyPrimitives
import TallySharding
import TallySimulation
import TallyTransactions

/// A ledger of two replicas under random traffic, with everything of chance drawn from the seed, small
/// enough that every bound is met. Every height is checked from the facts and against the model.
enum LedgerRun {
    private struct Checkers {
        var facts: LedgerChecker
        var model: LedgerModel
    }

    /// Heights without traffic within which everything under way has to end.
    private static let quietHeights = 240

    static func run(_ seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let shards = [1, 2, 3, 4, 7][Int(seed % 5)]
        let accounts = Self.accounts(3 * shards, seed)
        let genesis = try genesis(shards, accounts, &generator)
        let factory = WorkloadTransactions(
            chainID: 9, maxFee: Amount(40),
            tip: Amount(UInt128(UInt64.random(in: 0...3, using: &generator))))
        // One account in whose direction most goes: more than its shard can take in at once.
        let isCrowded = seed % 3 == 0
        let favourite = accounts[Int.random(in: 0..<accounts.count, using: &generator)]
        let crowd = Array(repeating: favourite, count: isCrowded ? accounts.count : 0)
        let workload = Workload(accounts: accounts + crowd, factory: factory)
        let most = (isCrowded ? 20 : 4) * (shards + 1)
        var driver = try LedgerDriver(
            genesis, proposer: accounts[Int.random(in: 0..<accounts.count, using: &generator)])
        var checkers = Checkers(facts: LedgerChecker(genesis), model: LedgerModel(genesis))
        var now = genesis.time
        for _ in 0..<24 {
            now = now.later(by: UInt64.random(in: 0...2_000, using: &generator))
            let input = try input(driver, workload, most, at: now, &generator)
            try advance(&driver, input, &checkers)
        }
        for _ in 0..<quietHeights where !isQuiet(driver, checkers.facts) {
            now = now.later(by: 1_000)
            try advance(&driver, HeightInput(now: now), &checkers)
        }
        guard isQuiet(driver, checkers.facts) else {
            throw Finding("liveness", "receipts, slots or due entries are left")
        }
    }

    /// Spread over the shards by their hash.
    static func accounts(_ count: Int, _ seed: UInt64) -> [Address] {
        (0..<count).map { number in
            SHA256.hash(.object, Array("account \(seed) \(number)".utf8)).withBytes {
                Address(loading: UnsafeRawBufferPointer(rebasing: $0[..<20]))
            }
        }
    }

    private static func genesis(
        _ shards: Int, _ accounts: [Address], _ generator: inout SeededGenerator
    ) throws -> Genesis {
        guard let layout = ShardLayout(shardCount: shards) else {
            preconditionFailure("a layout of \(shards) shards")
        }
        var parameters = NetworkParameters(chainID: 9, layout: layout)
        parameters.window = Int.random(in: 1...8, using: &generator)
        parameters.dueBound = Int.random(in: 2...12, using: &generator)
        parameters.blockWeight = Weight.random(in: 60_000...200_000, using: &generator)
        parameters.minimumBaseFee = Amount(10)
        parameters.baseFeeDestination = Bool.random(using: &generator) ? .burn : .treasury
        parameters.epochMilliseconds = UInt64.random(in: 2_000...20_000, using: &generator)
        return try Genesis(
            parameters: parameters, time: BeaconTime(milliseconds: 1_000_000),
            accounts: accounts.map { .init(address: $0, balance: Amount(1_000_000_000)) },
            validators: accounts)
    }

    private static func input(
        _ driver: LedgerDriver, _ workload: Workload, _ most: Int, at now: BeaconTime,
        _ generator: inout SeededGenerator
    ) throws -> HeightInput {
        var input = HeightInput(
            now: now,
            transactions: try workload.transactions(
                Int.random(in: 0...most, using: &generator), for: driver, at: now,
                using: &generator))
        // The proposer may leave endpoints out, where nothing waits.
        if Int.random(in: 0..<3, using: &generator) == 0 {
            let mandatory = driver.mandatory
            input.omitted = Set(
                driver.endpoints.map(\.endpoint).filter {
                    Int.random(in: 0..<4, using: &generator) == 0 && !mandatory.contains($0)
                })
        }
        return input
    }

    private static func advance(
        _ driver: inout LedgerDriver, _ input: HeightInput, _ checkers: inout Checkers
    ) throws {
        switch try driver.advance(input) {
        case .rejected(let rejection): throw Finding("validity", "\(rejection)")
        case .decided(let height):
            try checkers.facts.check(height, driver)
            do throws(ModelViolation) {
                try checkers.model.check(height.records, endpoints: driver.endpoints)
            } catch { throw Finding("model", "\(error)") }
        }
    }

    private static func isQuiet(_ driver: LedgerDriver, _ checker: LedgerChecker) -> Bool {
        let view = driver.beacon.view
        return checker.longestStream == 0
            && driver.endpoints.allSatisfy { core in
                core.due.count == 0
                    && driver.endpoints.allSatisfy {
                        $0.endpoint == core.endpoint || core.slots(to: $0.endpoint, view) == 0
                    }
            }
    }
}

extension BeaconTime {
    fileprivate func later(by milliseconds: UInt64) -> BeaconTime {
        BeaconTime(milliseconds: self.milliseconds + milliseconds)
    }
}
