import TallyCrypto
package import TallyExecution
package import TallyPrimitives
package import TallyState
package import TallyTransactions

/// Claims that a signed transaction is in a block, and what it did.
package struct TransactionClaim: Hashable, Sendable {
    package let raw: [UInt8]
    package let block: AnchoredHeader
    /// Among the signed transactions of the block, whose number is one below the results'.
    package let index: UInt64
    package let path: MerkleRangeProof
    package let result: ResultClaim

    package init(
        raw: [UInt8], block: AnchoredHeader, index: UInt64, path: MerkleRangeProof,
        result: ResultClaim
    ) {
        self.raw = raw
        self.block = block
        self.index = index
        self.path = path
        self.result = result
    }

    // PROOF-10
    func verify(
        _ chain: HeaderChain, _ layout: ShardLayout
    ) throws(LedgerProofError) -> ProvenTransaction {
        let proven = try block.verify(chain)
        guard result.count > 0, index < UInt64.max else { throw .transaction(.indexOutOfRange(0)) }
        do throws(ProofError) {
            try path.verify(
                root: block.header.txRoot, count: result.count - 1, index: index,
                leaf: Keccak256.hash(raw))
        } catch { throw .transaction(error) }
        let result = try result.verify(block.header.resultRoot, index: index + 1)
        let transaction: Transaction
        do throws(TransactionError) {
            transaction = try Transaction(raw: raw, chainID: nil)
        } catch { throw .malformedTransaction(error) }
        let home = EndpointID(layout.home(of: transaction.sender))
        guard home == proven.endpoint else {
            throw .wrongHome(expected: home, actual: proven.endpoint)
        }
        return ProvenTransaction(
            hash: transaction.hash, sender: transaction.sender, envelope: transaction.envelope,
            block: proven, index: index, result: result)
    }
}

/// A transaction of a final block.
package struct ProvenTransaction: Hashable, Sendable {
    package let hash: Hash32
    /// As the signature says.
    package let sender: Address
    package let envelope: Envelope
    package let block: ProvenBlock
    /// Among the signed transactions of the shard block.
    package let index: UInt64
    package let result: TransactionResult
}
