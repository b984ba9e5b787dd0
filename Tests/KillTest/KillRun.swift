import Foundation
import TallyClient
import TallyCrypto
import TallyEngine
import TallyNode
import TallyPrimitives

/// Kills one ledger's node over and over, under load, and checks what the next one knows.
struct KillRun {
    private var launch: NodeProcess.Launch
    let cycles: Int
    let seed: UInt64

    private let book = AcknowledgedBook()
    private var random: SeededGenerator
    private(set) var deaths: [KillPhase: Int] = [:]
    private(set) var places: [String: Int] = [:]
    private(set) var deathsInRecovery = 0
    private(set) var idleDeaths = 0
    private(set) var unacknowledged = 0
    private(set) var verified = 0
    private(set) var lost = 0
    private(set) var audits = 0
    private(set) var problems: [String] = []
    private var startMilliseconds: [Int] = []

    /// Kills of each kind in fifty; whatever else happens, the first three get ten each.
    private static let shares: [(phase: KillPhase, count: Int)] = [
        (.apply, 12), (.fsync, 12), (.checkpoint, 12), (.logWrite, 7), (.anywhere, 7),
    ]
    private static let clientCount = 4
    /// A cycle whose plan does not come about ends so.
    private static let patience: Duration = .seconds(15)

    init(launch: NodeProcess.Launch, cycles: Int, seed: UInt64) {
        self.launch = launch
        self.cycles = cycles
        self.seed = seed
        random = SeededGenerator(seed: seed)
    }

    /// - Returns: whether nothing was lost and every phase was hit often enough.
    mutating func run() async throws -> Bool {
        try launch.control.clear()
        for cycle in 1...cycles {
            let plan = nextPlan()
            try await self.cycle(cycle, plan)
            if cycle % 10 == 0 { try audit() }
        }
        try await finish()
        problems += await book.surprises
        await report()
        let enough = Self.shares.prefix(3).allSatisfy {
            deaths[$0.phase, default: 0] >= min(10, cycles / 5)
        }
        if !enough { say("kill-test: a phase was hit too seldom") }
        return lost == 0 && problems.isEmpty && enough
    }

    /// Lets the disk forget what is written to the log.
    /// - Returns: whether that was found out.
    mutating func runControl() async throws -> Bool {
        // One would hold what the log forgot.
        launch.checkpointHeights = 100_000
        try launch.control.clear()
        do {
            try await cycle(
                1, KillPlan(phase: .forget, countdown: 1, moment: .after, delayMicroseconds: 0))
            let node = try start()
            defer { node.kill() }
            try await verify(node, recent: .max, sample: 0)
        } catch let error as KillTestError {
            say("kill-test: control: \(error)")
            return true
        }
        say("kill-test: control: \(lost) of \(verified) acknowledged transactions are lost")
        return lost > 0
    }

    private mutating func nextPlan() -> KillPlan {
        let total = deaths.values.reduce(0, +) + 1
        let due = Self.shares.max { a, b in
            deficit(a, total) < deficit(b, total)
        }
        let phase = due?.phase ?? .anywhere
        var plan = KillPlan(
            phase: phase, countdown: UInt32.random(in: 1...8, using: &random),
            moment: KillMoment.allCases.randomElement(using: &random) ?? .during,
            delayMicroseconds: UInt32.random(
                in: 0...(phase == .apply ? 3_000 : 200), using: &random))
        if phase == .checkpoint {
            // In turn: a commit has many writes of pages, one sync and one of a meta page.
            let operations: [KillOperation] = [.write, .sync, .metaPage]
            plan.operation = operations[deaths[.checkpoint, default: 0] % 3]
            // Five stores: any of them, in any of some checkpoints.
            plan.countdown = UInt32.random(
                in: 1...(plan.operation == .write ? 80 : 15), using: &random)
        }
        return plan
    }

    private func deficit(_ share: (phase: KillPhase, count: Int), _ total: Int) -> Int {
        share.count * total - deaths[share.phase, default: 0] * 50
    }

    // MARK: A cycle

    private mutating func cycle(_ number: Int, _ plan: KillPlan) async throws {
        if number % 5 == 0 { try dieInRecovery() }
        let node = try start()
        defer { if node.isRunning { node.kill() } }
        if number == 1 { try refuseSecond(node) }
        try await verify(node, recent: 1_000, sample: 200)
        await book.beginCycle()
        let clients = try loadClients(node)
        let load = Task { [clients] in
            await withTaskGroup(of: Void.self) { group in
                for client in clients { group.addTask { await client.run() } }
            }
        }
        try await killUnderLoad(node, plan, after: Int.random(in: 40...400, using: &random))
        let open = await book.unacknowledged
        await load.value
        let outcome = try launch.control.outcome()
        deaths[outcome.phase, default: 0] += 1
        let place = "\(outcome.phase)" + (outcome.operation == .any ? "" : " \(outcome.operation)")
        places[place, default: 0] += 1
        unacknowledged += open
        if open == 0 { idleDeaths += 1 }
        try launch.control.clear()
        say(
            "kill-test: cycle \(number): \(place), "
                + "\(await book.acknowledgedInCycle) acknowledged, \(open) not")
    }

    /// Lets the node die according to plan once some transactions are final and others are not.
    private mutating func killUnderLoad(
        _ node: NodeProcess, _ plan: KillPlan, after acknowledgements: Int
    ) async throws {
        let clock = ContinuousClock()
        let deadline = clock.now + Self.patience
        while node.isRunning, clock.now < deadline {
            let acknowledged = await book.acknowledgedInCycle
            if acknowledged >= acknowledgements, await book.unacknowledged > 0 { break }
            try await clock.sleep(for: .milliseconds(2))
        }
        if !node.isRunning {
            problems.append("the node ended by itself, exit code \(node.process.terminationStatus)")
            return
        }
        if plan.phase == .anywhere {
            try await clock.sleep(for: .microseconds(Int.random(in: 0...20_000, using: &random)))
            return node.kill()
        }
        try launch.control.arm(plan)
        if plan.phase == .forget {
            // More than can be on the way: some of them are in blocks that the log forgets.
            let end = await book.acknowledgedInCycle + 1_000
            while await book.acknowledgedInCycle < end, clock.now < deadline {
                try await clock.sleep(for: .milliseconds(1))
            }
            return node.kill()
        }
        while node.isRunning, clock.now < deadline {
            try await clock.sleep(for: .milliseconds(1))
        }
        if node.isRunning { node.kill() }
    }

    private mutating func start() throws -> NodeProcess {
        let began = ContinuousClock.now
        guard let node = try NodeProcess.start(launch) else {
            throw KillTestError("the node does not start again: \(launch.lastWords)")
        }
        startMilliseconds.append(Int((ContinuousClock.now - began) / .milliseconds(1)))
        return node
    }

    /// Starts a node that dies when it has read the log and writes its end once more.
    private mutating func dieInRecovery() throws {
        let phase: KillPhase = Bool.random(using: &random) ? .logWrite : .fsync
        try launch.control.arm(
            KillPlan(
                phase: phase, countdown: 1,
                moment: KillMoment.allCases.randomElement(using: &random) ?? .during,
                delayMicroseconds: 0))
        if let node = try NodeProcess.start(launch) {
            node.kill()
        } else if try launch.control.outcome().phase == phase {
            deathsInRecovery += 1
        } else {
            throw KillTestError("the node does not start again: \(launch.lastWords)")
        }
        try launch.control.clear()
    }

    private mutating func refuseSecond(_ node: NodeProcess) throws {
        let (code, message) = try NodeProcess.second(launch)
        let pid = node.process.processIdentifier
        if code != 1 || !message.contains("process \(pid)") {
            problems.append("a second node on the directory: exit code \(code), \(message)")
        }
        say("kill-test: a second node is refused: exit code \(code), \(message)")
    }

    private func loadClients(_ node: NodeProcess) throws -> [LoadClient] {
        let senders = try node.accounts.enumerated().map { number, account in
            guard let address = Address(hex: account.address),
                let secret = Hash32(hex: account.privateKey)
            else { throw KillTestError("an account that is none: \(account.address)") }
            return LoadClient.Sender(
                number: number, address: address, key: try PrivateKey(secret))
        }
        return (0..<Self.clientCount).map { client in
            LoadClient(
                rpc: node.rpc, chainID: DevNetwork.chainID,
                senders: senders.filter { $0.number % Self.clientCount == client },
                receivers: senders.map(\.address), book: book)
        }
    }

    // MARK: Checks

    /// Asks a node that was just started for what others had been told.
    private mutating func verify(_ node: NodeProcess, recent: Int, sample: Int) async throws {
        let client = try RPCClient(node.rpc, timeout: .seconds(20))
        defer { client.close() }
        let known = await book.toVerify(recent: recent, sample: sample, seed: random.next())
        for start in stride(from: 0, to: known.count, by: 100) {
            let part = known[start..<min(start + 100, known.count)]
            let found = try await LoadClient.receipts(client, part.map(\.hash))
            let positions = Dictionary(found.map { ($0.hash, $0.position) }) { first, _ in first }
            for (hash, position) in part where positions[hash] != position {
                lost += 1
                problems.append(
                    "\(hash) was at \(position), is at \(positions[hash].map { "\($0)" } ?? "none")"
                )
            }
        }
        verified += known.count
        try await verifyBlocks(client)
    }

    /// Compares block hashes and state roots with those seen before, and notes new ones.
    private mutating func verifyBlocks(_ client: RPCClient) async throws {
        let blocks = await book.blocks
        let roots = await book.roots
        let newest = blocks.keys.sorted { ($0.count, $0) > ($1.count, $1) }
        for (place, number) in newest.enumerated() where place < 20 || place % 16 == 0 {
            let block = try await client.call("eth_getBlockByNumber", [.string(number), false])
            guard let hash = block["hash"]?.stringValue, hash == blocks[number],
                let root = block["stateRoot"]?.stringValue, root == roots[number] ?? root
            else {
                problems.append("height \(number) has changed: \(block)")
                continue
            }
            await book.record(root: root, at: number)
        }
    }

    /// Recounts all money from what the dead node left, log included.
    private mutating func audit() throws {
        let directory = try DataDirectory(path: launch.directory)
        let genesis = try directory.genesis().genesis
        let report = try SupplyAudit.run(directory: directory.path, genesis: genesis)
        audits += 1
        if !report.isClean {
            problems += report.findings.prefix(5).map { "audit: \($0)" }
        }
        let assets = report.assets.map { "\($0)" } ?? "too much"
        say(
            "kill-test: audit: height \(report.height), checkpoint \(report.checkpoint), "
                + "\(report.counts.transactions) transactions, assets \(assets), "
                + (report.isClean ? "clean" : "\(report.findings.count) findings"))
    }

    /// Everything ever acknowledged, then an orderly end and a last audit.
    private mutating func finish() async throws {
        let node = try start()
        try await verify(node, recent: .max, sample: 0)
        let code = node.stop()
        if code != 0 { problems.append("an orderly stop ended with exit code \(code)") }
        try audit()
    }

    private func report() async {
        let phases = KillPhase.allCases.filter { $0 != .forget }.map {
            "\($0) \(deaths[$0, default: 0])"
        }
        let places = self.places.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" }
        let starts = startMilliseconds.sorted()
        say(
            """
            kill-test: seed \(seed), \(deaths.values.reduce(0, +)) kills under load: \
            \(phases.joined(separator: ", ")); \(deathsInRecovery) more in recovery; \
            \(idleDeaths) with nothing open
            kill-test: places: \(places.joined(separator: ", "))
            kill-test: \(await book.order.count) transactions acknowledged as final, \
            \(unacknowledged) not at the kills; \(verified) verified, lost \(lost)
            kill-test: \(await book.blocks.count) blocks and \(await book.roots.count) state roots \
            compared; \(audits) audits; start \(starts[starts.count / 2]) ms (median), \
            \(starts[starts.count - 1]) ms (most)
            """)
        for problem in problems.prefix(20) { say("kill-test: PROBLEM: \(problem)") }
    }
}
