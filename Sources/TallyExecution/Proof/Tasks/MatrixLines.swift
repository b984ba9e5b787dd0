import TallyCrypto
import TallyPrimitives

/// Neighbouring rows of the first matrix, or columns of the second, expanded from a challenge:
/// so an entry of the product is that of two lines, whichever side they are of.
struct MatrixLines {
    /// The numbers are hashed (TASK-6).
    enum Side: UInt8 {
        case rows = 0
        case columns = 1
    }

    private let first: Int
    private let size: Int
    private let entries: [Int8]

    /// - Complexity: one hash for 32 entries.
    init(_ side: Side, _ lines: Range<Int>, size: Int, of challenge: Hash32) {
        first = lines.lowerBound
        self.size = size
        entries = [Int8](unsafeUninitializedCapacity: lines.count * size) { out, count in
            let bytes = UnsafeMutableRawBufferPointer(out)
            var offset = 0
            for line in lines {
                for block in 0..<(size / 32) {
                    let hash = SHA256.hash(.taskMatrix) {
                        $0.update(challenge)
                        $0.update(side.rawValue)
                        $0.update(UInt32(line))
                        $0.update(UInt32(block))
                    }
                    hash.withBytes {
                        UnsafeMutableRawBufferPointer(rebasing: bytes[offset..<(offset + 32)])
                            .copyMemory(from: $0)
                    }
                    offset += 32
                }
            }
            count = offset
        }
    }

    /// 16 × 16 entries of the product, row by row.
    static func tile(
        _ rows: MatrixLines, from row: Int, _ columns: MatrixLines, from column: Int
    ) -> [Int32] {
        let size = rows.size
        let side = MatrixTask.tileSide
        return rows.entries.withUnsafeBufferPointer { a in
            columns.entries.withUnsafeBufferPointer { b in
                var tile: [Int32] = []
                tile.reserveCapacity(MatrixTask.tileEntries)
                for i in 0..<side {
                    let x = UnsafeBufferPointer(
                        rebasing: a[((row - rows.first + i) * size)...].prefix(size))
                    for j in 0..<side {
                        let y = UnsafeBufferPointer(
                            rebasing: b[((column - columns.first + j) * size)...].prefix(size))
                        tile.append(product(x, y))
                    }
                }
                return tile
            }
        }
    }

    /// Wrapping, so that it is vectorised; it never wraps (TASK-6).
    private static func product(
        _ x: UnsafeBufferPointer<Int8>, _ y: UnsafeBufferPointer<Int8>
    ) -> Int32 {
        var sum: Int32 = 0
        for k in 0..<x.count { sum &+= Int32(x[k]) &* Int32(y[k]) }
        return sum
    }
}
