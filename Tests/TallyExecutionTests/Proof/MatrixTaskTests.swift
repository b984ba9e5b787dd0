import TallyExecution
import TallyPrimitives
import TallyState
import TallyTesting
import Testing

// TASK-6

/// Who commits to tiles that are not those of the product.
private struct MatrixCheat {
    let challenge: ProofChallenge
    let tiles: [[Int32]]

    init(
        _ task: MatrixTask, _ challenge: ProofChallenge, wrong: Set<UInt64>,
        _ change: (inout [Int32]) -> Void
    ) {
        self.challenge = challenge
        tiles = (0..<task.tileCount).map { index in
            var tile = task.tile(index, of: challenge.id)
            if wrong.contains(index) { change(&tile) }
            return tile
        }
    }

    var leaves: [Hash32] { tiles.map { MerkleRange.leafHash(MatrixTile.bytes($0)) } }
    var commitment: ProofCommitment { ProofCommitment(root: MerkleRange.root(ofLeaves: leaves)) }

    func draw(_ seed: Hash32) -> [UInt64] { challenge.draw(seed: seed, of: commitment).indices }

    func fault(drawnBy seed: Hash32) throws -> ProofFault? {
        let leaves = leaves
        let opened = try draw(seed).map { index in
            MatrixTile(
                entries: tiles[Int(index)],
                path: try #require(MerkleRangeProof(leaves: leaves, index: index)))
        }
        return challenge.fault(.matrix(opened), of: commitment, drawnBy: seed)
    }
}

@Suite struct MatrixTaskTests {
    private func honest(
        size: UInt32 = 64, openings: UInt16 = 3, seed: UInt64
    ) throws -> (Honest, [MatrixTile]) {
        var generator = SeededGenerator(seed: seed)
        let task = try MatrixTask(size: size, openings: openings)
        let honest = Honest(.matrix(task), &generator)
        guard case .matrix(let tiles) = honest.opening else {
            throw VectorError("an opening of another kind")
        }
        return (honest, tiles)
    }

    @Test func honestProductsVerify() throws {
        try forEachSeed(base: 0x6d61_7472, count: 12) { seed, generator in
            let size = [32, 64, 96].randomElement(using: &generator) ?? 32
            let tiles = (size / 16) * (size / 16)
            let task = try MatrixTask(
                size: UInt32(size), openings: .random(in: 1...UInt16(tiles), using: &generator))
            let honest = Honest(.matrix(task), &generator)
            #expect(honest.fault() == nil, "seed \(seed)")
            #expect(honest.opening.encoded.count <= honest.challenge.task.openingByteLimit)
        }
    }

    /// Rows and columns that are expanded alone meet as they do in the whole product.
    @Test func tilesAreThoseOfTheWholeProduct() throws {
        let (honest, tiles) = try honest(openings: 16, seed: 4)
        let task = try MatrixTask(size: 64, openings: 16)
        #expect(tiles.count == 16)
        for (index, tile) in tiles.enumerated() {
            #expect(tile.entries == task.tile(UInt64(index), of: honest.challenge.id))
        }
        #expect(Set(tiles.map(\.entries)).count == 16)
        #expect(tiles.joined().contains { $0 < 0 } && tiles.joined().contains { $0 > 0 })
    }

    @Test func everyEntryAndHashCounts() throws {
        let (honest, tiles) = try honest(size: 96, seed: 5)
        for (position, tile) in tiles.enumerated() {
            for entry in [0, 1, 15, 16, 200, 255] {
                var (other, entries) = (tiles, tile.entries)
                entries[entry] &+= 1
                other[position] = MatrixTile(entries: entries, path: tile.path)
                #expect(honest.fault(.matrix(other)) == .path(at: position, .rootMismatch))
            }
            for forgery in try tile.path.forgeries() {
                var other = tiles
                other[position] = MatrixTile(entries: tile.entries, path: forgery)
                #expect(honest.fault(.matrix(other)) == .path(at: position, .rootMismatch))
            }
        }
    }

    @Test(arguments: [0, 255, 257]) func refusesATileOfAnotherSize(count: Int) throws {
        let (honest, tiles) = try honest(seed: 6)
        var other = tiles
        other[1] = MatrixTile(
            entries: Array((tiles[1].entries + [0]).prefix(count)), path: tiles[1].path)
        #expect(honest.fault(.matrix(other)) == .wrongTileSize(at: 1, actual: count))
    }

    @Test func refusesTilesInAnotherOrder() throws {
        let (honest, tiles) = try honest(seed: 7)
        #expect(
            honest.fault(.matrix([tiles[0], tiles[2], tiles[1]])) == .path(at: 1, .rootMismatch))
    }

    /// All is drawn by any seed: what differs is the product, not the paths.
    @Test func refusesTheProductOfAnotherChallenge() throws {
        let (honest, _) = try honest(openings: 16, seed: 8)
        for other in honest.otherChallenges() {
            #expect(honest.fault(answering: other) == .wrongEntry(at: 0, entry: 0))
        }
        #expect(honest.fault(drawnBy: .zero) == nil)
        let commitment = ProofCommitment(root: honest.commitment.root.flipped)
        #expect(honest.fault(of: commitment) == .path(at: 0, .rootMismatch))
        let fewer = try MatrixTask(size: 64, openings: 15)
        #expect(
            honest.fault(answering: honest.challenge.with(task: .matrix(fewer)))
                == .wrongCount(expected: 15, actual: 16))
        let larger = try MatrixTask(size: 128, openings: 16)
        #expect(
            honest.fault(answering: honest.challenge.with(task: .matrix(larger)))
                == .path(at: 0, .wrongHashCount(expected: 6, actual: 4)))
    }

    @Test func namesTheWrongEntry() throws {
        let task = try MatrixTask(size: 32, openings: 4)
        var generator = SeededGenerator(seed: 9)
        let challenge = ProofChallenge.random(.matrix(task), &generator)
        for (tile, entry) in [(0, 0), (1, 17), (3, 255)] {
            let cheat = MatrixCheat(task, challenge, wrong: [UInt64(tile)]) { $0[entry] &-= 1 }
            #expect(
                try cheat.fault(drawnBy: .zero) == .wrongEntry(at: tile, entry: entry))
        }
    }

    @Test func skippedTilesAreFoundAtTheStatedRate() throws {
        let task = try MatrixTask(size: 64, openings: 2)
        let (cheaters, draws, skipped) = (4, 60, 6)
        var escapes = 0
        try forEachSeed(base: 0x7469_6c65, count: cheaters) { seed, generator in
            let places = Set((0..<UInt64(16)).shuffled(using: &generator).prefix(skipped))
            let challenge = ProofChallenge.random(.matrix(task), &generator)
            let cheat = MatrixCheat(task, challenge, wrong: places) {
                $0 = [Int32](repeating: .max, count: $0.count)
            }
            for _ in 0..<draws {
                let drawSeed = Hash32.random(&generator)
                let found = cheat.draw(drawSeed).firstIndex(where: places.contains)
                let fault = try cheat.fault(drawnBy: drawSeed)
                #expect(fault == found.map { .wrongEntry(at: $0, entry: 0) }, "seed \(seed)")
                escapes += fault == nil ? 1 : 0
            }
        }
        let chance = choices(10, 2) / choices(16, 2)
        #expect(fits(escapes, of: cheaters * draws, chance: chance), "\(escapes) escapes")
    }
}

extension [MatrixTile] {
    fileprivate func joined() -> [Int32] { flatMap(\.entries) }
}
