package import TallyPrimitives

extension StateTree {
    /// Paths whose ways down are followed at the same time: enough to keep the memory busy, few
    /// enough to lie in the nearest cache.
    private static let stride = 16

    /// The objects at `paths`, in their order.
    ///
    /// Each step down a cold tree waits for memory. Several ways are followed in step, a level of all
    /// of them at a time, so that they wait together: half the time of one after another or less.
    ///
    /// - Throws: as ``object(_:_:)``.
    /// - Complexity: O(paths × log count).
    package func objects(
        _ paths: [Hash32], _ pages: any PageReader
    ) throws(StateError) -> [StateObject?] {
        var objects: [StateObject?] = []
        objects.reserveCapacity(paths.count)
        // SAFETY: this tree owns every fork below its top, and they do not leave this function.
        var ways: [(fork: Unmanaged<Fork>, isRight: Bool, depth: Int)] = []
        ways.reserveCapacity(Self.stride)
        var start = 0
        while start < paths.count {
            let group = paths[start..<min(start + Self.stride, paths.count)]
            start = group.endIndex
            guard case .fork(let fork) = top.content else {
                for path in group { objects.append(try object(path, pages)) }
                continue
            }
            follow(group, from: fork, &ways)
            for (path, way) in zip(group, ways) {
                let bucket = way.fork._withUnsafeGuaranteedRef {
                    way.isRight ? $0.right : $0.left
                }
                objects.append(try bucket.object(path, depth: way.depth, pages))
            }
        }
        return objects
    }

    /// Finds the forks above the buckets of a group of paths. Neighbours share most of the way: it is
    /// walked once.
    // SAFETY: the tree owns every fork below its top and is not left before the caller is done; nodes
    // are immutable.
    private func follow(
        _ group: ArraySlice<Hash32>, from top: Fork,
        _ ways: inout [(fork: Unmanaged<Fork>, isRight: Bool, depth: Int)]
    ) {
        ways.removeAll(keepingCapacity: true)
        let first = group[group.startIndex]
        let difference = group.reduce(0) { $0 | ($1.words.0 ^ first.words.0) }
        // SAFETY: as above.
        var fork = Unmanaged.passUnretained(top)
        var depth = 0
        while depth < difference.leadingZeroBitCount,
            let next = fork._withUnsafeGuaranteedRef({ $0.fork(first.bit(depth)) })
        {
            fork = next
            depth += 1
        }
        for path in group { ways.append((fork, path.bit(depth), depth)) }
        var isMoving = true
        while isMoving {
            isMoving = false
            for (number, path) in group.enumerated() where ways[number].depth == depth {
                let bit = path.bit(depth)
                let next = ways[number].fork._withUnsafeGuaranteedRef { $0.fork(bit) }
                guard let next else {
                    ways[number].isRight = bit
                    continue
                }
                ways[number] = (next, bit, depth + 1)
                isMoving = true
            }
            depth += 1
        }
        for number in ways.indices { ways[number].depth += 1 }
    }
}
