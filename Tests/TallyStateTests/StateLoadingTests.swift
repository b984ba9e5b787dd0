import TallyPrimitives
import TallyTesting
import Testing

@testable import TallyState

/// A way to damage a page store of 400 objects of 50 bytes each, and what loading must say.
struct Damage: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let apply: @Sendable (inout MemoryPages) -> StateError

    init(_ name: String, _ apply: @escaping @Sendable (inout MemoryPages) -> StateError) {
        testDescription = name
        self.apply = apply
    }

    /// Changes the bytes of the first bucket that a fault is to be found in.
    static func bucket(
        _ fault: BucketFault, _ change: @escaping @Sendable (inout [UInt8], BucketPrefix) -> Void
    ) -> Damage {
        Damage("\(fault)") { pages in
            let (prefix, bytes) = pages.first
            var changed = bytes
            change(&changed, prefix)
            pages.buckets[prefix.storageKey] = changed
            return .malformedBucket(prefix, fault)
        }
    }

    static let all: [Damage] = [
        .bucket(.truncated) { bytes, _ in bytes.removeLast() },
        .bucket(.truncated) { bytes, _ in bytes += [1, 2, 3] },
        .bucket(.length(33)) { bytes, _ in bytes[49] = 33 },
        .bucket(.length(0xfe)) { bytes, _ in bytes[49] = 0xfe },
        .bucket(.kind(0)) { bytes, _ in bytes[32] = 0 },
        .bucket(.kind(200)) { bytes, _ in bytes[82] = 200 },
        .bucket(.prefix) { bytes, _ in bytes[0] ^= 0x80 },
        .bucket(.order) { bytes, _ in bytes = Array(bytes[50..<100] + bytes[..<50]) },
        .bucket(.order) { bytes, _ in bytes = Array(bytes[..<50] + bytes) },
        .bucket(.tooManyObjects) { bytes, prefix in
            var generator = SeededGenerator(seed: 40)
            bytes = (0..<25).map { _ in generator.path(below: prefix.bits, depth: prefix.depth) }
                .sorted().flatMap { $0.bytes + [1] + [UInt8](repeating: 0, count: 17) }
        },
        Damage("sum within a bucket") { pages in
            let (prefix, bytes) = pages.first
            var changed = bytes
            changed.replaceSubrange(33..<49, with: repeatElement(0xff, count: 16))
            pages.buckets[prefix.storageKey] = changed
            return .sumOverflow
        },
        Damage("sum of two buckets") { pages in
            for key in pages.buckets.keys.sorted(by: { $0.lexicographicallyPrecedes($1) })[0..<2] {
                let record = (pages.buckets[key] ?? [])[..<50]
                pages.buckets[key] =
                    record[..<33] + [UInt8](repeating: 0xff, count: 16) + [0]
                    + (pages.buckets[key] ?? [])[50...].enumerated().map { offset, byte in
                        (33..<49).contains(offset % 50) ? 0 : byte
                    }
            }
            return .sumOverflow
        },
        Damage("key with padding that is not zero") { pages in
            let (prefix, bytes) = pages.first
            var key = prefix.storageKey
            key[key.count - 2] |= 1
            pages.buckets[key] = bytes
            return .malformedKey(key)
        },
        Damage("key of another length") { pages in
            pages.buckets[[0, 0, 0, 3]] = []
            return .malformedKey([0, 0, 0, 3])
        },
        Damage("empty key") { pages in
            pages.buckets[[]] = []
            return .malformedKey([])
        },
        Damage("key too deep") { pages in
            let key = [UInt8](repeating: 0, count: 32) + [253]
            pages.buckets = [key: [1]]
            return .malformedKey(key)
        },
        Damage("bucket without objects") { pages in
            let (prefix, _) = pages.first
            pages.buckets[prefix.storageKey] = []
            return .emptyBucket(prefix)
        },
        Damage("bucket inside another") { pages in
            let (prefix, bytes) = pages.first
            let inner = prefix.child(true)
            pages.buckets[inner.storageKey] = bytes
            return .bucketOrder(inner)
        },
        Damage("lone bucket below its place") { pages in
            let bytes = pages.first.1
            let path = bytes.borrowed { Record.path(in: $0, at: 0) }
            pages.buckets = [BucketPrefix(of: path, depth: 9).storageKey: Array(bytes[..<50])]
            return .bucketNotMaximal(.root)
        },
        Damage("bucket cut in two") { pages in
            let (prefix, bytes) = pages.first
            let half = bytes.borrowed { bytes in
                (try? Record.split(bytes, at: prefix.depth))?.offset ?? 0
            }
            pages.buckets[prefix.storageKey] = nil
            pages.buckets[prefix.child(false).storageKey] = Array(bytes[..<half])
            pages.buckets[prefix.child(true).storageKey] = Array(bytes[half...])
            return .bucketNotMaximal(prefix)
        },
    ]
}

extension MemoryPages {
    /// The first bucket.
    fileprivate var first: (BucketPrefix, [UInt8]) {
        let key = buckets.keys.min { $0.lexicographicallyPrecedes($1) } ?? []
        let prefix = key.borrowed { BucketPrefix(storageKey: $0) }
        return (prefix ?? .root, buckets[key] ?? [])
    }
}

@Suite struct StateLoadingTests {
    private func pages() throws -> (tree: StateTree, pages: MemoryPages) {
        var generator = SeededGenerator(seed: 30)
        let changes = (0..<400).map { _ in
            StateChange(
                generator.path(),
                StateObject(kind: .account, value: Amount(UInt128(generator.next()))))
        }
        let tree = try StateTree.empty.updating(changes.inPathOrder(), MemoryPages())
        var pages = MemoryPages()
        pages.apply(tree.pageChanges(since: .empty))
        return (tree, pages)
    }

    @Test(arguments: Damage.all) func refusesDamage(_ damage: Damage) throws {
        let (tree, sound) = try pages()
        #expect(try StateTree(loading: sound).root == tree.root)
        var pages = sound
        let expected = damage.apply(&pages)
        #expect(throws: expected) { try StateTree(loading: pages) }
    }

    @Test func damageWithinTheRulesChangesTheRoot() throws {
        let (tree, pages) = try pages()
        let key = pages.first.0.storageKey
        var valueChanged = pages
        valueChanged.buckets[key]?[48] ^= 1
        #expect(try StateTree(loading: valueChanged).root != tree.root)
        var removed = pages
        removed.buckets[key]?.removeLast(50)
        // Unless what is left would fit into one bucket with its neighbours.
        #expect((try? StateTree(loading: removed))?.root != tree.root)
    }

    @Test func checksThePayloadsOfTheKindsAskedFor() throws {
        var generator = SeededGenerator(seed: 31)
        let path = generator.path()
        let object = StateObject(
            kind: .due, value: .zero, payload: Payload(generator.bytes(100)))
        let tree = try StateTree.empty.updating([StateChange(path, object)], MemoryPages())
        var pages = MemoryPages()
        pages.apply(tree.pageChanges(since: .empty))
        pages.payloads[path] = generator.bytes(100)
        #expect(throws: StateError.payloadMismatch(path: path)) {
            try StateTree(loading: pages, kinds: [.due])
        }
        pages.payloads[path] = nil
        #expect(throws: StateError.missingPayload(path: path)) {
            try StateTree(loading: pages, kinds: [.due])
        }
        #expect(try StateTree(loading: pages, kinds: [.account]).root == tree.root)
    }

    @Test func readingSaysWhatTheStoreLacks() throws {
        let (tree, pages) = try pages()
        let flushed = tree.flushed(tree)
        var damaged = pages
        let (prefix, bytes) = pages.first
        let path = bytes.borrowed { Record.path(in: $0, at: 0) }
        damaged.buckets[prefix.storageKey] = nil
        #expect(throws: StateError.missingBucket(prefix)) { try flushed.object(path, damaged) }
        #expect(throws: StateError.missingBucket(prefix)) {
            try flushed.updating([StateChange(path, nil)], damaged)
        }
        damaged.buckets[prefix.storageKey] = Array(bytes.dropLast())
        let absent = prefix.sibling.child(true).bits
        #expect(try flushed.object(absent, damaged) == nil)
        #expect(throws: StateError.malformedBucket(prefix, .truncated)) {
            try flushed.updating([StateChange(path, nil)], damaged)
        }
        damaged.buckets[prefix.storageKey] = [UInt8](repeating: 0, count: 50 * 100)
        #expect(throws: StateError.malformedBucket(prefix, .tooManyObjects)) {
            try flushed.updating([StateChange(path, nil)], damaged)
        }
    }
}
