package import TallyPrimitives

/// Work whose answer a ledger can check without doing it again: deterministic, of a seed that
/// nobody knew before the node was bound to the round, answered by a commitment and, once a second
/// seed is known, by the opening of what that draws (`Specs/tasks.md`, TASK-1).
package enum ProofTask: Hashable, Sendable {
    case chain(ChainTask)
    case matrix(MatrixTask)
    case hash(HashTask)

    /// Largest weight of a verification: about 50 ms, and a sixth of what transactions may weigh in
    /// a block of the default size.
    package static let maximumWeight: Weight = 16_000_000
    /// Most items of an opening that are drawn: all of them fit one transaction.
    package static let maximumOpenings: UInt16 = 64

    /// The task of EMC's rounds: 190 million steps of SHA-256, about 15 s of a core with instructions
    /// for it.
    package static let standard: ProofTask = {
        do throws(ProofTaskError) {
            return .chain(try ChainTask(segments: 1 << 17, stepsPerSegment: 1_450, openings: 32))
        } catch { preconditionFailure("the standard task is in range: \(error)") }
    }()

    package var kind: ProofKind {
        switch self {
        case .chain: .chain
        case .matrix: .matrix
        case .hash: .hash
        }
    }

    /// Weight of `ProofChallenge.verify`, call data apart (TASK-9).
    package var weight: Weight {
        switch self {
        case .chain(let task): task.weight
        case .matrix(let task): task.weight
        case .hash(let task): task.weight
        }
    }

    /// Items of an opening.
    package var itemCount: Int {
        switch self {
        case .chain(let task): Int(task.openings)
        case .matrix(let task): Int(task.openings)
        case .hash(let task): Int(task.solutions)
        }
    }

    static func checkWeight(_ weight: Weight) throws(ProofTaskError) {
        guard weight <= maximumWeight else { throw .tooHeavy(weight) }
    }
}

/// A task, and for whom and when it was set (TASK-3).
package struct ProofChallenge: Hashable, Sendable {
    package let task: ProofTask
    /// Randomness of the beacon that was not known when the node was bound to the round (IBFT-R19).
    package let seed: Hash32
    package let node: Address
    /// Number of the round of proofs.
    package let round: UInt64
    /// Hash of all of it: two nodes, rounds or seeds never have the same work.
    package let id: Hash32

    package init(task: ProofTask, seed: Hash32, node: Address, round: UInt64) {
        self.task = task
        self.seed = seed
        self.node = node
        self.round = round
        id = Self.id(task, seed, node, round)
    }

    /// What is to be opened of an answer (TASK-4).
    /// - Parameter seed: randomness that was not known when the commitment became final.
    package func draw(seed: Hash32, of commitment: ProofCommitment) -> ProofDraw {
        func indices(_ count: UInt16, of population: UInt64) -> ProofDraw {
            ProofDraw(
                count: Int(count), of: population, seed: seed, challenge: id,
                root: commitment.root)
        }
        return switch task {
        case .chain(let task): indices(task.openings, of: UInt64(task.segments))
        case .matrix(let task): indices(task.openings, of: task.tileCount)
        case .hash: .whole
        }
    }

    /// Checks that `opening` shows what the draw asks for, and that it was computed.
    /// - Throws: `.wrongKind`, `.wrongCount`, and of a chain `.path`, of matrices `.wrongTileSize`,
    ///   `.path` and `.wrongEntry`, of hashes `.commitmentMismatch`, `.notAscending` and
    ///   `.noSolution`; the first that applies.
    /// - Complexity: `task.weight`, whatever the opening holds.
    package func verify(
        _ opening: ProofOpening, of commitment: ProofCommitment, drawnBy seed: Hash32
    ) throws(ProofFault) {
        guard opening.kind == task.kind else {
            throw .wrongKind(expected: task.kind, actual: opening.kind)
        }
        guard opening.count == task.itemCount else {
            throw .wrongCount(expected: task.itemCount, actual: opening.count)
        }
        let root = commitment.root
        let indices = draw(seed: seed, of: commitment).indices
        switch (task, opening) {
        case (.chain(let task), .chain(let paths)):
            try task.verify(paths, drawn: indices, root: root, challenge: id)
        case (.matrix(let task), .matrix(let tiles)):
            try task.verify(tiles, drawn: indices, root: root, challenge: id)
        case (.hash(let task), .hash(let nonces)):
            try task.verify(nonces, root: root, challenge: id)
        case (.chain, _), (.matrix, _), (.hash, _):
            preconditionFailure("kinds are equal")
        }
    }
}

/// What binds a prover to one answer, before anybody knows what of it is to be opened.
package struct ProofCommitment: Hashable, Sendable {
    package let root: Hash32
    package init(root: Hash32) { self.root = root }
}

/// A prover's finished work: what it needs to open any draw. It stays where it was made.
package struct ProofAnswer: Sendable {
    private enum Work: Sendable {
        case chain(RangeAnswer)
        case matrix(MatrixAnswer)
        case hash([UInt64])
    }

    package let commitment: ProofCommitment
    private let work: Work

    /// Does the work, on the calling thread until it is done.
    package static func commit(answering challenge: ProofChallenge) -> ProofAnswer {
        switch challenge.task {
        case .chain(let task):
            let answer = task.answer(challenge.id)
            return ProofAnswer(root: answer.root, work: .chain(answer))
        case .matrix(let task):
            let answer = task.answer(challenge.id)
            return ProofAnswer(root: answer.tiles.root, work: .matrix(answer))
        case .hash(let task):
            let nonces = task.answer(challenge.id)
            return ProofAnswer(
                root: HashTask.root(nonces, of: challenge.id), work: .hash(nonces))
        }
    }

    private init(root: Hash32, work: Work) {
        commitment = ProofCommitment(root: root)
        self.work = work
    }

    /// Shows what is drawn.
    /// - Parameter draw: one of the challenge that this answers.
    package func opening(_ draw: ProofDraw) -> ProofOpening {
        switch work {
        case .chain(let answer): .chain(draw.indices.map(answer.path))
        case .matrix(let answer): .matrix(draw.indices.map(answer.tile))
        case .hash(let nonces): .hash(nonces)
        }
    }
}
