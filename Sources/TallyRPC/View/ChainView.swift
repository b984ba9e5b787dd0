import TallyCrypto
import TallyEngine
import TallyExecution
import TallyPrimitives
import TallySharding
import TallyTransactions

/// The ledger of one snapshot as one linear Ethereum chain: a block for every beacon block, its
/// transactions those of the anchored shard blocks in order of endpoints (VIEW-1).
struct ChainView: Sendable {
    let snapshot: LedgerSnapshot
    let caches: ViewCaches

    /// - Returns: `nil` above the snapshot.
    func block(_ height: Height) throws(ReadError) -> ViewBlock? {
        guard height <= snapshot.height else { return nil }
        if let known = caches.row(height) { return ViewBlock(known, snapshot) }
        guard let row = try snapshot.beaconBlock(height) else { return nil }
        let known = KnownRow(row)
        caches.store(known)
        return ViewBlock(known, snapshot)
    }

    func block(_ hash: Hash32) throws(ReadError) -> ViewBlock? {
        guard let height = try snapshot.beaconHeight(hash) else { return nil }
        return try block(height)
    }

    /// A transaction by its hash, signed or canonical.
    func entry(_ hash: Hash32) throws(ReadError) -> ViewEntry? {
        if let entry = try signedEntry(hash) { return entry }
        guard let place = try caches.systemTransaction(hash, snapshot) else { return nil }
        return try block(place.height)?.systemEntry(of: place.endpoint)
    }

    private func signedEntry(_ hash: Hash32) throws(ReadError) -> ViewEntry? {
        guard let found = try snapshot.transaction(hash) else { return nil }
        return try block(found.height)?.entry(found, hash)
    }

    /// What is found in some microseconds.
    enum Quick<Value> {
        case found(Value)
        case missing
        /// It would take long to tell.
        case undecided
    }

    /// Look-ups in the store that an event loop does for one call: each takes about a microsecond.
    private static let quickLookUps = 64
    /// Results of a block that it sums up.
    private static let quickResults = 64

    func quickEntry(_ hash: Hash32) throws(ReadError) -> Quick<ViewEntry> {
        if let found = snapshot.recentTransaction(hash) {
            return try block(found.height)?.entry(found, hash).map { .found($0) } ?? .missing
        }
        guard try snapshot.eraCount <= Self.quickLookUps else { return .undecided }
        if let found = try snapshot.storedTransaction(hash) {
            return try block(found.height)?.entry(found, hash).map { .found($0) } ?? .missing
        }
        switch try caches.quickSystemTransaction(hash, snapshot) {
        case .undecided: return .undecided
        case .missing: return .missing
        case .found(let place):
            let entry = try block(place.height)?.systemEntry(of: place.endpoint)
            return entry.map { .found($0) } ?? .missing
        }
    }

    /// - Returns: `nil` when it would take long.
    func quickOffsets(_ block: ViewBlock) throws(ReadError) -> BlockOffsets? {
        if let known = caches.offsets(block.hash) { return known }
        guard block.entryCount <= Self.quickResults || block.isInMemory else { return nil }
        return try offsets(block)
    }

    /// Gas and logs before each entry of a block.
    func offsets(_ block: ViewBlock) throws(ReadError) -> BlockOffsets {
        if let known = caches.offsets(block.hash) { return known }
        let offsets = try BlockOffsets(block)
        caches.store(offsets, block.hash)
        return offsets
    }

    func bloom(_ block: ViewBlock) throws(ReadError) -> LogsBloom {
        if let known = caches.bloom(block.hash) { return known }
        var bloom = LogsBloom()
        for part in block.parts {
            let logs = block.logs(of: part.anchor.endpoint)
            try part.forEachResult { result in bloom.insert(logs.logs(of: result.events)) }
        }
        caches.store(bloom, block.hash)
        return bloom
    }

    // MARK: Fees

    /// Base fee of a block: the highest of those it anchors. One that anchors nothing has that of
    /// the last one before it that did, after the time between (`FEE-3`), so that it never changes (VIEW-30).
    func baseFee(_ row: BeaconRow) throws(ReadError) -> Amount {
        let parameters = snapshot.genesis.parameters
        var probe = row
        for _ in 0..<Self.maximumEmptyRun {
            if let top = probe.anchors.max(by: { $0.baseFee < $1.baseFee }) {
                guard probe.header.height != row.header.height else { return top.baseFee }
                let elapsed = row.header.time.milliseconds - probe.header.time.milliseconds
                return FeeMarket.baseFee(
                    after: top.baseFee, used: top.weightUsed, limit: parameters.blockWeight,
                    elapsed: elapsed, idle: parameters.heartbeatMilliseconds,
                    minimum: parameters.minimumBaseFee)
            }
            guard probe.header.height > .genesis,
                let parent = try snapshot.beaconHeaders(Height(probe.header.height.value - 1))
            else { break }
            probe = parent
        }
        return parameters.minimumBaseFee
    }

    /// Empty blocks looked back over: that many heartbeats take any fee to the minimum.
    private static let maximumEmptyRun = 64

    /// The highest base fee of any shard's next block.
    var nextBaseFee: Amount {
        snapshot.layout.shards.map { snapshot.nextBaseFee(EndpointID($0)) }.max() ?? .zero
    }

    /// Most gas of a block: the weight of a block of every shard.
    var gasLimit: UInt64 {
        snapshot.genesis.parameters.blockWeight * UInt64(snapshot.layout.shardCount)
    }
}

/// One block of the view.
struct ViewBlock: Sendable {
    private let known: KnownRow
    private let snapshot: LedgerSnapshot

    init(_ known: KnownRow, _ snapshot: LedgerSnapshot) {
        self.known = known
        self.snapshot = snapshot
    }

    var row: BeaconRow { known.row }
    var hash: Hash32 { known.hash }
    var header: BeaconHeader { known.row.header }

    /// The anchored shard blocks, in the order of their entries.
    var parts: [AnchoredBlock] {
        var first = 0
        return row.anchors.map { anchor in
            defer { first += anchor.entryCount }
            return part(anchor, first)
        }
    }

    private func part(_ anchor: BeaconRow.Anchor, _ first: Int) -> AnchoredBlock {
        AnchoredBlock(
            anchor: anchor, height: header.height, firstIndex: first, snapshot: snapshot)
    }

    /// Whether nothing of the block has to be read from the store.
    var isInMemory: Bool {
        row.anchors.allSatisfy {
            snapshot.endpoints[Int($0.endpoint.index)].history.block(header.height) != nil
        }
    }

    var entryCount: Int { row.anchors.reduce(0) { $0 + $1.entryCount } }
    var gasUsed: UInt64 { row.anchors.reduce(0) { $0 + $1.weightUsed } }

    func logs(of endpoint: EndpointID) -> EventLogs {
        EventLogs(chain: snapshot.chain, layout: snapshot.layout, endpoint: endpoint)
    }

    /// The entry at a block-global index; `nil` past the last.
    func entry(at index: Int) throws(ReadError) -> ViewEntry? {
        guard
            let part = parts.last(where: { $0.firstIndex <= index && $0.anchor.entryCount > 0 }),
            index >= 0, index < part.firstIndex + part.anchor.entryCount
        else { return nil }
        return try entry(of: part, index - part.firstIndex)
    }

    /// A signed transaction of the block, already read.
    func entry(_ found: FoundTransaction, _ hash: Hash32) -> ViewEntry? {
        var first = 0
        for anchor in row.anchors {
            guard anchor.endpoint == found.endpoint else {
                first += anchor.entryCount
                continue
            }
            return ViewEntry(
                block: self, endpoint: found.endpoint,
                index: first + found.index + (anchor.hasSystemTransaction ? 1 : 0), hash: hash,
                content: .signed(found.transaction))
        }
        return nil
    }

    func systemEntry(of endpoint: EndpointID) throws(ReadError) -> ViewEntry? {
        guard let part = part(endpoint), part.anchor.hasSystemTransaction else { return nil }
        return try entry(of: part, 0)
    }

    func forEachEntry(_ body: (ViewEntry) throws(ReadError) -> Void) throws(ReadError) {
        for part in parts {
            for index in 0..<part.anchor.entryCount { try body(try entry(of: part, index)) }
        }
    }

    private func part(_ endpoint: EndpointID) -> AnchoredBlock? {
        var first = 0
        for anchor in row.anchors {
            if anchor.endpoint == endpoint { return part(anchor, first) }
            first += anchor.entryCount
        }
        return nil
    }

    private func entry(of part: AnchoredBlock, _ index: Int) throws(ReadError) -> ViewEntry {
        let signed = index - (part.anchor.hasSystemTransaction ? 1 : 0)
        let content: ViewEntry.Content
        let hash: Hash32
        if signed < 0 {
            let transaction = SystemTransaction(
                chainID: snapshot.genesis.parameters.chainID, height: header.height,
                endpoint: part.anchor.endpoint)
            hash = transaction.hash
            content = .system(transaction, try part.systemResult())
        } else {
            let transaction = try part.transaction(signed)
            hash = Keccak256.hash(transaction.raw)
            content = .signed(transaction)
        }
        return ViewEntry(
            block: self, endpoint: part.anchor.endpoint, index: part.firstIndex + index,
            hash: hash, content: content)
    }
}

/// A beacon row with its hash. Immutable; a copy is a reference.
final class KnownRow: Sendable {
    let row: BeaconRow
    let hash: Hash32

    init(_ row: BeaconRow) {
        self.row = row
        hash = row.header.hash
    }
}

/// A transaction in its place.
struct ViewEntry: Sendable {
    enum Content: Sendable {
        case system(SystemTransaction, TransactionResult)
        case signed(StoredTransaction)
    }

    let block: ViewBlock
    let endpoint: EndpointID
    /// Block-global.
    let index: Int
    let hash: Hash32
    let content: Content

    var result: TransactionResult {
        switch content {
        case .system(_, let result): result
        case .signed(let transaction): transaction.result
        }
    }
}

/// One anchored shard block, read from memory while it is there and from the store afterwards.
struct AnchoredBlock: Sendable {
    let anchor: BeaconRow.Anchor
    /// Block-global index of its first entry.
    let firstIndex: Int
    private let height: Height
    private let snapshot: LedgerSnapshot
    private let record: BlockRecord?

    init(
        anchor: BeaconRow.Anchor, height: Height, firstIndex: Int, snapshot: LedgerSnapshot
    ) {
        self.anchor = anchor
        self.height = height
        self.firstIndex = firstIndex
        self.snapshot = snapshot
        record = snapshot.endpoints[Int(anchor.endpoint.index)].history.block(height)
    }

    func systemResult() throws(ReadError) -> TransactionResult {
        if let record { return try present(record.systemResult, "blocks") }
        return try present(
            try snapshot.shardBlock(anchor.endpoint, height)?.systemResult, "blocks")
    }

    /// - Parameter index: among the signed ones.
    func transaction(_ index: Int) throws(ReadError) -> StoredTransaction {
        try present(try snapshot.transaction(anchor.endpoint, height, index), "transactions")
    }

    /// In order of entries.
    func forEachResult(_ body: (TransactionResult) -> Void) throws(ReadError) {
        if anchor.hasSystemTransaction { body(try systemResult()) }
        if let record {
            for result in record.results { body(result) }
            return
        }
        for index in 0..<anchor.transactionCount { body(try transaction(index).result) }
    }

    /// The beacon's row says that it exists: a store without it is damaged.
    private func present<Row>(_ row: Row?, _ database: String) throws(ReadError) -> Row {
        guard let row else { throw .corruptRow(database: database) }
        return row
    }
}

/// Gas and logs before each entry of a block: what a receipt needs of those in front of it.
struct BlockOffsets: Sendable {
    /// Entry `i` ends at `gas[i]`.
    private(set) var gas: [UInt64] = []
    /// Entry `i` begins at `logs[i]`.
    private(set) var logs: [Int] = []

    init(_ block: ViewBlock) throws(ReadError) {
        var gas: [UInt64] = []
        var logs: [Int] = []
        var usedGas: UInt64 = 0
        var logCount = 0
        for part in block.parts {
            try part.forEachResult { result in
                usedGas += result.weight
                gas.append(usedGas)
                logs.append(logCount)
                logCount += EventLogs.count(of: result.events)
            }
        }
        self.gas = gas
        self.logs = logs
    }
}
