import TallyPrimitives
import TallyTesting
import Testing

@testable import TallyState

/// Pages of a walk are together what a look at every object finds, whatever their size.
@Suite struct StateWalkTests {
    private static func key(_ number: UInt64) -> ObjectKey {
        ObjectKey(number % 7 == 0 ? .order : .account, key: RLPEncoder.list { $0.append(number) })
    }

    private static func tree(_ count: UInt64, _ pages: inout MemoryPages) throws -> StateTree {
        let changes = (0..<count).map { number in
            let payload = Payload([UInt8](repeating: 1, count: number % 14 == 0 ? 60 : 3))
            return StateChange(
                key(number),
                StateObject(
                    kind: key(number).kind, value: Amount(UInt128(number)), payload: payload))
        }
        let tree = try StateTree.empty.updating(changes.inPathOrder(), MemoryPages())
        pages.apply(tree.pageChanges(since: .empty))
        return tree
    }

    @Test func pagesAreTogetherAllOfTheKind() throws {
        for count: UInt64 in [0, 5, 24, 25, 400] {
            var pages = MemoryPages()
            let tree = try Self.tree(count, &pages)
            let expected = (0..<count).map(Self.key).filter { $0.kind == .order }
                .map(\.path).sorted()
            for limit in [1, 3, 1_000] {
                for visits in [1, 4, 1_000] {
                    var found: [Hash32] = []
                    var start: Hash32? = .zero
                    var steps = 0
                    while let from = start, steps <= 2_000 {
                        let page = try tree.walk(
                            .order, from: from, limit: limit, visits: visits, pages)
                        #expect(page.objects.count <= limit)
                        found += page.objects.map(\.path)
                        for (path, object) in page.objects {
                            #expect(try tree.object(path, pages) == object)
                        }
                        start = page.next
                        steps += 1
                    }
                    #expect(found == expected, "\(count) objects, \(limit) a page of \(visits)")
                }
            }
        }
    }

    @Test func anyStartIsTaken() throws {
        var pages = MemoryPages()
        let tree = try Self.tree(400, &pages)
        let all = (0..<400).map { Self.key($0) }.filter { $0.kind == .order }.map(\.path).sorted()
        var generator = SeededGenerator(seed: 0x7761_6c6b)
        for _ in 0..<200 {
            let start = Hash32(
                words: (generator.next(), generator.next(), generator.next(), generator.next()))
            let page = try tree.walk(.order, from: start, limit: 400, visits: 400, pages)
            #expect(page.objects.map(\.path) == all.filter { $0 >= start })
            #expect(page.next == nil)
        }
    }

    @Test func missingBucketIsSaid() throws {
        var pages = MemoryPages()
        _ = try Self.tree(400, &pages)
        let tree = try StateTree(loading: pages, kinds: []) { _, _ in }
        let first = try #require(
            pages.buckets.keys.min { $0.lexicographicallyPrecedes($1) })
        pages.buckets[first] = nil
        let prefix = try #require(first.withUnsafeBytes { BucketPrefix(storageKey: $0) })
        #expect(throws: StateError.missingBucket(prefix)) {
            try tree.walk(.order, from: .zero, limit: 400, visits: 400, pages)
        }
    }
}
