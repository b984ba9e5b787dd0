package import TallyPrimitives

/// A leaf of the state tree.
package struct StateObject: Hashable, Sendable {
    package var kind: ObjectKind
    /// The object's only money. The sums of the tree count it, whatever the kind.
    package var value: Amount
    package var payload: Payload

    package init(kind: ObjectKind, value: Amount, payload: Payload = .empty) {
        self.kind = kind
        self.value = value
        self.payload = payload
    }
}

/// What becomes of the object at a path: it is put there, or deleted.
package struct StateChange: Hashable, Sendable {
    package let path: Hash32
    /// `nil` deletes. Deleting what is not there changes nothing.
    package let object: StateObject?

    package init(_ path: Hash32, _ object: StateObject?) {
        self.path = path
        self.object = object
    }

    package init(_ key: ObjectKey, _ object: StateObject?) {
        precondition(object.map { $0.kind == key.kind } ?? true, "object of another kind")
        self.init(key.path, object)
    }
}

extension [StateChange] {
    /// The changes in the order that `StateTree.updating` takes.
    ///
    /// Paths are hashes, so almost all differ early: they are dealt out by their first bits and
    /// the few that share them are sorted. Paths ground to one prefix cost an ordinary sort.
    /// - Complexity: O(n) for hashes, O(n log n) at worst.
    package func inPathOrder() -> [StateChange] {
        map(\.path).pathOrder().map { self[$0] }
    }
}

extension [Hash32] {
    /// The indices in the order of the paths.
    /// - Complexity: as of `inPathOrder()`.
    package func pathOrder() -> [Int] {
        guard count > 16 else { return indices.sorted { self[$0] < self[$1] } }
        let shift = UInt64(64 - Swift.min(20, Int.bitWidth - count.leadingZeroBitCount))
        var starts = [Int](repeating: 0, count: (1 << Int(64 - shift)) + 1)
        for path in self { starts[Int(path.words.0 >> shift) + 1] += 1 }
        for cell in 1..<starts.count { starts[cell] += starts[cell - 1] }
        var next = starts
        var order = [Int](repeating: 0, count: count)
        for index in indices {
            let cell = Int(self[index].words.0 >> shift)
            order[next[cell]] = index
            next[cell] += 1
        }
        order.withUnsafeMutableBufferPointer { order in
            // A slice of the array would be copied to be sorted.
            for cell in 0..<(starts.count - 1) where starts[cell + 1] - starts[cell] > 1 {
                order[starts[cell]..<starts[cell + 1]].sort { self[$0] < self[$1] }
            }
        }
        return order
    }
}
