import TallyCrypto
import TallyPrimitives
import TallyTesting
import Testing

@testable import TallyState

@Suite struct StateProofTests {
    private struct Fixture {
        var generator = SeededGenerator(seed: 50)
        var objects: [Hash32: StateObject] = [:]
        var tree = StateTree.empty
        var pages = MemoryPages()

        init(count: Int) throws {
            let changes = generator.changes(count, to: [:], deleting: 0)
            for change in changes { objects[change.path] = change.object }
            tree = try tree.updating(changes, pages)
            pages.apply(tree.pageChanges(since: .empty))
            tree = tree.flushed(tree)
        }

        func path(external: Bool) throws -> Hash32 {
            let paths = objects.keys.sorted()
            return try #require(
                paths.first { ((objects[$0]?.payload.count ?? 0) > 32) == external })
        }
    }

    @Test(arguments: [0, 1, 24, 25, 300])
    func showsPresenceAndAbsence(count: Int) throws {
        var fixture = try Fixture(count: count)
        var paths = fixture.objects.keys.sorted()
        for _ in 0..<30 { paths.append(fixture.generator.path()) }
        for path in paths {
            let proof = try fixture.tree.proof(path, fixture.pages)
            let decoded = try StateProof(decoding: proof.encoded())
            #expect(decoded == proof)
            let shown = try decoded.verify(
                root: fixture.tree.root, sum: fixture.tree.sum, path: path)
            #expect(shown == fixture.objects[path])
        }
    }

    @Test(arguments: [true, false])
    func refusesEveryChangedByte(external: Bool) throws {
        let fixture = try Fixture(count: 300)
        let path = try fixture.path(external: external)
        let bytes = try fixture.tree.proof(path, fixture.pages).encoded()
        for index in bytes.indices {
            var forged = bytes
            forged[index] ^= 1 << (index % 8)
            #expect(throws: ProofError.self, "byte \(index)") {
                try StateProof(decoding: forged)
                    .verify(root: fixture.tree.root, sum: fixture.tree.sum, path: path)
            }
        }
    }

    @Test func refusesAnotherRootSumOrPath() throws {
        var fixture = try Fixture(count: 300)
        let path = try fixture.path(external: false)
        let proof = try fixture.tree.proof(path, fixture.pages)
        let (root, sum) = (fixture.tree.root, fixture.tree.sum)
        let more = try #require(sum.adding(Amount(1)))
        #expect(throws: ProofError.rootMismatch) {
            try proof.verify(root: .zero, sum: sum, path: path)
        }
        #expect(throws: ProofError.rootMismatch) {
            try proof.verify(root: root, sum: more, path: path)
        }
        let other = fixture.generator.path(below: path, depth: 1)
        #expect(throws: ProofError.bucket(.prefix)) {
            try proof.verify(root: root, sum: sum, path: other)
        }
    }

    @Test func refusesABucketThatBreaksTheRules() throws {
        let fixture = try Fixture(count: 20)
        let path = try fixture.path(external: false)
        let bucket = try fixture.tree.proof(path, fixture.pages).bucket
        func refusal(_ bytes: [UInt8]) -> ProofError? {
            // Even under a root that commits to it.
            let root = SHA256.hash(.bucket, bytes)
            do throws(ProofError) {
                _ = try StateProof(siblings: [], bucket: bytes, payload: nil)
                    .verify(root: root, sum: fixture.tree.sum, path: path)
                return nil
            } catch {
                return error
            }
        }
        #expect(refusal(bucket) == nil)
        #expect(refusal(bucket + [0]) == .bucket(.truncated))
        #expect(refusal(bucket + bucket) == .bucket(.order))
        var generator = SeededGenerator(seed: 51)
        let many = (0..<25).map { _ in generator.path() }.sorted()
            .flatMap { $0.bytes + [1] + [UInt8](repeating: 0, count: 17) }
        #expect(refusal(many) == .bucket(.tooManyObjects))
        let rich = (0..<2).map { _ in generator.path() }.sorted()
            .flatMap { $0.bytes + [1] + [UInt8](repeating: 0xff, count: 16) + [0] }
        #expect(refusal(rich) == .bucket(.sumOverflow))
    }

    @Test func refusesMissingAndSuperfluousParts() throws {
        let fixture = try Fixture(count: 300)
        let (root, sum) = (fixture.tree.root, fixture.tree.sum)
        let inline = try fixture.path(external: false)
        let external = try fixture.path(external: true)
        let proof = try fixture.tree.proof(external, fixture.pages)
        let cut = StateProof(siblings: proof.siblings, bucket: proof.bucket, payload: nil)
        #expect(throws: ProofError.payloadPresence) {
            try cut.verify(root: root, sum: sum, path: external)
        }
        let changed = StateProof(siblings: proof.siblings, bucket: proof.bucket, payload: [1])
        #expect(throws: ProofError.payloadMismatch) {
            try changed.verify(root: root, sum: sum, path: external)
        }
        let plain = try fixture.tree.proof(inline, fixture.pages)
        let padded = StateProof(siblings: plain.siblings, bucket: plain.bucket, payload: [])
        #expect(throws: ProofError.payloadPresence) {
            try padded.verify(root: root, sum: sum, path: inline)
        }
        let absent = BucketPrefix(of: inline, depth: 200).bits
        let nothing = try fixture.tree.proof(absent, fixture.pages)
        let stuffed = StateProof(siblings: nothing.siblings, bucket: nothing.bucket, payload: [1])
        #expect(try nothing.verify(root: root, sum: sum, path: absent) == nil)
        #expect(throws: ProofError.payloadPresence) {
            try stuffed.verify(root: root, sum: sum, path: absent)
        }
        let shallow = StateProof(
            siblings: plain.siblings.dropLast(), bucket: plain.bucket, payload: nil)
        #expect(throws: ProofError.rootMismatch) {
            try shallow.verify(root: root, sum: sum, path: inline)
        }
        // Absence of an object that is there: its record taken out of the bucket.
        let size = try plain.bucket.borrowed { try Record.size(in: $0, at: 0) }
        let first = plain.bucket.borrowed { Record.path(in: $0, at: 0) }
        let without = StateProof(
            siblings: plain.siblings, bucket: Array(plain.bucket[size...]), payload: nil)
        #expect(throws: ProofError.rootMismatch) {
            try without.verify(root: root, sum: sum, path: first)
        }
    }

    @Test func refusesSumsThatOverflowAndTreesTooDeep() throws {
        let top = StateProof.Sibling(hash: .zero, sum: .max)
        let record = Hash32.zero.bytes + [1] + [UInt8](repeating: 1, count: 16) + [0]
        #expect(throws: ProofError.sumOverflow) {
            try StateProof(siblings: [top], bucket: record, payload: nil)
                .verify(root: .zero, sum: .zero, path: .zero)
        }
        let deep = StateProof(
            siblings: Array(repeating: .init(hash: .zero, sum: .zero), count: 253), bucket: [],
            payload: nil)
        #expect(throws: ProofError.tooDeep(253)) {
            try deep.verify(root: .zero, sum: .zero, path: .zero)
        }
        #expect(throws: ProofError.encoding(.tooLong(limit: 252))) {
            try StateProof(decoding: deep.encoded())
        }
    }

    @Test func decodesStrictly() throws {
        let fixture = try Fixture(count: 60)
        let bytes = try fixture.tree.proof(.zero, fixture.pages).encoded()
        #expect(throws: ProofError.encoding(.trailingBytes)) {
            try StateProof(decoding: bytes + [0])
        }
        #expect(throws: ProofError.encoding(.truncated)) {
            try StateProof(decoding: bytes.dropLast())
        }
        let large = StateProof(
            siblings: [], bucket: [UInt8](repeating: 0, count: 24 * 82 + 1), payload: nil)
        #expect(throws: ProofError.encoding(.tooLong(limit: 24 * 82))) {
            try StateProof(decoding: large.encoded())
        }
    }
}
