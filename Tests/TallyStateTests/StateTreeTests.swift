import TallyCrypto
import TallyPrimitives
import TallyTesting
import Testing

@testable import TallyState

@Suite struct StateTreeTests {
    @Test func emptyTreeIsTheBucketWithoutBytes() throws {
        let tree = StateTree.empty
        #expect(tree.root == SHA256.hash(.bucket, []))
        #expect(tree.sum == .zero)
        #expect(tree.count == 0)
        #expect(try tree.object(.zero, MemoryPages()) == nil)
    }

    @Test func agreesWithTheModel() throws {
        try forEachSeed(base: 100, count: 12) { seed, generator in
            var model = StateModel()
            var tree = StateTree.empty
            let pages = MemoryPages()
            for step in 0..<12 {
                let changes = generator.changes(
                    [1, 7, 60, 400][step % 4], to: model.objects,
                    deleting: seed % 3 == 0 ? 0.6 : 0.2)
                model.apply(changes)
                tree = try tree.updating(changes, pages)
                #expect(tree.root == model.root, "seed \(seed) step \(step)")
                #expect(tree.sum == model.sum)
                #expect(tree.count == UInt64(model.objects.count))
                for change in changes {
                    #expect(try tree.object(change.path, pages) == change.object)
                }
                let found = try tree.objects(changes.map(\.path), pages)
                #expect(found == changes.map(\.object), "seed \(seed) step \(step)")
            }
            for (path, object) in model.objects {
                #expect(try tree.object(path, pages) == object)
            }
        }
    }

    @Test(arguments: [1, 2, 5, 37, 500])
    func rootDoesNotDependOnTheBatches(size: Int) throws {
        var generator = SeededGenerator(seed: 7)
        let all = generator.changes(500, to: [:], deleting: 0)
        let whole = try StateTree.empty.updating(all, MemoryPages())
        var tree = StateTree.empty
        let shuffled = all.shuffled(using: &generator)
        for start in stride(from: 0, to: shuffled.count, by: size) {
            let batch = Array(shuffled[start..<min(start + size, shuffled.count)])
            tree = try tree.updating(batch.inPathOrder(), MemoryPages())
        }
        #expect(tree.root == whole.root)
    }

    @Test(arguments: [1, 10, 300])
    func deletingEverythingLeavesTheEmptyTree(size: Int) throws {
        var generator = SeededGenerator(seed: 8)
        let all = generator.changes(300, to: [:], deleting: 0)
        var tree = try StateTree.empty.updating(all, MemoryPages())
        for start in stride(from: 0, to: all.count, by: size) {
            let batch = all[start..<min(start + size, all.count)]
            tree = try tree.updating(batch.map { StateChange($0.path, nil) }, MemoryPages())
        }
        #expect(tree.root == StateTree.empty.root)
        #expect(tree.count == 0)
        #expect(tree.sum == .zero)
    }

    @Test func splitsAboveTwentyFourObjectsAndMergesBack() throws {
        var generator = SeededGenerator(seed: 9)
        let all = generator.changes(25, to: [:], deleting: 0)
        let last = all[24]
        let bucket = try StateTree.empty.updating(Array(all[..<24]), MemoryPages())
        #expect(bucket.top.isBucket)
        let fork = try bucket.updating([last], MemoryPages())
        guard case .fork = fork.top.content else {
            Issue.record("25 objects in one bucket")
            return
        }
        let merged = try fork.updating([StateChange(last.path, nil)], MemoryPages())
        #expect(merged.top.isBucket)
        #expect(merged.root == bucket.root)
    }

    @Test func changingNothingSharesTheTree() throws {
        var generator = SeededGenerator(seed: 10)
        let all = generator.changes(400, to: [:], deleting: 0)
        let tree = try StateTree.empty.updating(all, MemoryPages())
        let absent = StateChange(generator.path(), nil)
        for same in [all, [all[17]], [absent], []] {
            let after = try tree.updating(same, MemoryPages())
            guard case .fork(let a) = tree.top.content, case .fork(let b) = after.top.content else {
                Issue.record("no fork")
                return
            }
            #expect(a === b)
        }
    }

    /// More changes than are merged at once, of which none changes anything.
    @Test func changingNothingReadsFromTheStoreOnly() throws {
        var generator = SeededGenerator(seed: 13)
        let all = generator.changes(20, to: [:], deleting: 0)
        var pages = MemoryPages()
        var tree = try StateTree.empty.updating(all, pages)
        pages.apply(tree.pageChanges(since: .empty))
        tree = tree.flushed(tree)
        let absent = (0..<60).map { _ in StateChange(generator.path(), nil) }
        let after = try tree.updating((all + absent).inPathOrder(), pages)
        #expect(after.root == tree.root)
        #expect(!after.top.hasResident)
    }

    @Test func sharesWhatABatchDoesNotTouch() throws {
        var generator = SeededGenerator(seed: 11)
        let all = generator.changes(400, to: [:], deleting: 0)
        let tree = try StateTree.empty.updating(all, MemoryPages())
        let after = try tree.updating([StateChange(all[0].path, nil)], MemoryPages())
        guard case .fork(let a) = tree.top.content, case .fork(let b) = after.top.content,
            case .fork(let rightA) = a.right.content, case .fork(let rightB) = b.right.content
        else {
            Issue.record("no fork")
            return
        }
        #expect(a !== b)
        #expect(rightA === rightB)
    }

    @Test(arguments: [20, 100, 200, 240])
    func pathsGroundToOnePrefixStayCanonical(depth: Int) throws {
        try forEachSeed(base: 200, count: 3) { seed, generator in
            let base = generator.path()
            var model = StateModel()
            var tree = StateTree.empty
            for _ in 0..<6 {
                let changes = generator.changes(60, to: model.objects, deleting: 0.4) {
                    Bool.random(using: &$0) ? $0.path(below: base, depth: depth) : $0.path()
                }
                model.apply(changes)
                tree = try tree.updating(changes, MemoryPages())
                #expect(tree.root == model.root, "seed \(seed)")
            }
            let paths = model.objects.keys.sorted() + (0..<20).map { _ in generator.path() }
            #expect(try tree.objects(paths, MemoryPages()) == paths.map { model.objects[$0] })
            #expect(model.bucketPrefixes.contains { $0.depth > depth })
        }
    }

    @Test func refusesASumAbove128Bits() throws {
        var generator = SeededGenerator(seed: 12)
        for count in [2, 60] {
            var changes = generator.changes(count, to: [:], deleting: 0)
            let last = changes.removeLast()
            let most = StateObject(kind: .account, value: .max)
            let tree = try StateTree.empty.updating(changes, MemoryPages())
            #expect(throws: StateError.sumOverflow) {
                try tree.updating([StateChange(last.path, most)], MemoryPages())
            }
        }
        let exact = try StateTree.empty.updating(
            [StateChange(.zero, StateObject(kind: .vault, value: .max))], MemoryPages())
        #expect(exact.sum == .max)
    }
}
