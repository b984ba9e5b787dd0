import TallyExecution
import TallyPrimitives
import TallySharding
import TallySimulation
import TallyState
import TallyTesting
import TallyTransactions
import Testing

/// Random ledgers under random traffic, every height checked from the facts.
@Suite struct PropertyTests {
    /// A ledger of accounts without keys, small enough that every bound is met.
    private func ledger(
        shards: Int, _ generator: inout SeededGenerator,
        _ change: (inout NetworkParameters) -> Void = { _ in }
    ) throws -> (driver: LedgerDriver, workload: Workload) {
        let layout = try #require(ShardLayout(shardCount: shards))
        var parameters = NetworkParameters(chainID: 9, layout: layout)
        parameters.window = Int.random(in: 1...8, using: &generator)
        parameters.dueBound = Int.random(in: 2...12, using: &generator)
        parameters.blockWeight = Weight.random(in: 60_000...200_000, using: &generator)
        parameters.minimumBaseFee = Amount(10)
        parameters.baseFeeDestination = Bool.random(using: &generator) ? .burn : .treasury
        parameters.epochMilliseconds = UInt64.random(in: 2_000...20_000, using: &generator)
        change(&parameters)
        let accounts = (0..<shards).flatMap { shard in
            (1...3).map { TestAccount.plain(shard: shard, of: shards, $0) }
        }
        let genesis = try Genesis(
            parameters: parameters, time: BeaconTime(milliseconds: 1_000_000),
            accounts: accounts.map { .init(address: $0, balance: Amount(1_000_000_000)) },
            validators: accounts)
        let proposer = accounts[Int.random(in: 0..<accounts.count, using: &generator)]
        let factory = WorkloadTransactions(
            chainID: 9, maxFee: Amount(40),
            tip: Amount(UInt128.random(in: 0...3, using: &generator)))
        return (
            try LedgerDriver(genesis, proposer: proposer),
            Workload(accounts: accounts, factory: factory)
        )
    }

    private func step(
        _ driver: inout LedgerDriver, _ now: inout BeaconTime, _ generator: inout SeededGenerator
    ) {
        now = BeaconTime(
            milliseconds: now.milliseconds + UInt64.random(in: 0...2_000, using: &generator))
    }

    /// Whatever happens: money is conserved, receipts are consumed once and in order, windows and
    /// queues keep their bounds. An omission is either allowed or refused, and never changes them.
    @Test func randomTrafficBreaksNothing() throws {
        var heights = 0
        var consumed = 0
        var longest = 0
        var rejected = 0
        var failures: Set<ExecutionFailure?> = []
        try forEachSeed(base: 0x5eed_0001, count: 24) { seed, generator in
            let shards = [1, 2, 3, 4, 7, 16][Int(seed % 6)]
            var (driver, workload) = try ledger(shards: shards, &generator)
            var checker = LedgerChecker(driver.genesis)
            var now = driver.genesis.time
            for _ in 0..<(shards > 8 ? 12 : 24) {
                step(&driver, &now, &generator)
                let transactions = try workload.transactions(
                    Int.random(in: 0...(4 * shards), using: &generator), for: driver, at: now,
                    using: &generator)
                var input = HeightInput(now: now, transactions: transactions)
                if Int.random(in: 0..<3, using: &generator) == 0 {
                    input.omitted = Set(
                        driver.endpoints.map(\.endpoint).filter { _ in
                            Int.random(in: 0..<4, using: &generator) == 0
                        })
                }
                let mandatory = driver.mandatory
                let before = driver.beacon.headHash
                switch try driver.advance(input) {
                case .decided(let height):
                    #expect(input.omitted.isDisjoint(with: mandatory))
                    try checker.check(height, driver)
                    heights += 1
                    for record in height.records {
                        failures.formUnion(record.results.map(\.failure))
                    }
                case .rejected(let rejection):
                    let first = mandatory.first { input.omitted.contains($0) }
                    #expect(first.map(AnchorRejection.omitted) == rejection)
                    #expect(driver.beacon.headHash == before)
                    rejected += 1
                }
                longest = max(longest, checker.longestStream)
            }
            consumed += checker.consumedCount
        }
        print(
            "seeds 0x5eed0001 and 23 more: \(heights) heights, \(consumed) receipts, "
                + "\(rejected) refused, longest stream \(longest)")
        #expect(consumed > 500)
        #expect(rejected > 10)
        #expect(failures.isSuperset(of: [nil, .creditsRefused, .deadlinePassed, .nothingToClaim]))
    }

    /// The order in which endpoints run is no input: same headers, same roots.
    @Test func theOrderOfExecutionDoesNotMatter() throws {
        try forEachSeed(base: 0x5eed_1001, count: 8) { seed, generator in
            let shards = [2, 3, 8, 16][Int(seed % 4)]
            let (first, workload) = try ledger(shards: shards, &generator)
            var drivers = [first, first]
            var now = first.genesis.time
            for _ in 0..<8 {
                step(&drivers[0], &now, &generator)
                let transactions = try workload.transactions(
                    3 * shards, for: drivers[0], at: now, using: &generator)
                var order = first.genesis.parameters.layout.endpoints
                for index in drivers.indices {
                    let outcome = try drivers[index].advance(
                        HeightInput(now: now, transactions: transactions, order: order))
                    #expect(outcome.decided != nil)
                    order.shuffle(using: &generator)
                }
                #expect(drivers[0].beacon.headHash == drivers[1].beacon.headHash)
                #expect(
                    drivers[0].endpoints.map(\.tree.root) == drivers[1].endpoints.map(\.tree.root))
            }
        }
    }

    /// Three shards, every window between them full in both directions, answers on their way and
    /// entries waiting for slots; then nobody sends any more.
    @Test func fullWindowsDrain() throws {
        var slowest = 0
        var longest = 0
        try forEachSeed(base: 0x5eed_2001, count: 12) { _, generator in
            let window = Int.random(in: 1...4, using: &generator)
            var (driver, workload) = try ledger(shards: 3, &generator) {
                $0.window = window
                $0.blockWeight = 160_000
                $0.dueBound = 16
                $0.epochMilliseconds = 1 << 40
            }
            workload.spreadMilliseconds = 500
            var checker = LedgerChecker(driver.genesis)
            var now = driver.genesis.time
            var fullHeights = 0
            var waited = false
            for _ in 0..<16 {
                now = BeaconTime(milliseconds: now.milliseconds + 500)
                var transactions = try workload.transactions(
                    6, for: driver, at: now, using: &generator)
                for shard in 0..<3 {
                    transactions[shard].insert(
                        try flood(shard, workload, driver), at: 0)
                }
                let outcome = try driver.advance(
                    HeightInput(now: now, transactions: transactions))
                try checker.check(#require(outcome.decided), driver)
                longest = max(longest, checker.longestStream)
                let free = driver.genesis.parameters.reservedSlots
                let isFull = driver.endpoints.dropLast().allSatisfy { core in
                    core.streams.enumerated().allSatisfy { peer, stream in
                        peer == Int(core.endpoint.index) || peer == 3
                            || stream.slots >= window - free
                    }
                }
                if isFull { fullHeights += 1 }
                waited = waited || driver.endpoints.contains { $0.due.count > 2 }
            }
            #expect(fullHeights > 0)
            #expect(waited)
            slowest = max(slowest, try drain(&driver, &checker, from: now))
        }
        print("seeds 0x5eed2001 and 11 more: longest stream \(longest), drained in \(slowest)")
    }

    /// Fills what transactions may take of both windows, and queues an entry for each.
    private func flood(
        _ shard: Int, _ workload: Workload, _ driver: LedgerDriver
    ) throws -> Transaction {
        let parameters = driver.genesis.parameters
        let sender = workload.accounts[3 * shard]
        let legs = [1, 2].flatMap { step -> [TransferLeg] in
            let to = workload.accounts[3 * ((shard + step) % 3) + 1]
            let late = BeaconTime(milliseconds: 1)
            return Array(
                repeating: TransferLeg(to: to, value: Amount(1), terms: .creditBy(late)),
                count: parameters.window - parameters.reservedSlots)
                + [TransferLeg(to: to, value: Amount(1), terms: .runAt(late))]
        }
        return try workload.factory.transaction(
            .batch(legs), from: sender, nonce: driver.account(sender).nonce)
    }

    /// Decides heights without transactions until nothing is left, and returns how many.
    private func drain(
        _ driver: inout LedgerDriver, _ checker: inout LedgerChecker, from time: BeaconTime
    ) throws -> Int {
        let now = BeaconTime(milliseconds: time.milliseconds + 10_000)
        var heights = 0
        repeat {
            let height = try #require(driver.advance(HeightInput(now: now)).decided)
            try checker.check(height, driver)
            heights += 1
        } while driver.hasWork && heights < 200
        #expect(!driver.hasWork)
        #expect(driver.beacon.inFlight == .zero)
        let endpoints = driver.genesis.parameters.layout.endpoints
        for core in driver.endpoints {
            for peer in endpoints {
                #expect(Array(core.due.ready(for: peer, at: now)).isEmpty)
                #expect(core.inbound[Int(peer.index)].count == 0)
                guard peer != core.endpoint else { continue }
                #expect(core.slots(to: peer, driver.beacon.view) == 0)
            }
        }
        return heights
    }
}

/// The checker is itself checked: it sees what the cores are told to overlook.
@Suite struct CheckerTests {
    private func height() throws -> (DecidedHeight, TestLedger, LedgerChecker) {
        let accounts = TestAccount.all(shards: 2)
        var ledger = try TestLedger()
        let before = ledger.checker
        let decided = try ledger.decide(
            ledger.signed(.single(to: accounts[2].address, value: Amount(5)), by: accounts[0]))
        return (decided, ledger, before)
    }

    private func violation(
        _ checker: LedgerChecker, _ records: [BlockRecord], _ ledger: TestLedger
    ) -> LedgerViolation? {
        var checker = checker
        do throws(LedgerViolation) {
            try checker.check(
                records, endpoints: ledger.driver.endpoints, beacon: ledger.driver.beacon)
            return nil
        } catch { return error }
    }

    @Test func seesAReceiptThatNobodySent() throws {
        let (decided, ledger, before) = try height()
        #expect(violation(before, decided.records, ledger) == nil)
        // Without the record, the books know of money in flight that no receipt carries.
        let inFlight = try #require(decided.record(0)?.sent.first)
        #expect(
            violation(before, [], ledger)
                == .inFlight(
                    books: inFlight.value.adding(inFlight.fee) ?? .max, receipts: .zero))
    }

    @Test func seesAReceiptConsumedTwice() throws {
        var (decided, ledger, before) = try height()
        try before.check(decided, ledger.driver)
        let second = try ledger.decide()
        var after = before
        try after.check(second, ledger.driver)
        #expect(violation(after, second.records, ledger) == .consumption(1, source: 0))
        // And one sent twice.
        decided = try ledger.decide()
        #expect(
            violation(after, try height().0.records, ledger)
                == .numbering(ReceiptReference(source: 0, destination: 1, index: 0)))
    }

    @Test func seesAReceiptConsumedTooEarly() throws {
        var (_, ledger, before) = try height()
        let second = try ledger.decide()
        #expect(violation(before, second.records, ledger) == .tooEarly(1, source: 0))
    }
}
