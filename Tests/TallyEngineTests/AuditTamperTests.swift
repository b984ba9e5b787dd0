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
import Testing

/// Changes one thing in a copy of a ledger and looks at what the audit says.
@Suite struct AuditTamperTests {
    /// Writes to an endpoint's store behind the engine's back.
    private struct Vandal {
        let ledger: AuditLedger
        let directory: String

        func edit<R>(
            _ endpoint: Int, _ database: String,
            _ body: (inout WriteTransaction, Database) throws(StoreError) -> R
        ) throws -> R {
            let path = DataLayout.endpoint(
                EndpointID(UInt16(endpoint)), ledger.genesis.parameters.layout, in: directory)
            let store = try EndpointStore(path: path, readOnly: false, limits: AuditLedger.limits)
            let database = try store.environment.openDatabase(database)
            return try store.environment.write { (tx) throws(StoreError) in
                try body(&tx, database)
            }
        }

        /// Replaces the first row that `change` changes.
        func change(
            _ endpoint: Int, _ database: String, _ change: ([UInt8], [UInt8]) -> [UInt8]?
        ) throws -> [UInt8] {
            let key = try edit(endpoint, database) { (tx, database) throws(StoreError) in
                var found: (key: [UInt8], value: [UInt8])?
                try tx.forEach(in: database) { key, value in
                    guard let new = change(Array(key), Array(value)) else { return .next }
                    found = (Array(key), new)
                    return .stop
                }
                if let found { try tx.put(found.key, found.value, in: database) }
                return found?.key
            }
            return try #require(key)
        }

        func delete(_ endpoint: Int, _ database: String, _ key: [UInt8]) throws {
            let found = try edit(endpoint, database) { (tx, database) throws(StoreError) in
                try tx.delete(key, in: database)
            }
            #expect(found)
        }

        /// Copies a row to another key; what was there is lost.
        func copy(
            _ endpoint: Int, _ database: String, _ from: [UInt8], to: [UInt8]
        ) throws {
            try edit(endpoint, database) { (tx, database) throws(StoreError) in
                if let row = try tx.get(from, in: database) { try tx.put(to, row, in: database) }
            }
        }
    }

    private static func key(_ peer: UInt16, _ index: UInt64) -> [UInt8] {
        withUnsafeBytes(of: peer.bigEndian) { Array($0) }
            + withUnsafeBytes(of: index.bigEndian) { Array($0) }
    }

    /// Runs `body` for a fresh copy each time, and audits what it leaves.
    private func findings(
        _ ledger: AuditLedger, _ original: String, _ body: (Vandal) throws -> Void
    ) throws -> [AuditFinding] {
        let copy = try ledger.copy(original, UUID().uuidString)
        try body(Vandal(ledger: ledger, directory: copy))
        return try ledger.audit(copy).findings
    }

    @Test func findsMoneyMadeOrMovedInTheLeaves() async throws {
        var ledger = try AuditLedger()
        defer { ledger.remove() }
        let original = try await ledger.inFlight()
        let clean = try ledger.audit(original)
        let shard = EndpointID(1)
        // Byte 48 of a record is the last of its value; kind 1 is an account.
        func accounts(_ bytes: [UInt8]) -> [Int] {
            var starts: [Int] = []
            var start = 0
            while start < bytes.count {
                if bytes[start + 32] == 1 { starts.append(start) }
                start += 50 + (bytes[start + 49] == 0xff ? 32 : Int(bytes[start + 49]))
            }
            return starts
        }
        let made = try findings(ledger, original) { vandal in
            _ = try vandal.change(1, "buckets") { _, bytes in
                guard let first = accounts(bytes).first, bytes[first + 48] < 255 else { return nil }
                var bytes = bytes
                bytes[first + 48] += 1
                return bytes
            }
        }
        let total = clean.endpoints[1].total
        #expect(
            made.contains(
                .leafSum(shard, stored: total, computed: Amount(total.units + 1))))
        #expect(made.contains { if case .stateRoot(shard, _, _) = $0 { true } else { false } })
        let assets = try #require(clean.assets)
        #expect(
            made.contains(
                .supply(clean.height, assets: Amount(assets.units + 1), claims: clean.claims)))
        #expect(made.count == 3)
        let moved = try findings(ledger, original) { vandal in
            _ = try vandal.change(1, "buckets") { _, bytes in
                let starts = accounts(bytes)
                guard starts.count > 1, bytes[starts[0] + 48] < 255, bytes[starts[1] + 48] > 0
                else { return nil }
                var bytes = bytes
                bytes[starts[0] + 48] += 1
                bytes[starts[1] + 48] -= 1
                return bytes
            }
        }
        #expect(moved.map(\.name) == ["stateRoot"])
    }

    @Test func findsBrokenInvariantsWhenItGoesDeep() async throws {
        var ledger = try AuditLedger()
        defer { ledger.remove() }
        // The last blocks sweep the vaults: take the state before.
        let copy = try await ledger.run().killed
        try ledger.cutLog(copy, to: 4)
        try await ledger.checkpoint(copy, beacon: true)
        // Kind 2 is a vault; an empty one is never stored.
        let isVault: ([UInt8], Int) -> Bool = { bytes, start in bytes[start + 32] == 2 }
        let vandal = Vandal(ledger: ledger, directory: copy)
        let shard = try #require(
            try ledger.audit(copy).endpoints.first { $0.vaults.count > 0 }
        ).endpoint
        _ = try vandal.change(Int(shard.index), "buckets") { _, bytes in
            var bytes = bytes
            var start = 0
            while start < bytes.count, !isVault(bytes, start) {
                start += 50 + (bytes[start + 49] == 0xff ? 32 : Int(bytes[start + 49]))
            }
            guard start < bytes.count else { return nil }
            bytes.replaceSubrange((start + 33)..<(start + 49), with: repeatElement(0, count: 16))
            return bytes
        }
        let violation = AuditFinding.invariant(shard, .emptyObject(.vault))
        #expect(try !ledger.audit(copy).findings.contains(violation))
        #expect(try ledger.audit(copy, isDeep: true).findings.contains(violation))
    }

    @Test func findsSealsThatAreGoneOrOfAnotherBlock() async throws {
        var ledger = try AuditLedger()
        defer { ledger.remove() }
        let original = try await ledger.inFlight()
        let beacon = Int(ledger.genesis.parameters.layout.beacon.index)
        /// What is found when the first row is sealed otherwise.
        func sealed(
            _ change: (FinalCertificate) -> FinalCertificate?
        ) throws -> [AuditFinding] {
            try findings(ledger, original) { vandal in
                _ = try vandal.change(beacon, "beacon-blocks") { _, bytes in
                    guard let row = try? BeaconRow(encoded: bytes),
                        let certificate = row.certificate
                    else { return nil }
                    return BeaconRow(
                        header: row.header, certificate: change(certificate),
                        anchors: row.anchors
                    ).encoded
                }
            }
        }
        let found = [AuditFinding.seals(Height(1), power: 0, quorum: 1)]
        #expect(try sealed { _ in nil } == found)
        #expect(
            try sealed {
                FinalCertificate(
                    height: $0.height, round: $0.round, digest: .zero, signers: $0.signers,
                    seals: $0.seals)
            } == found)
        #expect(
            try sealed {
                FinalCertificate(
                    height: $0.height, round: Round($0.round.value + 1), digest: $0.digest,
                    signers: $0.signers, seals: $0.seals)
            } == found)
        #expect(try sealed { $0 }.isEmpty)
    }

    @Test func findsReceiptsDroppedDoubledOrChanged() async throws {
        var ledger = try AuditLedger()
        defer { ledger.remove() }
        let original = try await ledger.inFlight()
        let clean = try ledger.audit(original)
        // The stream 0→1 was used from the start; its first receipt is long consumed.
        let (source, peer) = (EndpointID(0), EndpointID(1))
        func place(_ index: UInt64) -> ReceiptReference {
            ReceiptReference(source: source, destination: peer, index: index)
        }
        let dropped = try findings(ledger, original) {
            try $0.delete(0, "outbox", Self.key(1, 0))
        }
        #expect(
            dropped.contains(.receiptsMissing(source: source, destination: peer, 0..<1)))
        #expect(dropped.contains { $0.name == "streamValue" })
        #expect(dropped.contains { $0.name == "consumedValue" })

        let overwritten = try findings(ledger, original) {
            try $0.copy(0, "outbox", Self.key(1, 0), to: Self.key(1, 1))
        }
        #expect(overwritten.contains(.receiptDoubled(place(0), at: place(1))))
        #expect(overwritten.contains { $0.name == "streamRoot" })

        let end = try findings(ledger, original) {
            try $0.copy(0, "outbox", Self.key(1, 0), to: Self.key(1, 7))
        }
        #expect(end.contains(.receiptDoubled(place(0), at: place(7))))
        #expect(
            end.contains { if case .receiptBeyondEnd(place(7), _) = $0 { true } else { false } })
        #expect(end.count == 2)

        let changed = try findings(ledger, original) { vandal in
            try vandal.edit(0, "outbox") { (tx, database) throws(StoreError) in
                guard let row = try tx.get(Self.key(1, 0), in: database),
                    let receipt = try? Receipt(encoded: row)
                else { return }
                let forged = Receipt(
                    reference: receipt.reference, kind: receipt.kind, origin: receipt.origin,
                    parent: receipt.parent, from: receipt.from, to: receipt.to,
                    value: Amount(receipt.value.units + 7), fee: receipt.fee,
                    payload: receipt.payload)
                try tx.put(Self.key(1, 0), forged.encoded, in: database)
            }
        }
        #expect(
            changed.map(\.name).sorted() == ["consumedValue", "streamRoot", "streamValue"])

        // One that is still on its way: money is missing from the total.
        let (waiting, cursor) = try inFlight(ledger, original)
        let lost = try findings(ledger, original) {
            try $0.delete(
                Int(waiting.source.index), "outbox",
                Self.key(waiting.destination.index, cursor))
        }
        #expect(lost.contains { $0.name == "receiptsMissing" })
        #expect(
            lost.contains {
                guard case .supply(_, let assets?, let claims?) = $0 else { return false }
                return assets < claims && claims == clean.claims
            })
    }

    /// A stream with a receipt in flight, and the index of the first.
    private func inFlight(
        _ ledger: AuditLedger, _ directory: String
    ) throws -> (ReceiptReference, UInt64) {
        let report = try ledger.audit(directory)
        let source = try #require(report.endpoints.first { $0.inFlight.count > 0 }).endpoint
        for peer in ledger.genesis.parameters.layout.endpoints where peer != source {
            let copy = try ledger.copy(directory, UUID().uuidString)
            let vandal = Vandal(ledger: ledger, directory: copy)
            let rows = try vandal.edit(Int(source.index), "outbox") {
                (tx, database) throws(StoreError) in
                var count: UInt64 = 0
                while try tx.contains(Self.key(peer.index, count), in: database) { count += 1 }
                return count
            }
            let legs = try vandal.edit(Int(peer.index), "legs") {
                (tx, database) throws(StoreError) in
                var count: UInt64 = 0
                while try tx.contains(Self.key(source.index, count), in: database) { count += 1 }
                return count
            }
            if legs < rows {
                return (
                    ReceiptReference(source: source, destination: peer, index: legs), legs
                )
            }
        }
        throw AuditError.log(.failed(nil, code: 0))
    }

    @Test func findsChangedHeadersBooksAndRows() async throws {
        var ledger = try AuditLedger()
        defer { ledger.remove() }
        let original = try await ledger.inFlight()
        let id = EndpointID(0)
        let header = try findings(ledger, original) { vandal in
            _ = try vandal.change(0, "blocks") { _, bytes in
                guard let block = try? StoredBlock(encoded: bytes) else { return nil }
                return Self.adding(1, to: block.header.stateSum, in: bytes)
            }
        }
        #expect(header.contains { if case .anchor(_, id, _, _) = $0 { true } else { false } })
        #expect(
            header.contains {
                guard case .conservation(_, id, let expected?, let actual) = $0 else {
                    return false
                }
                return actual == Amount(expected.units + 1)
            })
        #expect(
            header.contains {
                if case .header(_, .anchorsRootMismatch) = $0 { true } else { false }
            })
        let books = try findings(ledger, original) { vandal in
            _ = try vandal.change(3, "meta") { key, bytes in
                guard key == Array("books".utf8),
                    let core = try? BeaconCore(ledger.genesis, encodedBooks: bytes)
                else { return nil }
                return Self.adding(1, to: core.heads[0].header.stateSum, in: bytes)
            }
        }
        #expect(books.first == .books(id))
        let legs = try findings(ledger, original) {
            try $0.delete(1, "legs", Self.key(0, 0))
        }
        #expect(legs.map(\.name) == ["legMissing"])
        let later = try findings(ledger, original) {
            try $0.copy(1, "legs", Self.key(0, 0), to: Self.key(0, 99))
        }
        #expect(later.map(\.name) == ["legBeyondCursor"])
        let due = try findings(ledger, original) { vandal in
            let key = try vandal.change(2, "due") { _, value in value }
            try vandal.delete(2, "due", key)
        }
        #expect(due.map(\.name) == ["dueRow"])
        let block = try findings(ledger, original) { vandal in
            let key = try vandal.change(1, "blocks") { _, value in value }
            try vandal.delete(1, "blocks", key)
        }
        #expect(block.contains { $0.name == "blockMissing" })
        let beacon = try findings(ledger, original) { vandal in
            let key = try vandal.change(3, "beacon-blocks") { _, value in value }
            try vandal.delete(3, "beacon-blocks", key)
        }
        #expect(beacon.contains(.beaconBlockMissing(Height(1))))
    }

    /// SEED-3
    @Test func findsChangedRandomness() async throws {
        var ledger = try AuditLedger()
        defer { ledger.remove() }
        let original = try await ledger.inFlight()
        var height = Height.genesis
        let randomness = try findings(ledger, original) { vandal in
            _ = try vandal.change(3, "meta") { key, bytes in
                guard key == Array("books".utf8),
                    let core = try? BeaconCore(ledger.genesis, encodedBooks: bytes),
                    let announced = core.randomness.validators.first?.announced
                else { return nil }
                height = core.head.height
                return Self.replacing(
                    announced.commitment.bytes, Hash32.zero.bytes, in: bytes)
            }
        }
        #expect(randomness.first == .booksRandomness(checkpoint: height) && height > .genesis)
        let announcement = try findings(ledger, original) { vandal in
            _ = try vandal.change(3, "beacon-blocks") { _, bytes in
                guard let header = try? BeaconRow(encoded: bytes).header, header.announced != .zero
                else { return nil }
                return Self.replacing(header.announced.bytes, Hash32.zero.bytes, in: bytes)
            }
        }
        #expect(announcement.contains(.header(Height(1), .wrongRandomness)))
        #expect(!announcement.contains { $0.name == "booksRandomness" }, "told once")
    }

    @Test func findsChangedTransactions() async throws {
        var ledger = try AuditLedger()
        defer { ledger.remove() }
        let original = try await ledger.inFlight()
        let dropped = try findings(ledger, original) { vandal in
            let key = try vandal.change(0, "transactions") { _, value in value }
            try vandal.delete(0, "transactions", key)
        }
        #expect(dropped.map(\.name) == ["transactionMissing", "rowCount"])
        let result = try findings(ledger, original) { vandal in
            _ = try vandal.change(0, "transactions") { _, bytes in
                guard let row = try? StoredTransaction(encoded: bytes),
                    let change = row.result.balances.first
                else { return nil }
                return Self.adding(1, to: change.after, in: bytes)
            }
        }
        #expect(result.map(\.name) == ["resultRoot"])
        let hash = try findings(ledger, original) { vandal in
            let key = try vandal.change(0, "hashes") { _, value in value }
            try vandal.delete(0, "hashes", key)
        }
        #expect(hash.map(\.name) == ["hashIndex", "rowCount"])
        // The sender is in no root: only its signature tells.
        let copy = try ledger.copy(original, "forged")
        _ = try Vandal(ledger: ledger, directory: copy).change(0, "transactions") { _, bytes in
            guard let row = try? StoredTransaction(encoded: bytes) else { return nil }
            return Self.replacing(row.sender.bytes, ledger.keys[3].address.bytes, in: bytes)
        }
        #expect(try ledger.audit(copy).findings == [])
        #expect(try ledger.audit(copy, isDeep: true).findings.map(\.name) == ["signature"])
    }

    @Test func findsADamagedLog() async throws {
        var ledger = try AuditLedger()
        defer { ledger.remove() }
        let (killed, live) = try await ledger.run()
        let starts = try ledger.recordStarts(killed)
        func flip(_ directory: String, _ offset: Int) throws {
            let url = URL(filePath: try ledger.logFile(directory))
            var bytes = try Data(contentsOf: url)
            bytes[offset] ^= 1
            try bytes.write(to: url)
        }
        let middle = try findings(ledger, killed) { try flip($0.directory, starts[2] + 60) }
        #expect(middle.map(\.name) == ["log"])
        #expect(
            middle.first
                == .log(
                    .corrupt(
                        JournalSegment(firstSequence: 1), offset: UInt64(starts[2]),
                        reason: .badChecksum)))
        // The last record is lost as an unfinished one would be; but it was checkpointed.
        let height = try ledger.audit(live).height
        let lastStart = try #require(try ledger.recordStarts(live).last)
        let last = try findings(ledger, live) { try flip($0.directory, lastStart + 60) }
        #expect(
            last == [.logEnds(at: Height(height.value - 1), checkpoint: height)])
    }

    @Test func verifiesThatEveryRowDecodes() async throws {
        var ledger = try AuditLedger()
        defer { ledger.remove() }
        let original = try await ledger.inFlight()
        func verify(_ directory: String) throws -> DatabaseVerification {
            try DatabaseVerification.run(
                directory: directory, genesis: ledger.genesis, limits: AuditLedger.limits)
        }
        let clean = try verify(original)
        #expect(clean.findings == [])
        let stats = try DatabaseStats.read(
            directory: original, genesis: ledger.genesis, limits: AuditLedger.limits)
        #expect(stats.environments.flatMap(\.rows).reduce(0) { $0 + $1.count } == clean.rows)
        #expect(stats.environments.allSatisfy { $0.checkpoint == stats.environments[0].checkpoint })
        #expect(stats.segments.map(\.name) == ["00000000000000000001.log"])
        let databases: [(endpoint: Int, name: String)] = [
            (0, "blocks"), (0, "transactions"), (0, "hashes"), (0, "outbox"), (0, "legs"),
            (2, "due"), (3, "beacon-blocks"), (3, "beacon-hashes"), (1, "meta"),
        ]
        for (endpoint, name) in databases {
            let copy = try ledger.copy(original, UUID().uuidString)
            let key = try Vandal(ledger: ledger, directory: copy).change(endpoint, name) {
                key, value in
                key == Array("chain".utf8) ? nil : Array(value.dropLast())
            }
            let found = try verify(copy).findings
            #expect(
                found.contains(
                    .corruptRow(EndpointID(UInt16(endpoint)), database: name, key: key)), "\(name)")
        }
        let copy = try ledger.copy(original, UUID().uuidString)
        _ = try Vandal(ledger: ledger, directory: copy).change(0, "buckets") { _, value in
            Array(value.dropLast())
        }
        #expect(try verify(copy).findings.contains { $0.name == "state" })
    }

    /// `bytes` with the first RLP of an amount replaced by that of a larger one of equal length.
    private static func adding(_ more: UInt128, to amount: Amount, in bytes: [UInt8]) -> [UInt8]? {
        func encoded(_ amount: Amount) -> [UInt8] {
            var out = RLPEncoder()
            out.append(amount)
            return out.bytes
        }
        return replacing(encoded(amount), encoded(Amount(amount.units + more)), in: bytes)
    }

    private static func replacing(
        _ old: [UInt8], _ new: [UInt8], in bytes: [UInt8]
    ) -> [UInt8]? {
        guard let range = bytes.firstRange(of: old), old.count == new.count else { return nil }
        return Array(bytes[..<range.lowerBound]) + new + bytes[range.upperBound...]
    }
}
