import Foundation
import Synchronization
import TallyConsensus
import TallyCrypto
import TallyEngine
import TallyExecution
import TallyJournal
import TallyPrimitives
import TallySharding
import TallyState
import TallyStore
import TallyTransactions
import Testing

@Suite struct CheckpointTests {
    /// What the beacon told, in order.
    final class Notices: Sendable {
        private let heights = Mutex<(written: [Height], failed: [Height])>(([], []))
        /// How often space ran out, and came back.
        private let space = Mutex((ranOut: 0, isBack: 0))

        var shortages: Int { space.withLock { $0.ranOut } }
        var ends: Int { space.withLock { $0.isBack } }

        var written: [Height] { heights.withLock { $0.written } }
        var failed: [Height] { heights.withLock { $0.failed } }

        func take(_ notice: BeaconNotice) {
            switch notice {
            case .checkpointed(let height): heights.withLock { $0.written.append(height) }
            case .checkpointFailed(let height, _): heights.withLock { $0.failed.append(height) }
            case .spaceRanOut(let shortage):
                guard case .checkpoint(let error) = shortage, case .mapFull = error else {
                    Issue.record("\(shortage)")
                    return
                }
                space.withLock { $0.ranOut += 1 }
            case .spaceIsBack: space.withLock { $0.isBack += 1 }
            case .quarantined(let endpoint, let error):
                Issue.record("endpoint \(endpoint) was quarantined: \(error)")
            case .refused, .evidence: Issue.record("\(notice)")
            }
        }
    }

    /// Submits `rounds` of one transfer by every account to its next, and waits for each round.
    private func transferAround(
        _ ledger: TestLedger, _ engine: Engine, rounds: Range<UInt64>
    ) async throws -> [Hash32] {
        var hashes: [Hash32] = []
        for nonce in rounds {
            let raws = ledger.keys.indices.map { from in
                ledger.transfer(
                    from: from, to: (from + 1 + Int(nonce) % 5) % ledger.keys.count, value: 7,
                    nonce: nonce)
            }
            let round = try await engine.intake.submit(raws).map { try $0.get() }
            var snapshot = engine.publisher.current
            while try round.contains(where: { try snapshot.position(of: $0) == nil }) {
                snapshot = try #require(await engine.publisher.next(after: snapshot.height))
            }
            hashes += round
        }
        return hashes
    }

    private func run<R>(
        _ ledger: TestLedger, policy: CheckpointPolicy, limits: Limits = Limits(),
        notices: Notices, _ body: (Engine, RecoveryReport) async throws -> R
    ) async throws -> R {
        let (engine, report) = try ledger.open(policy: policy, limits: limits) {
            notices.take($0)
        }
        let running = Task { try await engine.run() }
        let result = try await body(engine, report)
        engine.stop()
        try await running.value
        return result
    }

    @Test func everyTransactionIsFoundAcrossManyCheckpoints() async throws {
        let ledger = try TestLedger(shards: 4, accounts: 10)
        defer { try? FileManager.default.removeItem(atPath: ledger.directory) }
        let policy = CheckpointPolicy(transactions: 25, bytes: 1 << 30, heights: 1_000)
        let notices = Notices()
        let first = try await run(ledger, policy: policy, notices: notices) { engine, _ in
            try await transferAround(ledger, engine, rounds: 0..<12)
        }
        #expect(notices.written.count >= 2)
        #expect(notices.written == notices.written.sorted())
        #expect(notices.failed.isEmpty)
        try await run(ledger, policy: policy, notices: notices) { engine, report in
            #expect(report.replayedTransactions == 0)
            let second = try await transferAround(ledger, engine, rounds: 12..<20)
            let snapshot = engine.publisher.current
            for hash in first + second {
                let place = try #require(try snapshot.position(of: hash))
                let row = try #require(
                    try snapshot.transaction(place.endpoint, place.height, place.index))
                #expect(Keccak256.hash(row.raw) == hash)
                #expect(row.result.failure == nil)
                let block = try #require(try snapshot.beaconBlock(place.height))
                let height = try snapshot.beaconHeight(block.header.hash)
                #expect(height == place.height)
            }
            for key in ledger.keys {
                let account = try snapshot.account(key.address)
                #expect(account.nonce == 20)
            }
        }
    }

    /// STORE-17: what was taken before becomes final and is there afterwards; the rest is refused.
    @Test(arguments: [(1, 40), (2, 80)])
    func aFullMapRefusesTransactionsAndLosesNothing(shards: Int, accounts: Int) async throws {
        let ledger = try TestLedger(shards: shards, accounts: accounts)
        defer { try? FileManager.default.removeItem(atPath: ledger.directory) }
        var small = Limits()
        small.mapSizeBytes = 1 << 20
        let policy = CheckpointPolicy(transactions: 400, bytes: 1 << 30, heights: 1_000_000)
        let notices = Notices()
        let hashes = try await run(
            ledger, policy: policy, limits: small, notices: notices
        ) { engine, _ in
            var hashes: [Hash32] = []
            for nonce in 0..<200 as Range<UInt64> where engine.intake.takesTransactions {
                let raws = ledger.keys.indices.map { from in
                    let to = (from + 1) % ledger.keys.count
                    return ledger.transfer(from: from, to: to, value: 7, nonce: nonce)
                }
                let taken = await engine.intake.submit(raws).compactMap { try? $0.get() }
                var snapshot = engine.publisher.current
                while try taken.contains(where: { try snapshot.position(of: $0) == nil }) {
                    snapshot = try #require(await engine.publisher.next(after: snapshot.height))
                }
                hashes += taken
            }
            let late = ledger.transfer(from: 0, to: 1, value: 7, nonce: 1_000)
            let refused = await engine.intake.submit([late])
            #expect(refused == [.failure(.diskFull)])
            return hashes
        }
        #expect(notices.shortages == 1 && notices.ends == 0)
        #expect(!notices.failed.isEmpty)
        try await run(ledger, policy: policy, notices: notices) { engine, report in
            #expect(report.replayedTransactions > 0)
            let snapshot = engine.publisher.current
            for hash in hashes {
                let position = try snapshot.position(of: hash)
                #expect(position != nil)
            }
            let nonce = try snapshot.account(ledger.keys[0].address).nonce
            let again = await engine.intake.submit([
                ledger.transfer(from: 0, to: 1, value: 7, nonce: nonce)
            ])
            #expect(again.allSatisfy { if case .success = $0 { true } else { false } })
        }
    }

    @Test func aCheckpointHoldsTheHeightItWasTakenAt() async throws {
        let ledger = try TestLedger(shards: 2, accounts: 8)
        defer { try? FileManager.default.removeItem(atPath: ledger.directory) }
        try await run(ledger, policy: CheckpointPolicy(), notices: Notices()) { engine, _ in
            _ = try await transferAround(ledger, engine, rounds: 0..<2)
            let shard = engine.shards[0]
            let before = await shard.snapshot().header
            let checkpoint = await shard.beginCheckpoint()
            _ = try await transferAround(ledger, engine, rounds: 2..<4)
            // Blocks went on: what is written is found now, and is the state of back then.
            try shard.store.write(checkpoint)
            let after = await shard.snapshot().header
            #expect(after.stateRoot != before.stateRoot)
            let view = try shard.store.view()
            #expect(try view.head()?.header == before)
            #expect(try StateTree(loading: view).root == before.stateRoot)
            try await shard.finishCheckpoint()
            // And the shard goes on over it.
            _ = try await transferAround(ledger, engine, rounds: 4..<5)
        }
        try await run(ledger, policy: CheckpointPolicy(), notices: Notices()) { engine, _ in
            for key in ledger.keys {
                let account = try engine.publisher.current.account(key.address)
                #expect(account.nonce == 5)
            }
        }
    }

    /// Who is far behind is helped from what is stored (IBFT-R14).
    @Test func finalsArePutTogetherFromRows() async throws {
        let ledger = try TestLedger(shards: 3, accounts: 6)
        defer { try? FileManager.default.removeItem(atPath: ledger.directory) }
        var finals: [Final] = []
        try await run(ledger, policy: CheckpointPolicy(), notices: Notices()) { engine, _ in
            _ = try await transferAround(ledger, engine, rounds: 0..<3)
            let snapshot = engine.publisher.current
            for height in 1...snapshot.height.value {
                let final = try #require(await engine.beacon.final(of: Height(height)))
                #expect(try snapshot.final(Height(height)) == final)
                finals.append(final)
            }
            #expect(try snapshot.final(.genesis) == nil)
            #expect(try snapshot.final(snapshot.height.next) == nil)
        }
        // All of it is in the checkpoint now.
        let (engine, report) = try ledger.open()
        #expect(report.replayedTransactions == 0)
        let snapshot = engine.publisher.current
        for final in finals { #expect(try snapshot.final(final.height) == final) }
        let set = ValidatorSchedule(ledger.genesis)[Height(1)]
        let chain = ChainIdentity(
            genesis: ledger.genesis.hash, chainID: ledger.genesis.parameters.chainID)
        for final in finals {
            #expect(final.certificate.power(in: set, chain, RecoverableScheme()) == set.quorum)
        }
    }

    @Test func aStartTakesHeightZeroFromTheCheckpoint() async throws {
        let ledger = try TestLedger(shards: 3, accounts: 6)
        defer { try? FileManager.default.removeItem(atPath: ledger.directory) }
        let header = ledger.genesis.beaconHeader(try ledger.genesis.states())
        let beacon = ledger.directory + "/beacon"
        try await run(ledger, policy: CheckpointPolicy(), notices: Notices()) { engine, _ in
            _ = try await transferAround(ledger, engine, rounds: 0..<1)
        }
        func stored() throws -> BeaconHeader? {
            let store = try EndpointStore(path: beacon, readOnly: true, limits: Limits())
            return try store.view().genesisHeader()
        }
        #expect(try stored() == header)
        let (engine, _) = try ledger.open()
        #expect(try engine.publisher.current.beaconBlock(.genesis)?.header == header)
        #expect(try engine.publisher.current.beaconHeight(header.hash) == .genesis)
    }

    @Test func refusesTheDataOfAnotherNetwork() async throws {
        let ledger = try TestLedger(shards: 1, accounts: 2)
        defer { try? FileManager.default.removeItem(atPath: ledger.directory) }
        let policy = CheckpointPolicy()
        try await run(ledger, policy: policy, notices: Notices()) { engine, _ in
            _ = try await transferAround(ledger, engine, rounds: 0..<1)
        }
        let other = try TestLedger(shards: 1, accounts: 3, directory: ledger.directory)
        let error = #expect(throws: EngineError.self) { () throws in _ = try other.open() }
        guard case .genesisMismatch(_, let stored, let expected) = error else {
            Issue.record("refused for another reason: \(String(describing: error))")
            return
        }
        #expect(stored == ledger.genesis.hash)
        #expect(expected == other.genesis.hash)
    }
}
