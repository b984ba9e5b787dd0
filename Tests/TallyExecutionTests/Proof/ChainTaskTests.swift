import TallyExecution
import TallyPrimitives
import TallyState
import TallyTesting
import Testing

// TASK-5

/// Who commits to ends that it made up.
private struct ChainCheat {
    let task: ChainTask
    let challenge: ProofChallenge
    /// Leaves of the range that is committed to.
    let leaves: [Hash32]

    /// Leaves out the steps of these segments.
    init(
        _ task: ChainTask, _ challenge: ProofChallenge, skipping skipped: Set<UInt64>,
        _ generator: inout SeededGenerator
    ) {
        self.task = task
        self.challenge = challenge
        var range = MerkleRange.empty
        var leaves: [Hash32] = []
        for index in 0..<UInt64(task.segments) {
            let end =
                skipped.contains(index)
                ? Hash32.random(&generator)
                : task.end(ofSegment: index, after: range.peaks, of: challenge.id)
            leaves.append(MerkleRange.leafHash(end.bytes))
            range.append(leaves[leaves.count - 1])
        }
        self.leaves = leaves
    }

    /// Commits to what it likes.
    init(_ task: ChainTask, _ challenge: ProofChallenge, leaves: [Hash32]) {
        self.task = task
        self.challenge = challenge
        self.leaves = leaves
    }

    var commitment: ProofCommitment { ProofCommitment(root: MerkleRange.root(ofLeaves: leaves)) }

    func draw(_ seed: Hash32) -> [UInt64] { challenge.draw(seed: seed, of: commitment).indices }

    /// Why the paths of what is drawn are refused; `nil` for an escape.
    func fault(drawnBy seed: Hash32) throws -> ProofFault? {
        let paths = try draw(seed).map {
            try #require(MerkleRangeProof(leaves: leaves, index: $0))
        }
        return challenge.fault(.chain(paths), of: commitment, drawnBy: seed)
    }
}

@Suite struct ChainTaskTests {
    @Test func honestChainsVerify() throws {
        try forEachSeed(base: 0x6368_6169, count: 60) { seed, generator in
            let segments = UInt32.random(in: 2...70, using: &generator)
            let task = try ChainTask(
                segments: segments, stepsPerSegment: .random(in: 1...5, using: &generator),
                openings: .random(in: 1...UInt16(min(segments, 64)), using: &generator))
            let honest = Honest(.chain(task), &generator)
            #expect(honest.fault() == nil, "seed \(seed)")
            #expect(honest.opening.encoded.count <= honest.challenge.task.openingByteLimit)
        }
    }

    @Test func everyHashOfAPathCounts() throws {
        for segments: UInt32 in [16, 23] {
            let task = try ChainTask(
                segments: segments, stepsPerSegment: 2, openings: UInt16(segments))
            var generator = SeededGenerator(seed: 1)
            let honest = Honest(.chain(task), &generator)
            guard case .chain(let paths) = honest.opening else { return #expect(Bool(false)) }
            for (position, path) in paths.enumerated() {
                for forgery in try path.forgeries() {
                    var other = paths
                    other[position] = forgery
                    #expect(
                        honest.fault(.chain(other)) == .path(at: position, .rootMismatch))
                }
                var other = paths
                // The last segment of 23 is a mountain of its own, without siblings.
                other[position] =
                    try path.siblings.isEmpty
                    ? .of(siblings: [], peaks: Array(path.peaks.dropLast()))
                    : .of(siblings: Array(path.siblings.dropLast()), peaks: path.peaks)
                let count = path.siblings.count + path.peaks.count
                #expect(
                    honest.fault(.chain(other))
                        == .path(
                            at: position, .wrongHashCount(expected: count, actual: count - 1)))
            }
        }
    }

    @Test(arguments: [(0, 0), (3, 1), (4, 1), (5, 0), (64, 0), (64, 64), (0, 64)])
    func refusesAPathOfAnotherLength(siblings: Int, peaks: Int) throws {
        let task = try ChainTask(segments: 16, stepsPerSegment: 2, openings: 16)
        var generator = SeededGenerator(seed: 3)
        let honest = Honest(.chain(task), &generator)
        guard case .chain(var paths) = honest.opening else { return #expect(Bool(false)) }
        paths[15] = try .of(
            siblings: [Hash32](repeating: .zero, count: siblings),
            peaks: [Hash32](repeating: .zero, count: peaks))
        #expect(
            honest.fault(.chain(paths))
                == .path(at: 15, .wrongHashCount(expected: 4, actual: siblings + peaks)))
    }

    @Test func refusesPathsInAnotherOrder() throws {
        let task = try ChainTask(segments: 16, stepsPerSegment: 2, openings: 3)
        var generator = SeededGenerator(seed: 2)
        let honest = Honest(.chain(task), &generator)
        guard case .chain(let paths) = honest.opening else { return #expect(Bool(false)) }
        #expect(
            honest.fault(.chain([paths[0], paths[2], paths[1]])) == .path(at: 1, .rootMismatch))
    }

    @Test func refusesAnOpeningOfAnotherChallenge() throws {
        let task = try ChainTask(segments: 64, stepsPerSegment: 2, openings: 4)
        try forEachSeed(base: 0x6f74_6865, count: 10) { seed, generator in
            let honest = Honest(.chain(task), &generator)
            for other in honest.otherChallenges() {
                #expect(honest.fault(answering: other) == .path(at: 0, .rootMismatch), "\(seed)")
            }
            let longer = try ChainTask(segments: 64, stepsPerSegment: 3, openings: 4)
            #expect(
                honest.fault(answering: honest.challenge.with(task: .chain(longer)))
                    == .path(at: 0, .rootMismatch))
            let larger = try ChainTask(segments: 128, stepsPerSegment: 2, openings: 4)
            #expect(
                honest.fault(answering: honest.challenge.with(task: .chain(larger)))
                    == .path(at: 0, .wrongHashCount(expected: 7, actual: 6)))
            let stricter = try ChainTask(segments: 64, stepsPerSegment: 2, openings: 5)
            #expect(
                honest.fault(answering: honest.challenge.with(task: .chain(stricter)))
                    == .wrongCount(expected: 5, actual: 4))
            let commitment = ProofCommitment(root: honest.commitment.root.flipped)
            #expect(honest.fault(of: commitment) == .path(at: 0, .rootMismatch))
        }
    }

    /// The chain of another node binds that node only, even where all of it is drawn.
    @Test func refusesAWholeChainOfAnotherNode() throws {
        let task = try ChainTask(segments: 8, stepsPerSegment: 1, openings: 8)
        var generator = SeededGenerator(seed: 3)
        let honest = Honest(.chain(task), &generator)
        for other in honest.otherChallenges() {
            #expect(honest.fault(answering: other) == .path(at: 0, .rootMismatch))
        }
        #expect(honest.fault(drawnBy: .zero) == nil, "all is drawn by any seed")
    }

    /// A seed decides what is drawn: paths of another draw do not lead to the root.
    @Test func refusesPathsOfAnotherDraw() throws {
        let task = try ChainTask(segments: 64, stepsPerSegment: 1, openings: 4)
        forEachSeed(base: 0x6472_6177, count: 20) { seed, generator in
            let honest = Honest(.chain(task), &generator)
            let other = Hash32.random(&generator)
            let drawn = honest.challenge.draw(seed: honest.drawSeed, of: honest.commitment).indices
            let asked = honest.challenge.draw(seed: other, of: honest.commitment).indices
            let first = zip(drawn, asked).enumerated().first { $0.element.0 != $0.element.1 }
            #expect(
                honest.fault(drawnBy: other)
                    == first.map { .path(at: $0.offset, .rootMismatch) }, "seed \(seed)")
        }
    }

    /// Who skipped b of N segments escapes a draw of s with C(N − b, s) / C(N, s), which is at most
    /// (1 − f)^s.
    @Test(arguments: [(4, 3), (2, 2), (8, 2), (1, 4)])
    func skippingIsFoundAtTheStatedRate(skipped: Int, openings: Int) throws {
        let task = try ChainTask(
            segments: 16, stepsPerSegment: 1, openings: UInt16(openings))
        let (cheaters, draws) = (25, 40)
        var escapes = 0
        try forEachSeed(base: 0x736b_6970, count: cheaters) { seed, generator in
            let places = Set((0..<UInt64(16)).shuffled(using: &generator).prefix(skipped))
            let cheat = ChainCheat(
                task, .random(.chain(task), &generator), skipping: places, &generator)
            for _ in 0..<draws {
                let drawSeed = Hash32.random(&generator)
                let found = cheat.draw(drawSeed).firstIndex(where: places.contains)
                let fault = try cheat.fault(drawnBy: drawSeed)
                #expect(fault == found.map { .path(at: $0, .rootMismatch) }, "seed \(seed)")
                escapes += fault == nil ? 1 : 0
            }
        }
        let chance = choices(16 - skipped, openings) / choices(16, openings)
        #expect(fits(escapes, of: cheaters * draws, chance: chance), "\(escapes) escapes")
        var bound = 1.0
        for _ in 0..<openings { bound *= 1 - Double(skipped) / 16 }
        #expect(chance <= bound)
    }

    /// Two processors that do a half each, the second from an invented peak, have done every step
    /// in half the time: still only one half can be opened, whichever they commit to.
    @Test func anInventedMiddleLosesHalfTheChain() throws {
        let task = try ChainTask(segments: 16, stepsPerSegment: 1, openings: 1)
        let refused = ProofFault.path(at: 0, .rootMismatch)
        try forEachSeed(base: 0x6861_6c66, count: 4) { seed, generator in
            let challenge = ProofChallenge.random(.chain(task), &generator)
            let invented = (0..<8).map { _ in Hash32.random(&generator) }
            var range = MerkleRange(leaves: invented)
            var right: [Hash32] = []
            for index in 8..<UInt64(16) {
                let end = task.end(ofSegment: index, after: range.peaks, of: challenge.id)
                right.append(MerkleRange.leafHash(end.bytes))
                range.append(right[right.count - 1])
            }
            var unused = SeededGenerator(seed: seed)
            let left = ChainCheat(task, challenge, skipping: [], &unused).leaves.prefix(8)
            for _ in 0..<20 {
                let drawSeed = Hash32.random(&generator)
                let trueLeft = ChainCheat(task, challenge, leaves: left + right)
                let trueFault = try trueLeft.fault(drawnBy: drawSeed)
                let isTrueLeft = trueLeft.draw(drawSeed)[0] < 8
                #expect(trueFault == (isTrueLeft ? nil : refused), "seed \(seed)")
                let falseLeft = ChainCheat(task, challenge, leaves: invented + right)
                let falseFault = try falseLeft.fault(drawnBy: drawSeed)
                let isFalseLeft = falseLeft.draw(drawSeed)[0] < 8
                #expect(falseFault == (isFalseLeft ? refused : nil), "seed \(seed)")
            }
        }
    }
}
