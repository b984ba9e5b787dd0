import TallyConsensus
import TallyExecution
package import TallyPrimitives
package import TallySharding
import TallyState
import TallyStore

/// Receipts that a snapshot holds, to be put back into inboxes.
struct SnapshotOutboxes: OutboxReader {
    /// By source and destination.
    let receipts: [[[Receipt]]]

    func receipts(
        from source: EndpointID, to destination: EndpointID, _ range: Range<UInt64>
    ) -> [Receipt] {
        receipts[Int(source.index)][Int(destination.index)].filter {
            range.contains($0.reference.index)
        }
    }
}

/// Counts the payloads that are asked for: a snapshot has none that no object has.
final class CountedPages: PageReader {
    private let base: any PageReader
    private(set) var payloads = 0

    init(_ base: any PageReader) { self.base = base }

    func withBucket<R>(
        _ prefix: BucketPrefix, _ body: (UnsafeRawBufferPointer) throws(StateError) -> R
    ) throws(StateError) -> R? {
        try base.withBucket(prefix, body)
    }

    func payload(_ path: Hash32) throws(StateError) -> [UInt8]? {
        payloads += 1
        return try base.payload(path)
    }

    func forEachBucket(
        _ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) throws(StateError) -> Void
    ) throws(StateError) {
        try base.forEachBucket(body)
    }
}

/// The ledger that a snapshot holds, put together piece by piece, each checked against what is final
/// (SNAP-7).
struct SnapshotLedger {
    let reader: SnapshotReader
    let anchors: SnapshotAnchors
    private let genesis: Genesis
    private(set) var cores: [ShardCore] = []
    private(set) var rows: [SnapshotRows] = []

    var height: Height { anchors.head.height }

    init(
        _ path: String, _ genesis: Genesis, expecting expected: Hash32?, _ watch: Snapshot.Watch
    ) throws(SnapshotError) {
        self.genesis = genesis
        reader = try SnapshotReader(path, genesis)
        anchors = try SnapshotAnchors(reader, genesis, expecting: expected, watch)
    }

    /// Reads the next endpoint's section.
    /// - Parameters:
    ///   - page: keeps a bucket or a payload.
    ///   - pages: gives back what was kept, and the number of payloads.
    mutating func readEndpoint(
        _ watch: Snapshot.Watch,
        page: (SnapshotTable, _ key: [UInt8], _ value: [UInt8]) throws(SnapshotError) -> Void,
        pages: () throws(SnapshotError) -> (any PageReader, payloads: Int)
    ) throws(SnapshotError) {
        let header = anchors.newest[cores.count]
        let id = header.endpoint
        let height = height
        var rows = SnapshotRows(endpointCount: anchors.newest.count)
        try reader.forEachRow(id, watch) { (table, key, value) throws(SnapshotError) in
            switch table {
            case .bucket: try page(table, key, value)
            case .payload:
                guard key.count == 32, value.count <= Payload.maximumCount else {
                    throw .row(id, table)
                }
                try page(table, key, value)
            case .receipt, .block, .transaction, .randomness:
                try rows.take(id, table, key, value, at: height)
            }
        }
        let (kept, payloads) = try pages()
        do throws(RestoreError) {
            cores.append(
                try ShardCore(
                    restoring: header, appliedHeight: height, chain: genesis.hash,
                    parameters: genesis.parameters, pages: kept))
        } catch { throw .restore(error) }
        // A start reads few payloads: here all of them are.
        let counted = CountedPages(kept)
        do throws(StateError) {
            _ = try StateTree(loading: counted, kinds: Set(ObjectKind.allCases)) { _, _ in }
        } catch { throw .restore(.state(id, error)) }
        guard counted.payloads == payloads else { throw .row(id, .payload) }
        try rows.check(header, at: height, chainID: genesis.parameters.chainID)
        let isBeacon = id == genesis.parameters.layout.beacon
        // SEED-3
        guard rows.randomness?.hash == (isBeacon ? anchors.head.randomness : nil) else {
            throw .row(id, .randomness)
        }
        self.rows.append(rows)
    }

    /// After all endpoints: what is between them.
    /// - Returns: the beacon's books.
    func finish() throws(SnapshotError) -> BeaconCore {
        try checkReceipts()
        guard let randomness = rows.last?.randomness else {
            throw .row(genesis.parameters.layout.beacon, .randomness)
        }
        let beacon: BeaconCore
        do throws(RLPError) {
            beacon = try BeaconCore(
                genesis, head: anchors.head, heads: heads, randomness: randomness,
                schedule: anchors.recentSchedule)
        } catch { throw .supply }
        try checkSupply(beacon)
        do throws(RestoreError) {
            _ = try LedgerReplay(
                beacon: beacon, endpoints: cores, pages: cores.map { _ in MemoryPages() },
                outboxes: SnapshotOutboxes(receipts: rows.map(\.receipts)))
        } catch { throw .restore(error) }
        let manifest = SnapshotManifest(
            genesis, head: anchors.head, certificate: [], heads: heads,
            inFlight: beacon.inFlight, files: [])
        if let field = reader.manifest.difference(from: manifest) { throw .manifestField(field) }
        return beacon
    }

    /// The streams are objects of the state, so what headers said of them need not be kept.
    private var heads: [EndpointHead] {
        cores.map { core in
            var head = EndpointHead(
                genesis: core.header, layout: genesis.parameters.layout,
                emptyRoot: MerkleRange.empty.root)
            head.out = core.streams.map {
                OutEntry(end: $0.sent.count, value: $0.sentValue, root: $0.sent.root)
            }
            head.in = core.streams.map {
                InEntry(cursor: $0.cursor, value: $0.consumedValue)
            }
            return head
        }
    }

    /// Exactly those between the destination's cursor and the end.
    private func checkReceipts() throws(SnapshotError) {
        for (source, core) in cores.enumerated() {
            for (destination, peer) in cores.enumerated() {
                let start = source == destination ? 0 : peer.streams[source].cursor
                let end = source == destination ? 0 : core.streams[destination].sent.count
                let indexes = rows[source].receipts[destination].map(\.reference.index)
                guard start <= end, indexes.elementsEqual(start..<end) else {
                    throw .row(core.endpoint, .receipt)
                }
            }
        }
    }

    private func checkSupply(_ beacon: BeaconCore) throws(SnapshotError) {
        let heads = beacon.heads
        let held = Amount.sum(heads.map(\.header.stateSum) + heads.map(\.header.burned))
        let claims = Amount.sum([beacon.supply] + heads.map(\.header.minted))
        guard let held, let claims, let assets = held.adding(beacon.inFlight), assets == claims
        else { throw .supply }
    }
}

extension Snapshot {
    /// Verifies all of a snapshot without a ledger: whoever knows the genesis needs to believe nobody.
    ///
    /// Holds the state of one endpoint at a time in memory.
    /// - Parameter expected: hash of the beacon header that it must end in, from somebody trusted
    ///   (SNAP-6).
    /// - Throws: every case of `SnapshotError`.
    package static func verify(
        _ path: String, genesis: Genesis, expecting expected: Hash32? = nil,
        watch: Watch = { _ in }
    ) throws(SnapshotError) -> SnapshotSummary {
        var ledger = try SnapshotLedger(path, genesis, expecting: expected, watch)
        for _ in ledger.anchors.newest {
            var pages = MemoryPages()
            try ledger.readEndpoint(watch) { (table, key, value) in
                if table == .bucket {
                    pages.buckets[key] = value
                } else if let path = Hash32(key) {
                    pages.payloads[path] = value
                }
            } pages: {
                (pages, payloads: pages.payloads.count)
            }
        }
        _ = try ledger.finish()
        return summary(path, ledger.reader.manifest, genesis, ledger.anchors)
    }

    static func summary(
        _ path: String, _ manifest: SnapshotManifest, _ genesis: Genesis,
        _ anchors: SnapshotAnchors
    ) -> SnapshotSummary {
        SnapshotSummary(
            path: path, height: anchors.head.height, time: anchors.head.time,
            genesis: genesis.hash, beacon: anchors.head.hash,
            stateRoots: anchors.newest.map(\.stateRoot),
            inFlight: Amount(decimal: manifest.inFlight) ?? .zero,
            fileCount: manifest.files.count,
            bytes: manifest.files.reduce(0) { $0 + $1.bytes },
            seals: anchors.certificate.signers.count,
            validators: anchors.schedule[anchors.head.height].count)
    }
}

extension SnapshotSummary {
    /// The same at another place.
    func moved(to path: String) -> SnapshotSummary {
        SnapshotSummary(
            path: path, height: height, time: time, genesis: genesis, beacon: beacon,
            stateRoots: stateRoots, inFlight: inFlight, fileCount: fileCount, bytes: bytes,
            seals: seals, validators: validators)
    }
}
