import TallyCrypto
package import TallyPrimitives

// TASK-2

extension ProofTask: RLPValue {
    package func encode(to out: inout RLPEncoder) {
        out.list { out in
            out.append(kind.rawValue)
            switch self {
            case .chain(let task):
                out.append(task.segments)
                out.append(task.stepsPerSegment)
                out.append(task.openings)
            case .matrix(let task):
                out.append(task.size)
                out.append(task.openings)
            case .hash(let task):
                out.append(task.prefixBits)
                out.append(task.solutions)
            }
        }
    }

    /// - Throws: also `.unknownValue` for a parameter outside its range.
    package init(from input: inout RLPDecoder) throws(RLPError) {
        var list = try input.nextList()
        let kind = try list.nextCase(ProofKind.self)
        let first: UInt32 = try list.nextInteger()
        let second: UInt32 = kind == .chain ? try list.nextInteger() : 0
        let last: UInt16 = try list.nextInteger()
        try list.finish()
        do throws(ProofTaskError) {
            switch kind {
            case .chain:
                self = .chain(
                    try ChainTask(segments: first, stepsPerSegment: second, openings: last))
            case .matrix: self = .matrix(try MatrixTask(size: first, openings: last))
            case .hash:
                guard let bits = UInt8(exactly: first) else {
                    throw .parameter(.prefixBits, UInt64(first))
                }
                self = .hash(try HashTask(prefixBits: bits, solutions: last))
            }
        } catch { throw error.ofEncoding }
    }
}

extension ProofChallenge: RLPValue {
    package func encode(to out: inout RLPEncoder) {
        Self.encode(task, seed, node, round, to: &out)
    }

    package init(from input: inout RLPDecoder) throws(RLPError) {
        var list = try input.nextList()
        self.init(
            task: try ProofTask(from: &list), seed: try list.nextFixed(),
            node: try list.nextFixed(), round: try list.nextInteger())
        try list.finish()
    }

    private static func encode(
        _ task: ProofTask, _ seed: Hash32, _ node: Address, _ round: UInt64,
        to out: inout RLPEncoder
    ) {
        out.list { out in
            task.encode(to: &out)
            out.append(seed)
            out.append(node)
            out.append(round)
        }
    }

    // TASK-3
    static func id(
        _ task: ProofTask, _ seed: Hash32, _ node: Address, _ round: UInt64
    ) -> Hash32 {
        var out = RLPEncoder(capacity: 96)
        encode(task, seed, node, round, to: &out)
        return SHA256.hash(.taskChallenge, out.bytes)
    }
}
