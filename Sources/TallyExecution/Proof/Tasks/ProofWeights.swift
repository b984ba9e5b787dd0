import TallyPrimitives

/// What parts of a verification weigh (TASK-9). A transfer's 12,000 for a signature and a debit are
/// about 45 µs of a core, so a microsecond weighs some 270; these numbers err to the heavy side.
enum ProofWeights {
    /// One block of SHA-256: 0.08 µs.
    static let block: Weight = 30
    /// One Keccak-256 of less than 136 bytes: 0.43 µs.
    static let keccak: Weight = 120
    /// 16 products of entries, added up: 3 ns with the instructions that every x86-64 has.
    static let sixteenProducts: Weight = 2

    /// Blocks that SHA-256 makes of `byteCount` bytes behind a tag: a byte and eight more end them.
    static func blocks(_ byteCount: UInt64) -> Weight { (1 + byteCount + 9 + 63) / 64 }

    /// Blocks of a leaf's path in a range of `count`, at most.
    static func pathBlocks(count: UInt64, leafBytes: UInt64) -> Weight {
        let hashes = mostHashes(count: count)
        return blocks(leafBytes) + hashes * blocks(64) + blocks(8 + 32 * hashes)
    }

    /// Hashes of the longest path, that of the first leaf: the siblings in the largest mountain,
    /// and the other peaks.
    static func mostHashes(count: UInt64) -> UInt64 {
        UInt64(UInt64.bitWidth - 1 - count.leadingZeroBitCount + count.nonzeroBitCount - 1)
    }

    /// Blocks of the challenge's id and of drawing `openings` indices.
    static func drawBlocks(openings: UInt64) -> Weight {
        blocks(128) + (openings / 4 + 1) * blocks(104)
    }
}
