public import TallyPrimitives

/// Keccak-256 with the original padding (first byte 0x01), as Ethereum uses it; SHA3-256 differs.
///
/// Only where Ethereum requires it: `Specs/encoding.md`, ENC-5. OpenSSL 3.0 does not have it.
/// Source: "The Keccak reference", version 3.0, capacity 512, 24 rounds.
public enum Keccak256 {
    private static let rate = 136

    /// - Complexity: one permutation for each started 136 bytes; no allocation.
    public static func hash(_ bytes: [UInt8]) -> Hash32 { bytes.withUnsafeBytes { hash($0) } }

    /// - Complexity: one permutation for each started 136 bytes; no allocation.
    public static func hash(_ buffer: UnsafeRawBufferPointer) -> Hash32 {
        var sponge = Sponge()
        var offset = 0
        while buffer.count - offset >= rate {
            sponge.absorb(UnsafeRawBufferPointer(rebasing: buffer[offset..<(offset + rate)]))
            offset += rate
        }
        withUnsafeTemporaryAllocation(byteCount: rate, alignment: 8) { block in
            let tail = UnsafeRawBufferPointer(rebasing: buffer[offset...])
            block.copyMemory(from: tail)
            for i in tail.count..<rate { block[i] = 0 }
            block[tail.count] = 0x01
            block[rate - 1] |= 0x80
            sponge.absorb(UnsafeRawBufferPointer(block))
        }
        let (a, b, c, d, _) = sponge.y0
        return Hash32(words: (a.byteSwapped, b.byteSwapped, c.byteSwapped, d.byteSwapped))
    }
}

/// The 1,600 bits of state: five planes (one for each y) of five lanes (one for each x).
private struct Sponge {
    typealias Plane = (UInt64, UInt64, UInt64, UInt64, UInt64)

    private(set) var y0: Plane = (0, 0, 0, 0, 0)
    private var y1: Plane = (0, 0, 0, 0, 0)
    private var y2: Plane = (0, 0, 0, 0, 0)
    private var y3: Plane = (0, 0, 0, 0, 0)
    private var y4: Plane = (0, 0, 0, 0, 0)

    private static let roundConstants: InlineArray<24, UInt64> = [
        0x0000_0000_0000_0001, 0x0000_0000_0000_8082, 0x8000_0000_0000_808a,
        0x8000_0000_8000_8000, 0x0000_0000_0000_808b, 0x0000_0000_8000_0001,
        0x8000_0000_8000_8081, 0x8000_0000_0000_8009, 0x0000_0000_0000_008a,
        0x0000_0000_0000_0088, 0x0000_0000_8000_8009, 0x0000_0000_8000_000a,
        0x0000_0000_8000_808b, 0x8000_0000_0000_008b, 0x8000_0000_0000_8089,
        0x8000_0000_0000_8003, 0x8000_0000_0000_8002, 0x8000_0000_0000_0080,
        0x0000_0000_0000_800a, 0x8000_0000_8000_000a, 0x8000_0000_8000_8081,
        0x8000_0000_0000_8080, 0x0000_0000_8000_0001, 0x8000_0000_8000_8008,
    ]

    /// Mixes in one block of 136 bytes.
    mutating func absorb(_ block: UnsafeRawBufferPointer) {
        func lane(_ index: Int) -> UInt64 {
            UInt64(littleEndian: block.loadUnaligned(fromByteOffset: 8 * index, as: UInt64.self))
        }
        y0 = (y0.0 ^ lane(0), y0.1 ^ lane(1), y0.2 ^ lane(2), y0.3 ^ lane(3), y0.4 ^ lane(4))
        y1 = (y1.0 ^ lane(5), y1.1 ^ lane(6), y1.2 ^ lane(7), y1.3 ^ lane(8), y1.4 ^ lane(9))
        y2 = (y2.0 ^ lane(10), y2.1 ^ lane(11), y2.2 ^ lane(12), y2.3 ^ lane(13), y2.4 ^ lane(14))
        y3 = (y3.0 ^ lane(15), y3.1 ^ lane(16), y3.2, y3.3, y3.4)
        permute()
    }

    /// Keccak-f[1600]. The lanes stay in locals: through memory it takes twice as long.
    private mutating func permute() {
        var (a, b, c, d, e) = (y0, y1, y2, y3, y4)
        for round in 0..<24 {
            // Theta: the parities of the columns.
            let c0 = a.0 ^ b.0 ^ c.0 ^ d.0 ^ e.0
            let c1 = a.1 ^ b.1 ^ c.1 ^ d.1 ^ e.1
            let c2 = a.2 ^ b.2 ^ c.2 ^ d.2 ^ e.2
            let c3 = a.3 ^ b.3 ^ c.3 ^ d.3 ^ e.3
            let c4 = a.4 ^ b.4 ^ c.4 ^ d.4 ^ e.4
            let d0 = c4 ^ Self.rotate(c1, 1)
            let d1 = c0 ^ Self.rotate(c2, 1)
            let d2 = c1 ^ Self.rotate(c3, 1)
            let d3 = c2 ^ Self.rotate(c4, 1)
            let d4 = c3 ^ Self.rotate(c0, 1)
            // Rho and pi choose and turn the lanes of each new plane, chi mixes them.
            let f = Self.chi(
                a.0 ^ d0, Self.rotate(b.1 ^ d1, 44), Self.rotate(c.2 ^ d2, 43),
                Self.rotate(d.3 ^ d3, 21), Self.rotate(e.4 ^ d4, 14))
            let g = Self.chi(
                Self.rotate(a.3 ^ d3, 28), Self.rotate(b.4 ^ d4, 20), Self.rotate(c.0 ^ d0, 3),
                Self.rotate(d.1 ^ d1, 45), Self.rotate(e.2 ^ d2, 61))
            let h = Self.chi(
                Self.rotate(a.1 ^ d1, 1), Self.rotate(b.2 ^ d2, 6), Self.rotate(c.3 ^ d3, 25),
                Self.rotate(d.4 ^ d4, 8), Self.rotate(e.0 ^ d0, 18))
            let i = Self.chi(
                Self.rotate(a.4 ^ d4, 27), Self.rotate(b.0 ^ d0, 36), Self.rotate(c.1 ^ d1, 10),
                Self.rotate(d.2 ^ d2, 15), Self.rotate(e.3 ^ d3, 56))
            let j = Self.chi(
                Self.rotate(a.2 ^ d2, 62), Self.rotate(b.3 ^ d3, 55), Self.rotate(c.4 ^ d4, 39),
                Self.rotate(d.0 ^ d0, 41), Self.rotate(e.1 ^ d1, 2))
            (a, b, c, d, e) = (f, g, h, i, j)
            a.0 ^= Self.roundConstants[round]
        }
        (y0, y1, y2, y3, y4) = (a, b, c, d, e)
    }

    @inline(__always)
    private static func rotate(_ lane: UInt64, _ count: UInt64) -> UInt64 {
        lane &<< count | lane &>> (64 &- count)
    }

    @inline(__always)
    private static func chi(
        _ a: UInt64, _ b: UInt64, _ c: UInt64, _ d: UInt64, _ e: UInt64
    ) -> Plane {
        (a ^ (~b & c), b ^ (~c & d), c ^ (~d & e), d ^ (~e & a), e ^ (~a & b))
    }
}
