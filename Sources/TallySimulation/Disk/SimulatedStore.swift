package import TallyExecution
package import TallyPrimitives
package import TallySharding
package import TallyState
import TallyTransactions

/// The page store of one endpoint. A transaction is there wholly or not at all, and durable once it
/// is committed, as LMDB has it. A copy is a snapshot.
package struct SimulatedStore: Sendable {
    package private(set) var pages = MemoryPages()
    private var rows: [Row: [UInt8]] = [:]

    /// What a row is about. Rows of history are by number.
    package enum Row: Hashable, Sendable {
        /// Applied height and header of the endpoint's last block.
        case head
        /// `BeaconCore.encodedBooks`, in the beacon's store.
        case books
        /// Header and transaction hashes of a block of this endpoint.
        case block(Height)
        /// A receipt this endpoint sent.
        case sent(EndpointID, UInt64)
        /// A beacon header, in the beacon's store.
        case beaconBlock(Height)
    }

    /// What one transaction writes.
    package struct Batch: Sendable {
        package var pages: [PageChange] = []
        package var rows: [(row: Row, bytes: [UInt8])] = []

        package init() {}
    }

    package init() {}

    package subscript(_ row: Row) -> [UInt8]? { rows[row] }

    mutating func apply(_ batch: Batch) {
        pages.apply(batch.pages)
        for (row, bytes) in batch.rows { rows[row] = bytes }
    }
}

/// Where an endpoint's checkpoint stands.
package struct SimulatedHead: RLPValue, Sendable {
    package let appliedHeight: Height
    package let header: ShardHeader

    package init(appliedHeight: Height, header: ShardHeader) {
        self.appliedHeight = appliedHeight
        self.header = header
    }

    package func encode(to out: inout RLPEncoder) {
        out.list { out in
            out.append(appliedHeight)
            header.encode(to: &out)
        }
    }

    package init(from input: inout RLPDecoder) throws(RLPError) {
        var list = try input.nextList()
        appliedHeight = try list.nextHeight()
        header = try ShardHeader(from: &list)
        try list.finish()
    }
}

/// What a store keeps of a block: which it was, and which transactions it held.
package struct SimulatedBlock: RLPValue, Hashable, Sendable {
    package let header: Hash32
    package let transactions: [Hash32]

    package init(header: Hash32, transactions: [Hash32]) {
        self.header = header
        self.transactions = transactions
    }

    package init(_ record: BlockRecord) {
        self.init(header: record.hash, transactions: record.transactions.map(\.hash))
    }

    package func encode(to out: inout RLPEncoder) {
        out.list { out in
            out.append(header)
            for hash in transactions { out.append(hash) }
        }
    }

    package init(from input: inout RLPDecoder) throws(RLPError) {
        var list = try input.nextList()
        header = try list.nextFixed()
        var hashes: [Hash32] = []
        while !list.isAtEnd { hashes.append(try list.nextFixed()) }
        transactions = hashes
    }
}

/// Receipts that checkpoints hold.
package struct SimulatedOutboxes: OutboxReader {
    private let stores: [SimulatedStore]

    package init(_ stores: [SimulatedStore]) { self.stores = stores }

    package func receipts(
        from source: EndpointID, to destination: EndpointID, _ range: Range<UInt64>
    ) -> [Receipt] {
        var receipts: [Receipt] = []
        for index in range {
            // What cannot be read is missing: the replay names it.
            guard let bytes = stores[Int(source.index)][.sent(destination, index)],
                let receipt = try? Receipt(encoded: bytes)
            else { return receipts }
            receipts.append(receipt)
        }
        return receipts
    }
}
