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

    @Test func beaconAcceptsWhatItMinted() throws {
        var ledger = try WeightedLedger(shards: 2)
        try ledger.pass(to: 1_020_000)
        #expect(ledger.beacon.heads[2].header.minted == .zero)
        try ledger.pass(to: 1_080_000)
        // 720,000 tokens of 10^8.
        #expect(ledger.beacon.heads[2].header.minted == Amount(72_000_000_000_000))
        try ledger.pass(to: 1_140_000)
        #expect(ledger.beacon.heads[2].header.minted == Amount(144_000_000_000_000))
        // A third and two thirds, by weight.
        #expect(ledger.cores[0].tree.sum == Amount(48_000_000_000_000))
        #expect(ledger.cores[1].tree.sum == Amount(96_000_000_000_000))
        #expect(ledger.beacon.inFlight == .zero)
    }
}

/// Cores whose genesis has weights already, as if nodes had registered.
private struct WeightedLedger {
    var beacon: BeaconCore
    var cores: [ShardCore]
    private var checker: LedgerChecker
    private var now: BeaconTime

    init(shards: Int) throws {
        let layout = try #require(ShardLayout(shardCount: shards))
        var parameters = NetworkParameters(chainID: 77, layout: layout)
        parameters.economy = .emc
        parameters.epochMilliseconds = 60_000
        now = BeaconTime(milliseconds: 1_000_000)
        let genesis = try Genesis(
            parameters: parameters, time: now, accounts: [], validators: [TestLedger.proposer])
        let opening = EpochOpening(parameters, at: now)
        let states = try layout.endpoints.map { endpoint in
            var changes = opening.changes(parameters)
            if endpoint != layout.beacon {
                var pool = RewardPool(next: opening.epoch)
                let weight = RewardWeight(units: UInt128(endpoint.index) + 1)
                let fits = pool.change(from: .zero, to: weight, in: opening.epoch + 1)
                #expect(fits)
                changes.append(StateChange(RewardPool.key, pool.object))
            }
            return try GenesisState(
                genesis, chain: genesis.hash, endpoint: endpoint, changes,
                [opening.firstClose(parameters)])
        }
        beacon = BeaconCore(genesis, states: states)
        cores = states.map {
            ShardCore(genesis: $0, chain: genesis.hash, parameters: parameters)
        }
        checker = LedgerChecker(genesis)
    }

    /// Decides heights up to a time, and on until nothing is left to do.
    mutating func pass(to milliseconds: UInt64) throws {
        now = BeaconTime(milliseconds: milliseconds)
        try decide()
        for _ in 0..<20 where cores.contains(where: { $0.isMandatory(beacon.view) }) {
            try decide()
        }
        #expect(!cores.contains { $0.isMandatory(beacon.view) })
    }

    private mutating func decide() throws {
        let view = beacon.view
        let candidates = try cores.map { core in
            var source = OfferedTransactions(core.endpoint, [])
            return try core.build(
                view, beneficiary: TestLedger.proposer, from: &source, pages: MemoryPages())
        }
        let block = beacon.propose(
            candidates.compactMap { $0?.record.block }, now: now, proposer: TestLedger.proposer)
        let headers = block.anchors.map(\.header)
        let mandatory = cores.filter { $0.isMandatory(view) }.map(\.endpoint)
        #expect(beacon.check(block.header, headers, mandatory: mandatory) == nil)
        beacon.commit(block.header, headers)
        let records = candidates.compactMap { $0?.record }
        let deliveries = Delivery.group(records, layout: beacon.parameters.layout)
        for index in cores.indices {
            try cores[index].advance(
                to: block.header.height, candidates[index], deliveries[index])
        }
        try checker.check(records, endpoints: cores, beacon: beacon)
    }
}
