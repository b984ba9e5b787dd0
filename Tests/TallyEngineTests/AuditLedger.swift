import Foundation
import Synchronization
import TallyCrypto
import TallyEngine
import TallyExecution
import TallyJournal
import TallyPrimitives
import TallySharding
import TallyStore
import TallyTransactions
import Testing

/// A clock that stands still until it is moved. Serves the one sleeper that an engine is.
final class ManualClock: NodeClock {
    private let time = Atomic<UInt64>(2_000)
    private let moves: AsyncStream<Void>
    private let moved: AsyncStream<Void>.Continuation

    init() {
        (moves, moved) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    func now() -> BeaconTime { BeaconTime(milliseconds: time.load(ordering: .relaxed)) }

    func move(to milliseconds: UInt64) {
        time.store(milliseconds, ordering: .relaxed)
        moved.yield()
    }

    /// Until the next move, however long was asked for: the engine looks at the time itself.
    func sleep(milliseconds: UInt64) async throws {
        for await _ in moves { return }
        throw CancellationError()
    }
}

/// A ledger of three shards with traffic of every kind, to be copied and tampered with.
struct AuditLedger {
    /// Temporary; holds the data directories.
    let root: String
    let genesis: Genesis
    let keys: [PrivateKey]
    private var nonces: [Nonce]

    static let limits = {
        var limits = Limits()
        limits.mapSizeBytes = 64 << 20
        limits.eraTransactions = 8
        return limits
    }()

    init(_ destination: BaseFeeDestination = .burn) throws {
        root = NSTemporaryDirectory() + "tally-audit-" + UUID().uuidString
        let layout = try #require(ShardLayout(shardCount: 3))
        var parameters = NetworkParameters(chainID: 1337, layout: layout)
        parameters.heartbeatMilliseconds = 1_000_000
        parameters.epochMilliseconds = 20_000
        parameters.baseFeeDestination = destination
        var keys: [[PrivateKey]] = [[], [], []]
        var number = 0
        while keys.contains(where: { $0.count < 2 }) {
            number += 1
            let key = try PrivateKey(SHA256.hash(.object, Array("audit \(number)".utf8)))
            let home = Int(layout.home(of: key.address).value)
            if keys[home].count < 2 { keys[home].append(key) }
        }
        self.keys = keys.flatMap { $0 }
        nonces = self.keys.map { _ in 0 }
        genesis = try Genesis(
            parameters: parameters, time: BeaconTime(milliseconds: 1_000),
            accounts: self.keys.map {
                Genesis.Opening(address: $0.address, balance: Amount(1_000_000_000_000_000_000))
            }, validators: [self.keys[0].address])
    }

    var live: String { root + "/live" }

    func remove() { try? FileManager.default.removeItem(atPath: root) }

    func configuration(_ directory: String) -> EngineConfiguration {
        var configuration = EngineConfiguration(
            directory: directory, genesis: genesis, validator: keys[0],
            journalSalt: JournalSalt(high: 1, low: 2))
        configuration.limits = Self.limits
        return configuration
    }

    func audit(_ directory: String, isDeep: Bool = false) throws -> AuditReport {
        try SupplyAudit.run(
            directory: directory, genesis: genesis, limits: Self.limits, isDeep: isDeep)
    }

    func copy(_ directory: String, _ name: String) throws -> String {
        let target = root + "/" + name
        try FileManager.default.copyItem(atPath: directory, toPath: target)
        return target
    }

    // MARK: Traffic

    /// Accounts 0 and 1 live on shard 0, 2 and 3 on shard 1, 4 and 5 on shard 2.
    private mutating func signed(_ from: Int, _ operation: TransferOperation) throws -> [UInt8] {
        defer { nonces[from] += 1 }
        let target = try #require(operation.target)
        return Envelope(
            chainID: 1337, nonce: nonces[from], weightLimit: 400_000, maxFee: Amount(2_000_000_000),
            maxPriorityFee: Amount(1), to: target.to, value: target.value,
            data: operation.callData
        ).signed(by: keys[from])
    }

    private mutating func transfer(_ from: Int, _ to: Int) throws -> [UInt8] {
        try signed(from, .single(to: keys[to].address, value: Amount(1_000_000)))
    }

    private mutating func batch() throws -> [UInt8] {
        func leg(_ to: Int, _ terms: LegTerms) -> TransferLeg {
            TransferLeg(to: keys[to].address, value: Amount(2_000_000), terms: terms)
        }
        return try signed(
            4,
            .batch([
                leg(0, .immediate), leg(2, .creditBy(BeaconTime(milliseconds: 1))),
                leg(2, .runAt(BeaconTime(milliseconds: 5_000))),
                leg(0, .runAt(BeaconTime(milliseconds: 1_000_000_000))),
                leg(5, .runAt(BeaconTime(milliseconds: 1_000_000_000))),
            ]))
    }

    /// Runs everything; leaves `killed`, a copy taken while the engine ran, and `live`, stopped.
    mutating func run() async throws -> (killed: String, live: String) {
        let clock = ManualClock()
        let (engine, _) = try Engine.open(configuration(live), clock: clock, notify: { _ in })
        async let running: Void = engine.run()
        try await submit(
            engine,
            [
                transfer(0, 1), transfer(0, 2), transfer(2, 4), transfer(4, 0), transfer(3, 5),
                signed(3, .setCreditPolicy(.refuse)),
            ])
        // Bounces: to one that takes it back, and to two that no longer do.
        try await submit(
            engine,
            [
                transfer(0, 3), transfer(5, 3), signed(5, .setCreditPolicy(.refuse)),
                transfer(1, 3), signed(1, .setCreditPolicy(.refuse)), batch(),
            ])
        try await submit(engine, [signed(1, .claimEscrow), transfer(2, 0), transfer(0, 4)])
        for (time, account) in [(10_000, 2), (40_000, 0)] as [(UInt64, Int)] {
            let before = try engine.publisher.current.account(keys[account].address).balance
            clock.move(to: time)
            let address = keys[account].address
            try await wait(engine) {
                try $0.isQuiet && $0.account(address).balance != before
            }
        }
        let killed = try copy(live, "killed")
        engine.stop()
        try await running
        return (killed, live)
    }

    private func submit(_ engine: Engine, _ raws: [[UInt8]]) async throws {
        let hashes = try await engine.intake.submit(raws).map { try $0.get() }
        try await wait(engine) { snapshot in
            try snapshot.isQuiet && hashes.allSatisfy { try snapshot.position(of: $0) != nil }
        }
    }

    private func wait(
        _ engine: Engine, until isDone: (LedgerSnapshot) throws -> Bool
    ) async throws {
        var snapshot = engine.publisher.current
        while try !isDone(snapshot) {
            snapshot = try #require(await engine.publisher.next(after: snapshot.height))
        }
    }

    // MARK: Crashes

    /// Cuts the log of a directory after its first `count` records.
    func cutLog(_ directory: String, to count: Int) throws {
        let path = try logFile(directory)
        let bytes = try Data(contentsOf: URL(filePath: path))
        let starts = Self.records(Array(bytes))
        try bytes.prefix(count < starts.count ? starts[count] : bytes.count)
            .write(to: URL(filePath: path))
    }

    func recordStarts(_ directory: String) throws -> [Int] {
        Self.records(Array(try Data(contentsOf: URL(filePath: try logFile(directory)))))
    }

    func logFile(_ directory: String) throws -> String {
        let log = DataLayout.log(in: directory)
        let names = try FileManager.default.contentsOfDirectory(atPath: log)
        return log + "/" + (try #require(names.first { $0.hasSuffix(".log") }))
    }

    /// The place in `directory` that the log file of `original` has there.
    func logFile(_ original: String, in directory: String) throws -> String {
        directory + (try logFile(original)).dropFirst(original.count)
    }

    /// A checkpoint of the height with most money in flight, after traffic of every kind.
    mutating func inFlight() async throws -> String {
        let (killed, _) = try await run()
        let count = try recordStarts(killed).count
        var best: (height: Int, value: Amount)?
        for height in (count / 2)...count {
            let copy = try copy(killed, "probe-\(height)")
            try cutLog(copy, to: height)
            let value = try audit(copy).inFlight ?? .zero
            if value > best?.value ?? .zero { best = (height, value) }
        }
        let height = try #require(best).height
        let copy = try copy(killed, "in-flight")
        try cutLog(copy, to: height)
        try await checkpoint(copy, beacon: true)
        return copy
    }

    /// LOG-3: where each record starts.
    private static func records(_ bytes: [UInt8]) -> [Int] {
        var starts: [Int] = []
        var start = 80
        while start < bytes.count {
            starts.append(start)
            let length = bytes[(start + 4)..<(start + 8)].reduce(0) { $0 << 8 | Int($1) }
            start += 40 + (length + 7) / 8 * 8
        }
        return starts
    }

    /// Writes a checkpoint of the last height in the log, of the shards or of all.
    func checkpoint(_ directory: String, beacon: Bool) async throws {
        let written = try await { () async throws -> Checkpoint? in
            let (engine, _) = try Engine.open(
                configuration(directory), clock: ManualClock(), notify: { _ in })
            await engine.beacon.requestCheckpoint()
            for await job in engine.beacon.checkpoints {
                for (shard, checkpoint) in job.shards { try shard.store.write(checkpoint) }
                return await engine.beacon.shardsCheckpointed(job.height)
            }
            return nil
        }()
        guard beacon else { return }
        let store = try EndpointStore(
            path: directory + "/beacon", readOnly: false, limits: Self.limits)
        try store.write(try #require(written))
    }
}

extension LedgerSnapshot {
    /// Nothing is in flight.
    fileprivate var isQuiet: Bool {
        view.heads.indices.allSatisfy { source in
            view.heads.indices.allSatisfy { destination in
                view.heads[source].out[destination].end
                    == view.heads[destination].in[source].cursor
            }
        }
    }
}
