import TallyExecution
import TallyPrimitives
import TallyState
import TallyTesting
import Testing

// TASK-2, TASK-8

/// The encoding of a list of integers.
private func list(_ numbers: UInt64...) -> [UInt8] {
    RLPEncoder.list { out in for number in numbers { out.append(number) } }
}

@Suite struct ProofCodecTests {
    static func tasks() throws -> [ProofTask] {
        [
            .chain(try ChainTask(segments: 2, stepsPerSegment: 1, openings: 1)),
            .chain(try ChainTask(segments: 1 << 18, stepsPerSegment: 8_000, openings: 64)),
            .chain(try ChainTask(segments: 3, stepsPerSegment: 1 << 18, openings: 2)),
            .matrix(try MatrixTask(size: 32, openings: 4)),
            .matrix(try MatrixTask(size: 8_192, openings: 31)),
            .hash(.emc),
            .hash(try HashTask(prefixBits: 32, solutions: 256)),
        ]
    }

    @Test func tasksAndChallengesReadBack() throws {
        var generator = SeededGenerator(seed: 1)
        for task in try Self.tasks() {
            #expect(try ProofTask(encoded: task.encoded) == task)
            let challenge = ProofChallenge.random(task, &generator)
            let read = try ProofChallenge(encoded: challenge.encoded)
            #expect(read == challenge)
            #expect(read.id == challenge.id)
        }
        #expect(
            try ProofTask(encoded: list(3, 16, 60)) == .hash(.emc), "EMC's task is of 16 bits, 60")
    }

    @Test(arguments: [
        (list(0, 2, 1, 1), RLPError.unknownValue(0)), (list(4, 2, 1, 1), .unknownValue(4)),
        (list(1, 1, 1, 1), .unknownValue(1)), (list(1, 262_145, 1, 1), .unknownValue(262_145)),
        (list(1, 2, 0, 1), .unknownValue(0)), (list(1, 2, 262_145, 1), .unknownValue(262_145)),
        (list(1, 2, 1, 0), .unknownValue(0)), (list(1, 2, 1, 3), .unknownValue(3)),
        (list(1, 1_000, 1, 65), .unknownValue(65)), (list(1, 2, 1, 65_536), .integerTooLarge),
        (list(1, 1 << 32, 1, 1), .integerTooLarge), (list(1, 2, 1), .truncated),
        (list(1, 2, 1, 1, 0), .trailingBytes), (list(2, 16, 1), .unknownValue(16)),
        (list(2, 48, 1), .unknownValue(48)), (list(2, 8_224, 1), .unknownValue(8_224)),
        (list(2, 32, 0), .unknownValue(0)), (list(2, 32, 5), .unknownValue(5)),
        (list(2, 32, 1, 1), .trailingBytes), (list(3, 0, 1), .unknownValue(0)),
        (list(3, 33, 1), .unknownValue(33)), (list(3, 256, 1), .unknownValue(256)),
        (list(3, 1, 0), .unknownValue(0)), (list(3, 1, 257), .unknownValue(257)),
        (list(3, 1), .truncated), (list(3, 1, 1) + [0], .trailingBytes),
        ([0xc4, 0x01, 0x00, 0x01, 0x01], .nonCanonicalInteger), ([0x80], .expectedList),
    ])
    func refusesWhatIsNoTask(bytes: [UInt8], error: RLPError) {
        #expect(throws: error) { try ProofTask(encoded: bytes) }
    }

    @Test func parametersHaveBounds() {
        #expect(throws: ProofTaskError.parameter(.segments, 1)) {
            try ChainTask(segments: 1, stepsPerSegment: 1, openings: 1)
        }
        #expect(throws: ProofTaskError.parameter(.stepsPerSegment, 262_145)) {
            try ChainTask(segments: 2, stepsPerSegment: 262_145, openings: 1)
        }
        #expect(throws: ProofTaskError.parameter(.openings, 3)) {
            try ChainTask(segments: 2, stepsPerSegment: 1, openings: 3)
        }
        #expect(throws: ProofTaskError.parameter(.matrixSize, 40)) {
            try MatrixTask(size: 40, openings: 1)
        }
        #expect(throws: ProofTaskError.parameter(.openings, 5)) {
            try MatrixTask(size: 32, openings: 5)
        }
        #expect(throws: ProofTaskError.parameter(.prefixBits, 33)) {
            try HashTask(prefixBits: 33, solutions: 1)
        }
        #expect(throws: ProofTaskError.parameter(.solutions, 257)) {
            try HashTask(prefixBits: 1, solutions: 257)
        }
        #expect(throws: ProofTaskError.tooHeavy(31_458_570)) {
            try ChainTask(segments: 4, stepsPerSegment: 1 << 18, openings: 4)
        }
        #expect(throws: ProofTaskError.tooHeavy(16_314_038)) {
            try MatrixTask(size: 8_192, openings: 32)
        }
    }

    /// TASK-9, worked by hand. 8 segments: paths of 3 hashes. start 40 + 96 + 73 = 209: 3 blocks,
    /// leaf 1, 3 inner nodes of 2, root 8 + 96 + 73 = 177: 2; draw 3 + 2 · 2.
    @Test func weightsFollowFromTheTask() throws {
        let chain = try ChainTask(segments: 8, stepsPerSegment: 100, openings: 4)
        #expect(chain.weight == 30 * (4 * (3 + 100 + 1 + 6 + 2) + 3 + 2 * 2))
        // 4 tiles: paths of 2 hashes; leaf 1,024 + 73 = 1,097: 17, inner 4, root 8 + 64 + 73: 2.
        let matrix = try MatrixTask(size: 32, openings: 3)
        #expect(matrix.weight == 3 * (30 * (32 + 17 + 4 + 2) + 32 * 32) + 30 * (3 + 1 * 2))
        // 32 + 480 + 73 = 585: 9 blocks.
        #expect(HashTask.emc.weight == 30 * (9 + 3) + 60 * 120)
    }

    @Test func openingsReadBack() throws {
        let small: [ProofTask] = [
            .chain(try ChainTask(segments: 31, stepsPerSegment: 1, openings: 31)),
            .matrix(try MatrixTask(size: 96, openings: 36)),
            .hash(try HashTask(prefixBits: 2, solutions: 9)),
        ]
        var generator = SeededGenerator(seed: 2)
        for task in small {
            let honest = Honest(task, &generator)
            let bytes = honest.opening.encoded
            let opening = try ProofOpening(untrusted: bytes, for: task)
            #expect(opening == honest.opening)
            #expect(try ProofCommitment(encoded: honest.commitment.encoded) == honest.commitment)
            #expect(honest.commitment.encoded.count == 33)
            // Of another kind, for every other task.
            for other in small where other.kind != task.kind {
                let challenge = honest.challenge.with(task: other)
                #expect(
                    challenge.fault(opening, of: honest.commitment, drawnBy: honest.drawSeed)
                        == .wrongKind(expected: other.kind, actual: task.kind))
            }
        }
    }

    /// Long enough for the longest paths there are, and short enough for a transaction.
    @Test func openingsFitTheirLimit() throws {
        for segments: UInt32 in [2, 3, 127, 128, 1_000] {
            let task = ProofTask.chain(
                try ChainTask(
                    segments: segments, stepsPerSegment: 1, openings: UInt16(min(segments, 64))))
            var generator = SeededGenerator(seed: UInt64(segments))
            let bytes = Honest(task, &generator).opening.encoded
            #expect(bytes.count <= task.openingByteLimit)
            #expect(throws: ProofFault.tooLong(limit: task.openingByteLimit)) {
                try ProofOpening(
                    untrusted: bytes + [UInt8](repeating: 0, count: task.openingByteLimit),
                    for: task)
            }
        }
        var longest = 0
        for size in stride(from: UInt32(32), through: MatrixTask.maximumSize, by: 32) {
            let all = [64, 48, 31].lazy.compactMap { try? MatrixTask(size: size, openings: $0) }
            guard let task = all.first else { continue }
            longest = max(longest, ProofTask.matrix(task).openingByteLimit)
        }
        let chain = try ChainTask(segments: (1 << 18) - 1, stepsPerSegment: 1, openings: 64)
        longest = max(longest, ProofTask.chain(chain).openingByteLimit)
        #expect((110 * 1_024...116 * 1_024).contains(longest), "\(longest)")
    }

    @Test func refusesWhatIsNoOpening() throws {
        func fault(_ bytes: [UInt8]) -> ProofFault? {
            do throws(ProofFault) {
                _ = try ProofOpening(untrusted: bytes, for: .hash(.emc))
                return nil
            } catch { return error }
        }
        func opening(_ kind: UInt8, _ items: (inout RLPEncoder) -> Void) -> [UInt8] {
            RLPEncoder.list { out in
                out.append(kind)
                out.list(items)
            }
        }
        func tile(_ count: Int) -> [UInt8] {
            RLPEncoder.list { out in
                out.append([UInt8](repeating: 7, count: count))
                out.list { out in
                    out.list { _ in }
                    out.list { _ in }
                }
            }
        }
        let task = ProofTask.matrix(try MatrixTask(size: 32, openings: 4))
        #expect(fault(opening(0) { _ in }) == .encoding(.unknownValue(0)))
        #expect(fault(opening(4) { _ in }) == .encoding(.unknownValue(4)))
        #expect(fault(opening(3) { $0.append([0, 1]) }) == .encoding(.nonCanonicalInteger))
        #expect(
            fault(opening(3) { $0.append([UInt8](repeating: 1, count: 9)) })
                == .encoding(.integerTooLarge))
        #expect(fault(opening(1) { $0.append(1 as UInt8) }) == .encoding(.expectedList))
        #expect(fault(opening(3) { _ in } + [0x80]) == .encoding(.trailingBytes))
        #expect(
            fault(opening(3) { out in for _ in 0..<257 { out.append(1 as UInt8) } })
                == .encoding(.tooLong(limit: 256)))
        #expect(
            fault(opening(1) { out in for _ in 0..<65 { out.list { _ in } } })
                == .encoding(.truncated))
        for (count, error) in [
            (1_023, RLPError.wrongLength(expected: 1_024, actual: 1_023)),
            (1_025, .tooLong(limit: 1_024)),
        ] {
            #expect(throws: ProofFault.encoding(error)) {
                try ProofOpening(
                    untrusted: opening(2) { $0.append(encoded: tile(count)) }, for: task)
            }
        }
        #expect(
            try ProofOpening(untrusted: opening(2) { $0.append(encoded: tile(1_024)) }, for: task)
                .kind == .matrix)
    }

    @Test func refusesMoreItemsThanAnyTaskHas() throws {
        let path = try MerkleRangeProof.of(siblings: [], peaks: [])
        let long = ProofOpening.chain([MerkleRangeProof](repeating: path, count: 65)).encoded
        #expect(throws: RLPError.tooLong(limit: 64)) { try ProofOpening(encoded: long) }
        let full = ProofOpening.chain([MerkleRangeProof](repeating: path, count: 64)).encoded
        #expect(try ProofOpening(encoded: full).encoded == full)
    }

    /// Whatever somebody sends is refused, or is the opening itself.
    @Test func noChangedByteVerifies() throws {
        let tasks: [ProofTask] = [
            .chain(try ChainTask(segments: 5, stepsPerSegment: 1, openings: 2)),
            .matrix(try MatrixTask(size: 32, openings: 1)),
            .hash(try HashTask(prefixBits: 3, solutions: 4)),
        ]
        forEachSeed(base: 0x6275_6773, count: 3) { seed, generator in
            let honest = Honest(tasks[Int(seed % 3)], &generator)
            let bytes = honest.opening.encoded
            func isRefused(_ bytes: [UInt8]) -> Bool {
                do throws(ProofFault) {
                    let opening = try ProofOpening(
                        untrusted: bytes, for: honest.challenge.task)
                    #expect(opening.encoded == bytes, "seed \(seed)")
                    return honest.fault(opening) != nil
                } catch { return true }
            }
            #expect(!isRefused(bytes))
            for length in stride(from: 0, to: bytes.count, by: 1 + bytes.count / 200) {
                #expect(isRefused(Array(bytes[..<length])), "seed \(seed), \(length) bytes")
            }
            for _ in 0..<300 {
                var other = bytes
                let place = Int.random(in: 0..<bytes.count, using: &generator)
                other[place] ^= .random(in: 1...255, using: &generator)
                #expect(isRefused(other), "seed \(seed), byte \(place)")
            }
        }
    }
}
