import Foundation
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

@Suite struct SnapshotTests {
    private func restore(
        _ ledger: AuditLedger, _ snapshot: String, _ name: String
    ) throws -> String {
        let target = ledger.root + "/" + name
        _ = try Snapshot.restore(
            snapshot, into: target, genesis: ledger.genesis, limits: AuditLedger.limits)
        return target
    }

    private func open(_ ledger: AuditLedger, _ directory: String) throws -> Engine {
        try Engine.open(
            ledger.configuration(directory), clock: ManualClock(), notify: { _ in }
        ).engine
    }

    /// What a reader sees of the whole state.
    private func roots(_ engine: Engine) -> [Hash32] {
        let snapshot = engine.publisher.current
        return [snapshot.hash] + snapshot.endpoints.map(\.tree.root)
            + snapshot.view.heads.map(\.hash)
    }

    /// A snapshot of every height, restored, comes by the same blocks to the same roots.
    @Test func everyHeightLeadsToTheSameRoots() async throws {
        var ledger = try AuditLedger()
        defer { ledger.remove() }
        let (killed, _) = try await ledger.run()
        let original = try ledger.copy(killed, "original")
        let last = try await { () async throws -> (Height, [Hash32]) in
            let engine = try open(ledger, original)
            return (engine.publisher.current.height, roots(engine))
        }()
        var inFlight = 0
        var waiting = 0
        for number in 1...last.0.value {
            let height = Height(number)
            let source = try ledger.copy(killed, "source-\(number)")
            let made = try Snapshot.create(
                directory: source, genesis: ledger.genesis, height: height,
                limits: AuditLedger.limits)
            #expect(made.height == height)
            #expect(made.path == source + "/snapshots/\(number)")
            if made.inFlight > .zero { inFlight += 1 }
            let verified = try Snapshot.verify(
                made.path, genesis: ledger.genesis, expecting: made.beacon)
            #expect(verified == made)
            let restored = try restore(ledger, made.path, "restored-\(number)")
            // A snapshot of what was restored is the same one.
            let again = try Snapshot.create(
                directory: restored, genesis: ledger.genesis, path: restored + "-again",
                limits: AuditLedger.limits)
            #expect(again.beacon == made.beacon)
            #expect(again.stateRoots == made.stateRoots)
            #expect(again.bytes == made.bytes)
            // The log of the original, the height of the snapshot and those before included.
            try FileManager.default.removeItem(atPath: DataLayout.log(in: restored))
            try FileManager.default.copyItem(
                atPath: DataLayout.log(in: killed), toPath: DataLayout.log(in: restored))
            let engine = try open(ledger, restored)
            #expect(engine.publisher.current.height == last.0)
            #expect(roots(engine) == last.1)
            if engine.publisher.current.height > height { waiting += 1 }
        }
        #expect(inFlight > 1, "some heights had receipts under way")
        #expect(waiting > 1)
    }

    /// Alone, without log and votes: what waited goes on, and new blocks come.
    @Test func aRestoredLedgerGoesOn() async throws {
        var ledger = try AuditLedger()
        defer { ledger.remove() }
        let (killed, _) = try await ledger.run()
        func make(_ height: Height) throws -> SnapshotSummary {
            try Snapshot.create(
                directory: killed, genesis: ledger.genesis,
                path: ledger.root + "/snapshot-\(height)", height: height,
                limits: AuditLedger.limits)
        }
        // Of the first height at which receipts are under way.
        var made = try make(Height(1))
        while made.inFlight == .zero { made = try make(made.height.next) }
        let base = made.height
        let restored = try restore(ledger, made.path, "restored")
        let engine = try open(ledger, restored)
        #expect(engine.publisher.current.height == base)
        #expect(engine.publisher.current.hash == made.beacon)
        let running = Task { try await engine.run() }
        var snapshot = engine.publisher.current
        while snapshot.height <= base {
            snapshot = try #require(await engine.publisher.next(after: snapshot.height))
        }
        engine.stop()
        try await running.value
        let end = engine.publisher.current
        // The block of the snapshot's height is whole, those before are absent.
        #expect(try end.final(base) != nil)
        #expect(try end.beaconBlock(base)?.header.hash == made.beacon)
        #expect(try end.historyBase == base)
    }

    @Test func historyBeforeIsAbsent() async throws {
        var ledger = try AuditLedger()
        defer { ledger.remove() }
        let (killed, _) = try await ledger.run()
        let made = try Snapshot.create(
            directory: killed, genesis: ledger.genesis, limits: AuditLedger.limits)
        try #require(made.height > Height(2))
        let restored = try restore(ledger, made.path, "restored")
        #expect(throws: AuditError.historyAbsent(below: made.height)) {
            try ledger.audit(restored)
        }
        let engine = try open(ledger, restored)
        let snapshot = engine.publisher.current
        #expect(throws: ReadError.historyAbsent(below: made.height)) {
            try snapshot.beaconBlock(Height(1))
        }
        #expect(throws: ReadError.historyAbsent(below: made.height)) {
            try snapshot.shardBlock(EndpointID(0), Height(1))
        }
        #expect(throws: ReadError.historyAbsent(below: made.height)) {
            try snapshot.final(Height(1))
        }
        #expect(try snapshot.beaconBlock(.genesis) != nil)
        #expect(try snapshot.final(made.height) != nil)
        // Proofs of accounts need the headers only.
        for key in ledger.keys {
            _ = try ProofSource().account(key.address, at: nil, snapshot)
        }
    }

    @Test func refusesHeightsWithoutState() async throws {
        var ledger = try AuditLedger()
        defer { ledger.remove() }
        let (killed, live) = try await ledger.run()
        // The stopped one has nothing but its last checkpoint.
        let last = try Snapshot.create(
            directory: live, genesis: ledger.genesis, limits: AuditLedger.limits)
        let end = last.height
        for (directory, asked, from) in [
            (live, Height(1), end), (live, end.next, end), (killed, end.next.next, Height.genesis),
        ] {
            #expect {
                try Snapshot.create(
                    directory: directory, genesis: ledger.genesis, height: asked,
                    limits: AuditLedger.limits)
            } throws: { error in
                guard case .heightUnavailable(asked, from, _) = error as? SnapshotError else {
                    return false
                }
                return true
            }
        }
        #expect(throws: SnapshotError.exists(path: last.path)) {
            try Snapshot.create(
                directory: live, genesis: ledger.genesis, limits: AuditLedger.limits)
        }
    }
}
