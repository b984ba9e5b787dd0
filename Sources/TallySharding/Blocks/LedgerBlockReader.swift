package import TallyConsensus
package import TallyPrimitives
package import TallyTransactions

/// Why raw bytes are no transaction of the sender they are said to be of.
package enum SenderError: Error, Hashable, Sendable {
    case malformed(TransactionError)
    case otherSigner(claimed: Address)
}

/// Says who signed a raw transaction: from a cache, by recovering, or because it is known.
package protocol SenderCheck: Sendable {
    /// The transaction, if `sender` signed it.
    func transaction(raw: [UInt8], sender: Address) throws(SenderError) -> Transaction
}

/// Believes what stands beside the bytes: for our own log, and for simulations.
package struct TrustedSenders: SenderCheck {
    package init() {}

    package func transaction(raw: [UInt8], sender: Address) throws(SenderError) -> Transaction {
        do throws(TransactionError) {
            return try Transaction(raw: raw, verifiedSender: sender)
        } catch { throw .malformed(error) }
    }
}

/// Recovers the signer of every transaction.
package struct RecoveredSenders: SenderCheck {
    private let chainID: ChainID

    package init(chainID: ChainID) { self.chainID = chainID }

    package func transaction(raw: [UInt8], sender: Address) throws(SenderError) -> Transaction {
        let transaction: Transaction
        do throws(TransactionError) {
            transaction = try Transaction(raw: raw, chainID: chainID)
        } catch { throw .malformed(error) }
        guard transaction.sender == sender else { throw .otherSigner(claimed: sender) }
        return transaction
    }
}

/// Reads what names a block out of a body that came from elsewhere (IBFT-R16).
///
/// The digest binds every byte: it is the header's hash, the header commits to the shards' headers,
/// these to the transactions, and the senders follow from the signatures; RLP has one form only.
/// Whether the block is valid is asked later.
package struct LedgerBlockReader<Senders: SenderCheck, Work: WorkMap>: BlockReader {
    private let senders: Senders
    private let work: Work

    /// - Parameter work: how the transactions are decoded and their senders recovered.
    package init(senders: Senders, work: Work) {
        self.senders = senders
        self.work = work
    }

    package func block(body: [UInt8]) -> ProposedBlock? {
        do throws(BlockDecodingError) {
            let header = try block(reading: body).header
            return ProposedBlock(
                height: header.height, parent: header.parent, digest: header.hash,
                timestamp: header.time, body: body)
        } catch { return nil }
    }

    /// The block itself.
    /// - Throws: every case of `BlockDecodingError`.
    package func block(reading body: [UInt8]) throws(BlockDecodingError) -> BeaconBlock {
        let block = try BeaconBlock(body: body, senders: senders, work)
        guard block.header.anchorsRoot == BeaconHeader.anchorsRoot(block.anchors.map(\.header))
        else { throw .anchorsRoot }
        for anchor in block.anchors {
            guard anchor.header.txRoot == ShardHeader.txRoot(anchor.transactions.map(\.hash)) else {
                throw .transactions(anchor.header.endpoint)
            }
        }
        return block
    }
}

extension LedgerBlockReader where Work == InOrder {
    package init(senders: Senders) { self.init(senders: senders, work: InOrder()) }
}
