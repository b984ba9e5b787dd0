import Glibc
import TallyCrypto
import TallyPrimitives

extension StateTree {
    /// This tree after `changes`, made as one batch: each touched bucket is rewritten once and
    /// each fork above hashed once, whatever the number of changes below it. The result depends
    /// on the resulting contents only. What does not change is shared.
    ///
    /// - Parameter changes: strictly ascending by path, see `inPathOrder()`.
    /// - Throws: `.sumOverflow`; `.missingBucket`, `.malformedBucket` for a damaged page store;
    ///   what the reader throws.
    /// - Complexity: O(changes × log count).
    package func updating(
        _ changes: [StateChange], _ pages: any PageReader
    ) throws(StateError) -> StateTree {
        guard !changes.isEmpty else { return self }
        let scratch = UnsafeMutableRawBufferPointer.allocate(
            byteCount: Record.scratchSize, alignment: 16)
        defer { scratch.deallocate() }
        let top = try changes.withUnsafeBufferPointer { (changes) throws(StateError) in
            for i in 1..<changes.count {
                precondition(changes[i - 1].path < changes[i].path, "changes out of order")
            }
            let update = StateUpdate(changes: changes, scratch: scratch, pages: pages)
            return try update.apply(0..<changes.count, to: self.top, depth: 0)
        }
        return StateTree(top: top)
    }
}

/// One batch of changes on its way down the tree. Lives inside `StateTree.updating`, which owns
/// what the pointers point to.
private struct StateUpdate {
    let changes: UnsafeBufferPointer<StateChange>
    /// Room for one bucket before it is split.
    let scratch: UnsafeMutableRawBufferPointer
    let pages: any PageReader

    /// `node` after the changes in `range`, which is not empty.
    func apply(
        _ range: Range<Int>, to node: StateNode, depth: Int
    ) throws(StateError) -> StateNode {
        let path = changes[range.lowerBound].path
        guard case .fork(let fork) = node.content else {
            let prefix = BucketPrefix(of: path, depth: depth)
            return try node.withRecords(prefix, pages) { (records) throws(StateError) in
                let bucket = Bucket(
                    records: records, count: Int(node.count),
                    payloadChanges: node.payloadChanges[...], prefix: prefix)
                let result = try rewrite(bucket, range, original: node)
                return result.hash == node.hash ? node : result
            }
        }
        let middle = split(range, at: depth)
        let left =
            middle == range.lowerBound
            ? fork.left : try apply(range.lowerBound..<middle, to: fork.left, depth: depth + 1)
        let right =
            middle == range.upperBound
            ? fork.right : try apply(middle..<range.upperBound, to: fork.right, depth: depth + 1)
        if left.hash == fork.left.hash, right.hash == fork.right.hash { return node }
        return try join(left, right, path, depth)
    }

    /// First index in `range` of a change whose path has bit `depth` set.
    private func split(_ range: Range<Int>, at depth: Int) -> Int {
        var low = range.lowerBound
        var high = range.upperBound
        while low < high {
            let middle = (low + high) / 2
            if changes[middle].path.bit(depth) { high = middle } else { low = middle + 1 }
        }
        return low
    }

    /// The parent of two subtrees of this update, at `depth` on the way to `path`: a fork, or the
    /// one bucket that both fit into (STATE-5).
    private func join(
        _ left: StateNode, _ right: StateNode, _ path: Hash32, _ depth: Int
    ) throws(StateError) -> StateNode {
        let count = left.count + right.count
        guard count <= UInt64(Record.bucketLimit) else { return try .fork(left, right) }
        guard let sum = left.sum.adding(right.sum) else { throw .sumOverflow }
        let prefix = BucketPrefix(of: path, depth: depth)
        // The records pass through an array, since the scratch is not ours within a recursion.
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Int(count) * Record.maximumSize)
        for (node, bit) in [(left, false), (right, true)] {
            try node.withRecords(prefix.child(bit), pages) { bytes.append(contentsOf: $0) }
        }
        return bytes.borrowed {
            .bucket(
                $0, count: Int(count), sum: sum,
                payloadChanges: left.payloadChanges + right.payloadChanges)
        }
    }
}

/// Records below one prefix, borrowed from a bucket or from part of one.
private struct Bucket {
    let records: UnsafeRawBufferPointer
    let count: Int
    let payloadChanges: ArraySlice<PayloadChange>
    let prefix: BucketPrefix

    /// The halves by the next bit.
    func halves() throws(StateError) -> (Bucket, Bucket) {
        let depth = prefix.depth
        let middle = try prefix.checked { () throws(BucketFault) in
            try Record.split(records, at: depth)
        }
        let change = payloadChanges.firstIndex { $0.path.bit(depth) } ?? payloadChanges.endIndex
        return (
            Bucket(
                records: UnsafeRawBufferPointer(rebasing: records[..<middle.offset]),
                count: middle.count, payloadChanges: payloadChanges[..<change],
                prefix: prefix.child(false)),
            Bucket(
                records: UnsafeRawBufferPointer(rebasing: records[middle.offset...]),
                count: count - middle.count, payloadChanges: payloadChanges[change...],
                prefix: prefix.child(true))
        )
    }
}

extension StateUpdate {
    /// The subtree of `bucket`'s records after the changes in `range`; `original` where these are
    /// all of its records.
    private func rewrite(
        _ bucket: Bucket, _ range: Range<Int>, original: StateNode?
    ) throws(StateError) -> StateNode {
        let depth = bucket.prefix.depth
        guard bucket.count + range.count > Record.mergeLimit else {
            return try merge(bucket, range, original: original)
        }
        let (low, high) = try bucket.halves()
        let middle = split(range, at: depth)
        let left = try rewrite(low, range.lowerBound..<middle, original: nil)
        let right = try rewrite(high, middle..<range.upperBound, original: nil)
        return try join(left, right, bucket.prefix.bits, depth)
    }

    private func merge(
        _ bucket: Bucket, _ range: Range<Int>, original: StateNode?
    ) throws(StateError) -> StateNode {
        guard bucket.records.count <= Record.bucketLimit * Record.maximumSize else {
            throw .malformedBucket(bucket.prefix, .tooManyObjects)
        }
        var payloadChanges: [PayloadChange] = []
        let size = try bucket.prefix.checked { () throws(BucketFault) in
            try write(bucket.records, range, &payloadChanges)
        }
        let records = UnsafeRawBufferPointer(rebasing: scratch[..<size])
        if let original, records.elementsEqualQuickly(bucket.records) { return original }
        let merged = merging(bucket.payloadChanges, payloadChanges[...])
        return try build(
            Bucket(records: records, count: 0, payloadChanges: merged[...], prefix: bucket.prefix))
    }

    /// The canonical subtree of records in the scratch; their count is not known yet.
    private func build(_ bucket: Bucket) throws(StateError) -> StateNode {
        let totals = try bucket.prefix.checked { () throws(BucketFault) in
            try Record.totals(bucket.records)
        }
        guard totals.count > Record.bucketLimit else {
            return .bucket(
                bucket.records, count: totals.count, sum: totals.sum,
                payloadChanges: Array(bucket.payloadChanges))
        }
        let (low, high) = try bucket.halves()
        return try .fork(try build(low), try build(high))
    }

    /// Writes `records` as the changes in `range` leave them to the scratch, and what becomes of
    /// external payloads to `payloadChanges`. Returns the size in bytes.
    private func write(
        _ records: UnsafeRawBufferPointer, _ range: Range<Int>,
        _ payloadChanges: inout [PayloadChange]
    ) throws(BucketFault) -> Int {
        var input = 0
        var output = 0
        func copy(upTo end: Int, from start: Int) {
            let target = scratch[output..<(output + end - start)]
            UnsafeMutableRawBufferPointer(rebasing: target)
                .copyMemory(from: UnsafeRawBufferPointer(rebasing: records[start..<end]))
            output += end - start
        }
        for index in range {
            let path = changes[index].path
            let start = input
            var oldSize = 0
            while input < records.count {
                let size = try Record.size(in: records, at: input)
                let recorded = Record.path(in: records, at: input)
                if recorded >= path {
                    oldSize = recorded == path ? size : 0
                    break
                }
                input += size
            }
            copy(upTo: input, from: start)
            let oldHash =
                oldSize > 0 && Record.isExternal(in: records, at: input)
                ? Record.payloadHash(in: records, at: input) : nil
            input += oldSize
            output += put(changes[index], at: output, replacing: oldHash, &payloadChanges)
        }
        copy(upTo: records.count, from: input)
        return output
    }

    /// Writes the record of one change, if it has one, and returns its size.
    private func put(
        _ change: StateChange, at offset: Int, replacing oldHash: Hash32?,
        _ payloadChanges: inout [PayloadChange]
    ) -> Int {
        guard let object = change.object else {
            if oldHash != nil {
                payloadChanges.append(PayloadChange(path: change.path, bytes: nil))
            }
            return 0
        }
        var hash: Hash32?
        if object.payload.count > Record.inlineLimit {
            let bytes = object.payload.bytes
            let payloadHash = SHA256.hash(.payload, bytes)
            hash = payloadHash
            if payloadHash != oldHash {
                payloadChanges.append(PayloadChange(path: change.path, bytes: bytes))
            }
        } else if oldHash != nil {
            payloadChanges.append(PayloadChange(path: change.path, bytes: nil))
        }
        return Record.write(object, at: change.path, payloadHash: hash, to: scratch, at: offset)
    }

    /// Both, ascending by path; `newer` wins.
    private func merging(
        _ older: ArraySlice<PayloadChange>, _ newer: ArraySlice<PayloadChange>
    ) -> [PayloadChange] {
        if newer.isEmpty { return Array(older) }
        var result: [PayloadChange] = []
        var rest = newer
        for change in older {
            while let next = rest.first, next.path < change.path {
                result.append(rest.removeFirst())
            }
            if rest.first?.path != change.path { result.append(change) }
        }
        return result + rest
    }
}

extension UnsafeRawBufferPointer {
    fileprivate func elementsEqualQuickly(_ other: UnsafeRawBufferPointer) -> Bool {
        guard count == other.count else { return false }
        guard let a = baseAddress, let b = other.baseAddress else { return true }
        return memcmp(a, b, count) == 0
    }
}
