import TallyCrypto
package import TallyPrimitives

/// Why a proof shows nothing.
package enum ProofError: Error, Equatable, Sendable {
    /// The bytes are no proof.
    case encoding(RLPError)
    /// More siblings than a tree is deep.
    case tooDeep(Int)
    /// The bucket is not what a bucket may be.
    case bucket(BucketFault)
    /// The values exceed 2^128 − 1 together.
    case sumOverflow
    /// The proof leads to another root or sum.
    case rootMismatch
    /// The object has an external payload and the proof lacks it, or the other way round.
    case payloadPresence
    /// The external payload is not the one that the object commits to.
    case payloadMismatch
    /// The index is not in the range.
    case indexOutOfRange(UInt64)
    /// Another number of hashes than the range's shape asks for.
    case wrongHashCount(expected: Int, actual: Int)
}

/// Shows which object lies at a path of the tree with a given root, or that none does.
package struct StateProof: Hashable, Sendable {
    /// What a fork commits to of the child that the path does not take.
    package struct Sibling: Hashable, Sendable {
        package let hash: Hash32
        package let sum: Amount
    }

    /// From the root down; the bucket lies at this depth.
    package let siblings: [Sibling]
    /// The whole bucket that the path belongs to: what is not in it does not exist.
    package let bucket: [UInt8]
    /// The object's payload where it lies outside the bucket.
    package let payload: [UInt8]?

    /// Shows the object at `path` in the tree with this root and sum; `nil` shows that there is
    /// none (PROOF-1).
    /// - Throws: every case but the range's and `.encoding`.
    package func verify(
        root: Hash32, sum: Amount, path: Hash32
    ) throws(ProofError) -> StateObject? {
        guard siblings.count <= BucketPrefix.maximumBucketDepth else {
            throw .tooDeep(siblings.count)
        }
        let prefix = BucketPrefix(of: path, depth: siblings.count)
        let found: (sum: Amount, record: (object: StateObject, payloadHash: Hash32?)?)
        do throws(BucketFault) {
            found = try bucket.borrowed { (bytes) throws(BucketFault) in
                let totals = try Record.check(bytes, below: prefix)
                return (totals.sum, try Record.lookUp(path, in: bytes))
            }
        } catch {
            throw .bucket(error)
        }
        let top = try climb(from: SHA256.hash(.bucket, bucket), found.sum, path)
        guard top.hash == root, top.sum == sum else { throw .rootMismatch }
        guard var object = found.record?.object else {
            guard payload == nil else { throw .payloadPresence }
            return nil
        }
        let payloadHash = found.record?.payloadHash
        guard (payloadHash != nil) == (payload != nil) else { throw .payloadPresence }
        if let payload {
            guard SHA256.hash(.payload, payload) == payloadHash else { throw .payloadMismatch }
            object.payload = Payload(payload)
        }
        return object
    }

    private func climb(
        from hash: Hash32, _ sum: Amount, _ path: Hash32
    ) throws(ProofError) -> (hash: Hash32, sum: Amount) {
        var hash = hash
        var sum = sum
        for (depth, sibling) in siblings.enumerated().reversed() {
            guard let both = sum.adding(sibling.sum) else { throw .sumOverflow }
            hash =
                path.bit(depth)
                ? StateNode.forkHash(sibling.hash, sibling.sum, hash, sum)
                : StateNode.forkHash(hash, sum, sibling.hash, sibling.sum)
            sum = both
        }
        return (hash, sum)
    }

    /// `[[hash, sum, hash, sum, …], bucket]`, or `[[…], bucket, payload]` (PROOF-2).
    package func encoded() -> [UInt8] {
        RLPEncoder.list(capacity: 50 * siblings.count + bucket.count + 32) { list in
            list.list {
                for sibling in siblings {
                    $0.append(sibling.hash)
                    $0.append(sibling.sum)
                }
            }
            list.append(bucket)
            if let payload { list.append(payload) }
        }
    }

    /// - Throws: `.encoding`.
    package init(decoding bytes: [UInt8]) throws(ProofError) {
        do throws(RLPError) {
            self = try RLPDecoder.list(bytes) { (list) throws(RLPError) in
                var pairs = try list.nextList()
                var siblings: [Sibling] = []
                while !pairs.isAtEnd {
                    guard siblings.count < BucketPrefix.maximumBucketDepth else {
                        throw .tooLong(limit: BucketPrefix.maximumBucketDepth)
                    }
                    siblings.append(
                        Sibling(hash: try pairs.nextFixed(), sum: try pairs.nextAmount()))
                }
                let bucket = try list.nextString(limit: Record.bucketLimit * Record.maximumSize)
                let payload =
                    list.isAtEnd ? nil : try list.nextString(limit: Payload.maximumCount)
                return StateProof(
                    siblings: siblings, bucket: Array(bucket), payload: payload.map { Array($0) })
            }
        } catch {
            throw .encoding(error)
        }
    }

    init(siblings: [Sibling], bucket: [UInt8], payload: [UInt8]?) {
        self.siblings = siblings
        self.bucket = bucket
        self.payload = payload
    }
}

extension StateTree {
    /// Shows what lies at `path`, or that nothing does.
    /// - Throws: as `object(_:_:)` does.
    package func proof(
        _ path: Hash32, _ pages: any PageReader
    ) throws(StateError) -> StateProof {
        var siblings: [StateProof.Sibling] = []
        var node = top
        while case .fork(let fork) = node.content {
            let bit = path.bit(siblings.count)
            let other = bit ? fork.left : fork.right
            siblings.append(StateProof.Sibling(hash: other.hash, sum: other.sum))
            node = bit ? fork.right : fork.left
        }
        let prefix = BucketPrefix(of: path, depth: siblings.count)
        let bucket = try node.withRecords(prefix, pages) { Array($0) }
        let record = try prefix.checked { () throws(BucketFault) in
            try bucket.borrowed { (bytes) throws(BucketFault) in
                try Record.lookUp(path, in: bytes)
            }
        }
        var payload: [UInt8]?
        if let hash = record?.payloadHash { payload = try node.externalPayload(path, hash, pages) }
        return StateProof(siblings: siblings, bucket: bucket, payload: payload)
    }
}
