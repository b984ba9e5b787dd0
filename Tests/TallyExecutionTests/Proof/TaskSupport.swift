import TallyCrypto
import TallyExecution
import TallyPrimitives
import TallyState
import TallyTesting
import Testing

extension Hash32 {
    static func random(_ generator: inout SeededGenerator) -> Hash32 {
        Hash32(words: (generator.next(), generator.next(), generator.next(), generator.next()))
    }
}

extension ProofChallenge {
    static func random(_ task: ProofTask, _ generator: inout SeededGenerator) -> ProofChallenge {
        let node = SHA256.plain(Hash32.random(&generator).bytes)
        return ProofChallenge(
            task: task, seed: .random(&generator),
            node: node.withBytes { Address(loading: $0) }, round: generator.next())
    }

    /// The challenge with another task, seed, node or round.
    func with(
        task: ProofTask? = nil, seed: Hash32? = nil, node: Address? = nil, round: UInt64? = nil
    ) -> ProofChallenge {
        ProofChallenge(
            task: task ?? self.task, seed: seed ?? self.seed, node: node ?? self.node,
            round: round ?? self.round)
    }

    /// Why the opening is refused; `nil` if it is not.
    func fault(
        _ opening: ProofOpening, of commitment: ProofCommitment, drawnBy seed: Hash32
    ) -> ProofFault? {
        do throws(ProofFault) {
            try verify(opening, of: commitment, drawnBy: seed)
            return nil
        } catch { return error }
    }
}

/// A challenge, and all that an honest node makes of it.
struct Honest {
    let challenge: ProofChallenge
    let answer: ProofAnswer
    let drawSeed: Hash32
    let opening: ProofOpening

    var commitment: ProofCommitment { answer.commitment }

    init(_ task: ProofTask, _ generator: inout SeededGenerator) {
        challenge = .random(task, &generator)
        answer = .commit(answering: challenge)
        drawSeed = .random(&generator)
        opening = answer.opening(challenge.draw(seed: drawSeed, of: answer.commitment))
    }

    /// Why the opening is refused once one thing differs.
    func fault(
        _ opening: ProofOpening? = nil, of commitment: ProofCommitment? = nil,
        answering challenge: ProofChallenge? = nil, drawnBy seed: Hash32? = nil
    ) -> ProofFault? {
        (challenge ?? self.challenge).fault(
            opening ?? self.opening, of: commitment ?? self.commitment,
            drawnBy: seed ?? drawSeed)
    }

    /// The challenge once with another seed, node and round.
    func otherChallenges() -> [ProofChallenge] {
        [
            challenge.with(seed: challenge.seed.flipped), challenge.with(node: .zero),
            challenge.with(round: challenge.round ^ 1),
        ]
    }
}

extension Hash32 {
    var flipped: Hash32 { Hash32(words: (words.0, words.1, words.2, words.3 ^ 1)) }
}

extension MerkleRangeProof {
    static func of(siblings: [Hash32], peaks: [Hash32]) throws -> MerkleRangeProof {
        var out = RLPEncoder()
        out.list { out in
            out.list { out in for hash in siblings { out.append(hash) } }
            out.list { out in for hash in peaks { out.append(hash) } }
        }
        var input = RLPDecoder(out.bytes)
        return try MerkleRangeProof(decoding: &input)
    }

    /// The path once with each of its hashes changed.
    func forgeries() throws -> [MerkleRangeProof] {
        var found: [MerkleRangeProof] = []
        for i in siblings.indices {
            var other = siblings
            other[i] = other[i].flipped
            found.append(try .of(siblings: other, peaks: peaks))
        }
        for i in peaks.indices {
            var other = peaks
            other[i] = other[i].flipped
            found.append(try .of(siblings: siblings, peaks: other))
        }
        return found
    }
}

/// Number of ways to choose `count` of `population`.
func choices(_ population: Int, _ count: Int) -> Double {
    (0..<count).reduce(1) { $0 * Double(population - $1) / Double($1 + 1) }
}

/// Whether `hits` of `trials` is within four standard deviations of a chance.
func fits(_ hits: Int, of trials: Int, chance: Double) -> Bool {
    let mean = Double(trials) * chance
    return abs(Double(hits) - mean) <= 4 * (mean * (1 - chance)).squareRoot()
}
