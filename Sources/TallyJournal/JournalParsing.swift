internal import TallyPrimitives

/// A segment header that is whole.
struct ParsedHeader {
    let logID: Hash32
    let salt: JournalSalt
    let firstSequence: UInt64
}

/// A record that verifies; positions are in the bytes it was read from.
struct ParsedRecord {
    let sequence: UInt64
    let kind: RecordKind
    let payload: Range<Int>
    let end: Int
}

/// Why bytes are not a record, or not the one expected.
package enum JournalFault: Error, Hashable, Sendable {
    /// Fewer bytes than a header, or than the header promises.
    case incomplete
    /// The first word is not the log's marker.
    case badMarker
    /// A reserved byte or padding is not zero, or the kind is 0.
    case badReserved
    case badChecksum
    /// A record that verifies has another sequence than the one that comes next.
    case outOfSequence(expected: UInt64, found: UInt64)
    /// The segment header does not verify, or contradicts the name of the file.
    case badHeader
}

/// Big-endian reads with the bounds checked by the caller.
private func load<T: FixedWidthInteger>(
    _ bytes: UnsafeRawBufferPointer, _ offset: Int, as type: T.Type
) -> T {
    T(bigEndian: bytes.loadUnaligned(fromByteOffset: offset, as: type))
}

extension JournalFormat {
    /// The header at the start of `bytes`. A version other than ours is reported by itself, since
    /// its layout may differ.
    static func parseHeader(
        _ bytes: UnsafeRawBufferPointer
    ) -> Result<ParsedHeader, HeaderFault> {
        guard bytes.count >= headerLength, load(bytes, 0, as: UInt32.self) == magic else {
            return .failure(.damaged)
        }
        let foundVersion = load(bytes, 4, as: UInt32.self)
        // Version 0 never was: those bytes were not written.
        guard foundVersion == version else {
            return .failure(foundVersion == 0 ? .damaged : .version(foundVersion))
        }
        let header = ParsedHeader(
            logID: Hash32(loading: UnsafeRawBufferPointer(rebasing: bytes[8..<40])),
            salt: JournalSalt(
                high: load(bytes, 48, as: UInt64.self), low: load(bytes, 56, as: UInt64.self)),
            firstSequence: load(bytes, 40, as: UInt64.self))
        let checksum = JournalChecksum(
            high: load(bytes, 64, as: UInt64.self), low: load(bytes, 72, as: UInt64.self))
        let format = JournalFormat(logID: header.logID, salt: header.salt)
        return checksum == format.headerChecksum(firstSequence: header.firstSequence)
            ? .success(header) : .failure(.damaged)
    }

    enum HeaderFault: Error {
        case damaged
        case version(UInt32)
    }

    /// The record at `offset`, a multiple of 8, of a segment's bytes.
    func parseRecord(
        _ bytes: UnsafeRawBufferPointer, at offset: Int
    ) -> Result<ParsedRecord, JournalFault> {
        guard bytes.count - offset >= Self.recordHeaderLength else {
            return .failure(.incomplete)
        }
        guard load(bytes, offset, as: UInt32.self) == marker else { return .failure(.badMarker) }
        let length = load(bytes, offset + 4, as: UInt32.self)
        let sequence = load(bytes, offset + 8, as: UInt64.self)
        let kind = load(bytes, offset + 16, as: UInt64.self)
        guard kind != 0, kind & 0x00FF_FFFF_FFFF_FFFF == 0 else { return .failure(.badReserved) }
        let start = offset + Self.recordHeaderLength
        let end = offset + Self.recordLength(payload: Int(length))
        guard end <= bytes.count else { return .failure(.incomplete) }
        let payload = start..<(start + Int(length))
        guard bytes[payload.upperBound..<end].allSatisfy({ $0 == 0 }) else {
            return .failure(.badReserved)
        }
        let found = JournalChecksum(
            high: load(bytes, offset + 24, as: UInt64.self),
            low: load(bytes, offset + 32, as: UInt64.self))
        let expected = checksum(
            kind: UInt8(kind >> 56), sequence: sequence,
            payload: UnsafeRawBufferPointer(rebasing: bytes[payload]))
        guard found == expected else { return .failure(.badChecksum) }
        return .success(
            ParsedRecord(
                sequence: sequence, kind: RecordKind(UInt8(kind >> 56)), payload: payload,
                end: end))
    }

    /// Whether a record that verifies begins at `offset`, or at any multiple of 8 after it.
    ///
    /// - Complexity: O(n): a position is hashed only if it holds the secret marker.
    func hasRecord(_ bytes: UnsafeRawBufferPointer, from offset: Int) -> Bool {
        var position = offset
        while bytes.count - position >= Self.recordHeaderLength {
            if case .success = parseRecord(bytes, at: position) { return true }
            position += Self.alignment
        }
        return false
    }
}
