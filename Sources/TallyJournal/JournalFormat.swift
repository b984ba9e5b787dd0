internal import TallyCrypto
internal import TallyPrimitives

/// A segment file of a log, named by the sequence of its first record.
package struct JournalSegment: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let firstSequence: UInt64

    package init(firstSequence: UInt64) { self.firstSequence = firstSequence }

    /// `00000000000000000001.log`: twenty digits, so that names sort as numbers (LOG-1).
    package var fileName: String {
        let digits = String(firstSequence)
        return String(repeating: "0", count: 20 - digits.count) + digits + ".log"
    }

    /// `nil` for any name that is not one of ``fileName``.
    package init?(fileName: some StringProtocol) {
        guard fileName.utf8.count == 24, fileName.hasSuffix(".log"),
            let sequence = UInt64(fileName.prefix(20))
        else { return nil }
        self.init(firstSequence: sequence)
        guard self.fileName == fileName else { return nil }
    }

    package var description: String { fileName }
    package static func < (a: JournalSegment, b: JournalSegment) -> Bool {
        a.firstSequence < b.firstSequence
    }
}

/// What a record is; the owner of the log gives the meaning. 0 is kept for segment headers.
package struct RecordKind: Hashable, Sendable {
    package let value: UInt8

    package init(_ value: UInt8) {
        precondition(value != 0, "kind 0 is that of segment headers")
        self.value = value
    }
}

/// 16 random bytes drawn when a log is created and repeated in each of its segments.
///
/// Payloads come from anybody. Without a secret one could hold bytes that pass for a record, and a
/// torn write could then be taken for corruption (LOG-4).
package struct JournalSalt: Hashable, Sendable {
    package let high: UInt64
    package let low: UInt64

    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// That of the vote log beside a beacon log with this one: no record of the one is one of the
    /// other.
    package var ofVotes: JournalSalt { JournalSalt(high: ~high, low: low) }
}

/// Bounds of a log, all in bytes.
package struct JournalLimits: Hashable, Sendable {
    /// Longest payload; 64 MiB by default, four times the largest block.
    package var payloadBytes: Int
    /// A segment that has a record is not extended beyond this length.
    package var segmentBytes: Int

    package init(payloadBytes: Int = 64 << 20, segmentBytes: Int = 64 << 20) {
        precondition((1...(1 << 30)).contains(payloadBytes))
        precondition((1...(1 << 34)).contains(segmentBytes))
        self.payloadBytes = payloadBytes
        self.segmentBytes = segmentBytes
    }

    /// Of a vote log: what is needed of it fits one segment, so that there are hardly ever two.
    package static let votes = JournalLimits(segmentBytes: 1 << 20)
}

/// First 16 bytes of a SHA-256.
struct JournalChecksum: Equatable {
    var high: UInt64
    var low: UInt64
}

/// The bytes of a log (LOG-2, LOG-3). All integers are big-endian.
struct JournalFormat {
    let logID: Hash32
    let salt: JournalSalt

    static let headerLength = 80
    static let recordHeaderLength = 40
    static let alignment = 8
    /// "TLOG"
    static let magic: UInt32 = 0x544C_4F47
    static let version: UInt32 = 1

    /// First word of each record. From the salt, so that no payload can imitate it.
    var marker: UInt32 { UInt32(truncatingIfNeeded: salt.high >> 32) ^ Self.magic }

    /// Length of a record in the file: header, payload and padding.
    static func recordLength(payload count: Int) -> Int {
        recordHeaderLength + (count + alignment - 1) / alignment * alignment
    }

    func checksum(
        kind: UInt8, sequence: UInt64, payload: UnsafeRawBufferPointer
    ) -> JournalChecksum {
        checksum(kind: kind, sequence: sequence, count: payload.count) { $0.update(payload) }
    }

    // LOG-4
    private func checksum(
        kind: UInt8, sequence: UInt64, count: Int, _ payload: (inout SHA256) -> Void
    ) -> JournalChecksum {
        let hash = SHA256.hash(.journalRecord) {
            $0.update(logID)
            $0.update(salt.high)
            $0.update(salt.low)
            $0.update(sequence)
            $0.update(kind)
            $0.update(UInt32(count))
            payload(&$0)
        }
        return JournalChecksum(high: hash.words.0, low: hash.words.1)
    }

    /// A header is checked like a record of kind 0 whose payload is magic and version.
    func headerChecksum(firstSequence: UInt64) -> JournalChecksum {
        let payload = UInt64(Self.magic) << 32 | UInt64(Self.version)
        return withUnsafeBytes(of: payload.bigEndian) {
            checksum(kind: 0, sequence: firstSequence, payload: $0)
        }
    }

    /// LOG-2
    func header(firstSequence: UInt64) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Self.headerLength)
        bytes.append(integer: Self.magic)
        bytes.append(integer: Self.version)
        bytes.append(contentsOf: logID.bytes)
        bytes.append(integer: firstSequence)
        bytes.append(integer: salt.high)
        bytes.append(integer: salt.low)
        let checksum = headerChecksum(firstSequence: firstSequence)
        bytes.append(integer: checksum.high)
        bytes.append(integer: checksum.low)
        return bytes
    }

    /// LOG-3
    /// - Parameter parts: the payload, in pieces: a block's body is long, and is copied once.
    func record(kind: RecordKind, sequence: UInt64, parts: [[UInt8]]) -> [UInt8] {
        let count = parts.reduce(0) { $0 + $1.count }
        let length = Self.recordLength(payload: count)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(length)
        bytes.append(integer: marker)
        bytes.append(integer: UInt32(count))
        bytes.append(integer: sequence)
        bytes.append(integer: UInt64(kind.value) << 56)
        let checksum = checksum(kind: kind.value, sequence: sequence, count: count) {
            for part in parts { $0.update(part) }
        }
        bytes.append(integer: checksum.high)
        bytes.append(integer: checksum.low)
        for part in parts { bytes.append(contentsOf: part) }
        bytes.append(contentsOf: repeatElement(0, count: length - bytes.count))
        return bytes
    }
}

extension [UInt8] {
    fileprivate mutating func append(integer: some FixedWidthInteger) {
        Swift.withUnsafeBytes(of: integer.bigEndian) { append(contentsOf: $0) }
    }
}
