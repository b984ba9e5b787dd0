import Foundation
import TallyConsensus
import TallyCrypto
import TallyEngine
import TallyExecution
import TallyPrimitives
import TallySharding
import Testing

/// Everything in a snapshot that may be wrong has a refusal of its own.
@Suite struct SnapshotTamperTests {
    /// A snapshot of a ledger with receipts under way.
    private func snapshot(_ ledger: inout AuditLedger) async throws -> String {
        let (killed, _) = try await ledger.run()
        return try Snapshot.create(
            directory: killed, genesis: ledger.genesis, path: ledger.root + "/snapshot",
            height: Height(1), limits: AuditLedger.limits
        ).path
    }

    /// The first one in which a shard has its block and receipts that wait, and that shard's file.
    /// What a block holds depends on when transactions came.
    private func snapshotWithReceipts(
        _ ledger: AuditLedger, _ directory: String
    ) throws -> (path: String, shard: String) {
        var height = Height(1)
        while true {
            let made = try Snapshot.create(
                directory: directory, genesis: ledger.genesis,
                path: ledger.root + "/snapshot-\(height)", height: height,
                limits: AuditLedger.limits)
            let names = try FileManager.default.contentsOfDirectory(atPath: made.path).sorted()
            let shard = try names.first { name in
                guard name.hasPrefix("shard-0") else { return false }
                let file = [UInt8](try Data(contentsOf: URL(filePath: made.path + "/" + name)))
                return Set(items(file).compactMap(table)).isSuperset(of: [3, 4, 5])
            }
            if let shard { return (made.path, shard) }
            height = height.next
        }
    }

    private func table(_ row: [UInt8]) -> UInt8? {
        var decoder = RLPDecoder(row)
        guard var list = try? decoder.nextList() else { return nil }
        return try? list.nextInteger(UInt8.self)
    }

    private func code(_ path: String, _ genesis: Genesis, _ expected: Hash32? = nil) -> String {
        do throws(SnapshotError) {
            _ = try Snapshot.verify(path, genesis: genesis, expecting: expected)
            return "good"
        } catch { return error.code }
    }

    /// Changes the manifest as an object of JSON.
    private func edit(_ path: String, _ change: (inout [String: Any]) -> Void) throws {
        let file = URL(filePath: path + "/manifest.json")
        var object = try #require(
            try JSONSerialization.jsonObject(with: Data(contentsOf: file)) as? [String: Any])
        change(&object)
        try JSONSerialization.data(withJSONObject: object).write(to: file)
    }

    /// Changes a file, and states its new size and digest: only what it says is wrong then.
    private func rewrite(
        _ path: String, _ name: String, _ change: (inout [UInt8]) -> Void
    ) throws {
        let file = URL(filePath: path + "/" + name)
        var bytes = Array(try Data(contentsOf: file))
        change(&bytes)
        try Data(bytes).write(to: file)
        try edit(path) { manifest in
            guard var files = manifest["files"] as? [[String: Any]],
                let index = files.firstIndex(where: { $0["name"] as? String == name })
            else { return }
            files[index]["bytes"] = bytes.count
            files[index]["sha256"] = String(SHA256.plain(bytes).description.dropFirst(2))
            manifest["files"] = files
        }
    }

    /// The items of a file, to be put together again.
    private func items(_ bytes: [UInt8]) -> [[UInt8]] {
        var decoder = RLPDecoder(bytes)
        var items: [[UInt8]] = []
        while !decoder.isAtEnd, let item = try? decoder.nextEncoded() { items.append(Array(item)) }
        return items
    }

    @Test func refusesEveryFieldOfTheManifest() async throws {
        var ledger = try AuditLedger()
        defer { ledger.remove() }
        let (killed, _) = try await ledger.run()
        let (good, shard) = try snapshotWithReceipts(ledger, killed)
        let sender = try #require(Int(shard.dropFirst("shard-".count).prefix(2)))
        #expect(code(good, ledger.genesis) == "good")
        #expect(code(good, ledger.genesis, .zero) == "unexpectedHead")
        let hash = Hash32.zero.description
        let changes: [(String, String, (inout [String: Any]) -> Void)] = [
            ("format", "unknownFormat", { $0["format"] = 1 }),
            ("no format", "manifestForm", { $0["format"] = nil }),
            ("chain", "manifestField", { $0["chainId"] = 1 }),
            ("genesis", "wrongGenesis", { $0["genesis"] = hash }),
            ("height", "manifestField", { $0["height"] = 99 }),
            ("time", "manifestField", { $0["time"] = 5 }),
            ("beacon", "manifestField", { $0["beacon"] = hash }),
            ("in flight", "manifestField", { $0["inFlight"] = "0" }),
            ("seals", "manifestField", { $0["certificate"] = "0xc0" }),
            ("endpoints", "manifestField", { $0["endpoints"] = [] }),
            (
                "a root", "manifestField",
                {
                    var endpoints = $0["endpoints"] as? [[String: Any]] ?? []
                    endpoints[1]["stateRoot"] = hash
                    $0["endpoints"] = endpoints
                }
            ),
            (
                "an end", "manifestField",
                {
                    var endpoints = $0["endpoints"] as? [[String: Any]] ?? []
                    endpoints[sender]["outbox"] = []
                    $0["endpoints"] = endpoints
                }
            ),
            (
                "no file", "missingFile",
                {
                    let files = $0["files"] as? [[String: Any]] ?? []
                    $0["files"] = Array(files.dropLast())
                }
            ),
            (
                "order", "fileOrder",
                {
                    let files = $0["files"] as? [[String: Any]] ?? []
                    $0["files"] = Array(files.reversed())
                }
            ),
        ]
        for (number, (name, expected, change)) in changes.enumerated() {
            let copy = try ledger.copy(good, "manifest-\(number)")
            try edit(copy, change)
            #expect(code(copy, ledger.genesis) == expected, "\(name)")
        }
        for name in ["../manifest.json", "/etc/passwd", "chain-0.rlp", "chain-000000.rlp/x", ""] {
            let copy = try ledger.copy(good, "name-\(SHA256.plain(Array(name.utf8)))")
            try edit(copy) {
                var files = $0["files"] as? [[String: Any]] ?? []
                files[0]["name"] = name
                $0["files"] = files
            }
            #expect(code(copy, ledger.genesis) == "fileName", "\(name)")
        }
        let junk = try ledger.copy(good, "junk")
        try Data("{".utf8).write(to: URL(filePath: junk + "/manifest.json"))
        #expect(code(junk, ledger.genesis) == "manifestForm")
    }

    @Test func refusesFilesThatAreNotTheirs() async throws {
        var ledger = try AuditLedger()
        defer { ledger.remove() }
        let good = try await snapshot(&ledger)
        let manager = FileManager.default
        for name in try manager.contentsOfDirectory(atPath: good) where name != "manifest.json" {
            let missing = try ledger.copy(good, "missing-" + name)
            try manager.removeItem(atPath: missing + "/" + name)
            #expect(code(missing, ledger.genesis) == "missingFile", "\(name)")
            let damaged = try ledger.copy(good, "damaged-" + name)
            let file = URL(filePath: damaged + "/" + name)
            var bytes = try Data(contentsOf: file)
            guard !bytes.isEmpty else { continue }
            bytes[bytes.count / 2] ^= 1
            try bytes.write(to: file)
            #expect(throws: SnapshotError.fileDigest(name)) {
                try Snapshot.verify(damaged, genesis: ledger.genesis)
            }
            try bytes.dropLast().write(to: file)
            #expect(code(damaged, ledger.genesis) == "fileSize", "\(name)")
            // A link to what would verify is refused too.
            try manager.removeItem(atPath: damaged + "/" + name)
            try manager.createSymbolicLink(
                atPath: damaged + "/" + name, withDestinationPath: good + "/" + name)
            #expect(code(damaged, ledger.genesis) == "missingFile", "\(name)")
        }
        let extra = try ledger.copy(good, "extra")
        try Data([1]).write(to: URL(filePath: extra + "/key.json"))
        #expect(code(extra, ledger.genesis) == "strangeFile")
        let other = try AuditLedger(.treasury)
        #expect(code(good, other.genesis) == "wrongGenesis")
    }

    /// With digests that fit: what the rows lead to decides.
    @Test func refusesRowsThatLeadElsewhere() async throws {
        var ledger = try AuditLedger()
        defer { ledger.remove() }
        let (killed, _) = try await ledger.run()
        let (good, shard) = try snapshotWithReceipts(ledger, killed)
        var number = 0
        func refusal(_ name: String, _ change: (inout [[UInt8]]) -> Void) throws -> String {
            number += 1
            let copy = try ledger.copy(good, "rows-\(number)")
            try rewrite(copy, name) { bytes in
                var rows = items(bytes)
                change(&rows)
                bytes = Array(rows.joined())
            }
            #expect(throws: SnapshotError.self) {
                try Snapshot.restore(
                    copy, into: copy + "-into", genesis: ledger.genesis,
                    limits: AuditLedger.limits)
            }
            return code(copy, ledger.genesis)
        }
        #expect(try refusal("chain-000000.rlp") { $0 = [] } == "chain")
        #expect(try refusal("chain-000000.rlp") { $0 += [$0[0]] } == "chain")
        #expect(try refusal("chain-000000.rlp") { $0[0].append(0) } == "malformedFile")
        #expect(try refusal(shard) { $0.removeFirst() } == "stateRoot")
        #expect(try refusal(shard) { $0.insert($0[0], at: 0) } == "malformedFile")
        #expect(try refusal(shard) { $0.append([0x05]) } == "malformedFile")
        for (wanted, expected) in [(3, "row"), (4, "block"), (5, "block")] as [(UInt8, String)] {
            let found = try refusal(shard) { rows in
                guard let index = rows.lastIndex(where: { table($0) == wanted }) else { return }
                rows.remove(at: index)
            }
            #expect(found == expected, "table \(wanted)")
        }
        // SEED-3: the randomness has the hash that the header names, and is the beacon's alone.
        let beacon = "beacon-000000.rlp"
        func isRandomness(_ row: [UInt8]) -> Bool { table(row) == 6 }
        let rows = items([UInt8](try Data(contentsOf: URL(filePath: good + "/" + beacon))))
        let randomness = try #require(rows.last)
        #expect(isRandomness(randomness) && rows.filter(isRandomness).count == 1)
        #expect(try refusal(beacon) { $0.removeLast() } == "row")
        #expect(try refusal(beacon) { $0[$0.count - 1][randomness.count - 1] ^= 1 } == "row")
        #expect(try refusal(shard) { $0.append(randomness) } == "row")
        // A receipt whose value is another, in the right place.
        let forged = try refusal(shard) { rows in
            guard let index = rows.firstIndex(where: { table($0) == 3 }) else { return }
            rows[index][rows[index].count - 1] ^= 1
        }
        #expect(["receipts", "row"].contains(forged))
    }

    @Test func refusesTooFewSeals() async throws {
        var ledger = try AuditLedger()
        defer { ledger.remove() }
        let good = try await snapshot(&ledger)
        func replace(_ change: (FinalCertificate) -> FinalCertificate) throws {
            try edit(good) { manifest in
                guard let text = manifest["certificate"] as? String,
                    let bytes = Hex.decode(text),
                    let certificate = try? FinalCertificate(encoded: bytes)
                else { return }
                manifest["certificate"] = Hex.encode(change(certificate).encoded)
            }
        }
        try replace {
            FinalCertificate(
                height: $0.height, round: $0.round, digest: $0.digest, signers: [], seals: [])
        }
        #expect(code(good, ledger.genesis) == "tooFewSeals")
    }
}
