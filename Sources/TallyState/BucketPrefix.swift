package import TallyPrimitives

/// Position of a subtree: the first `depth` bits of all its paths.
package struct BucketPrefix: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The prefix; every bit from `depth` on is 0.
    package let bits: Hash32
    /// 0 (the root) to 256. A bucket lies at 252 at most: its parent holds 25 or more of the
    /// 2^(256 − depth) paths below it.
    package let depth: Int

    static let root = BucketPrefix(of: .zero, depth: 0)
    static let maximumBucketDepth = 252

    /// The first `depth` bits of `path`.
    package init(of path: Hash32, depth: Int) {
        precondition((0...256).contains(depth), "depth \(depth)")
        let words = path.words
        bits = Hash32(
            words: (
                Self.kept(words.0, depth), Self.kept(words.1, depth - 64),
                Self.kept(words.2, depth - 128), Self.kept(words.3, depth - 192)
            ))
        self.depth = depth
    }

    private static func kept(_ word: UInt64, _ count: Int) -> UInt64 {
        count >= 64 ? word : count <= 0 ? 0 : word & ~(UInt64.max >> UInt64(count))
    }

    package func contains(_ path: Hash32) -> Bool {
        BucketPrefix(of: path, depth: depth).bits == bits
    }

    /// The prefix that differs in its last bit only.
    var sibling: BucketPrefix {
        precondition(depth > 0, "the root has no sibling")
        return BucketPrefix(of: bits.withBit(depth - 1, !bits.bit(depth - 1)), depth: depth)
    }

    func child(_ bit: Bool) -> BucketPrefix {
        BucketPrefix(of: bits.withBit(depth, bit), depth: depth + 1)
    }

    /// Tree order. For prefixes of which none contains another, as the buckets of one tree are,
    /// this is also the order of their storage keys' bytes.
    package static func < (a: BucketPrefix, b: BucketPrefix) -> Bool {
        a.bits != b.bits ? a.bits < b.bits : a.depth < b.depth
    }

    package var description: String { "\(bits)/\(depth)" }

    // STATE-9

    /// Calls `body` with the key of the bucket in a page store: the bytes that hold the prefix,
    /// then one byte of depth; 1 to 33 bytes. They must not escape.
    package func withStorageKey<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
        precondition(depth <= Self.maximumBucketDepth, "no bucket lies at depth \(depth)")
        let width = (depth + 7) / 8
        var key = (UInt64(0), UInt64(0), UInt64(0), UInt64(0), UInt64(0))
        return try withUnsafeMutableBytes(of: &key) { out in
            bits.withBytes { out.copyMemory(from: $0) }
            out[width] = UInt8(depth)
            return try body(UnsafeRawBufferPointer(rebasing: out[0...width]))
        }
    }

    package var storageKey: [UInt8] { withStorageKey { Array($0) } }

    /// The prefix of a storage key; `nil` when it is not exactly one.
    package init?(storageKey key: UnsafeRawBufferPointer) {
        guard let last = key.last, Int(last) <= Self.maximumBucketDepth,
            key.count == (Int(last) + 7) / 8 + 1
        else { return nil }
        var words = (UInt64(0), UInt64(0), UInt64(0), UInt64(0))
        let path = withUnsafeMutableBytes(of: &words) { out in
            out.copyMemory(from: UnsafeRawBufferPointer(rebasing: key.dropLast()))
            return Hash32(loading: UnsafeRawBufferPointer(out))
        }
        self.init(of: path, depth: Int(last))
        guard bits == path else { return nil }
    }
}

extension Hash32 {
    /// The same bits, but `bit` at `index` (0 is the most significant of the first byte).
    fileprivate func withBit(_ index: Int, _ bit: Bool) -> Hash32 {
        let mask = UInt64(1) << UInt64(63 - (index & 63))
        func changed(_ word: UInt64, _ number: Int) -> UInt64 {
            number != index >> 6 ? word : bit ? word | mask : word & ~mask
        }
        return Hash32(
            words: (
                changed(words.0, 0), changed(words.1, 1), changed(words.2, 2), changed(words.3, 3)
            ))
    }
}
