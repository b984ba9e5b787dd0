package import TallyPrimitives
package import TallySharding

/// Why the ledger has no proof for a question.
package enum ProofRefusal: Error, Equatable, Sendable {
    case read(ReadError)
    /// What is stored does not lead to the roots that the headers carry.
    case inconsistent(LedgerProofError)
    /// There is no such beacon block.
    case unknownBlock
    /// The state of the shard is held for these heights only.
    case stateUnavailable(from: Height, through: Height)
    /// The stream ends before the receipt.
    case unknownReceipt(end: UInt64)
    case unknownTransaction
    /// The destination's cursor has not passed the receipt.
    case notConsumed(cursor: UInt64)
    /// Rows that the stream's range is computed from are not kept any more.
    case receiptsPruned(below: UInt64)
    /// The nodes over the stream are being computed: so many receipts of all are done.
    case indexing(done: UInt64, of: UInt64)
    /// The block to be trusted comes before what is to be shown.
    case anchorTooEarly(lowest: Height)
    /// More headers lie between what is to be shown and the block to be trusted than a proof has.
    case tooFarApart(from: Height, through: Height)
}
