package import TallyConsensus
package import TallyExecution
package import TallyPrimitives
package import TallySharding
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
}

/// Keys of rows: big-endian numbers, so that order is order of time.
enum RowKey {
    static func height(_ height: Height) -> [UInt8] { bytes(height.value) }

    static func position(_ height: Height, _ index: UInt32) -> [UInt8] {
        // Two keys a transaction: each is made by one allocation.
        [UInt8](unsafeUninitializedCapacity: 12) { out, count in
            let out = UnsafeMutableRawBufferPointer(out)
            out.storeBytes(of: height.value.bigEndian, as: UInt64.self)
            out.storeBytes(of: index.bigEndian, toByteOffset: 8, as: UInt32.self)
            count = 12
        }
    }

    static func hash(_ era: UInt32, _ hash: Hash32) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: 16) { out, count in
            let out = UnsafeMutableRawBufferPointer(out)
            out.storeBytes(of: era.bigEndian, as: UInt32.self)
            hash.withBytes {
                let key = UnsafeRawBufferPointer(rebasing: $0.prefix(12))
                UnsafeMutableRawBufferPointer(rebasing: out[4..<16]).copyMemory(from: key)
            }
            count = 16
        }
    }

    static func stream(_ peer: EndpointID, _ index: UInt64) -> [UInt8] {
        bytes(peer.index) + bytes(index)
    }

    static func sequence(_ sequence: UInt64) -> [UInt8] { bytes(sequence) }

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

    private static func bytes(_ value: some FixedWidthInteger) -> [UInt8] {
        withUnsafeBytes(of: value.bigEndian) { Array($0) }
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
        out.append(
            encoded: Self.encoding(raw: raw, sender: sender, result: result.encoded[...]))
    }

    /// The row of a transaction whose result is encoded already.
    package static func encoding(
        raw: [UInt8], sender: Address, result: ArraySlice<UInt8>
    ) -> [UInt8] {
        RLPEncoder.list(capacity: raw.count + result.count + 32) { out in
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
                    hasSystemTransaction: try list.nextInteger(UInt8.self) == 1,
                    transactionCount: Int(try list.nextInteger(UInt32.self)),
                    baseFee: try list.nextAmount(), weightUsed: try list.nextInteger()))
        }
        self.anchors = anchors
    }
}
