import TallyCrypto
package import TallyPrimitives
package import TallyState

/// Measures throughput: the product of two square matrices of signed bytes (TASK-6).
///
/// The prover commits to the range over the product's tiles and opens some of them, which are
/// computed again from the rows and columns that meet there: no hash tells more than that, but no
/// ledger has to see, or expand, n² bytes.
package struct MatrixTask: Hashable, Sendable {
    /// Rows and columns: a multiple of 32, 32 ... 8,192.
    package let size: UInt32
    /// Tiles that are opened: 1 ... 64, at most all.
    package let openings: UInt16

    /// The prover keeps 4 bytes an entry: 256 MiB. A sum of 2^13 products of at most 2^14 fits 32
    /// bits.
    package static let maximumSize: UInt32 = 8_192
    /// Rows and columns of a tile.
    static let tileSide = 16
    static let tileEntries = tileSide * tileSide

    /// - Throws: `.parameter`, `.tooHeavy`.
    package init(size: UInt32, openings: UInt16) throws(ProofTaskError) {
        guard (32...Self.maximumSize).contains(size), size.isMultiple(of: 32) else {
            throw .parameter(.matrixSize, UInt64(size))
        }
        self.size = size
        self.openings = openings
        guard (1...ProofTask.maximumOpenings).contains(openings), openings <= tileCount else {
            throw .parameter(.openings, UInt64(openings))
        }
        try ProofTask.checkWeight(weight)
    }

    /// Tiles of a row, and of a column.
    private var tilesAcross: UInt64 { UInt64(size) / UInt64(Self.tileSide) }
    package var tileCount: UInt64 { tilesAcross * tilesAcross }

    /// Products that a prover adds up by the schoolbook.
    package var products: UInt64 { UInt64(size) * UInt64(size) * UInt64(size) }

    /// Weight of verifying an answer, call data apart (TASK-9).
    package var weight: Weight {
        let lines = UInt64(2 * Self.tileSide) * UInt64(size) / 32 * ProofWeights.blocks(41)
        let path = ProofWeights.pathBlocks(
            count: tileCount, leafBytes: UInt64(4 * Self.tileEntries))
        let products =
            UInt64(Self.tileEntries) * UInt64(size) / 16 * ProofWeights.sixteenProducts
        let draw = ProofWeights.drawBlocks(openings: UInt64(openings)) * ProofWeights.block
        return UInt64(openings) * ((lines + path) * ProofWeights.block + products) + draw
    }

    /// Multiplies.
    /// - Complexity: O(size³) products, size²/16 hashes to expand and about as many to commit;
    ///   6 bytes an entry.
    func answer(_ challenge: Hash32) -> MatrixAnswer {
        let lines = 0..<Int(size)
        let rows = MatrixLines(.rows, lines, size: Int(size), of: challenge)
        let columns = MatrixLines(.columns, lines, size: Int(size), of: challenge)
        var range = MerkleRange.empty
        var nodes: [Hash32] = []
        nodes.reserveCapacity(2 * Int(tileCount))
        var entries: [Int32] = []
        entries.reserveCapacity(lines.count * lines.count)
        for index in 0..<tileCount {
            let (row, column) = corner(ofTile: index)
            let tile = MatrixLines.tile(rows, from: row, columns, from: column)
            entries += tile
            range.append(MerkleRange.leafHash(MatrixTile.bytes(tile))) { nodes.append($1) }
        }
        return MatrixAnswer(
            tiles: RangeAnswer(count: range.count, nodes: nodes, root: range.root),
            entries: entries)
    }

    /// First row and column of a tile; tiles are numbered row by row.
    private func corner(ofTile index: UInt64) -> (row: Int, column: Int) {
        (
            Int(index / tilesAcross) * Self.tileSide,
            Int(index % tilesAcross) * Self.tileSide
        )
    }

    /// The tile as it has to be.
    /// - Complexity: `size` hashes and 256·`size` products.
    package func tile(_ index: UInt64, of challenge: Hash32) -> [Int32] {
        let (row, column) = corner(ofTile: index)
        let rows = MatrixLines(
            .rows, row..<(row + Self.tileSide), size: Int(size), of: challenge)
        let columns = MatrixLines(
            .columns, column..<(column + Self.tileSide), size: Int(size), of: challenge)
        return MatrixLines.tile(rows, from: row, columns, from: column)
    }

    /// - Throws: `.wrongTileSize`, `.path`, `.wrongEntry`.
    func verify(
        _ tiles: [MatrixTile], drawn indices: [UInt64], root: Hash32, challenge: Hash32
    ) throws(ProofFault) {
        for (position, index) in indices.enumerated() {
            let opened = tiles[position]
            guard opened.entries.count == Self.tileEntries else {
                throw .wrongTileSize(at: position, actual: opened.entries.count)
            }
            let leaf = MerkleRange.leafHash(MatrixTile.bytes(opened.entries))
            do throws(ProofError) {
                try opened.path.verify(root: root, count: tileCount, index: index, leaf: leaf)
            } catch { throw .path(at: position, error) }
            let expected = tile(index, of: challenge)
            for (entry, value) in expected.enumerated() where opened.entries[entry] != value {
                throw .wrongEntry(at: position, entry: entry)
            }
        }
    }
}

/// An opened tile: 16 × 16 entries of the product, row by row, and their place in the commitment.
package struct MatrixTile: Hashable, Sendable {
    package let entries: [Int32]
    package let path: MerkleRangeProof

    package init(entries: [Int32], path: MerkleRangeProof) {
        self.entries = entries
        self.path = path
    }

    /// The leaf: each entry as 4 big-endian bytes, two's complement.
    package static func bytes(_ entries: [Int32]) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(4 * entries.count)
        for entry in entries {
            withUnsafeBytes(of: entry.bigEndian) { bytes.append(contentsOf: $0) }
        }
        return bytes
    }
}

/// What a prover keeps of a product: its entries, tile by tile, and the range over the tiles.
struct MatrixAnswer: Sendable {
    let tiles: RangeAnswer
    let entries: [Int32]

    func tile(_ index: UInt64) -> MatrixTile {
        let path = tiles.path(of: index)
        let first = Int(index) * MatrixTask.tileEntries
        return MatrixTile(
            entries: Array(entries[first..<(first + MatrixTask.tileEntries)]), path: path)
    }
}
