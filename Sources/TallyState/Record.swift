import TallyCrypto
import TallyPrimitives

/// Layout of a bucket: records `path(32) ‖ kind(1) ‖ value(16) ‖ length(1) ‖ payload`, ascending
/// by path. These bytes are hashed and stored as they are (STATE-4).
enum Record {
    static let kindOffset = 32
    static let valueOffset = 33
    static let lengthOffset = 49
    static let payloadOffset = 50
    /// Longest payload that lies in the record.
    static let inlineLimit = 32
    /// In place of a length: the payload lies outside, 32 bytes of its hash follow.
    static let external: UInt8 = 0xff
    static let maximumSize = payloadOffset + 32
    static let bucketLimit = 24
    /// Most records and changes merged at once: a full bucket and as many changes. What exceeds
    /// this is split first.
    static let mergeLimit = 2 * bucketLimit
    /// Room for the merge of a bucket of any contents and `mergeLimit` changes.
    static let scratchSize = (bucketLimit + mergeLimit) * maximumSize

    /// Size of the record at `offset`, at which `bytes` must not end.
    static func size(
        in bytes: UnsafeRawBufferPointer, at offset: Int
    ) throws(BucketFault) -> Int {
        let room = bytes.count - offset
        guard room >= payloadOffset else { throw .truncated }
        let length = bytes[offset + lengthOffset]
        guard length <= inlineLimit || length == external else { throw .length(length) }
        let size = payloadOffset + (length == external ? 32 : Int(length))
        guard size <= room else { throw .truncated }
        return size
    }

    static func path(in bytes: UnsafeRawBufferPointer, at offset: Int) -> Hash32 {
        Hash32(loading: UnsafeRawBufferPointer(rebasing: bytes[offset..<(offset + 32)]))
    }

    static func value(in bytes: UnsafeRawBufferPointer, at offset: Int) -> UInt128 {
        let high = bytes.loadUnaligned(fromByteOffset: offset + valueOffset, as: UInt64.self)
        let low = bytes.loadUnaligned(fromByteOffset: offset + valueOffset + 8, as: UInt64.self)
        return UInt128(UInt64(bigEndian: high)) << 64 | UInt128(UInt64(bigEndian: low))
    }

    static func isExternal(in bytes: UnsafeRawBufferPointer, at offset: Int) -> Bool {
        bytes[offset + lengthOffset] == external
    }

    /// The payload's hash, where `isExternal`.
    static func payloadHash(in bytes: UnsafeRawBufferPointer, at offset: Int) -> Hash32 {
        path(in: bytes, at: offset + payloadOffset)
    }

    /// The object at `offset`, with an empty payload where that lies outside: then its hash.
    static func object(
        in bytes: UnsafeRawBufferPointer, at offset: Int
    ) throws(BucketFault) -> (object: StateObject, payloadHash: Hash32?) {
        let size = try size(in: bytes, at: offset)
        let rawKind = bytes[offset + kindOffset]
        guard let kind = ObjectKind(rawValue: rawKind) else { throw .kind(rawKind) }
        var object = StateObject(kind: kind, value: Amount(value(in: bytes, at: offset)))
        if isExternal(in: bytes, at: offset) {
            return (object, payloadHash(in: bytes, at: offset))
        }
        object.payload = Payload(
            copying: UnsafeRawBufferPointer(
                rebasing: bytes[(offset + payloadOffset)..<(offset + size)]))
        return (object, nil)
    }

    /// Writes a record at `offset` and returns its size. `payloadHash` stands for the payload
    /// exactly when it is longer than `inlineLimit`.
    static func write(
        _ object: StateObject, at path: Hash32, payloadHash: Hash32?,
        to out: UnsafeMutableRawBufferPointer, at offset: Int
    ) -> Int {
        func copy(_ bytes: UnsafeRawBufferPointer, _ position: Int) {
            let start = offset + position
            UnsafeMutableRawBufferPointer(rebasing: out[start..<(start + bytes.count)])
                .copyMemory(from: bytes)
        }
        path.withBytes { copy($0, 0) }
        out[offset + kindOffset] = object.kind.rawValue
        withUnsafeBytes(of: object.value.units.bigEndian) { copy($0, valueOffset) }
        if let payloadHash {
            out[offset + lengthOffset] = external
            payloadHash.withBytes { copy($0, payloadOffset) }
            return maximumSize
        }
        let count = object.payload.count
        out[offset + lengthOffset] = UInt8(count)
        object.payload.withBytes { copy($0, payloadOffset) }
        return payloadOffset + count
    }

    /// The object at `path` as `object(in:at:)` has it; `nil` when there is none.
    static func lookUp(
        _ path: Hash32, in bytes: UnsafeRawBufferPointer
    ) throws(BucketFault) -> (object: StateObject, payloadHash: Hash32?)? {
        let first = path.words.0.bigEndian
        var offset = 0
        while offset < bytes.count {
            let size = try size(in: bytes, at: offset)
            if bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self) == first,
                self.path(in: bytes, at: offset) == path
            {
                return try object(in: bytes, at: offset)
            }
            offset += size
        }
        return nil
    }

    /// Offset of the first record whose path has bit `depth` set, or the end, and the number of
    /// records before it.
    static func split(
        _ bytes: UnsafeRawBufferPointer, at depth: Int
    ) throws(BucketFault) -> (offset: Int, count: Int) {
        var offset = 0
        var count = 0
        while offset < bytes.count {
            let size = try size(in: bytes, at: offset)
            if path(in: bytes, at: offset).bit(depth) { break }
            offset += size
            count += 1
        }
        return (offset, count)
    }

    /// Number and sum of the records.
    static func totals(
        _ bytes: UnsafeRawBufferPointer
    ) throws(BucketFault) -> (count: Int, sum: Amount) {
        var offset = 0
        var count = 0
        var sum: UInt128 = 0
        while offset < bytes.count {
            let size = try size(in: bytes, at: offset)
            let (next, overflow) = sum.addingReportingOverflow(value(in: bytes, at: offset))
            guard !overflow else { throw .sumOverflow }
            sum = next
            offset += size
            count += 1
        }
        return (count, Amount(sum))
    }

    /// Checks everything a bucket at `prefix` must be by itself (STATE-4, STATE-5).
    static func check(
        _ bytes: UnsafeRawBufferPointer, below prefix: BucketPrefix
    ) throws(BucketFault) -> (count: Int, sum: Amount) {
        var offset = 0
        var last: Hash32?
        while offset < bytes.count {
            let size = try size(in: bytes, at: offset)
            let rawKind = bytes[offset + kindOffset]
            guard ObjectKind(rawValue: rawKind) != nil else { throw .kind(rawKind) }
            let path = path(in: bytes, at: offset)
            guard prefix.contains(path) else { throw .prefix }
            if let last, path <= last { throw .order }
            last = path
            offset += size
        }
        let totals = try totals(bytes)
        guard totals.count <= bucketLimit else { throw .tooManyObjects }
        return totals
    }

    static func hash(_ bytes: UnsafeRawBufferPointer) -> Hash32 {
        SHA256.hash(.bucket) { $0.update(bytes) }
    }
}
