package import TallyPrimitives

/// Reads the buckets and external payloads of one checkpoint.
///
/// A tree belongs with the checkpoint it was loaded from or last flushed to, and with what later
/// checkpoints of its own descendants leave untouched: whoever keeps an old tree keeps a view of
/// the store as of then (an LMDB read transaction, a copy of `MemoryPages`).
///
/// Everything that reads a tree takes `any PageReader`: generic code is not specialised across
/// modules, and unspecialised it made the whole execution of a block a third slower. The existential
/// costs something only where a bucket is read from the store, which takes a microsecond anyway.
package protocol PageReader {
    /// What `body` makes of the bucket's bytes, which must not escape; `nil` when there is none.
    func withBucket<R>(
        _ prefix: BucketPrefix, _ body: (UnsafeRawBufferPointer) throws(StateError) -> R
    ) throws(StateError) -> R?

    /// The external payload of the object at `path`; `nil` when there is none.
    func payload(_ path: Hash32) throws(StateError) -> [UInt8]?

    /// Calls `body` with the storage key and the bytes of each bucket, in the order of the keys'
    /// bytes. Neither may escape.
    func forEachBucket(
        _ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) throws(StateError) -> Void
    ) throws(StateError)
}

/// One step of a checkpoint. Each may be repeated without harm.
package enum PageChange: Hashable, Sendable {
    case putBucket(BucketPrefix, [UInt8])
    case deleteBucket(BucketPrefix)
    /// By the object's path: an object has one payload, so nothing counts references.
    case putPayload(Hash32, [UInt8])
    case deletePayload(Hash32)
}

/// A page store in memory, for tests and simulation. A copy is a snapshot.
package struct MemoryPages: PageReader, Sendable {
    /// By storage key.
    package var buckets: [[UInt8]: [UInt8]] = [:]
    /// By path.
    package var payloads: [Hash32: [UInt8]] = [:]

    package init() {}

    package mutating func apply(_ changes: [PageChange]) {
        for change in changes {
            switch change {
            case .putBucket(let prefix, let bytes): buckets[prefix.storageKey] = bytes
            case .deleteBucket(let prefix): buckets[prefix.storageKey] = nil
            case .putPayload(let path, let bytes): payloads[path] = bytes
            case .deletePayload(let path): payloads[path] = nil
            }
        }
    }

    package func withBucket<R>(
        _ prefix: BucketPrefix, _ body: (UnsafeRawBufferPointer) throws(StateError) -> R
    ) throws(StateError) -> R? {
        guard let bytes = buckets[prefix.storageKey] else { return nil }
        return try bytes.borrowed(body)
    }

    package func payload(_ path: Hash32) throws(StateError) -> [UInt8]? { payloads[path] }

    package func forEachBucket(
        _ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) throws(StateError) -> Void
    ) throws(StateError) {
        for (key, bytes) in buckets.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
            try key.borrowed { (key) throws(StateError) in
                try bytes.borrowed { (bytes) throws(StateError) in try body(key, bytes) }
            }
        }
    }
}

extension [UInt8] {
    /// `withUnsafeBytes` that keeps the type of the error.
    func borrowed<R, E: Error>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R {
        try withUnsafeBufferPointer { (buffer) throws(E) in
            try body(UnsafeRawBufferPointer(buffer))
        }
    }
}
