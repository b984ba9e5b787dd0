package import TallyPrimitives
package import TallyState

/// An endpoint's header and its way to the beacon header that anchors it.
package struct AnchoredHeader: Hashable, Sendable {
    package let header: ShardHeader
    /// Place among the headers that the beacon header anchors, and how many these are.
    package let index: UInt64
    package let count: UInt64
    package let path: MerkleRangeProof

    package init(header: ShardHeader, index: UInt64, count: UInt64, path: MerkleRangeProof) {
        self.header = header
        self.index = index
        self.count = count
        self.path = path
    }

    /// - Parameter anchors: hashes of all headers that were anchored with this one.
    /// - Returns: `nil` when it is not among them.
    package init?(_ header: ShardHeader, among anchors: [Hash32]) {
        let hash = header.hash
        guard let index = anchors.firstIndex(of: hash),
            let path = MerkleRangeProof(leaves: anchors, index: UInt64(index))
        else { return nil }
        self.init(
            header: header, index: UInt64(index), count: UInt64(anchors.count), path: path)
    }

    func layout() throws(LedgerProofError) -> ShardLayout {
        guard let layout = ShardLayout(shardCount: Int(header.shardCount)),
            header.endpoint.index <= layout.shardCount
        else { throw .layout(shardCount: header.shardCount, endpoint: header.endpoint) }
        return layout
    }

    /// Shows that a header of the chain anchors this one (PROOF-5).
    func verify(_ chain: HeaderChain) throws(LedgerProofError) -> ProvenBlock {
        guard let beacon = chain[header.height] else { throw .noBeaconHeader(header.height) }
        guard header.chain == beacon.chain else {
            throw .wrongChain(expected: beacon.chain, actual: header.chain)
        }
        let hash = header.hash
        do throws(ProofError) {
            try path.verify(root: beacon.anchorsRoot, count: count, index: index, leaf: hash)
        } catch { throw .anchor(header.endpoint, header.height, error) }
        return ProvenBlock(
            endpoint: header.endpoint, height: header.height, hash: hash, beaconHash: beacon.hash,
            time: beacon.time)
    }
}
