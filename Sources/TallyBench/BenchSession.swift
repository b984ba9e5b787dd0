import Foundation
import TallyClient
package import TallyCrypto
import TallyPrimitives

/// What a session loads, and what it may do with it.
package struct BenchTarget: Sendable {
    package var kind: String
    /// By node.
    package var names: [String]
    package var endpoints: [String]
    /// Of accounts that have something.
    package var keys: [PrivateKey]
    /// Processes of the nodes, where they run on this machine.
    package var watched: @Sendable () async -> [WatchedProcess] = { [] }
    /// Runs while the ledger is loaded, and tells what it does.
    package var disturb: (@Sendable (@Sendable (String) -> Void) async throws -> Void)?
    /// Brings back what `disturb` left behind.
    package var heal: @Sendable () async throws -> Void = {}
    package var killEvery: Double?

    package init(kind: String, names: [String], endpoints: [String], keys: [PrivateKey]) {
        self.kind = kind
        self.names = names
        self.endpoints = endpoints
        self.keys = keys
    }
}

package struct SessionOptions: Sendable {
    package var load = LoadOptions()
    package var workload = LoadShape()
    package var repetitions = 3
    /// Whether every node's blocks are read for every acknowledged transaction.
    package var checksAll = false
    /// Looks for the highest rate before the repetitions, which then use it.
    package var findsMax = false
    /// Seconds of each step of that search.
    package var searchSeconds = 10.0
    /// Most transactions of a closed loop that are signed ahead, by each second.
    package var closedRate = 8_000.0
    package var program = ""

    package init() {}
}

/// What a session says while it runs.
package struct SessionVoice: Sendable {
    /// Something happened: a line of its own.
    package var say: @Sendable (String) -> Void
    /// Each second of a run, with the seconds that it has.
    package var tick: @Sendable (LoadRun.Tick, Int) -> Void

    package init(
        say: @escaping @Sendable (String) -> Void,
        tick: @escaping @Sendable (LoadRun.Tick, Int) -> Void
    ) {
        self.say = say
        self.tick = tick
    }
}

/// Funds accounts, runs the repetitions and checks the books after each.
package struct BenchSession: Sendable {
    private let target: BenchTarget
    private let options: SessionOptions
    private let voice: SessionVoice
    private let client: RPCClient
    private var accounts: BenchAccounts
    private var stream: UInt64 = 0
    private let shards: Int

    /// Signed transactions that are held in memory.
    package static let mostTransactions = 2_000_000

    /// Funds the accounts of the workload.
    package init(
        _ target: BenchTarget, _ options: SessionOptions, _ voice: SessionVoice
    ) async throws(LoadError) {
        self.target = target
        self.options = options
        self.voice = voice
        let planned = Self.planned(options.load, options)
        guard planned <= Self.mostTransactions else {
            throw .tooMany(transactions: planned, limit: Self.mostTransactions)
        }
        client = try Ledger.client(target.endpoints[0])
        let chainID: ChainID = try await Ledger.quantity(client, "eth_chainId")
        let price: UInt128 = try await Ledger.quantity(client, "eth_gasPrice")
        let tip: UInt128 = try await Ledger.quantity(client, "eth_maxPriorityFeePerGas")
        let list = try await Ledger.call(client, "shard_list").arrayValue ?? []
        guard let layout = ShardLayout(shardCount: list.count) else {
            throw .unexpectedAnswer("shard_list")
        }
        shards = list.count
        // Blocks full for long raise the price; nobody pays more than it is.
        let fees = BenchFees(
            chainID: chainID, maxFee: Amount(price * 1_000 + tip), tip: Amount(tip))
        let salt = UInt64(Date().timeIntervalSince1970 * 1_000)
        accounts = await BenchAccounts(
            options.workload, salt: target.kind == "rpc" ? salt : 0, layout: layout, fees: fees)
        try await fund(fees, planned: planned)
    }

    /// Transactions that one repetition offers, at most.
    private static func planned(_ load: LoadOptions, _ options: SessionOptions) -> Int {
        switch load.mode {
        case .open(let rate): max(1, Int(rate * load.offeredSeconds))
        case .closed: max(1, Int(options.closedRate * load.offeredSeconds))
        }
    }

    /// Every account gets what it may need in all repetitions, were it three times as busy as
    /// the plan lets the busiest be.
    private mutating func fund(_ fees: BenchFees, planned: Int) async throws(LoadError) {
        let shape = options.workload
        voice.say("funding \(shape.accounts) accounts")
        var plan = LoadPlan(shape, homes: accounts.homes)
        var counts = Array(repeating: 0, count: shape.accounts)
        let sample = min(planned, 100_000)
        for _ in 0..<sample { counts[Int(plan.next().sender)] += 1 }
        let busiest = Double(counts.max() ?? 1) / Double(sample) * Double(planned)
        let runs = Double(options.repetitions + (options.findsMax ? 10 : 0))
        guard let dearest = accounts.dearest(shape),
            let each = dearest.multiplied(by: UInt64(busiest * 3 * runs) + 10)
        else { throw .funding("the accounts would need more than there can be") }
        var funding = try await Funding(client, keys: target.keys, fees: fees)
        try await funding.pay(accounts.addresses, each: each)
    }

    /// All repetitions, after the search for a rate if there is one.
    /// - Throws: `LoadError`, `CancellationError`, and what the target's closures throw.
    package mutating func run() async throws -> BenchResults {
        let date = Date().ISO8601Format()
        let environment = MachineEnvironment.current
        var load = options.load
        var steps: [BenchResults.SearchStep]?
        if options.findsMax, case .open(let start) = load.mode {
            let (found, tried) = try await search(from: start)
            steps = tried
            load.mode = .open(rate: found)
        }
        var repetitions: [Repetition] = []
        for number in 1...max(1, options.repetitions) {
            voice.say("repetition \(number) of \(options.repetitions)")
            repetitions.append(try await repetition(load, checksAll: options.checksAll))
        }
        client.close()
        return BenchResults(
            program: options.program, date: date, environment: environment,
            target: .init(
                kind: target.kind, nodes: target.names, shards: shards,
                killEvery: target.killEvery), load: load, workload: options.workload,
            repetitions: repetitions, summary: Figure.summary(repetitions), search: steps)
    }

    private mutating func search(
        from start: Double
    ) async throws -> (rate: Double, steps: [BenchResults.SearchStep]) {
        var load = options.load
        load.duration = options.searchSeconds
        load.drain = 10
        let ceiling = Double(Self.mostTransactions) / max(1, options.load.offeredSeconds)
        var search = RateSearch(start: start, ceiling: ceiling)
        var steps: [BenchResults.SearchStep] = []
        while let rate = search.next {
            load.mode = .open(rate: rate)
            let step = try await repetition(load, checksAll: false)
            let isHeld = step.sustained.isHeldSoFar && step.invalid.isEmpty
            voice.say("\(Int(rate)) a second: \(isHeld ? "held" : "not held")")
            steps.append(
                .init(
                    rate: rate, finalPerSecond: step.rates.final, isHeld: isHeld,
                    reason: isHeld ? nil : step.invalid.first ?? step.sustained.reason))
            search.note(isHeld: isHeld)
        }
        return (max(search.held, 1), steps)
    }

    // MARK: One repetition

    private mutating func repetition(
        _ load: LoadOptions, checksAll: Bool
    ) async throws -> Repetition {
        try await accounts.refreshNonces(client)
        let cpu = RunClock.ownProcessorSeconds
        stream += 1
        var plan = LoadPlan(options.workload, homes: accounts.homes, stream: stream)
        let transactions = await accounts.sign(&plan, count: Self.planned(load, options))
        let signing = RunClock.ownProcessorSeconds - cpu
        let before = try await wealth()
        let fsyncs = await MetricsProbe.fsyncs(target.endpoints)
        let opening = try await Ledger.height(client)
        let (outcome, events) = try await loaded(transactions, load, after: opening)
        try await target.heal()
        let hashes = transactions.map(\.hash)
        let (scan, heights) = try await scanned(after: opening, outcome, hashes)
        let evidence = Repetition.Evidence(
            scan: scan, before: before, after: try await wealth(),
            presence: checksAll ? try await presence(heights, outcome, hashes) : [],
            events: events, signingSeconds: signing,
            fsyncs: MetricsProbe.difference(fsyncs, await MetricsProbe.fsyncs(target.endpoints)))
        return Repetition(outcome, load, transactions: transactions, evidence)
    }

    private func loaded(
        _ transactions: [SignedTransaction], _ load: LoadOptions, after height: UInt64
    ) async throws -> (LoadOutcome, [Repetition.Event]) {
        let events = EventBook()
        let (voice, seconds) = (voice, Int(load.offeredSeconds.rounded(.up)))
        let run = LoadRun(
            endpoints: target.endpoints, transactions: transactions, options: load,
            watched: target.watched
        ) { tick in
            voice.tick(tick, seconds)
            if tick.second % 60 == 0, !tick.processes.isEmpty { voice.say(Self.memory(tick)) }
        }
        let disturb = target.disturb
        let outcome = try await withThrowingTaskGroup(of: LoadOutcome?.self) { group in
            if let disturb {
                group.addTask {
                    let note: @Sendable (String) -> Void = { text in
                        events.add(text, at: run.clock.now)
                        voice.say(text)
                    }
                    do { try await disturb(note) } catch is CancellationError {}
                    return nil
                }
            }
            group.addTask { try await run.run(after: height) }
            defer { group.cancelAll() }
            while let outcome = try await group.next() {
                if let outcome { return outcome }
            }
            throw CancellationError()
        }
        return (outcome, events.events)
    }

    private static func memory(_ tick: LoadRun.Tick) -> String {
        func mebibytes(_ bytes: UInt64) -> String {
            String(format: "%.1f", Double(bytes) / 1_048_576)
        }
        let sizes = tick.processes.map { process in
            let own = process.residentBytes - min(process.residentBytes, process.mappedBytes)
            return "\(process.name) \(mebibytes(own)) + \(mebibytes(process.mappedBytes))"
        }
        return "minute \(tick.second / 60): resident MiB, own + of mapped files: "
            + sizes.joined(separator: ", ")
    }

    /// How long what is sent across shards may take to arrive.
    private static let arrival = Duration.seconds(20)

    /// What the blocks of a run say, once everything that it sent across shards has arrived.
    private func scanned(
        after opening: UInt64, _ outcome: LoadOutcome, _ hashes: [Hash32]
    ) async throws -> (BlockScan, ClosedRange<UInt64>) {
        let last = outcome.tracker.entries.map(\.height).max() ?? 0
        let deadline = ContinuousClock.now + Self.arrival
        var scan = BlockScan(hashes)
        var next = opening + 1
        while true {
            let height = try await Ledger.height(client)
            if height >= next {
                try await scan.read(next...height, client)
                next = height + 1
            }
            if next > last && scan.inFlight == 0 || ContinuousClock.now > deadline {
                return (scan, (opening + 1)...max(opening + 1, next - 1))
            }
            try await Task.sleep(for: .milliseconds(50))
        }
    }

    /// What all accounts of the run have together.
    private func wealth() async throws(LoadError) -> UInt128 {
        let balances: [UInt128] = try await Ledger.quantities(
            client, "eth_getBalance", accounts.addresses)
        return balances.reduce(0, +)
    }

    private func presence(
        _ heights: ClosedRange<UInt64>, _ outcome: LoadOutcome, _ hashes: [Hash32]
    ) async throws(LoadError) -> [NodePresence] {
        voice.say("reading \(heights.count) blocks of \(target.names.count) nodes")
        let acknowledged = Set(
            zip(hashes, outcome.tracker.entries).filter { $1.accepted != nil }.map(\.0))
        var reference: [UInt64: Hash32] = [:]
        var nodes: [NodePresence] = []
        for (name, endpoint) in zip(target.names, target.endpoints) {
            let (node, found) = try await Presence.read(
                endpoint, name: name, heights: heights, acknowledged: acknowledged,
                reference: reference, clock: RunClock())
            if reference.isEmpty { reference = found }
            nodes.append(node)
        }
        return nodes
    }
}
