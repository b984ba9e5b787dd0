import Glibc
import TallyConsensus
import TallyExecution
package import TallyPrimitives
package import TallySharding
import TallyState
import TallyStore

/// What a snapshot is of, for people and programs.
package struct SnapshotSummary: Hashable, Sendable {
    package let path: String
    package let height: Height
    package let time: BeaconTime
    package let genesis: Hash32
    /// Hash of the beacon header.
    package let beacon: Hash32
    package let stateRoots: [Hash32]
    package let inFlight: Amount
    package let fileCount: Int
    package let bytes: Int
    /// Validators whose seals make it final.
    package let seals: Int
    package let validators: Int
}

/// How far work on a snapshot is.
package struct SnapshotProgress: Sendable {
    package let file: String
    package let bytes: Int
}

/// Snapshots of ledgers: the state of one final height with what binds it (`Specs/snapshots.md`).
package enum Snapshot {
    package typealias Watch = (SnapshotProgress) -> Void

    /// Where a ledger keeps its own.
    package static func path(_ directory: String, _ height: Height) -> String {
        directory + "/snapshots/\(height.value)"
    }

    /// Writes a snapshot of a stopped ledger, whose lock the caller holds, and verifies it.
    /// - Parameters:
    ///   - path: of the snapshot; `nil` for `snapshots/HEIGHT` in the directory.
    ///   - height: `nil` for the last final one.
    /// - Throws: every case of `SnapshotError`.
    package static func create(
        directory: String, genesis: Genesis, path: String? = nil, height: Height? = nil,
        limits: Limits = Limits(), watch: Watch = { _ in }
    ) throws(SnapshotError) -> SnapshotSummary {
        let ledger = try LedgerAtHeight(
            directory: directory, genesis: genesis, limits: limits, height: height)
        var path = path ?? Self.path(directory, ledger.head.height)
        while path.count > 1, path.hasSuffix("/") { path.removeLast() }
        var status = stat()
        guard lstat(path, &status) != 0 else { throw .exists(path: path) }
        let unfinished = path + ".new"
        try removeUnfinished(unfinished)
        do throws(StoreError) { try Directories.create(unfinished) } catch { throw .store(error) }
        var files = try writeElections(ledger, unfinished)
        files += try writeChain(ledger, unfinished)
        for index in ledger.views.indices {
            files += try writeEndpoint(index, ledger, unfinished)
            if let last = files.last { watch(.init(file: last.name, bytes: last.bytes)) }
        }
        let beacon = ledger.replay.beacon
        let manifest = SnapshotManifest(
            genesis, head: beacon.head, certificate: ledger.certificate.encoded,
            heads: beacon.heads, inFlight: beacon.inFlight, files: files)
        try SnapshotFiles.write(manifest.json, to: unfinished + "/" + SnapshotManifest.name)
        let summary = try verify(unfinished, genesis: genesis)
        try publish(unfinished, path)
        return summary.moved(to: path)
    }

    /// SNAP-9: there as a whole or not at all.
    private static func publish(_ unfinished: String, _ path: String) throws(SnapshotError) {
        do throws(StoreError) { try Directories.sync(unfinished) } catch { throw .store(error) }
        guard rename(unfinished, path) == 0 else { throw SnapshotFiles.failure(path) }
        do throws(StoreError) {
            try Directories.sync(parent(of: path))
        } catch { throw .store(error) }
    }

    /// What a creation that was cut short left: files of a snapshot, and nothing else.
    private static func removeUnfinished(_ path: String) throws(SnapshotError) {
        var status = stat()
        guard lstat(path, &status) == 0 else { return }
        for name in try SnapshotFiles.entries(of: path) {
            guard name == SnapshotManifest.name || SnapshotFiles.parse(name) != nil else {
                throw .exists(path: path)
            }
            guard unlink(path + "/" + name) == 0 else { throw SnapshotFiles.failure(path) }
        }
        guard rmdir(path) == 0 else { throw SnapshotFiles.failure(path) }
    }

    static func parent(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    /// SNAP-6: every set since the genesis.
    private static func writeElections(
        _ ledger: LedgerAtHeight, _ path: String
    ) throws(SnapshotError) -> [SnapshotManifest.File] {
        var section = SnapshotSection(SnapshotFiles.elections, in: path)
        for row in try ledger.elections() {
            guard let certificate = row.certificate else {
                throw .read(.corruptRow(database: "elections"))
            }
            try section.append { out in
                row.header.encode(to: &out)
                certificate.encode(to: &out)
            }
        }
        return try section.finish()
    }

    /// SNAP-5: from the oldest newest block of an endpoint on, and the last two in any case.
    private static func writeChain(
        _ ledger: LedgerAtHeight, _ path: String
    ) throws(SnapshotError) -> [SnapshotManifest.File] {
        let oldest = ledger.replay.endpoints.map(\.header.height.value).min() ?? 0
        var section = SnapshotSection(SnapshotFiles.chain, in: path)
        let last = ledger.head.height.value
        for height in max(1, min(oldest, last - 1))...last {
            let block = try ledger.block(Height(height))
            try section.append { row in
                block.header.encode(to: &row)
                row.list { row in for anchor in block.anchors { anchor.encode(to: &row) } }
            }
        }
        return try section.finish()
    }

    private static func writeEndpoint(
        _ index: Int, _ ledger: LedgerAtHeight, _ path: String
    ) throws(SnapshotError) -> [SnapshotManifest.File] {
        let core = ledger.replay.endpoints[index]
        var section = SnapshotSection(
            SnapshotFiles.section(core.endpoint, ledger.genesis.parameters.layout), in: path)
        let changes = core.tree.pageChanges(since: ledger.checkpointed[index])
        let pages = OverlayPages(ledger.views[index], changes)
        var failure: SnapshotError?
        do throws(StateError) {
            try pages.forEachBucket { (key, bytes) throws(StateError) in
                guard failure == nil else { return }
                do throws(SnapshotError) {
                    try section.append(.bucket, Array(key), Array(bytes))
                } catch { failure = error }
            }
        } catch { throw .read(.state(error)) }
        if let failure { throw failure }
        try writePayloads(ledger.views[index], changes, &section)
        // Anchored and not consumed: who restores needs them, and nobody else has them then.
        for peer in ledger.replay.endpoints where peer.endpoint != core.endpoint {
            for receipt in peer.inbound[index].waiting {
                let key = RowKey.stream(peer.endpoint, receipt.reference.index)
                try section.append(.receipt, key.bytes, receipt.encoded)
            }
        }
        if let newest = try ledger.newest(index) {
            let height = ledger.head.height
            try section.append(.block, RowKey.height(height).bytes, newest.block.encoded)
            for (number, transaction) in newest.transactions.enumerated() {
                try section.append(
                    .transaction, RowKey.position(height, UInt32(number)).bytes,
                    transaction.encoded)
            }
        }
        let beacon = ledger.replay.beacon
        if core.endpoint == beacon.parameters.layout.beacon {
            try section.append(
                .randomness, RowKey.height(ledger.head.height).bytes, beacon.randomness.encoded)
        }
        return try section.finish()
    }

    /// Those of the checkpoint, with the changes since merged in.
    private static func writePayloads(
        _ view: StoreView, _ changes: [PageChange], _ section: inout SnapshotSection
    ) throws(SnapshotError) {
        var changed: [(key: [UInt8], bytes: [UInt8]?)] = []
        for change in changes {
            switch change {
            case .putPayload(let path, let bytes): changed.append((path.bytes, bytes))
            case .deletePayload(let path): changed.append((path.bytes, nil))
            case .putBucket, .deleteBucket: continue
            }
        }
        changed.sort { $0.key.lexicographicallyPrecedes($1.key) }
        var rest = changed[...]
        try view.forEachRow(in: view.databases.payloads, SnapshotError.store) {
            (row) throws(SnapshotError) in
            while let first = rest.first, first.key.lexicographicallyPrecedes(row.key) {
                rest.removeFirst()
                if let bytes = first.bytes { try section.append(.payload, first.key, bytes) }
            }
            guard let first = rest.first, first.key == row.key else {
                return try section.append(.payload, row.key, row.value)
            }
            rest.removeFirst()
            if let bytes = first.bytes { try section.append(.payload, first.key, bytes) }
        }
        for change in rest {
            if let bytes = change.bytes { try section.append(.payload, change.key, bytes) }
        }
    }
}
