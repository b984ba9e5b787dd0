package import TallyPrimitives

/// Shows that a leaf hash stands at an index of a range.
package struct MerkleRangeProof: Hashable, Sendable {
    /// The other child at each step from the leaf up to its mountain's peak.
    package let siblings: [Hash32]
    /// The other peaks, the largest mountain first.
    package let peaks: [Hash32]

    /// The mountain of leaf `index` in a range of `count` leaves.
    private struct Mountain {
        /// Log 2 of its number of leaves.
        let height: Int
        /// How many mountains stand before it.
        let rank: Int

        /// `nil` unless `index` is below `count`.
        init?(index: UInt64, count: UInt64) {
            guard index < count else { return nil }
            // The highest bit in which the two differ is set in `count`: that is the mountain.
            height = 63 - (index ^ count).leadingZeroBitCount
            rank = height == 63 ? 0 : (count >> UInt64(height + 1)).nonzeroBitCount
        }
    }

    /// Proof of leaf `index` for the list of all leaf hashes; `nil` when there is no such leaf.
    /// - Complexity: O(leaves) hashes.
    package init?(leaves: [Hash32], index: UInt64) {
        var nodes: [Hash32] = []
        nodes.reserveCapacity(2 * leaves.count)
        var range = MerkleRange.empty
        for leaf in leaves { range.append(leaf) { nodes.append($1) } }
        self.init(count: range.count, index: index) { nodes[Int($0)] }
    }

    /// Proof of leaf `index` in the range of the first `count` leaves, of which `node` has all
    /// nodes by number; `nil` when there is no such leaf.
    /// - Complexity: O(log count) nodes.
    package init?<E: Error>(
        count: UInt64, index: UInt64, node: (UInt64) throws(E) -> Hash32
    ) throws(E) {
        try self.init(count: count, index: index) { (order, height) throws(E) in
            try node(Self.position(of: order, height))
        }
    }

    /// The same from subtrees: `subtree(order, height)` is the node over the 2^height leaves from
    /// `order << height` on.
    package init?<E: Error>(
        count: UInt64, index: UInt64, subtree: (UInt64, Int) throws(E) -> Hash32
    ) throws(E) {
        guard let mountain = Mountain(index: index, count: count) else { return nil }
        var siblings: [Hash32] = []
        for height in 0..<mountain.height {
            try siblings.append(subtree((index >> UInt64(height)) ^ 1, height))
        }
        var peaks: [Hash32] = []
        for height in stride(from: 63, through: 0, by: -1)
        where height != mountain.height && (count >> UInt64(height)) & 1 == 1 {
            try peaks.append(subtree((count >> UInt64(height)) - 1, height))
        }
        self.init(siblings: siblings, peaks: peaks)
    }

    /// Number of the node over the leaves `order << height` up to `(order + 1) << height`: it is
    /// created `height` nodes after the last of them.
    private static func position(of order: UInt64, _ height: Int) -> UInt64 {
        let last = ((order + 1) << UInt64(height)) - 1
        return MerkleRange.position(ofLeaf: last) + UInt64(height)
    }

    /// Checks that `leaf` stands at `index` of the range with this root and length (MMR-5).
    /// - Throws: `.indexOutOfRange`, `.wrongHashCount`, `.rootMismatch`.
    package func verify(
        root: Hash32, count: UInt64, index: UInt64, leaf: Hash32
    ) throws(ProofError) {
        guard let mountain = Mountain(index: index, count: count) else {
            throw .indexOutOfRange(index)
        }
        let expected = mountain.height + count.nonzeroBitCount - 1
        guard siblings.count == mountain.height, peaks.count == count.nonzeroBitCount - 1 else {
            throw .wrongHashCount(expected: expected, actual: siblings.count + peaks.count)
        }
        var node = leaf
        for (height, sibling) in siblings.enumerated() {
            node =
                (index >> UInt64(height)) & 1 == 1
                ? MerkleRange.innerHash(sibling, node) : MerkleRange.innerHash(node, sibling)
        }
        var all = peaks
        all.insert(node, at: mountain.rank)
        guard MerkleRange.root(count: count, peaks: all) == root else { throw .rootMismatch }
    }

    /// `[[sibling, …], [peak, …]]` (MMR-6).
    package func encode(to encoder: inout RLPEncoder) {
        encoder.list { list in
            list.list { items in for hash in siblings { items.append(hash) } }
            list.list { items in for hash in peaks { items.append(hash) } }
        }
    }

    package init(decoding decoder: inout RLPDecoder) throws(RLPError) {
        var list = try decoder.nextList()
        func hashes(_ list: inout RLPDecoder) throws(RLPError) -> [Hash32] {
            try list.nextArray(limit: 64) { (item) throws(RLPError) in
                try item.nextFixed(Hash32.self)
            }
        }
        let siblings = try hashes(&list)
        let peaks = try hashes(&list)
        try list.finish()
        self.init(siblings: siblings, peaks: peaks)
    }

    init(siblings: [Hash32], peaks: [Hash32]) {
        self.siblings = siblings
        self.peaks = peaks
    }
}
