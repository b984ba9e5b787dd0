package import TallyExecution
package import TallyJournal
package import TallyPrimitives
package import TallySharding
package import TallyState
package import TallyStore

/// Something that a stored ledger must not show: its exact place, what stands there and what should.
package enum AuditFinding: Error, Equatable, Sendable {
    // Leaves
    /// The stored buckets do not form a state tree.
    case state(EndpointID, StateError)
    /// The leaves' sum, recomputed, is not the one that the checkpoint's header carries.
    case leafSum(EndpointID, stored: Amount, computed: Amount)
    case stateRoot(EndpointID, stored: Hash32, computed: Hash32)
    /// An object does not decode.
    case object(EndpointID, ObjectKind, RLPError)
    /// Objects of a deep audit break what always holds between them.
    case invariant(EndpointID, InvariantViolation)

    // Checkpoints
    case checkpointMissing(EndpointID)
    /// A checkpoint is older than the beacon's, which is written last.
    case checkpointOrder(EndpointID, checkpoint: Height, beacon: Height)
    /// A checkpoint's header is not that of the endpoint's last block.
    case checkpointHeader(EndpointID, checkpoint: Height)
    case transactionCount(EndpointID, stored: UInt64, counted: UInt64)
    case booksMissing
    case booksCorrupt(RLPError)
    /// The beacon's books are of another block than its checkpoint.
    case booksHead(books: Height, checkpoint: Height)
    /// The beacon's books say something else of the randomness than the headers do (SEED-3).
    case booksRandomness(checkpoint: Height)
    /// The beacon's books say something else of an endpoint than its headers.
    case books(EndpointID)

    // Headers
    case beaconBlockMissing(Height)
    case beaconHashIndex(Height)
    /// The block carries a set, and the row of elections is not of it.
    case electionRow(Height)
    /// What seals a block is of another one, or holds less power than a quorum.
    case seals(Height, power: UInt64, quorum: UInt64)
    case blockMissing(Height, EndpointID)
    /// A stored header is not the one that was anchored.
    case anchor(Height, EndpointID, anchored: Hash32, stored: Hash32)
    /// What a beacon row says beside the hash is not what the shard block says.
    case anchorSummary(Height, EndpointID)
    /// A rule of anchoring is broken.
    case header(Height, AnchorRejection)
    /// Δsum ≠ Δin − Δout + Δmint − Δburn: the sum that follows from the other fields, `nil` outside
    /// 0 … 2^128 − 1, and the one that stands there.
    case conservation(Height, EndpointID, expected: Amount?, actual: Amount)
    /// Σsum + in flight + burned, and genesis + minted.
    case supply(Height, assets: Amount?, claims: Amount?)
    /// Sums no longer fit into 128 bits; later headers were not looked at.
    case headersUnchecked(after: Height)

    // Receipts
    case receiptsMissing(source: EndpointID, destination: EndpointID, Range<UInt64>)
    /// A receipt lies at another place than the one it names.
    case receiptMisplaced(at: ReceiptReference, names: ReceiptReference)
    /// A receipt lies at its own place and at another one too.
    case receiptDoubled(ReceiptReference, at: ReceiptReference)
    /// A receipt lies past the end of its stream.
    case receiptBeyondEnd(ReceiptReference, end: UInt64)
    case receiptCorrupt(ReceiptReference)
    /// The receipts that a block sent do not give the stream's root in its header.
    case streamRoot(Height, source: EndpointID, destination: EndpointID, Range<UInt64>)
    /// The receipts that a block sent are worth something else than its header says.
    case streamValue(
        Height, source: EndpointID, destination: EndpointID, header: Amount, receipts: Amount?)
    /// A block consumed receipts worth something else than its header says.
    case consumedValue(
        Height, source: EndpointID, destination: EndpointID, header: Amount, receipts: Amount?)
    /// The endpoint's state and the receipts disagree about a stream, by the side named.
    case streamState(EndpointID, peer: EndpointID, StreamSide)
    case legMissing(ReceiptReference, consumedAt: Height)
    case legHeight(ReceiptReference, stored: Height?, consumedAt: Height)
    /// A row tells of a receipt as consumed that is at the cursor or past it.
    case legBeyondCursor(ReceiptReference, cursor: UInt64)
    /// A block's events tell of other receipts than its header consumed.
    case consumptionEvents(Height, EndpointID)
    case dueRow(Height, EndpointID, entry: UInt64)

    // Transactions
    case transactionMissing(Height, EndpointID, index: Int)
    case transactionCorrupt(Height, EndpointID, index: Int)
    case txRoot(Height, EndpointID)
    case resultRoot(Height, EndpointID)
    case hashIndex(Height, EndpointID, index: Int)
    /// The stored sender did not sign the transaction.
    case signature(Height, EndpointID, index: Int)

    // Rows and log
    case corruptRow(EndpointID, database: String, key: [UInt8])
    case rowCount(EndpointID, database: String, expected: Int, actual: Int)
    case log(JournalError)
    /// A logged body does not decode.
    case logRecord(Height, BlockDecodingError)
    /// Records of the log do not decode, or do not go together.
    case logRecords(LogRecoveryError)
    /// A logged block is not the one that the checkpoints hold.
    case logBlock(Height)
    /// The log ends before the checkpoints: it lost what was acknowledged.
    case logEnds(at: Height, checkpoint: Height)
    /// The blocks of the log from `from` on were not audited, since they cannot be replayed.
    case tailNotReplayed(from: Height, RestoreError)

    /// A side of a stream, as its endpoint's state has it.
    package enum StreamSide: String, Sendable {
        case sent
        case consumed
    }
}

/// Findings, with a bound: a ledger that is wrong everywhere needs no more of them.
struct AuditFindings {
    private(set) var list: [AuditFinding] = []
    private(set) var dropped = 0
    static let bound = 1_000

    mutating func add(_ finding: AuditFinding) {
        if list.count < Self.bound { list.append(finding) } else { dropped += 1 }
    }
}

/// Why nothing could be audited.
package enum AuditError: Error, Equatable, Sendable {
    case store(StoreError)
    /// The data directory belongs to another network.
    case wrongChain(EndpointID, stored: Hash32, expected: Hash32)
    /// The log's files cannot be read.
    case log(JournalStorageError)
    case genesis(StateError)
    /// The ledger began from a snapshot: there is no history to add up (SNAP-11).
    case historyAbsent(below: Height)
}

extension AuditError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .store(let error): error.description
        case .wrongChain(let endpoint, let stored, let expected):
            "the data of endpoint \(endpoint) belongs to the chain with genesis \(stored), not to "
                + "\(expected): check the data directory and genesis.json"
        case .log(let error): "the beacon log cannot be read: \(error)"
        case .genesis(let error): "the genesis state cannot be built: \(error)"
        case .historyAbsent(let base):
            "this ledger began from a snapshot of height \(base): the history below, which an audit "
                + "adds up, is not here; audit a ledger that began at the genesis"
        }
    }
}
