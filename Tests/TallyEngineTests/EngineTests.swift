import Foundation
import TallyCrypto
import TallyEngine
import TallyExecution
import TallyJournal
import TallyPrimitives
import TallySharding
import TallyTransactions
import Testing

/// A ledger in a temporary directory, with funded accounts on every shard.
struct TestLedger {
    let directory: String
    let genesis: Genesis
    let keys: [PrivateKey]

    init(shards: Int, accounts: Int, directory: String? = nil) throws {
        self.directory = directory ?? NSTemporaryDirectory() + "tally-" + UUID().uuidString
        let layout = try #require(ShardLayout(shardCount: shards))
        var parameters = NetworkParameters(chainID: 1337, layout: layout)
        parameters.heartbeatMilliseconds = 1_000_000
        keys = try (1...accounts).map { number in
            try PrivateKey(
                SHA256.hash(.object, Array("account \(number)".utf8)))
        }
        genesis = try Genesis(
            parameters: parameters, time: BeaconTime(milliseconds: 1_000),
            accounts: keys.map {
                Genesis.Opening(address: $0.address, balance: Amount(1_000_000_000_000_000_000))
            }, validators: [keys[0].address])
    }

    func open(
        policy: CheckpointPolicy = CheckpointPolicy(), limits: Limits = Limits(),
        secrets: RevealSecrets? = nil,
        notify: @escaping @Sendable (BeaconNotice) -> Void = { _ in }
    ) throws -> (engine: Engine, report: RecoveryReport) {
        var configuration = EngineConfiguration(
            directory: directory, genesis: genesis, validator: keys[0],
            journalSalt: JournalSalt(high: 1, low: 2))
        configuration.checkpoints = policy
        configuration.limits = limits
        if let secrets { configuration.secrets = secrets }
        return try Engine.open(configuration, clock: SystemClock(), notify: notify)
    }

    func transfer(from: Int, to: Int, value: UInt128, nonce: Nonce) -> [UInt8] {
        Envelope(
            chainID: 1337, nonce: nonce, weightLimit: 21_000, maxFee: Amount(2_000_000_000),
            maxPriorityFee: Amount(1), to: keys[to].address, value: Amount(value)
        ).signed(by: keys[from])
    }
}

@Suite struct EngineTests {
    @Test func finalTransfersSurviveARestart() async throws {
        let ledger = try TestLedger(shards: 4, accounts: 8)
        defer { try? FileManager.default.removeItem(atPath: ledger.directory) }
        let balances = try await { () async throws -> [Amount] in
            let (engine, report) = try ledger.open()
            #expect(report.height == .genesis)
            let running = Task { try await engine.run() }
            let raws = (0..<8).flatMap { from in
                (0..<4).map { n in
                    ledger.transfer(
                        from: from, to: (from + Int(n) + 1) % 8, value: 1_000, nonce: UInt64(n))
                }
            }
            let results = await engine.intake.submit(raws)
            let hashes = try results.map { try $0.get() }
            var snapshot = engine.publisher.current
            while try hashes.contains(where: { try snapshot.position(of: $0) == nil }) {
                snapshot = try #require(await engine.publisher.next(after: snapshot.height))
            }
            engine.stop()
            try await running.value
            let last = engine.publisher.current
            return try ledger.keys.map { try last.account($0.address).balance }
        }()
        let (engine, report) = try ledger.open()
        #expect(report.replayedTransactions == 0)
        let after = try ledger.keys.map {
            try engine.publisher.current.account($0.address).balance
        }
        #expect(after == balances)
        let position = try engine.publisher.current.position(
            of: Keccak256.hash(ledger.transfer(from: 3, to: 4, value: 1_000, nonce: 0)))
        #expect(position != nil)
    }

    /// SEED-1: where its chain stands is in the state.
    @Test(.timeLimit(.minutes(1))) func goesOnWithItsChainAfterARestart() async throws {
        let ledger = try TestLedger(shards: 2, accounts: 2)
        defer { try? FileManager.default.removeItem(atPath: ledger.directory) }
        var seeds: [UInt64] = []
        for life in 0..<4 as Range<UInt64> {
            let (engine, _) = try ledger.open()
            let running = Task { try await engine.run() }
            for nonce in (life * 8)..<(life * 8 + 8) {
                let raw = ledger.transfer(from: 0, to: 1, value: 1, nonce: nonce)
                let hash = try #require(await engine.intake.submit([raw]).first).get()
                var snapshot = engine.publisher.current
                while try snapshot.position(of: hash) == nil {
                    snapshot = try #require(await engine.publisher.next(after: snapshot.height))
                }
            }
            engine.stop()
            try await running.value
            let last = engine.publisher.current
            // A lone validator: every reveal is a seed.
            #expect(last.view.seed.number == max(16, last.height.value) - 16)
            seeds.append(last.view.seed.number)
        }
        #expect(seeds == seeds.sorted() && seeds[3] > 0)
    }

    /// SEED-1: the key was used with another secret. The node builds nothing, and goes on to listen.
    @Test(.timeLimit(.minutes(1))) func livesThroughAChainOfAnotherMaking() async throws {
        let ledger = try TestLedger(shards: 2, accounts: 2)
        defer { try? FileManager.default.removeItem(atPath: ledger.directory) }
        func decide(_ nonces: Range<Nonce>, _ secrets: RevealSecrets?) async throws -> Height {
            let (engine, _) = try ledger.open(secrets: secrets)
            for nonce in nonces {
                let raw = ledger.transfer(from: 0, to: 1, value: 1, nonce: nonce)
                _ = try #require(await engine.intake.submit([raw]).first).get()
                try await engine.beacon.work()
            }
            return engine.publisher.current.height
        }
        let before = try await decide(0..<20, nil)
        #expect(before.value > 16)
        let other = RevealSecrets(secret: Hash32(words: (9, 9, 9, 9)))
        #expect(try await decide(20..<22, other) == before)
        #expect(try await decide(20..<22, nil) > before)
    }

    /// As a peer's messages are, when the blocks end: the last checkpoint waits for that, and comes.
    @Test(.timeLimit(.minutes(1))) func endsThoughSomebodyElseIsAtWork() async throws {
        let ledger = try TestLedger(shards: 2, accounts: 2)
        defer { try? FileManager.default.removeItem(atPath: ledger.directory) }
        for nonce: Nonce in 0..<3 {
            let (engine, report) = try ledger.open()
            #expect(report.replayedTransactions == 0, "the last checkpoint was written")
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await engine.run() }
                group.addTask {
                    while !Task.isCancelled { try await engine.beacon.work() }
                }
                let raw = ledger.transfer(from: 0, to: 1, value: 1, nonce: nonce)
                let hash = try #require(await engine.intake.submit([raw]).first).get()
                var snapshot = engine.publisher.current
                while try snapshot.position(of: hash) == nil {
                    snapshot = try #require(await engine.publisher.next(after: snapshot.height))
                }
                engine.stop()
                // The other one goes on until it is told not to.
                try await group.next()
                group.cancelAll()
            }
        }
    }
}
