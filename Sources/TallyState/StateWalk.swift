package import TallyPrimitives

/// A part of a tree's objects, in the order of their paths.
package struct StateWalkPage: Sendable {
    package let objects: [(path: Hash32, object: StateObject)]
    /// Where to go on, inclusive; `nil` at the end of the tree.
    package let next: Hash32?
}

extension StateTree {
    /// Objects of one kind from a path on, in the order of paths. Looks at a bounded part of the tree, so
    /// that a page may be empty and not the last.
    /// - Parameters:
    ///   - start: the first path that is looked at.
    ///   - limit: most objects of the page, from 1.
    ///   - visits: most buckets that are read, from 1.
    /// - Throws: as ``object(_:_:)``.
    /// - Complexity: O(visits + depth).
    package func walk(
        _ kind: ObjectKind, from start: Hash32, limit: Int, visits: Int, _ pages: any PageReader
    ) throws(StateError) -> StateWalkPage {
        var walk = StateWalk(kind: kind, start: start, limit: limit, visits: visits)
        try walk.visit(top, .root, pages)
        return StateWalkPage(objects: walk.found, next: walk.next)
    }
}

private struct StateWalk {
    let kind: ObjectKind
    let start: Hash32
    let limit: Int
    var visits: Int
    var found: [(path: Hash32, object: StateObject)] = []
    var next: Hash32?

    mutating func visit(
        _ node: StateNode, _ prefix: BucketPrefix, _ pages: any PageReader
    ) throws(StateError) {
        guard next == nil else { return }
        guard case .fork(let fork) = node.content else {
            return try look(node, prefix, pages)
        }
        // What lies before the start, and shares no prefix with it, is passed over unread.
        for (bit, child) in [(false, fork.left), (true, fork.right)] {
            let below = prefix.child(bit)
            guard below.bits >= start || below.contains(start) else { continue }
            try visit(child, below, pages)
        }
    }

    private mutating func look(
        _ node: StateNode, _ prefix: BucketPrefix, _ pages: any PageReader
    ) throws(StateError) {
        guard visits > 0, found.count < limit else {
            next = max(prefix.bits, start)
            return
        }
        visits -= 1
        let matches = try node.objects(of: kind, in: prefix, from: start, pages)
        let room = limit - found.count
        found += matches.prefix(room)
        if matches.count > room { next = matches[room].path }
    }
}

extension StateNode {
    /// The bucket's objects of a kind from a path on, in order.
    fileprivate func objects(
        of kind: ObjectKind, in prefix: BucketPrefix, from start: Hash32, _ pages: any PageReader
    ) throws(StateError) -> [(path: Hash32, object: StateObject)] {
        try withRecords(prefix, pages) { (bytes) throws(StateError) in
            var matches: [(path: Hash32, object: StateObject)] = []
            var offset = 0
            while offset < bytes.count {
                let place = offset
                let (found, path) = try prefix.checked { () throws(BucketFault) in
                    offset += try Record.size(in: bytes, at: place)
                    return (
                        try Record.object(in: bytes, at: place),
                        Record.path(in: bytes, at: place)
                    )
                }
                var object = found.object
                guard object.kind == kind, path >= start else { continue }
                if let hash = found.payloadHash {
                    object.payload = Payload(try externalPayload(path, hash, pages))
                }
                matches.append((path, object))
            }
            return matches
        }
    }
}
