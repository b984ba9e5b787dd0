package import TallyPrimitives
package import TallyState

/// What a prover shows of its answer, in the order of the draw: the indices themselves are not
/// sent, since both sides know them (TASK-8).
package enum ProofOpening: Hashable, Sendable {
    /// Places of the ends of segments; the ends themselves follow from them.
    case chain([MerkleRangeProof])
    case matrix([MatrixTile])
    /// All solutions, ascending.
    case hash([UInt64])

    package var kind: ProofKind {
        switch self {
        case .chain: .chain
        case .matrix: .matrix
        case .hash: .hash
        }
    }

    var count: Int {
        switch self {
        case .chain(let paths): paths.count
        case .matrix(let tiles): tiles.count
        case .hash(let nonces): nonces.count
        }
    }

    /// Decodes an opening from anybody.
    /// - Throws: `.tooLong`, `.encoding`.
    package init(untrusted bytes: [UInt8], for task: ProofTask) throws(ProofFault) {
        guard bytes.count <= task.openingByteLimit else {
            throw .tooLong(limit: task.openingByteLimit)
        }
        do throws(RLPError) {
            self = try ProofOpening(encoded: bytes)
        } catch { throw .encoding(error) }
    }
}

extension ProofTask {
    /// No opening for the task that verifies is longer. At most 116 KiB for every task, which
    /// leaves a transaction of 128 KiB room for the rest.
    package var openingByteLimit: Int {
        // Headers: one of 4 bytes at most for each list and string of more than 55 bytes.
        func path(_ count: UInt64) -> Int {
            12 + 33 * Int(ProofWeights.mostHashes(count: count))
        }
        return switch self {
        case .chain(let task): 12 + Int(task.openings) * path(UInt64(task.segments))
        case .matrix(let task):
            12 + Int(task.openings) * (8 + 4 * MatrixTask.tileEntries + path(task.tileCount))
        case .hash(let task): 12 + 9 * Int(task.solutions)
        }
    }
}

extension ProofCommitment: RLPValue {
    package func encode(to out: inout RLPEncoder) { out.append(root) }

    package init(from input: inout RLPDecoder) throws(RLPError) {
        self.init(root: try input.nextFixed())
    }
}

extension ProofOpening: RLPValue {
    package func encode(to out: inout RLPEncoder) {
        out.list { out in
            out.append(kind.rawValue)
            out.list { out in
                switch self {
                case .chain(let paths): for path in paths { path.encode(to: &out) }
                case .matrix(let tiles): for tile in tiles { tile.encode(to: &out) }
                case .hash(let nonces): for nonce in nonces { out.append(nonce) }
                }
            }
        }
    }

    package init(from input: inout RLPDecoder) throws(RLPError) {
        let limit = Int(ProofTask.maximumOpenings)
        var list = try input.nextList()
        switch try list.nextCase(ProofKind.self) {
        case .chain:
            let paths = try list.nextArray(limit: limit) { (item) throws(RLPError) in
                try MerkleRangeProof(decoding: &item)
            }
            self = .chain(paths)
        case .matrix: self = .matrix(try list.nextArray(limit: limit))
        case .hash:
            let most = Int(HashTask.maximumSolutions)
            let nonces = try list.nextArray(limit: most) { (item) throws(RLPError) in
                try item.nextInteger(UInt64.self)
            }
            self = .hash(nonces)
        }
        try list.finish()
    }
}

extension MatrixTile: RLPValue {
    package func encode(to out: inout RLPEncoder) {
        out.list { out in
            out.append(Self.bytes(entries))
            path.encode(to: &out)
        }
    }

    package init(from input: inout RLPDecoder) throws(RLPError) {
        var list = try input.nextList()
        let length = 4 * MatrixTask.tileEntries
        let bytes = try list.nextString(limit: length)
        guard bytes.count == length else {
            throw .wrongLength(expected: length, actual: bytes.count)
        }
        let entries = bytes.withUnsafeBytes { bytes in
            (0..<MatrixTask.tileEntries).map {
                Int32(bigEndian: bytes.loadUnaligned(fromByteOffset: 4 * $0, as: Int32.self))
            }
        }
        self.init(entries: entries, path: try MerkleRangeProof(decoding: &list))
        try list.finish()
    }
}
