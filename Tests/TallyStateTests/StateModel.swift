import TallyCrypto
import TallyPrimitives

@testable import TallyState

/// The rules of `Specs/state-tree.md` once more, as naively as they can be put.
struct StateModel {
    var objects: [Hash32: StateObject] = [:]

    mutating func apply(_ changes: [StateChange]) {
        for change in changes { objects[change.path] = change.object }
    }

    var sum: Amount? { Amount.sum(objects.values.map(\.value)) }

    var root: Hash32 { commitment(objects.keys.sorted(), depth: 0).hash }

    /// Prefixes of the buckets that have objects.
    var bucketPrefixes: [BucketPrefix] { prefixes(objects.keys.sorted(), depth: 0) }

    private func commitment(_ paths: [Hash32], depth: Int) -> (hash: Hash32, sum: Amount) {
        let sum = Amount.sum(paths.compactMap { objects[$0]?.value }) ?? .zero
        if paths.count <= 24 {
            return (SHA256.hash(.bucket, paths.flatMap(record)), sum)
        }
        let left = commitment(paths.filter { !$0.bit(depth) }, depth: depth + 1)
        let right = commitment(paths.filter { $0.bit(depth) }, depth: depth + 1)
        let image =
            left.hash.bytes + bigEndian(left.sum) + right.hash.bytes + bigEndian(right.sum)
        return (SHA256.hash(.inner, image), sum)
    }

    private func record(_ path: Hash32) -> [UInt8] {
        guard let object = objects[path] else { return [] }
        let payload = object.payload.bytes
        let tail =
            payload.count <= 32
            ? [UInt8(payload.count)] + payload : [0xff] + SHA256.hash(.payload, payload).bytes
        return path.bytes + [object.kind.rawValue] + bigEndian(object.value) + tail
    }

    private func prefixes(_ paths: [Hash32], depth: Int) -> [BucketPrefix] {
        guard let first = paths.first else { return [] }
        if paths.count <= 24 { return [BucketPrefix(of: first, depth: depth)] }
        return prefixes(paths.filter { !$0.bit(depth) }, depth: depth + 1)
            + prefixes(paths.filter { $0.bit(depth) }, depth: depth + 1)
    }

    private func bigEndian(_ amount: Amount) -> [UInt8] {
        (0..<16).map { UInt8(truncatingIfNeeded: amount.units >> UInt128(120 - 8 * $0)) }
    }
}

extension SeededGenerator {
    mutating func path() -> Hash32 { Hash32(words: (next(), next(), next(), next())) }

    /// A path that shares its first `depth` bits with `base`.
    mutating func path(below base: Hash32, depth: Int) -> Hash32 {
        let random = path()
        let kept = BucketPrefix(of: base, depth: depth).bits.words
        let gone = BucketPrefix(of: random, depth: depth).bits.words
        let words = random.words
        return Hash32(
            words: (
                words.0 ^ gone.0 ^ kept.0, words.1 ^ gone.1 ^ kept.1,
                words.2 ^ gone.2 ^ kept.2, words.3 ^ gone.3 ^ kept.3
            ))
    }

    mutating func bytes(_ count: Int) -> [UInt8] {
        (0..<count).map { _ in UInt8(truncatingIfNeeded: next()) }
    }

    /// An object of any kind; one in four has an external payload.
    mutating func object() -> StateObject {
        let kind = ObjectKind.allCases[Int.random(in: 0..<ObjectKind.allCases.count, using: &self)]
        let external = Int.random(in: 0..<4, using: &self) == 0
        let count = Int.random(in: external ? 33...80 : 0...32, using: &self)
        return StateObject(
            kind: kind, value: Amount(UInt128(next()) << 40), payload: Payload(bytes(count)))
    }

    /// Up to `count` changes: of present objects (new, deleted, unchanged), of absent ones.
    mutating func changes(
        _ count: Int, to objects: [Hash32: StateObject], deleting: Double = 0.3,
        path newPath: (inout SeededGenerator) -> Hash32 = { $0.path() }
    ) -> [StateChange] {
        let present = objects.keys.sorted()
        var changes: [Hash32: StateObject?] = [:]
        for _ in 0..<count {
            let old = Bool.random(using: &self) ? present.randomElement(using: &self) : nil
            let path = old ?? newPath(&self)
            if Double.random(in: 0..<1, using: &self) < deleting {
                changes[path] = .some(nil)
            } else if let old, Int.random(in: 0..<8, using: &self) == 0 {
                changes[path] = objects[old]
            } else {
                changes[path] = object()
            }
        }
        return changes.map { StateChange($0.key, $0.value) }.inPathOrder()
    }
}
