package import TallyExecution
package import TallyPrimitives
package import TallyState

/// Claims that a receipt was sent, and if asked for that it was consumed and how that ended.
package struct ReceiptClaim: Hashable, Sendable {
    package let receipt: Receipt
    /// Of the source: a header whose stream to the destination holds the receipt.
    package let sent: AnchoredHeader
    /// The receipt's place in that stream.
    package let path: MerkleRangeProof
    /// Of the destination: a header whose cursor is past the receipt.
    package let consumed: AnchoredHeader?
    /// What that block did; only with `consumed`.
    package let outcome: ResultClaim?

    package init(
        receipt: Receipt, sent: AnchoredHeader, path: MerkleRangeProof,
        consumed: AnchoredHeader? = nil, outcome: ResultClaim? = nil
    ) {
        self.receipt = receipt
        self.sent = sent
        self.path = path
        self.consumed = consumed
        self.outcome = outcome
    }

    // PROOF-8
    func verify(
        _ chain: HeaderChain, _ layout: ShardLayout
    ) throws(LedgerProofError) -> ProvenReceipt {
        let place = receipt.reference
        let source = try sent.verify(chain)
        guard source.endpoint == place.source else {
            throw .wrongSource(expected: place.source, actual: source.endpoint)
        }
        guard let stream = sent.header.out.first(where: { $0.peer == place.destination })?.entry
        else { throw .noStream(from: place.source, to: place.destination) }
        do throws(ProofError) {
            try path.verify(
                root: stream.root, count: stream.end, index: place.index, leaf: receipt.leaf)
        } catch { throw .stream(error) }
        let consumption = try verifyConsumption(chain, layout)
        return ProvenReceipt(
            receipt: receipt, id: place.id(chain: sent.header.chain, layout: layout),
            source: source, consumption: consumption?.block, outcome: consumption?.event)
    }

    // PROOF-9
    private func verifyConsumption(
        _ chain: HeaderChain, _ layout: ShardLayout
    ) throws(LedgerProofError) -> (block: ProvenBlock, event: LedgerEvent?)? {
        let place = receipt.reference
        guard let consumed else {
            guard outcome == nil else { throw .outcomeWithoutConsumption }
            return nil
        }
        let block = try consumed.verify(chain)
        guard try consumed.layout() == layout, block.endpoint == place.destination else {
            throw .wrongDestination(expected: place.destination, actual: block.endpoint)
        }
        guard let entry = consumed.header.in.first(where: { $0.peer == place.source })?.entry,
            entry.cursor > place.index
        else { throw .notConsumed(block.height) }
        guard let outcome else { return (block, nil) }
        let result = try outcome.verify(consumed.header.resultRoot, index: 0)
        guard let event = result.events.first(where: { $0.consumedReceipt == place }) else {
            throw .noOutcome(block.height)
        }
        return (block, event)
    }
}

/// A receipt that was sent, and what is known of its end.
package struct ProvenReceipt: Hashable, Sendable {
    package let receipt: Receipt
    package let id: Hash32
    /// The receipt was sent in this block or before.
    package let source: ProvenBlock
    /// The receipt was consumed in this block, or before when there is no outcome; `nil` when that
    /// was not claimed.
    package let consumption: ProvenBlock?
    /// What came of it, in exactly that block.
    package let outcome: LedgerEvent?
}

/// Claims the result of an entry of a block, by its bytes.
package struct ResultClaim: Hashable, Sendable {
    /// `TransactionResult`; no bytes for the system result of a block without one.
    package let bytes: [UInt8]
    /// Results of the block, the system's included.
    package let count: UInt64
    package let path: MerkleRangeProof

    package init(bytes: [UInt8], count: UInt64, path: MerkleRangeProof) {
        self.bytes = bytes
        self.count = count
        self.path = path
    }

    /// - Parameter index: 0 is the system's, then the transactions.
    func verify(
        _ root: Hash32, index: UInt64
    ) throws(LedgerProofError) -> TransactionResult {
        do throws(ProofError) {
            try path.verify(
                root: root, count: count, index: index, leaf: ShardHeader.resultLeaf(bytes))
        } catch { throw .result(error) }
        do throws(RLPError) {
            return try TransactionResult(encoded: bytes)
        } catch { throw .malformedResult(error) }
    }
}
