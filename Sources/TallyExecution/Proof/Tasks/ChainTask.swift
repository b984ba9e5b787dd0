import TallyCrypto
package import TallyPrimitives
import TallyState

/// Measures latency: a chain of SHA-256 in which each step needs the one before (TASK-5).
///
/// The steps come in segments. A segment begins with the hash of the peaks of the range over the
/// ends of all segments before it, and what is committed to is the root of the range over all ends.
/// A plain chain with hashed checkpoints would not do: who invents the value in the middle and does
/// both halves at once has one false link among all segments, and half the time. Here one invented
/// value makes every segment below its node false.
/// Source: B. Cohen and K. Pietrzak, "Simple proofs of sequential work", EUROCRYPT 2018, theorem 1.
package struct ChainTask: Hashable, Sendable {
    /// 2 ... 2^18.
    package let segments: UInt32
    /// 1 ... 2^18.
    package let stepsPerSegment: UInt32
    /// Segments that are opened: 1 ... 64, at most all.
    package let openings: UInt16

    /// The prover keeps 64 bytes a segment: 16 MiB.
    package static let maximumSegments: UInt32 = 1 << 18
    package static let maximumStepsPerSegment: UInt32 = 1 << 18

    /// - Throws: `.parameter`, `.tooHeavy`.
    package init(
        segments: UInt32, stepsPerSegment: UInt32, openings: UInt16
    ) throws(ProofTaskError) {
        guard (2...Self.maximumSegments).contains(segments) else {
            throw .parameter(.segments, UInt64(segments))
        }
        guard (1...Self.maximumStepsPerSegment).contains(stepsPerSegment) else {
            throw .parameter(.stepsPerSegment, UInt64(stepsPerSegment))
        }
        guard (1...ProofTask.maximumOpenings).contains(openings), openings <= segments else {
            throw .parameter(.openings, UInt64(openings))
        }
        self.segments = segments
        self.stepsPerSegment = stepsPerSegment
        self.openings = openings
        try ProofTask.checkWeight(weight)
    }

    /// Steps that a prover does one after the other.
    package var steps: UInt64 { UInt64(segments) * UInt64(stepsPerSegment) }

    /// Weight of verifying an answer, call data apart (TASK-9).
    package var weight: Weight {
        let count = UInt64(segments)
        let start = ProofWeights.blocks(40 + 32 * ProofWeights.mostHashes(count: count))
        let path = ProofWeights.pathBlocks(count: count, leafBytes: 32)
        let segment = start + UInt64(stepsPerSegment) + path
        let draw = ProofWeights.drawBlocks(openings: UInt64(openings))
        return (UInt64(openings) * segment + draw) * ProofWeights.block
    }

    /// The value at the end of segment `index`.
    /// - Parameter peaks: those of the range over the ends before it.
    /// - Complexity: `stepsPerSegment` hashes.
    package func end(ofSegment index: UInt64, after peaks: [Hash32], of challenge: Hash32) -> Hash32
    {
        var value = SHA256.hash(.taskSegment) {
            $0.update(challenge)
            $0.update(index)
            for peak in peaks { $0.update(peak) }
        }
        for _ in 0..<stepsPerSegment {
            let previous = value
            value = SHA256.hash(.taskStep) { $0.update(previous) }
        }
        return value
    }

    /// Does the steps.
    /// - Complexity: `steps` hashes; 64 bytes a segment.
    func answer(_ challenge: Hash32) -> RangeAnswer {
        var range = MerkleRange.empty
        var nodes: [Hash32] = []
        nodes.reserveCapacity(2 * Int(segments))
        for index in 0..<UInt64(segments) {
            let end = end(ofSegment: index, after: range.peaks, of: challenge)
            range.append(MerkleRange.leafHash(end.bytes)) { nodes.append($1) }
        }
        return RangeAnswer(count: range.count, nodes: nodes, root: range.root)
    }

    /// - Throws: `.path`.
    func verify(
        _ paths: [MerkleRangeProof], drawn indices: [UInt64], root: Hash32, challenge: Hash32
    ) throws(ProofFault) {
        for (position, index) in indices.enumerated() {
            let path = paths[position]
            let end = end(ofSegment: index, after: path.peaks(before: index), of: challenge)
            do throws(ProofError) {
                try path.verify(
                    root: root, count: UInt64(segments), index: index,
                    leaf: MerkleRange.leafHash(end.bytes))
            } catch { throw .path(at: position, error) }
        }
    }
}

/// What a prover keeps of a chain: every node of the range over the ends, by number.
struct RangeAnswer: Sendable {
    let count: UInt64
    let nodes: [Hash32]
    let root: Hash32

    func path(of index: UInt64) -> MerkleRangeProof {
        let path = MerkleRangeProof(count: count, index: index) { nodes[Int($0)] }
        guard let path else { preconditionFailure("a draw from another task") }
        return path
    }
}

extension MerkleRangeProof {
    /// Peaks of the range of the first `index` leaves, which a path of leaf `index` has among its
    /// hashes: the peaks before the leaf's mountain, and the siblings on the left, highest first.
    /// Anything for a path of another shape, which `verify` refuses.
    fileprivate func peaks(before index: UInt64) -> [Hash32] {
        var left: [Hash32] = []
        for (height, sibling) in siblings.enumerated().reversed()
        where (index >> UInt64(height)) & 1 == 1 {
            left.append(sibling)
        }
        return peaks.prefix(max(0, index.nonzeroBitCount - left.count)) + left
    }
}
