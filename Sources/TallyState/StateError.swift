package import TallyPrimitives

/// What is wrong with the bytes of a bucket.
package enum BucketFault: Error, Equatable, Sendable {
    /// The bytes end inside a record.
    case truncated
    /// A length is neither 0...32 nor the mark of an external payload.
    case length(UInt8)
    /// No object has this kind.
    case kind(UInt8)
    /// A path is not above the one before it.
    case order
    /// A path does not belong below the bucket's prefix.
    case prefix
    /// More than 24 objects.
    case tooManyObjects
    /// The values exceed 2^128 − 1 together.
    case sumOverflow
}

/// Why a state could not be read, changed or loaded.
package enum StateError: Error, Equatable, Sendable {
    /// The values exceed 2^128 − 1 together.
    case sumOverflow
    /// The page store lacks a bucket that the tree has.
    case missingBucket(BucketPrefix)
    /// A stored bucket is not what a bucket may be.
    case malformedBucket(BucketPrefix, BucketFault)
    /// A stored bucket has no objects: the tree never stores one.
    case emptyBucket(BucketPrefix)
    /// A stored bucket does not come after the one before it, or lies inside it.
    case bucketOrder(BucketPrefix)
    /// The key of a stored bucket is no prefix.
    case malformedKey([UInt8])
    /// Below this prefix lie at most 24 objects in more than one bucket, or below a deeper one.
    case bucketNotMaximal(BucketPrefix)
    /// The page store lacks the external payload of an object.
    case missingPayload(path: Hash32)
    /// The stored payload is not the one that the object commits to.
    case payloadMismatch(path: Hash32)
    /// The page store failed, with its own code.
    case pageStore(code: Int32)
}
