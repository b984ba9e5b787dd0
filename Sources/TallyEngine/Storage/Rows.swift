package import TallyConsensus
package import TallyExecution
package import TallyPrimitives
package import TallySharding
import TallyStore
import TallyTransactions

/// Names in the `meta` database.
enum MetaKey {
    /// Genesis hash, 32 bytes.
    static let chain = Array("chain".utf8)
    /// `StoredHead`.
    static let head = Array("head".utf8)
    /// `BeaconCore.encodedBooks`, in the beacon's environment.
    static let books = Array("books".utf8)
    /// The `BeaconHeader` of height 0, in the beacon's environment: it follows from the genesis, but
    /// not cheaply.
    static let genesis = Array("genesis".utf8)
    /// Below this height blocks are absent, since the ledger began from a snapshot of it (SNAP-11).
    static let base = Array("base".utf8)
}

/// The key of a row: one to three big-endian numbers, so that order is order of time. At most 16 bytes,
/// which lie in the value: a checkpoint writes several rows a transaction.
struct RowKey: Comparable, StoreBytes {
    private let high: UInt64
    private let low: UInt64
    private let count: Int

    private init(_ high: UInt64, _ low: UInt64 = 0, count: Int) {
        self.high = high
        self.low = low
        self.count = count
    }

    static func height(_ height: Height) -> RowKey { RowKey(height.value, count: 8) }

    static func position(_ height: Height, _ index: UInt32) -> RowKey {
        RowKey(height.value, UInt64(index) << 32, count: 12)
    }

    /// The first 12 bytes of the hash, behind the era.
    static func hash(_ era: UInt32, _ hash: Hash32) -> RowKey {
        let (first, second, _, _) = hash.words
        return RowKey(
            UInt64(era) << 32 | first >> 32, first << 32 | second >> 32, count: 16)
    }

    static func stream(_ peer: EndpointID, _ index: UInt64) -> RowKey {
        RowKey(UInt64(peer.index) << 48 | index >> 16, index << 48, count: 10)
    }

    static func sequence(_ sequence: UInt64) -> RowKey { RowKey(sequence, count: 8) }

    func withStoreBytes<R>(_ body: (UnsafeRawBufferPointer) -> R) -> R {
        withUnsafeBytes(of: (high.bigEndian, low.bigEndian)) {
            body(UnsafeRawBufferPointer(rebasing: $0[..<count]))
        }
    }

    var bytes: [UInt8] { withStoreBytes { Array($0) } }

    /// The order of the bytes.
    static func < (a: RowKey, b: RowKey) -> Bool {
        (a.high, a.low, a.count) < (b.high, b.low, b.count)
    }

    /// The height and index of a `position`; `nil` for other lengths.
    static func decodePosition(_ bytes: [UInt8]) -> (Height, Int)? {
        guard bytes.count == 12 else { return nil }
        return bytes.withUnsafeBytes {
            (
                Height(UInt64(bigEndian: $0.loadUnaligned(as: UInt64.self))),
                Int(UInt32(bigEndian: $0.loadUnaligned(fromByteOffset: 8, as: UInt32.self)))
            )
        }
    }

    static func decodeHeight(_ bytes: [UInt8]) -> Height? {
        guard bytes.count == 8 else { return nil }
        return bytes.withUnsafeBytes {
            Height(UInt64(bigEndian: $0.loadUnaligned(as: UInt64.self)))
        }
    }
}

/// Where a checkpoint stands.
package struct StoredHead: Hashable, Sendable {
    package let appliedHeight: Height
    package let header: ShardHeader
    /// Transactions of the endpoint so far: which era of the hash index comes next.
    package let transactionCount: UInt64
}

extension StoredHead: RLPValue {
    package func encode(to out: inout RLPEncoder) {
        out.list { out in
            out.append(appliedHeight)
            header.encode(to: &out)
            out.append(transactionCount)
        }
    }

    package init(from input: inout RLPDecoder) throws(RLPError) {
        var list = try input.nextList()
        appliedHeight = try list.nextHeight()
        header = try ShardHeader(from: &list)
        transactionCount = try list.nextInteger()
        try list.finish()
    }
}

/// A shard block without its transactions.
package struct StoredBlock: Hashable, Sendable {
    package let header: ShardHeader
    package let systemResult: TransactionResult?
    package let transactionCount: UInt32
}

extension StoredBlock: RLPValue {
    package func encode(to out: inout RLPEncoder) {
        out.list { out in
            header.encode(to: &out)
            out.list { out in systemResult?.encode(to: &out) }
            out.append(transactionCount)
        }
    }

    package init(from input: inout RLPDecoder) throws(RLPError) {
        var list = try input.nextList()
        header = try ShardHeader(from: &list)
        var optional = try list.nextList()
        systemResult = optional.isAtEnd ? nil : try TransactionResult(from: &optional)
        try optional.finish()
        transactionCount = try list.nextInteger()
        try list.finish()
    }
}

/// A signed transaction and what it did.
package struct StoredTransaction: Hashable, Sendable {
    package let raw: [UInt8]
    package let sender: Address
    package let result: TransactionResult
}

extension StoredTransaction: RLPValue {
    package func encode(to out: inout RLPEncoder) {
        Self.encode(raw: raw, sender: sender, result: result.encoded[...], to: &out)
    }

    /// Appends the row of a transaction whose result is encoded already.
    static func encode(
        raw: [UInt8], sender: Address, result: ArraySlice<UInt8>, to out: inout RLPEncoder
    ) {
        out.list { out in
            out.append(raw)
            out.append(sender)
            out.append(encoded: result)
        }
    }

    package init(from input: inout RLPDecoder) throws(RLPError) {
        var list = try input.nextList()
        raw = Array(try list.nextString())
        sender = try list.nextFixed()
        result = try TransactionResult(from: &list)
        try list.finish()
    }
}

/// A beacon block as readers need it: why it is final, what it anchors, and how much of each.
package struct BeaconRow: Hashable, Sendable {
    package let header: BeaconHeader
    /// `nil` at height 0, which is final by definition.
    package let certificate: FinalCertificate?
    package let anchors: [Anchor]

    /// One anchored shard block.
    package struct Anchor: Hashable, Sendable {
        package let endpoint: EndpointID
        package let hash: Hash32
        package let hasSystemTransaction: Bool
        /// Signed ones.
        package let transactionCount: Int
        package let baseFee: Amount
        package let weightUsed: Weight

        /// The canonical system transaction counts (VIEW-3).
        package var entryCount: Int { transactionCount + (hasSystemTransaction ? 1 : 0) }
    }

    package init(header: BeaconHeader, certificate: FinalCertificate?, anchors: [Anchor]) {
        self.header = header
        self.certificate = certificate
        self.anchors = anchors
    }
}

extension BeaconRow.Anchor {
    package init(_ record: BlockRecord) {
        self.init(
            record.header, hasSystemTransaction: record.systemResult != nil,
            transactionCount: record.transactions.count)
    }

    package init(_ block: StoredBlock) {
        self.init(
            block.header, hasSystemTransaction: block.systemResult != nil,
            transactionCount: Int(block.transactionCount))
    }

    private init(_ header: ShardHeader, hasSystemTransaction: Bool, transactionCount: Int) {
        self.init(
            endpoint: header.endpoint, hash: header.hash,
            hasSystemTransaction: hasSystemTransaction, transactionCount: transactionCount,
            baseFee: header.baseFee, weightUsed: header.weightUsed)
    }
}

extension BeaconRow {
    /// Header and seals alone: what shows the set that the header carries (PROOF-18).
    package var election: BeaconRow {
        BeaconRow(header: header, certificate: certificate, anchors: [])
    }
}

extension BeaconRow: RLPValue {
    package func encode(to out: inout RLPEncoder) {
        out.list { out in
            header.encode(to: &out)
            out.list { out in certificate?.encode(to: &out) }
            for anchor in anchors {
                out.append(anchor.endpoint)
                out.append(anchor.hash)
                out.append(UInt8(anchor.hasSystemTransaction ? 1 : 0))
                out.append(UInt64(anchor.transactionCount))
                out.append(anchor.baseFee)
                out.append(anchor.weightUsed)
            }
        }
    }

    package init(from input: inout RLPDecoder) throws(RLPError) {
        var list = try input.nextList()
        header = try BeaconHeader(from: &list)
        var optional = try list.nextList()
        certificate = optional.isAtEnd ? nil : try FinalCertificate(from: &optional)
        try optional.finish()
        var anchors: [Anchor] = []
        while !list.isAtEnd {
            anchors.append(
                Anchor(
                    endpoint: try list.nextEndpoint(), hash: try list.nextFixed(),
                    hasSystemTransaction: try Self.flag(&list),
                    transactionCount: Int(try list.nextInteger(UInt32.self)),
                    baseFee: try list.nextAmount(), weightUsed: try list.nextInteger()))
        }
        self.anchors = anchors
    }

    /// 0 or 1: a row has one form.
    private static func flag(_ list: inout RLPDecoder) throws(RLPError) -> Bool {
        switch try list.nextInteger(UInt8.self) {
        case 0: false
        case 1: true
        case let other: throw .unknownValue(UInt64(other))
        }
    }
}
