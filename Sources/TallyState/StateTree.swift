import TallyCrypto
package import TallyPrimitives

/// The state of a shard: an immutable Merkle-sum trie over the paths of its objects.
///
/// A copy is a snapshot and costs one reference; a changed tree shares all it did not change.
/// Subtrees of at most 24 objects are *buckets*, so the shape depends on the contents alone,
/// never on history. Forks and changed buckets are in memory; unchanged buckets lie in a page
/// store and are read when needed. `Specs/state-tree.md` has the rules.
package struct StateTree: Sendable {
    let top: StateNode

    init(top: StateNode) { self.top = top }

    package static let empty = StateTree(top: .empty)

    /// The state root (STATE-7).
    package var root: Hash32 { top.hash }
    /// All money in the tree.
    package var sum: Amount { top.sum }
    /// Number of objects.
    package var count: UInt64 { top.count }

    /// The object at `path`; `nil` when there is none.
    /// - Throws: `.missingBucket`, `.malformedBucket`, `.missingPayload`, `.payloadMismatch` for a
    ///   damaged page store; what the reader throws.
    /// - Complexity: O(log count).
    package func object(
        _ path: Hash32, _ pages: any PageReader
    ) throws(StateError) -> StateObject? {
        let (bucket, depth) = top.descend(path)
        return try bucket.object(path, depth: depth, pages)
    }

    package func object(
        _ key: ObjectKey, _ pages: any PageReader
    ) throws(StateError) -> StateObject? {
        try object(key.path, pages)
    }
}

extension StateNode {
    /// The bucket that `path` belongs to, and its depth below this node.
    fileprivate func descend(_ path: Hash32) -> (bucket: StateNode, depth: Int) {
        guard case .fork(let top) = content else { return (self, 0) }
        // SAFETY: this node holds `top`, which holds all below it, until this function returns.
        // Counting references on the way down would cost more than the rest of a look-up.
        var fork = Unmanaged.passUnretained(top)
        var depth = 0
        while let next = fork._withUnsafeGuaranteedRef({ $0.fork(path.bit(depth)) }) {
            fork = next
            depth += 1
        }
        let bit = path.bit(depth)
        return (fork._withUnsafeGuaranteedRef { bit ? $0.right : $0.left }, depth + 1)
    }

    /// What `body` makes of this bucket's records, which must not escape.
    /// - Throws: `.missingBucket`; what the reader and `body` throw.
    func withRecords<R>(
        _ prefix: BucketPrefix, _ pages: any PageReader,
        _ body: (UnsafeRawBufferPointer) throws(StateError) -> R
    ) throws(StateError) -> R {
        switch content {
        case .page(let bytes): return try bytes.borrowed(body)
        case .dirty(let page): return try page.bytes.borrowed(body)
        case .stored where count == 0: return try body(UnsafeRawBufferPointer(start: nil, count: 0))
        case .stored:
            guard let result = try pages.withBucket(prefix, body) else {
                throw .missingBucket(prefix)
            }
            return result
        case .fork: preconditionFailure("a fork has no records")
        }
    }

    /// The object at `path`, which belongs to this bucket at `depth`.
    func object(
        _ path: Hash32, depth: Int, _ pages: any PageReader
    ) throws(StateError) -> StateObject? {
        let prefix = BucketPrefix(of: path, depth: depth)
        return try withRecords(prefix, pages) { (bytes) throws(StateError) in
            try object(path, in: bytes, prefix, pages)
        }
    }

    /// The object at `path` in the records of this bucket.
    fileprivate func object(
        _ path: Hash32, in bytes: UnsafeRawBufferPointer, _ prefix: BucketPrefix,
        _ pages: any PageReader
    ) throws(StateError) -> StateObject? {
        guard
            let found = try prefix.checked({ () throws(BucketFault) in
                try Record.lookUp(path, in: bytes)
            })
        else { return nil }
        guard let hash = found.payloadHash else { return found.object }
        var object = found.object
        object.payload = Payload(try externalPayload(path, hash, pages))
        return object
    }

    /// The external payload that the record at `path` commits to by `hash`.
    /// - Throws: `.missingPayload`, `.payloadMismatch`; what the reader throws.
    func externalPayload(
        _ path: Hash32, _ hash: Hash32, _ pages: any PageReader
    ) throws(StateError) -> [UInt8] {
        if case .dirty(let page) = content,
            let change = page.payloadChanges.first(where: { $0.path == path })
        {
            guard let bytes = change.bytes else { preconditionFailure("deleted, yet recorded") }
            return bytes
        }
        guard let bytes = try pages.payload(path) else { throw .missingPayload(path: path) }
        // STATE-8
        guard SHA256.hash(.payload, bytes) == hash else { throw .payloadMismatch(path: path) }
        return bytes
    }
}

extension BucketPrefix {
    /// What `body` returns; its fault is one of the bucket at this prefix.
    func checked<R>(_ body: () throws(BucketFault) -> R) throws(StateError) -> R {
        do throws(BucketFault) {
            return try body()
        } catch {
            throw error == .sumOverflow ? .sumOverflow : .malformedBucket(self, error)
        }
    }
}

extension Fork {
    /// The child at `bit` if it is a fork.
    // SAFETY: nodes are immutable and the caller holds the root, which owns every fork below it.
    func fork(_ bit: Bool) -> Unmanaged<Fork>? {
        if bit {
            if case .fork(let child) = right.content { return .passUnretained(child) }
        } else {
            if case .fork(let child) = left.content { return .passUnretained(child) }
        }
        return nil
    }
}
