import TallyCrypto
package import TallyPrimitives

/// A Merkle mountain range: commits to a list that only grows, at the cost of one hash for each
/// bit of its length.
///
/// The leaves form perfect trees (*mountains*) of falling size, one for each bit set in `count`.
/// Nodes are numbered in the order in which appending creates them, from 0: the children of a node
/// come before it, a right child directly. Leaf i is node 2i − popcount(i) (MMR-2). A store that
/// keeps nodes by number can prove any leaf of any earlier length.
/// Source: P. Todd, "Merkle Mountain Ranges", OpenTimestamps, 2012.
package struct MerkleRange: Hashable, Sendable {
    /// Number of leaves.
    package private(set) var count: UInt64
    /// Roots of the mountains, the largest first.
    package private(set) var peaks: [Hash32]

    package static let empty = MerkleRange(count: 0, peaks: [])

    private init(count: UInt64, peaks: [Hash32]) {
        self.count = count
        self.peaks = peaks
    }

    /// The range of these leaf hashes.
    package init(leaves: [Hash32]) {
        self = .empty
        for leaf in leaves { append(leaf) }
    }

    /// MMR-1.
    package static func leafHash(_ bytes: [UInt8]) -> Hash32 { SHA256.hash(.rangeLeaf, bytes) }

    package static func root(ofLeaves leaves: [Hash32]) -> Hash32 {
        MerkleRange(leaves: leaves).root
    }

    /// Commits to the length and to every leaf (MMR-4).
    package var root: Hash32 { Self.root(count: count, peaks: peaks) }

    static func root(count: UInt64, peaks: [Hash32]) -> Hash32 {
        SHA256.hash(.rangeRoot) {
            $0.update(count)
            for peak in peaks { $0.update(peak) }
        }
    }

    package static func innerHash(_ left: Hash32, _ right: Hash32) -> Hash32 {
        SHA256.hash(.rangeInner) {
            $0.update(left)
            $0.update(right)
        }
    }

    /// Appends a leaf hash; `onNode` is told of each node that comes into being, the leaf first,
    /// in the order of their numbers.
    /// - Complexity: O(1) hashes on average, O(log count) at worst.
    package mutating func append(_ leaf: Hash32, onNode: (UInt64, Hash32) -> Void = { _, _ in }) {
        precondition(count < UInt64.max / 2, "range of 2^63 leaves")
        var position = Self.position(ofLeaf: count)
        var node = leaf
        onNode(position, node)
        // MMR-3: each mountain of the size reached so far becomes the left half of one twice it.
        for _ in 0..<(~count).trailingZeroBitCount {
            node = Self.innerHash(peaks.removeLast(), node)
            position += 1
            onNode(position, node)
        }
        peaks.append(node)
        count += 1
    }

    /// The range with these leaf hashes behind it.
    package func appending(_ leaves: ArraySlice<Hash32>) -> MerkleRange {
        var range = self
        for leaf in leaves { range.append(leaf) }
        return range
    }

    /// Number of the node that is leaf `index`, which is also the number of nodes of a range of
    /// `index` leaves.
    package static func position(ofLeaf index: UInt64) -> UInt64 {
        2 * index - UInt64(index.nonzeroBitCount)
    }

    /// `[count, [peak, …]]` (MMR-6).
    package func encode(to encoder: inout RLPEncoder) {
        encoder.list { list in
            list.append(count)
            list.list { peaks in for peak in self.peaks { peaks.append(peak) } }
        }
    }

    /// - Throws: `.wrongLength` when the number of peaks does not fit the count, and the decoder's.
    package init(decoding decoder: inout RLPDecoder) throws(RLPError) {
        var list = try decoder.nextList()
        let count = try list.nextInteger(UInt64.self)
        let peaks = try list.nextArray(limit: 64) { (item) throws(RLPError) in
            try item.nextFixed(Hash32.self)
        }
        try list.finish()
        guard count <= UInt64.max / 2 else { throw .unknownValue(count) }
        guard peaks.count == count.nonzeroBitCount else {
            throw .wrongLength(expected: count.nonzeroBitCount, actual: peaks.count)
        }
        self.init(count: count, peaks: peaks)
    }
}
