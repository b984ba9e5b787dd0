import TallyExecution
import TallyPrimitives
import TallySharding
import TallySimulation
import TallyState
import TallyTesting
import TallyTransactions
import Testing

/// RCPT-8: everything a block needs is under the state root, so that checkpoints of different
/// heights and the beacon log give the ledger back.
@Suite struct RecoveryTests {
    /// What a crash leaves of one endpoint.
    private struct Checkpoint {
        let header: ShardHeader
        let height: Height
        let pages: MemoryPages
        /// Receipts sent up to here, by destination index.
        let sent: [[Receipt]]
    }

    private struct StoredOutboxes: OutboxReader {
        var sent: [[[Receipt]]]

        func receipts(
            from source: EndpointID, to destination: EndpointID, _ range: Range<UInt64>
        ) -> [Receipt] {
            sent[Int(source.index)][Int(destination.index)].filter {
                range.contains($0.reference.index)
            }
        }
    }

    /// A run of the original ledger with everything that was ever written.
    private struct History {
        var driver: LedgerDriver
        var log: [[UInt8]] = []
        /// By height, from 0.
        var books: [[UInt8]]
        /// By height and endpoint.
        var checkpoints: [[Checkpoint]] = []

        init(_ driver: LedgerDriver) {
            self.driver = driver
            books = [driver.beacon.encodedBooks]
            let count = driver.endpoints.count
            checkpoints.append(
                driver.endpoints.map { core in
                    var pages = MemoryPages()
                    pages.apply(core.tree.pageChanges(since: .empty))
                    return Checkpoint(
                        header: core.header, height: .genesis, pages: pages,
                        sent: Array(repeating: [], count: count))
                })
        }

        mutating func record(_ height: DecidedHeight, before: [ShardCore]) {
            log.append(height.block.body)
            books.append(driver.beacon.encodedBooks)
            let last = checkpoints[checkpoints.count - 1]
            checkpoints.append(
                driver.endpoints.indices.map { index in
                    let core = driver.endpoints[index]
                    var pages = last[index].pages
                    pages.apply(core.tree.pageChanges(since: before[index].tree))
                    var sent = last[index].sent
                    let record = height.records.first { $0.header.endpoint == core.endpoint }
                    for receipt in record.map({ Array($0.sent) }) ?? [] {
                        sent[Int(receipt.reference.destination.index)].append(receipt)
                    }
                    return Checkpoint(
                        header: core.header, height: core.appliedHeight, pages: pages, sent: sent)
                })
        }
    }

    private func history(
        shards: Int, heights: Int, _ generator: inout SeededGenerator
    ) throws -> (History, Workload) {
        let layout = try #require(ShardLayout(shardCount: shards))
        var parameters = NetworkParameters(chainID: 9, layout: layout)
        parameters.window = 6
        parameters.dueBound = 12
        parameters.blockWeight = 90_000
        parameters.epochMilliseconds = 5_000
        parameters.baseFeeDestination = .treasury
        parameters.minimumBaseFee = Amount(10)
        let accounts = (0..<shards).flatMap { shard in
            (1...12).map { TestAccount.plain(shard: shard, of: shards, $0) }
        }
        let genesis = try Genesis(
            parameters: parameters, time: BeaconTime(milliseconds: 1_000_000),
            accounts: accounts.map { .init(address: $0, balance: Amount(1_000_000_000)) },
            validators: [accounts[0]])
        let workload = Workload(
            accounts: accounts,
            factory: WorkloadTransactions(chainID: 9, maxFee: Amount(40), tip: Amount(1)))
        var history = History(try LedgerDriver(genesis, proposer: accounts[1]))
        var now = genesis.time
        for _ in 0..<heights {
            now = BeaconTime(milliseconds: now.milliseconds + 700)
            let transactions = try workload.transactions(
                5 * shards, for: history.driver, at: now, using: &generator)
            let before = history.driver.endpoints
            // A third of the heights have no new transactions, and thus endpoints without blocks.
            let isQuiet = Int.random(in: 0..<3, using: &generator) == 0
            let outcome = try history.driver.advance(
                HeightInput(now: now, transactions: isQuiet ? [] : transactions))
            history.record(try #require(outcome.decided), before: before)
        }
        return (history, workload)
    }

    private func restored(
        _ history: History, beacon: Int, endpoints heights: [Int]
    ) throws -> LedgerReplay<MemoryPages, StoredOutboxes> {
        let genesis = history.driver.genesis
        let checkpoints = heights.indices.map { history.checkpoints[heights[$0]][$0] }
        return try LedgerReplay(
            beacon: BeaconCore(genesis, encodedBooks: history.books[beacon]),
            endpoints: checkpoints.map {
                try ShardCore(
                    restoring: $0.header, appliedHeight: $0.height, chain: genesis.hash,
                    parameters: genesis.parameters, pages: $0.pages)
            },
            pages: checkpoints.map(\.pages),
            outboxes: StoredOutboxes(sent: checkpoints.map(\.sent)))
    }

    private func expectEqual(_ a: [ShardCore], _ b: [ShardCore], seed: UInt64) {
        for (a, b) in zip(a, b) {
            #expect(a.headerHash == b.headerHash, "seed \(seed)")
            #expect(a.tree.root == b.tree.root && a.tree.sum == b.tree.sum, "seed \(seed)")
            #expect(a.streams == b.streams, "seed \(seed)")
            #expect(a.appliedHeight == b.appliedHeight, "seed \(seed)")
            #expect(a.due.count == b.due.count, "seed \(seed)")
            #expect(
                a.inbound.map(\.waiting)
                    == b.inbound.map(\.waiting), "seed \(seed)")
            #expect(a.inbound.map(\.range) == b.inbound.map(\.range), "seed \(seed)")
        }
    }

    @Test func checkpointsOfDifferentHeightsGiveTheLedgerBack() throws {
        var waiting = 0
        try forEachSeed(base: 0x5eed_3001, count: 12) { seed, generator in
            let shards = [2, 3, 5][Int(seed % 3)]
            let heights = 14
            let (history, workload) = try history(
                shards: shards, heights: heights, &generator)
            let beacon = Int.random(in: 0...heights, using: &generator)
            let ahead = (0...shards).map { _ in
                Int.random(in: beacon...heights, using: &generator)
            }
            var replay = try restored(history, beacon: beacon, endpoints: ahead)
            for record in history.log {
                // Whatever order a driver does the independent pieces in, the ledger is the same.
                if seed % 2 == 0 {
                    try replay.apply(BeaconBlock(body: record, LastFirst()), LastFirst())
                } else {
                    try replay.apply(BeaconBlock(body: record))
                }
            }
            try replay.finish()
            let original = history.driver
            #expect(replay.beacon.headHash == original.beacon.headHash)
            #expect(replay.beacon.heads == original.beacon.heads)
            #expect(replay.beacon.inFlight == original.beacon.inFlight)
            expectEqual(replay.endpoints, original.endpoints, seed: seed)
            waiting += original.endpoints.reduce(0) { $0 + $1.inbound.reduce(0) { $0 + $1.count } }
            try expectSameNextBlock(replay, original, workload, ahead, history, &generator)
        }
        #expect(waiting > 20, "receipts were in flight when it ended")
    }

    /// What was restored goes on as the original does, reading its pages.
    private func expectSameNextBlock(
        _ replay: LedgerReplay<MemoryPages, StoredOutboxes>, _ original: LedgerDriver,
        _ workload: Workload, _ heights: [Int], _ history: History,
        _ generator: inout SeededGenerator
    ) throws {
        let offered = try workload.transactions(
            12, for: original, at: original.beacon.head.time, using: &generator)
        for index in original.endpoints.indices {
            let pages = history.checkpoints[heights[index]][index].pages
            var sources = (0..<2).map { _ in
                OfferedTransactions(EndpointID(UInt16(index)), offered[index])
            }
            let expected = try original.endpoints[index].build(
                original.beacon.view, beneficiary: .zero, from: &sources[0], pages: MemoryPages())
            var core = replay.endpoints[index]
            let actual = try core.build(
                replay.beacon.view, beneficiary: .zero, from: &sources[1], pages: pages)
            #expect(actual?.header == expected?.header)
            // And once more after a checkpoint of its own.
            var later = pages
            later.apply(
                core.tree.pageChanges(since: try StateTree(loading: pages)))
            core.flush(core.tree)
            sources[0] = OfferedTransactions(EndpointID(UInt16(index)), offered[index])
            let again = try core.build(
                replay.beacon.view, beneficiary: .zero, from: &sources[0], pages: later)
            #expect(again?.header == expected?.header)
        }
    }

    // MARK: Damage

    private func damaged() throws -> History {
        var generator = SeededGenerator(seed: 0x5eed_4001)
        return try history(shards: 2, heights: 6, &generator).0
    }

    @Test func refusesAShardBehindTheBeacon() throws {
        let history = try damaged()
        #expect(
            throws: RestoreError.checkpointOrder(1, shard: Height(2), beacon: Height(3))
        ) { _ = try restored(history, beacon: 3, endpoints: [3, 2, 3]) }
    }

    @Test func refusesALogThatEndsBeforeACheckpoint() throws {
        let history = try damaged()
        var replay = try restored(history, beacon: 2, endpoints: [4, 2, 2])
        try replay.apply(BeaconBlock(body: history.log[2]))
        #expect(
            throws: RestoreError.checkpointOrder(0, shard: Height(4), beacon: Height(3))
        ) { try replay.finish() }
    }

    @Test func refusesAGapInTheLog() throws {
        let history = try damaged()
        var replay = try restored(history, beacon: 2, endpoints: [2, 2, 2])
        #expect(throws: RestoreError.heightGap(expected: Height(3), actual: Height(4))) {
            try replay.apply(BeaconBlock(body: history.log[3]))
        }
    }

    @Test func refusesAHeaderOfAnotherState() throws {
        let history = try damaged()
        let genesis = history.driver.genesis
        let point = history.checkpoints[3][0]
        var header = point.header
        header.stateRoot = .zero
        #expect(
            throws: RestoreError.stateRootMismatch(
                0, stored: .zero, computed: point.header.stateRoot)
        ) {
            _ = try ShardCore(
                restoring: header, appliedHeight: Height(3), chain: genesis.hash,
                parameters: genesis.parameters, pages: point.pages)
        }
    }

    @Test func refusesAnOutboxWithoutItsReceipts() throws {
        let history = try damaged()
        let genesis = history.driver.genesis
        // A height at which a receipt to shard 1 was in flight.
        let height = try #require(
            (1...6).first { height in
                let head = history.checkpoints[height]
                return head[0].header.out.contains { $0.peer == 1 }
                    && head[0].header.height == Height(UInt64(height))
            })
        let points = history.checkpoints[height]
        let beacon = try BeaconCore(genesis, encodedBooks: history.books[height])
        let end = beacon.heads[0].out[1].end
        let cores = try points.map {
            try ShardCore(
                restoring: $0.header, appliedHeight: $0.height, chain: genesis.hash,
                parameters: genesis.parameters, pages: $0.pages)
        }
        var outboxes = StoredOutboxes(sent: points.map(\.sent))
        outboxes.sent[0][1] = []
        let cursor = cores[1].streams[0].cursor
        #expect(
            throws: RestoreError.receiptsMissing(source: 0, destination: 1, cursor..<end)
        ) {
            _ = try LedgerReplay(
                beacon: beacon, endpoints: cores, pages: points.map(\.pages), outboxes: outboxes)
        }
    }
}

/// Does the last piece of work first.
private struct LastFirst: WorkMap {
    func map<Result: Sendable>(
        _ count: Int, _ body: @Sendable (Int) -> Result
    ) -> [Result] {
        (0..<count).reversed().map(body).reversed()
    }
}
