import TallyCrypto
import TallyPrimitives
import TallyTesting
import Testing

@testable import TallyState

@Suite struct StateCheckpointTests {
    /// Checkpoints lag behind the tree, as they do in a node; the store must at each of them hold
    /// the buckets and payloads of the checkpointed state and nothing else.
    @Test(arguments: [0, 1, 3])
    func storeHoldsExactlyTheCheckpoint(lag: Int) throws {
        try forEachSeed(base: 300, count: 3) { seed, generator in
            var pages = MemoryPages()
            var stored = StateTree.empty
            var history = [(tree: StateTree.empty, model: StateModel())]
            let base = generator.path()
            for step in 0..<16 {
                var (tree, model) = history[history.count - 1]
                let changes = generator.changes(
                    [3, 90, 15, 200][step % 4], to: model.objects,
                    deleting: step % 5 == 4 ? 0.9 : 0.3
                ) {
                    Bool.random(using: &$0) ? $0.path(below: base, depth: 40) : $0.path()
                }
                model.apply(changes)
                tree = try tree.updating(changes, pages)
                history.append((tree, model))
                guard history.count > lag, step % 2 == 1 else { continue }
                let checkpoint = history[history.count - 1 - lag]
                pages.apply(checkpoint.tree.pageChanges(since: stored))
                stored = checkpoint.tree.flushed(checkpoint.tree)
                history = history.suffix(lag + 1).map { ($0.tree.flushed(stored), $0.model) }
                try expect(pages, holds: checkpoint.model, "seed \(seed) step \(step)")
                for (tree, model) in history {
                    #expect(tree.root == model.root)
                    for (path, object) in model.objects {
                        #expect(try tree.object(path, pages) == object)
                    }
                }
            }
        }
    }

    private func expect(
        _ pages: MemoryPages, holds model: StateModel, _ comment: Comment
    ) throws {
        let prefixes = model.bucketPrefixes.map(\.storageKey)
        let keys = pages.buckets.keys.sorted { $0.lexicographicallyPrecedes($1) }
        #expect(keys == prefixes, comment)
        let external = model.objects.filter { $0.value.payload.count > 32 }
        let samePayloads = pages.payloads == external.mapValues(\.payload.bytes)
        #expect(samePayloads, comment)
        var seen: [Hash32: StateObject] = [:]
        let loaded = try StateTree(loading: pages, kinds: Set(ObjectKind.allCases)) { key, object in
            #expect(key.kind == object.kind)
            seen[key.path] = object
        }
        #expect(loaded.root == model.root, comment)
        #expect(loaded.sum == model.sum)
        #expect(loaded.count == UInt64(model.objects.count))
        let sameObjects = seen == model.objects
        #expect(sameObjects, comment)
    }

    @Test func tellsOfTheKindsAskedForInPathOrder() throws {
        var generator = SeededGenerator(seed: 20)
        let changes = generator.changes(300, to: [:], deleting: 0)
        let tree = try StateTree.empty.updating(changes, MemoryPages())
        var pages = MemoryPages()
        pages.apply(tree.pageChanges(since: .empty))
        var seen: [Hash32] = []
        _ = try StateTree(loading: pages, kinds: [.due, .escrow]) { key, _ in
            seen.append(key.path)
        }
        let wanted = changes.filter { [.due, .escrow].contains($0.object?.kind) }
        #expect(seen == wanted.map(\.path))
    }

    @Test func flushedTreeHoldsNothingInMemory() throws {
        var generator = SeededGenerator(seed: 21)
        let tree = try StateTree.empty.updating(
            generator.changes(300, to: [:], deleting: 0), MemoryPages())
        let flushed = tree.flushed(tree)
        #expect(tree.top.hasResident)
        #expect(!flushed.top.hasResident)
        #expect(flushed.root == tree.root)
        #expect(flushed.pageChanges(since: tree).isEmpty)
        #expect(throws: StateError.self) { try flushed.object(.zero, MemoryPages()) }
    }

    @Test func writesNothingForAChangeTakenBack() throws {
        var generator = SeededGenerator(seed: 22)
        let changes = generator.changes(300, to: [:], deleting: 0)
        var pages = MemoryPages()
        var tree = try StateTree.empty.updating(changes, pages)
        pages.apply(tree.pageChanges(since: .empty))
        tree = tree.flushed(tree)
        let some = Array(changes[100..<140])
        let away = try tree.updating(some.map { StateChange($0.path, nil) }, pages)
        let back = try away.updating(some, pages)
        #expect(!away.pageChanges(since: tree).isEmpty)
        #expect(back.pageChanges(since: tree).isEmpty)
        #expect(!back.flushed(tree).top.hasResident)
    }

    @Test func writesOnlyTheBucketsThatChanged() throws {
        var generator = SeededGenerator(seed: 23)
        let changes = generator.changes(500, to: [:], deleting: 0)
        let tree = try StateTree.empty.updating(changes, MemoryPages())
        let object = StateObject(kind: .account, value: Amount(1))
        let after = try tree.updating(
            [changes[0], changes[499]].map { StateChange($0.path, object) }, MemoryPages())
        let puts = after.pageChanges(since: tree).filter {
            if case .putBucket = $0 { true } else { false }
        }
        #expect(puts.count == 2)
    }

    @Test func bucketChangesComeInTreeOrder() throws {
        var generator = SeededGenerator(seed: 24)
        let changes = generator.changes(600, to: [:], deleting: 0)
        let tree = try StateTree.empty.updating(changes, MemoryPages())
        let after = try tree.updating(
            changes[100..<500].map { StateChange($0.path, nil) }, MemoryPages())
        var prefixes: [BucketPrefix] = []
        for change in after.pageChanges(since: tree) {
            switch change {
            case .putBucket(let prefix, _): prefixes.append(prefix)
            case .deleteBucket(let prefix): prefixes.append(prefix)
            case .putPayload, .deletePayload: break
            }
        }
        #expect(prefixes.count > 10)
        #expect(prefixes == prefixes.sorted())
    }

    /// A bucket that changes between each checkpoint and its flush is never equal to the stored
    /// one; the payloads it has got rid of must be forgotten all the same.
    @Test func writtenPayloadChangesDoNotPileUp() throws {
        var generator = SeededGenerator(seed: 25)
        var pages = MemoryPages()
        var stored = StateTree.empty
        var tree = StateTree.empty
        for round in 0..<20 {
            let path = generator.path()
            let object = StateObject(
                kind: .escrow, value: .zero, payload: Payload(generator.bytes(60)))
            let checkpoint = try tree.updating([StateChange(path, object)], pages)
            tree = try checkpoint.updating([StateChange(path, nil)], pages)
            pages.apply(checkpoint.pageChanges(since: stored))
            tree = tree.flushed(checkpoint)
            stored = checkpoint
            #expect(tree.top.payloadChanges == [PayloadChange(path: path, bytes: nil)])
            #expect(pages.payloads.count == 1, "round \(round)")
        }
    }

    @Test func externalPayloadIsCheckedOnReading() throws {
        var generator = SeededGenerator(seed: 26)
        let path = generator.path()
        let object = StateObject(
            kind: .meta, value: Amount(5), payload: Payload(generator.bytes(33)))
        var pages = MemoryPages()
        var tree = try StateTree.empty.updating([StateChange(path, object)], pages)
        #expect(try tree.object(path, pages) == object)
        pages.apply(tree.pageChanges(since: .empty))
        tree = tree.flushed(tree)
        #expect(try tree.object(path, pages) == object)
        pages.payloads[path]?[7] ^= 1
        #expect(throws: StateError.payloadMismatch(path: path)) { try tree.object(path, pages) }
        pages.payloads[path] = nil
        #expect(throws: StateError.missingPayload(path: path)) { try tree.object(path, pages) }
    }
}
