import COpenSSL

/// What scrypt takes: n · r · 128 bytes of memory and n · r · p mixings of 128 bytes.
package struct ScryptCost: Hashable, Sendable {
    package let n: UInt64
    package let r: UInt64
    package let p: UInt64

    /// The cost of new files, which other wallets use too: 256 MiB.
    package static let standard = ScryptCost(unchecked: 1 << 18, 8, 1)

    static let maximumMemory: UInt64 = 1 << 30
    /// Eight times the standard, a few seconds of one core.
    static let maximumRounds: UInt64 = 1 << 24
    static let maximumBlocks: UInt64 = 1 << 16

    /// - Parameters:
    ///   - n: a power of two, at least 2.
    ///   - r: at least 1, as is `p`.
    /// - Throws: `.malformed`, `.excessiveCost`.
    package init(n: UInt64, r: UInt64, p: UInt64) throws(KeystoreError) {
        guard n > 1, n.nonzeroBitCount == 1 else {
            throw .malformed(field: "crypto.kdfparams.n")
        }
        guard r > 0 else { throw .malformed(field: "crypto.kdfparams.r") }
        guard p > 0 else { throw .malformed(field: "crypto.kdfparams.p") }
        let blocks = Self.product(r, p)
        guard blocks <= Self.maximumBlocks else { throw .excessiveCost(.blocks(blocks)) }
        let memory = Self.product(Self.product(n, r), 128)
        guard memory <= Self.maximumMemory else { throw .excessiveCost(.memory(memory)) }
        let rounds = Self.product(Self.product(n, r), p)
        guard rounds <= Self.maximumRounds else { throw .excessiveCost(.rounds(rounds)) }
        self.init(unchecked: n, r, p)
    }

    private init(unchecked n: UInt64, _ r: UInt64, _ p: UInt64) {
        self.n = n
        self.r = r
        self.p = p
    }

    private static func product(_ a: UInt64, _ b: UInt64) -> UInt64 {
        let (product, overflow) = a.multipliedReportingOverflow(by: b)
        return overflow ? .max : product
    }
}

/// scrypt (RFC 7914), except for that document's bound n < 2^(16 r).
///
/// OpenSSL enforces that bound, but files in use and the format's own test vectors have
/// n = 2^18 with r = 1, so the mixing is ours; PBKDF2 is OpenSSL's.
package enum Scrypt {
    /// - Parameter count: bytes to make, at least 1.
    /// - Throws: `.outOfMemory`.
    package static func derive(
        password: [UInt8], salt: [UInt8], cost: ScryptCost, count: Int
    ) throws(KeystoreError) -> [UInt8] {
        let chunk = 128 * Int(cost.r)
        var blocks = PBKDF2.derive(
            password: password, salt: salt, rounds: 1, count: chunk * Int(cost.p))
        let bytes = chunk * (Int(cost.n) + 2)
        guard let memory = CRYPTO_malloc(bytes, #fileID, #line) else {
            throw .outOfMemory(bytes: bytes)
        }
        defer { CRYPTO_clear_free(memory, bytes, #fileID, #line) }
        let rows = memory.bindMemory(to: Row.self, capacity: bytes / MemoryLayout<Row>.size)
        for start in stride(from: 0, to: blocks.count, by: chunk) {
            blocks.withUnsafeMutableBytes {
                mix(
                    UnsafeMutableRawBufferPointer(rebasing: $0[start..<(start + chunk)]),
                    Mixer(r: Int(cost.r), n: Int(cost.n), table: rows))
            }
        }
        return PBKDF2.derive(password: password, salt: blocks, rounds: 1, count: count)
    }

    /// scryptROMix (RFC 7914, section 5) of one chunk of 128 · r bytes, in place.
    private static func mix(_ chunk: UnsafeMutableRawBufferPointer, _ mixer: Mixer) {
        for i in 0..<(32 * mixer.r) {
            let word = chunk.loadUnaligned(fromByteOffset: 4 * source(i), as: UInt32.self)
            mixer.words[i] = UInt32(littleEndian: word)
        }
        mixer.run()
        for i in 0..<(32 * mixer.r) {
            chunk.storeBytes(
                of: mixer.words[i].littleEndian, toByteOffset: 4 * source(i), as: UInt32.self)
        }
    }

    /// Where word `index` of the table's layout stands in RFC 7914's: in each block of 16 words
    /// the diagonals of the 4 × 4 matrix become rows, so that Salsa20/8 works on whole rows.
    private static func source(_ index: Int) -> Int { index & ~15 | (5 * index) & 15 }
}

private typealias Row = SIMD4<UInt32>

/// The table of n entries and the chunk being mixed, of 8 · r rows each.
// SAFETY: lives inside `Scrypt.derive`, which owns the memory behind `table` and frees it last.
private struct Mixer {
    let r: Int
    let n: Int
    /// n entries, then the chunk, then one entry of scratch.
    let table: UnsafeMutablePointer<Row>

    private var rowCount: Int { 8 * r }
    private var chunk: UnsafeMutablePointer<Row> { table + n * rowCount }
    private var scratch: UnsafeMutablePointer<Row> { chunk + rowCount }

    init(r: Int, n: Int, table: UnsafeMutablePointer<Row>) {
        self.r = r
        self.n = n
        self.table = table
    }

    /// The chunk as words.
    var words: UnsafeMutablePointer<UInt32> {
        UnsafeMutableRawPointer(chunk).assumingMemoryBound(to: UInt32.self)
    }

    func run() {
        for i in 0..<n {
            (table + i * rowCount).update(from: chunk, count: rowCount)
            mixBlocks()
        }
        for _ in 0..<n {
            // n is a power of two below 2^32: the first word of the last block decides.
            let index = Int(chunk[rowCount - 4][0]) & (n - 1)
            let entry = table + index * rowCount
            for row in 0..<rowCount { chunk[row] ^= entry[row] }
            mixBlocks()
        }
    }

    /// scryptBlockMix (RFC 7914, section 4) of the chunk, in place.
    private func mixBlocks() {
        var block = Block(chunk + (rowCount - 4))
        for i in 0..<(2 * r) {
            block.mix(chunk + 4 * i)
            // Even blocks go to the first half, odd ones to the second.
            block.store(scratch + 4 * (i / 2 + (i & 1) * r))
        }
        chunk.update(from: scratch, count: rowCount)
    }
}

/// One block of Salsa20/8 as its four diagonals (RFC 7914, section 3).
private struct Block {
    private var a: Row
    private var b: Row
    private var c: Row
    private var d: Row

    @inline(__always)
    init(_ rows: UnsafeMutablePointer<Row>) {
        (a, b, c, d) = (rows[0], rows[1], rows[2], rows[3])
    }

    @inline(__always)
    func store(_ rows: UnsafeMutablePointer<Row>) {
        (rows[0], rows[1], rows[2], rows[3]) = (a, b, c, d)
    }

    /// Becomes Salsa20/8 of itself ⊕ `rows`.
    @inline(__always)
    mutating func mix(_ rows: UnsafeMutablePointer<Row>) {
        a ^= rows[0]
        b ^= rows[1]
        c ^= rows[2]
        d ^= rows[3]
        let start = self
        for _ in 0..<8 {
            round()
            // Columns become rows, and rows columns.
            (b, c, d) = (turn1(d), turn2(c), turn3(b))
        }
        a &+= start.a
        b &+= start.b
        c &+= start.c
        d &+= start.d
    }

    @inline(__always)
    private mutating func round() {
        b ^= rotate(a &+ d, 7)
        c ^= rotate(b &+ a, 9)
        d ^= rotate(c &+ b, 13)
        a ^= rotate(d &+ c, 18)
    }

    @inline(__always)
    private func rotate(_ row: Row, _ count: UInt32) -> Row {
        row &<< Row(repeating: count) | row &>> Row(repeating: 32 &- count)
    }

    @inline(__always)
    private func turn1(_ row: Row) -> Row { Row(row[1], row[2], row[3], row[0]) }
    @inline(__always)
    private func turn2(_ row: Row) -> Row { Row(row[2], row[3], row[0], row[1]) }
    @inline(__always)
    private func turn3(_ row: Row) -> Row { Row(row[3], row[0], row[1], row[2]) }
}
