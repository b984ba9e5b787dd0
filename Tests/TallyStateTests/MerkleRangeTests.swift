import TallyCrypto
import TallyPrimitives
import TallyTesting
import Testing

@testable import TallyState

@Suite struct MerkleRangeTests {
    private func leaves(_ count: Int) -> [Hash32] {
        (0..<count).map { MerkleRange.leafHash([UInt8($0)]) }
    }

    /// Root of a perfect tree, from its definition.
    private func peak(_ leaves: ArraySlice<Hash32>) -> Hash32 {
        if leaves.count == 1 { return leaves[leaves.startIndex] }
        let middle = leaves.startIndex + leaves.count / 2
        return SHA256.hash(
            .rangeInner, peak(leaves[..<middle]).bytes + peak(leaves[middle...]).bytes)
    }

    @Test func rootCommitsToCountAndPeaks() {
        for count in 0...40 {
            let all = leaves(count)
            var image = (0..<8).map { UInt8(truncatingIfNeeded: count >> (56 - 8 * $0)) }
            var start = 0
            for height in stride(from: 5, through: 0, by: -1) where count >> height & 1 == 1 {
                image += peak(all[start..<(start + 1 << height)]).bytes
                start += 1 << height
            }
            #expect(MerkleRange.root(ofLeaves: all) == SHA256.hash(.rangeRoot, image))
        }
    }

    @Test func numbersNodesAsTheyComeIntoBeing() {
        var range = MerkleRange.empty
        var next: UInt64 = 0
        for (index, leaf) in leaves(40).enumerated() {
            var first: UInt64?
            range.append(leaf) { position, hash in
                if first == nil {
                    first = position
                    #expect(hash == leaf)
                }
                #expect(position == next)
                next += 1
            }
            #expect(first == MerkleRange.position(ofLeaf: UInt64(index)))
        }
        #expect(next == MerkleRange.position(ofLeaf: 40))
    }

    @Test func provesEveryLeafOfEveryLength() throws {
        var nodes: [Hash32] = []
        var range = MerkleRange.empty
        for leaf in leaves(40) { range.append(leaf) { nodes.append($1) } }
        for count in 1...40 {
            let all = leaves(count)
            let root = MerkleRange.root(ofLeaves: all)
            for index in 0..<UInt64(count) {
                let proof = try #require(MerkleRangeProof(leaves: all, index: index))
                // Out of the nodes of the longer range.
                let stored = MerkleRangeProof(count: UInt64(count), index: index) {
                    nodes[Int($0)]
                }
                #expect(stored == proof)
                try proof.verify(
                    root: root, count: UInt64(count), index: index, leaf: all[Int(index)])
            }
            #expect(MerkleRangeProof(leaves: all, index: UInt64(count)) == nil)
        }
    }

    @Test(arguments: [1, 2, 7, 8, 21])
    func refusesForgeries(count: Int) throws {
        let all = leaves(count)
        let root = MerkleRange.root(ofLeaves: all)
        let length = UInt64(count)
        for index in 0..<length {
            let proof = try #require(MerkleRangeProof(leaves: all, index: index))
            let leaf = all[Int(index)]
            #expect(throws: ProofError.rootMismatch) {
                try proof.verify(root: root, count: length, index: index, leaf: .zero)
            }
            #expect(throws: ProofError.rootMismatch) {
                try proof.verify(root: .zero, count: length, index: index, leaf: leaf)
            }
            #expect(throws: ProofError.indexOutOfRange(length)) {
                try proof.verify(root: root, count: length, index: length, leaf: leaf)
            }
            for other in 0...UInt64(2 * count) where other != length {
                #expect(throws: ProofError.self) {
                    try proof.verify(root: root, count: other, index: index, leaf: leaf)
                }
            }
            for other in 0..<length where other != index {
                #expect(throws: ProofError.self) {
                    try proof.verify(root: root, count: length, index: other, leaf: leaf)
                }
            }
            let hashes = proof.siblings.count + proof.peaks.count
            let longer = MerkleRangeProof(siblings: proof.siblings + [.zero], peaks: proof.peaks)
            #expect(throws: ProofError.wrongHashCount(expected: hashes, actual: hashes + 1)) {
                try longer.verify(root: root, count: length, index: index, leaf: leaf)
            }
            for position in proof.siblings.indices {
                var siblings = proof.siblings
                siblings[position] = .zero
                let forged = MerkleRangeProof(siblings: siblings, peaks: proof.peaks)
                #expect(throws: ProofError.rootMismatch) {
                    try forged.verify(root: root, count: length, index: index, leaf: leaf)
                }
            }
        }
    }

    /// Height of the node with this number: a perfect tree of height h ends at 2^(h+1) − 2, and
    /// what follows its left half has the numbers of that half once more.
    private func height(of position: UInt64) -> Int {
        var rest = position + 1
        while rest & (rest + 1) != 0 {
            rest -= (1 << UInt64(63 - rest.leadingZeroBitCount)) - 1
        }
        return 63 - rest.leadingZeroBitCount
    }

    /// All leaves are the same here, so that a node's hash depends on its height alone.
    @Test func provesLeavesOfVeryLongRanges() throws {
        let leaf = MerkleRange.leafHash([])
        var perfect = [leaf]
        for height in 0..<63 {
            perfect.append(MerkleRange.innerHash(perfect[height], perfect[height]))
        }
        let counts: [UInt64] = [1 << 40, (1 << 62) + 12345, (1 << 63) - 1]
        for count in counts {
            let peaks = (0..<64).reversed().filter { count >> UInt64($0) & 1 == 1 }
            let root = MerkleRange.root(count: count, peaks: peaks.map { perfect[$0] })
            for index in [0, 1, count / 3, count / 2, count - 1] {
                let proof = try #require(
                    MerkleRangeProof(count: count, index: index) { position in
                        #expect(position < MerkleRange.position(ofLeaf: count))
                        return perfect[height(of: position)]
                    })
                try proof.verify(root: root, count: count, index: index, leaf: leaf)
            }
        }
    }

    @Test func codecsRoundTripAndAreStrict() throws {
        for count in 0...9 {
            let range = MerkleRange(leaves: leaves(count))
            var encoder = RLPEncoder()
            range.encode(to: &encoder)
            var decoder = RLPDecoder(encoder.bytes)
            #expect(try MerkleRange(decoding: &decoder) == range)
            try decoder.finish()
        }
        let short = RLPEncoder.list { list in
            list.append(UInt64(3))
            list.list { $0.append(Hash32.zero) }
        }
        #expect(throws: RLPError.wrongLength(expected: 2, actual: 1)) {
            var decoder = RLPDecoder(short)
            _ = try MerkleRange(decoding: &decoder)
        }
        let endless = RLPEncoder.list { list in
            list.append(UInt64.max)
            list.list { for _ in 0..<64 { $0.append(Hash32.zero) } }
        }
        #expect(throws: RLPError.unknownValue(.max)) {
            var decoder = RLPDecoder(endless)
            _ = try MerkleRange(decoding: &decoder)
        }
        let proof = try #require(MerkleRangeProof(leaves: leaves(21), index: 5))
        var encoder = RLPEncoder()
        proof.encode(to: &encoder)
        var decoder = RLPDecoder(encoder.bytes)
        #expect(try MerkleRangeProof(decoding: &decoder) == proof)
    }
}
