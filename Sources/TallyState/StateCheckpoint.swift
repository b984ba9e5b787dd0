import TallyPrimitives

extension StateTree {
    /// What to write so that the page store, which holds `old`, holds this tree: buckets in tree
    /// order, then external payloads by path. Identical subtrees are skipped.
    ///
    /// - Parameter old: the tree of the last checkpoint, of which this one is a descendant.
    /// - Complexity: O(nodes that differ).
    package func pageChanges(since old: StateTree) -> [PageChange] {
        var difference = Difference()
        difference.compare(top, old.top, .root)
        return difference.buckets + difference.payloads
    }

    /// This tree, less the contents that the page store has now.
    ///
    /// To be called on every tree that is kept once the pages of `checkpointed` are durable. The
    /// tree is the same; buckets equal to those of `checkpointed` are read from the store.
    ///
    /// - Parameter checkpointed: an ancestor of this tree, or the tree itself.
    /// - Complexity: O(nodes in memory only).
    package func flushed(_ checkpointed: StateTree) -> StateTree {
        StateTree(top: top.flushed(checkpointed.top))
    }
}

/// Page changes between two trees. Nodes are compared by hash, which commits to all contents, so
/// that a bucket changed and changed back is not written.
private struct Difference {
    var buckets: [PageChange] = []
    var payloads: [PageChange] = []

    mutating func compare(_ new: StateNode, _ old: StateNode, _ prefix: BucketPrefix) {
        if new.hash == old.hash { return }
        switch (new.content, old.content) {
        case (.fork(let new), .fork(let old)):
            compare(new.left, old.left, prefix.child(false))
            compare(new.right, old.right, prefix.child(true))
        case (.fork, _):
            if old.count > 0 { buckets.append(.deleteBucket(prefix)) }
            put(new, prefix)
        case (_, .fork):
            put(new, prefix)
            delete(old, prefix)
        default:
            if new.count == 0 { buckets.append(.deleteBucket(prefix)) }
            put(new, prefix)
        }
    }

    /// All buckets of a subtree that the store has nothing of.
    private mutating func put(_ node: StateNode, _ prefix: BucketPrefix) {
        for change in node.payloadChanges {
            payloads.append(
                change.bytes.map { .putPayload(change.path, $0) } ?? .deletePayload(change.path))
        }
        switch node.content {
        case .page(let bytes): put(bytes, prefix)
        case .dirty(let page): put(page.bytes, prefix)
        case .stored:
            precondition(node.count == 0, "a bucket lies in the store that is not to have it yet")
        case .fork(let fork):
            put(fork.left, prefix.child(false))
            put(fork.right, prefix.child(true))
        }
    }

    private mutating func put(_ bytes: [UInt8], _ prefix: BucketPrefix) {
        if !bytes.isEmpty { buckets.append(.putBucket(prefix, bytes)) }
    }

    private mutating func delete(_ node: StateNode, _ prefix: BucketPrefix) {
        if case .fork(let fork) = node.content {
            delete(fork.left, prefix.child(false))
            delete(fork.right, prefix.child(true))
        } else if node.count > 0 {
            buckets.append(.deleteBucket(prefix))
        }
    }
}

extension StateNode {
    fileprivate func flushed(_ checkpointed: StateNode) -> StateNode {
        guard hasResident else { return self }
        if hash == checkpointed.hash { return stored }
        if case .fork(let fork) = content, case .fork(let other) = checkpointed.content {
            return with(
                .fork(Fork(fork.left.flushed(other.left), fork.right.flushed(other.right))))
        }
        var written: [PayloadChange] = []
        checkpointed.collectPayloadChanges(&written)
        return written.isEmpty ? self : without(written[...])
    }

    /// The same subtree, all of it in the page store.
    private var stored: StateNode {
        guard hasResident else { return self }
        guard case .fork(let fork) = content else { return with(.stored) }
        return with(.fork(Fork(fork.left.stored, fork.right.stored)))
    }

    private func collectPayloadChanges(_ changes: inout [PayloadChange]) {
        guard hasResident else { return }
        if case .fork(let fork) = content {
            fork.left.collectPayloadChanges(&changes)
            fork.right.collectPayloadChanges(&changes)
        } else {
            changes += payloadChanges
        }
    }

    /// The same subtree without the payload changes among `written`, so that those of a bucket
    /// that changes all the time do not pile up. Both are ascending by path.
    private func without(_ written: ArraySlice<PayloadChange>) -> StateNode {
        guard hasResident else { return self }
        switch content {
        case .stored, .page: return self
        case .fork(let fork):
            return with(.fork(Fork(fork.left.without(written), fork.right.without(written))))
        case .dirty(let page):
            var rest = written
            let left = page.payloadChanges.filter { change in
                rest = rest.drop { $0.path < change.path }
                return rest.first != change
            }
            if !left.isEmpty { return with(.dirty(DirtyPage(page.bytes, left))) }
            return with(page.bytes.isEmpty ? .stored : .page(page.bytes))
        }
    }
}
