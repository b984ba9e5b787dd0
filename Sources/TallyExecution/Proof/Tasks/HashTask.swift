import TallyCrypto
package import TallyPrimitives

/// Nonces whose Keccak-256 begins with zero bits: measures the hash rate, and nothing else
/// (TASK-7).
package struct HashTask: Hashable, Sendable {
    /// 1 ... 32.
    package let prefixBits: UInt8
    /// 1 ... 256.
    package let solutions: UInt16

    package static let maximumPrefixBits: UInt8 = 32
    package static let maximumSolutions: UInt16 = 256

    /// - Throws: `.parameter`.
    package init(prefixBits: UInt8, solutions: UInt16) throws(ProofTaskError) {
        guard (1...Self.maximumPrefixBits).contains(prefixBits) else {
            throw .parameter(.prefixBits, UInt64(prefixBits))
        }
        guard (1...Self.maximumSolutions).contains(solutions) else {
            throw .parameter(.solutions, UInt64(solutions))
        }
        self.prefixBits = prefixBits
        self.solutions = solutions
    }

    /// EMC's shipped task: 60 hashes that begin with four zero digits, so 3.9 million trials.
    package static let emc = HashTask(checkedPrefixBits: 16, solutions: 60)

    private init(checkedPrefixBits prefixBits: UInt8, solutions: UInt16) {
        self.prefixBits = prefixBits
        self.solutions = solutions
    }

    /// Weight of verifying an answer, call data apart (TASK-9).
    package var weight: Weight {
        let commitment = ProofWeights.blocks(32 + 8 * UInt64(solutions))
        return (commitment + ProofWeights.blocks(128)) * ProofWeights.block
            + UInt64(solutions) * ProofWeights.keccak
    }

    package func isSolution(_ nonce: UInt64, of challenge: Hash32) -> Bool {
        var bytes = challenge.bytes
        bytes.reserveCapacity(40)
        withUnsafeBytes(of: nonce.bigEndian) { bytes.append(contentsOf: $0) }
        return Keccak256.hash(bytes).words.0.leadingZeroBitCount >= Int(prefixBits)
    }

    package static func root(_ nonces: [UInt64], of challenge: Hash32) -> Hash32 {
        SHA256.hash(.taskSolutions) {
            $0.update(challenge)
            for nonce in nonces { $0.update(nonce) }
        }
    }

    /// The smallest solutions.
    /// - Complexity: `solutions` · 2^`prefixBits` hashes on average.
    func answer(_ challenge: Hash32) -> [UInt64] {
        var found: [UInt64] = []
        var nonce: UInt64 = 0
        while found.count < Int(solutions) {
            if isSolution(nonce, of: challenge) { found.append(nonce) }
            nonce += 1
        }
        return found
    }

    /// - Throws: `.commitmentMismatch`, `.notAscending`, `.noSolution`.
    func verify(_ nonces: [UInt64], root: Hash32, challenge: Hash32) throws(ProofFault) {
        guard Self.root(nonces, of: challenge) == root else { throw .commitmentMismatch }
        for (position, nonce) in nonces.enumerated() {
            guard position == 0 || nonces[position - 1] < nonce else {
                throw .notAscending(at: position)
            }
            guard isSolution(nonce, of: challenge) else { throw .noSolution(at: position) }
        }
    }
}
