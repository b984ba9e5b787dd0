import TallyPrimitives

extension StateTree {
    /// Rebuilds the tree of a checkpoint from its buckets, in one pass, and hashes all of it.
    ///
    /// The stored buckets are those of exactly one tree; whether it is the right one, the caller
    /// sees by comparing `root` and `sum` with what it stored beside them.
    ///
    /// - Parameters:
    ///   - kinds: of which objects `onObject` wants to hear, with their payloads.
    ///   - onObject: called in path order, to rebuild what is derived from the state.
    /// - Throws: `.malformedKey`, `.malformedBucket`, `.emptyBucket`, `.bucketOrder`,
    ///   `.bucketNotMaximal`, `.sumOverflow`; `.missingPayload`, `.payloadMismatch` for objects of
    ///   `kinds`; what the reader and `onObject` throw.
    /// - Complexity: O(count).
    package init(
        loading pages: any PageReader, kinds: Set<ObjectKind> = [],
        onObject: (ObjectKey, StateObject) throws(StateError) -> Void = { _, _ in }
    ) throws(StateError) {
        var buckets: [LoadedBucket] = []
        try pages.forEachBucket { (key, bytes) throws(StateError) in
            guard let prefix = BucketPrefix(storageKey: key) else {
                throw .malformedKey(Array(key))
            }
            if let last = buckets.last?.prefix,
                prefix <= last || last.contains(prefix.bits)
            {
                throw .bucketOrder(prefix)
            }
            guard !bytes.isEmpty else { throw .emptyBucket(prefix) }
            let totals = try prefix.checked { () throws(BucketFault) in
                try Record.check(bytes, below: prefix)
            }
            let node = StateNode(
                hash: Record.hash(bytes), sum: totals.sum, count: UInt64(totals.count),
                content: .stored)
            buckets.append(LoadedBucket(prefix: prefix, node: node))
            if !kinds.isEmpty {
                try node.forEachObject(in: bytes, prefix, kinds, pages, onObject)
            }
        }
        self.init(top: try Self.assemble(buckets[...], .root))
    }

    /// The subtree at `prefix` of buckets below it, in tree order.
    private static func assemble(
        _ buckets: ArraySlice<LoadedBucket>, _ prefix: BucketPrefix
    ) throws(StateError) -> StateNode {
        guard let first = buckets.first else { return .empty }
        if buckets.count == 1 {
            // STATE-5: a lone bucket belongs at the root of what it is alone in.
            guard first.prefix == prefix else { throw .bucketNotMaximal(prefix) }
            return first.node
        }
        // Of two disjoint prefixes below this one, neither is this one.
        var low = buckets.startIndex
        var high = buckets.endIndex
        while low < high {
            let middle = (low + high) / 2
            if buckets[middle].prefix.bits.bit(prefix.depth) {
                high = middle
            } else {
                low = middle + 1
            }
        }
        let left = try assemble(buckets[..<low], prefix.child(false))
        let right = try assemble(buckets[low...], prefix.child(true))
        guard left.count + right.count > UInt64(Record.bucketLimit) else {
            throw .bucketNotMaximal(prefix)
        }
        return try .fork(left, right)
    }
}

private struct LoadedBucket {
    let prefix: BucketPrefix
    let node: StateNode
}

extension StateNode {
    fileprivate func forEachObject(
        in bytes: UnsafeRawBufferPointer, _ prefix: BucketPrefix, _ kinds: Set<ObjectKind>,
        _ pages: any PageReader, _ body: (ObjectKey, StateObject) throws(StateError) -> Void
    ) throws(StateError) {
        var offset = 0
        while offset < bytes.count {
            let start = offset
            let found = try prefix.checked { () throws(BucketFault) in
                offset += try Record.size(in: bytes, at: start)
                return try Record.object(in: bytes, at: start)
            }
            var object = found.object
            guard kinds.contains(object.kind) else { continue }
            let path = Record.path(in: bytes, at: start)
            if let hash = found.payloadHash {
                object.payload = Payload(try externalPayload(path, hash, pages))
            }
            try body(ObjectKey(path: path, kind: object.kind), object)
        }
    }
}
