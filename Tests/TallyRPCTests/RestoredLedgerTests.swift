import Foundation
import TallyClient
import TallyCrypto
import TallyEngine
import TallyExecution
import TallyJournal
import TallyPrimitives
import TallySharding
import TallyTransactions
import Testing

@testable import TallyRPC

/// What a ledger answers that begins with a snapshot (SNAP-11).
@Suite struct RestoredLedgerTests {
    /// The head's own fees come from blocks of before, and what is unknown is no missing history.
    @Test(.timeLimit(.minutes(1))) func answersAboutItsHeadAndUnknownHashes() async throws {
        let root = NSTemporaryDirectory() + "tally-restored-" + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: root) }
        let key = try PrivateKey(SHA256.hash(.object, Array("restored".utf8)))
        var parameters = NetworkParameters(
            chainID: MethodLedger.chainID, layout: try #require(ShardLayout(shardCount: 2)))
        parameters.heartbeatMilliseconds = 100
        let genesis = try Genesis(
            parameters: parameters, time: BeaconTime(milliseconds: 1_000),
            accounts: [Genesis.Opening(address: key.address, balance: Amount(1 << 70))],
            validators: [key.address])
        func open(_ directory: String) throws -> Engine {
            try Engine.open(
                EngineConfiguration(
                    directory: directory, genesis: genesis, validator: key,
                    journalSalt: JournalSalt(high: 1, low: 2)),
                clock: SystemClock(), notify: { _ in }
            ).engine
        }
        func run(_ engine: Engine, to height: Height) async throws {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await engine.run() }
                var snapshot = engine.publisher.current
                while snapshot.height < height {
                    snapshot = try #require(await engine.publisher.next(after: snapshot.height))
                }
                engine.stop()
                try await group.waitForAll()
            }
        }
        // Blocks without anything in them.
        try await run(try open(root + "/first"), to: Height(5))
        let made = try Snapshot.create(directory: root + "/first", genesis: genesis)
        _ = try Snapshot.restore(made.path, into: root + "/second", genesis: genesis)
        let engine = try open(root + "/second")
        let clock = ManualClock(MethodLedger.start)
        let ledger = MethodLedger(
            engine: engine,
            dispatcher: LedgerDispatcher(
                publisher: engine.publisher, intake: engine.intake, shards: engine.shards,
                genesis: genesis, clientVersion: "tallystick/test", accounts: [], clock: clock),
            clock: clock, keys: [[key]])
        #expect(engine.publisher.current.height == made.height)
        let head = try await ledger.ask("eth_getBlockByNumber", "latest", false)
        #expect(head["number"]?.quantity(UInt64.self) == made.height.value)
        #expect(head["baseFeePerGas"]?.units != nil)
        let unknown = JSON.string("0x" + String(repeating: "11", count: 32))
        #expect(try await ledger.ask("eth_getTransactionReceipt", unknown) == .null)
        #expect(try await ledger.ask("eth_getTransactionByHash", unknown) == .null)
        let older = try await ledger.failure("eth_getBlockByNumber", "0x2", false)
        #expect(older["code"] == 4444)
        engine.stop()
    }
}
