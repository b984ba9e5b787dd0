import TallyCrypto
import TallyExecution
import TallyPrimitives
import TallyTesting
import Testing

// TASK-7

@Suite struct HashTaskTests {
    private func honest(_ seed: UInt64) throws -> (Honest, [UInt64]) {
        var generator = SeededGenerator(seed: seed)
        let honest = Honest(
            .hash(try HashTask(prefixBits: 6, solutions: 5)), &generator)
        guard case .hash(let nonces) = honest.opening else {
            throw VectorError("an opening of another kind")
        }
        return (honest, nonces)
    }

    @Test func honestSolutionsVerify() throws {
        try forEachSeed(base: 0x6861_7368, count: 30) { seed, generator in
            let task = try HashTask(
                prefixBits: .random(in: 1...8, using: &generator),
                solutions: .random(in: 1...20, using: &generator))
            let honest = Honest(.hash(task), &generator)
            #expect(honest.fault() == nil, "seed \(seed)")
            #expect(honest.opening.encoded.count <= honest.challenge.task.openingByteLimit)
        }
    }

    /// A solution is one for each number of bits up to its own, and no more.
    @Test func countsLeadingBits() throws {
        let seed = SHA256.plain([1])
        for nonce in UInt64(0)..<300 {
            let input =
                seed.bytes + (0..<8).map { UInt8(truncatingIfNeeded: nonce >> (56 - 8 * $0)) }
            let hash = Keccak256.hash(input)
            let zeros = (0..<256).first { hash.bit($0) } ?? 256
            for bits in UInt8(1)...16 {
                let task = try HashTask(prefixBits: bits, solutions: 1)
                #expect(task.isSolution(nonce, of: seed) == (zeros >= Int(bits)))
            }
        }
    }

    @Test func refusesSolutionsOfAnotherChallenge() throws {
        let (honest, _) = try honest(1)
        for other in honest.otherChallenges() {
            #expect(honest.fault(answering: other) == .commitmentMismatch)
        }
        let harder = ProofTask.hash(try HashTask(prefixBits: 7, solutions: 5))
        #expect(
            honest.fault(answering: honest.challenge.with(task: harder)) == .commitmentMismatch)
        let commitment = ProofCommitment(root: honest.commitment.root.flipped)
        #expect(honest.fault(of: commitment) == .commitmentMismatch)
        #expect(honest.fault(drawnBy: .zero) == nil, "nothing is drawn")
    }

    @Test func refusesWhatWasNotCommittedTo() throws {
        let (honest, nonces) = try honest(2)
        for i in nonces.indices {
            var other = nonces
            other[i] += 1
            #expect(honest.fault(.hash(other)) == .commitmentMismatch)
        }
        #expect(
            honest.fault(.hash(Array(nonces.dropLast()))) == .wrongCount(expected: 5, actual: 4))
    }

    @Test func refusesWrongSolutionsThatWereCommittedTo() throws {
        let (honest, nonces) = try honest(3)
        func fault(_ nonces: [UInt64]) -> ProofFault? {
            honest.fault(
                .hash(nonces),
                of: ProofCommitment(root: HashTask.root(nonces, of: honest.challenge.id)))
        }
        #expect(fault(nonces) == nil)
        for i in nonces.indices.dropFirst() {
            var twice = nonces
            twice[i] = twice[i - 1]
            #expect(fault(twice) == .notAscending(at: i))
            var swapped = nonces
            swapped.swapAt(i - 1, i)
            // The larger one first: it is a solution, the one behind it is out of order.
            #expect(fault(swapped) == .notAscending(at: i))
        }
        let task = try HashTask(prefixBits: 6, solutions: 5)
        for i in nonces.indices {
            var other = nonces
            other[i] += 1
            if task.isSolution(other[i], of: honest.challenge.id) { continue }
            #expect(fault(other) == .noSolution(at: i))
        }
    }
}
