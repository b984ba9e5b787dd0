import Foundation
import TallyEngine
import TallyExecution
import TallyPrimitives
import TallySharding
import Testing

@Suite struct AuditTests {
    @Test(arguments: [BaseFeeDestination.burn, .treasury])
    func findsNothingInAStoppedLedger(_ destination: BaseFeeDestination) async throws {
        var ledger = try AuditLedger(destination)
        defer { ledger.remove() }
        let (_, live) = try await ledger.run()
        let report = try ledger.audit(live, isDeep: true)
        #expect(report.findings == [])
        #expect(report.checkpoint == report.height)
        #expect(report.assets == Amount(6_000_000_000_000_000_000))
        #expect(report.genesisSupply == Amount(6_000_000_000_000_000_000))
        #expect(report.burned.isZero == (destination == .treasury))
        #expect(report.minted.isZero)
        #expect(report.counts.transactions == 15)
        #expect(report.counts.signatures == 15)
        #expect(report.counts.receiptsSent == report.counts.receiptsConsumed)
        #expect(report.endpoints.map(\.accounts.count) == [2, 2, 2, 0])
        // One escrow was claimed, the other not; two legs wait for a far day.
        #expect(report.endpoints.map(\.escrows.value) == [0, 0, 1_000_000, 0].map { Amount($0) })
        #expect(report.endpoints[2].due.count >= 2)
        #expect(report.endpoints[3].treasury.value.isZero == (destination == .burn))
    }

    /// A crash may leave the log at any height, with or without checkpoints of it.
    @Test func findsNothingAfterACrashAtAnyHeight() async throws {
        var ledger = try AuditLedger()
        defer { ledger.remove() }
        let (killed, _) = try await ledger.run()
        let count = try ledger.recordStarts(killed).count
        var inFlight = 0
        for height in 0...count {
            let copy = try ledger.copy(killed, "cut-\(height)")
            try ledger.cutLog(copy, to: height)
            let before = try fingerprint(copy)
            let report = try ledger.audit(copy)
            #expect(report.findings == [], "height \(height)")
            #expect(report.height == Height(UInt64(height)))
            #expect(report.checkpoint == .genesis)
            #expect(report.assets == report.claims)
            if report.inFlight?.isZero == false { inFlight += 1 }
            #expect(try fingerprint(copy) == before, "the audit changed a file")
        }
        #expect(inFlight > 2)
    }

    @Test func findsNothingAfterACrashBetweenTheCheckpoints() async throws {
        var ledger = try AuditLedger()
        defer { ledger.remove() }
        let (killed, _) = try await ledger.run()
        let count = try ledger.recordStarts(killed).count
        for height in 1...count {
            // Checkpoints of the shards at this height, none of the beacon, and the log goes on.
            let ahead = try ledger.copy(killed, "ahead-\(height)")
            try ledger.cutLog(ahead, to: height)
            try await ledger.checkpoint(ahead, beacon: false)
            var report = try ledger.audit(ahead)
            #expect(report.findings == [], "height \(height)")
            try FileManager.default.removeItem(atPath: ledger.logFile(ahead))
            try FileManager.default.copyItem(
                atPath: ledger.logFile(killed), toPath: ledger.logFile(killed, in: ahead))
            report = try ledger.audit(ahead)
            #expect(report.findings == [], "height \(height), log to \(count)")
            #expect(report.height == Height(UInt64(count)))
            #expect(report.checkpoint == .genesis)
        }
    }

    @Test func findsNothingInACheckpointWithReceiptsInFlight() async throws {
        var ledger = try AuditLedger()
        defer { ledger.remove() }
        let directory = try await ledger.inFlight()
        let report = try ledger.audit(directory)
        #expect(report.findings == [])
        #expect(report.checkpoint == report.height)
        #expect(report.inFlight?.isZero == false)
        #expect(report.counts.receiptsConsumed > 0)
    }

    @Test func reportsATornEndOfTheLogAndGoesOnWithoutIt() async throws {
        var ledger = try AuditLedger()
        defer { ledger.remove() }
        let (killed, _) = try await ledger.run()
        let starts = try ledger.recordStarts(killed)
        let file = try ledger.logFile(killed)
        let bytes = try Data(contentsOf: URL(filePath: file))
        try bytes.prefix(starts[starts.count - 1] + 50).write(to: URL(filePath: file))
        let report = try ledger.audit(killed)
        #expect(report.findings == [])
        #expect(report.cutBytes == 50)
        #expect(report.height == Height(UInt64(starts.count - 1)))
    }

    @Test func refusesADirectoryOfAnotherChain() async throws {
        var ledger = try AuditLedger()
        defer { ledger.remove() }
        let (_, live) = try await ledger.run()
        let other = try AuditLedger(.treasury)
        #expect(
            throws: AuditError.wrongChain(
                EndpointID(0), stored: ledger.genesis.hash, expected: other.genesis.hash)
        ) { try other.audit(live) }
    }

    /// Every file but LMDB's lock files, which a reader's slot is written to.
    private func fingerprint(_ directory: String) throws -> [String: Data] {
        var files: [String: Data] = [:]
        for name in try FileManager.default.subpathsOfDirectory(atPath: directory)
        where !name.hasSuffix("lock.mdb") {
            let url = URL(filePath: directory + "/" + name)
            files[name] = (try? Data(contentsOf: url)) ?? Data()
        }
        return files
    }
}
