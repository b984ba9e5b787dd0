package import TallyPrimitives

/// A record found in a segment.
package struct JournalRecord: Hashable, Sendable {
    package let sequence: UInt64
    package let kind: RecordKind
    /// Where the payload lies in the bytes of its segment.
    package let payload: Range<Int>
}

/// A log that must not be used. The node stops: cutting would lose what was acknowledged.
package enum JournalError: Error, Hashable, Sendable {
    /// Something durable does not verify; `offset` in bytes from the start of the segment.
    case corrupt(JournalSegment, offset: UInt64, reason: JournalFault)
    /// The segment belongs to another chain.
    case wrongLog(JournalSegment, found: Hash32)
    /// Written by another version of the program.
    case unsupportedVersion(JournalSegment, version: UInt32)
    /// The records from `sequence` on to before `next` are in no file.
    case missingSegment(sequence: UInt64, next: JournalSegment)
}

extension JournalError: CustomStringConvertible {
    /// What happened, where, and what to do.
    package var description: String {
        switch self {
        case .corrupt(let segment, let offset, let reason):
            "The log segment \(segment) is corrupt at byte \(offset) (\(reason)), and it is not "
                + "its unfinished end. Do not delete it. Check the disk, then restore a backup or "
                + "let the node synchronise again."
        case .wrongLog(let segment, let found):
            "The log segment \(segment) belongs to the chain with genesis \(found). "
                + "Check the data directory and the genesis file."
        case .unsupportedVersion(let segment, let version):
            "The log segment \(segment) has format version \(version). "
                + "Use the version of the program that wrote it."
        case .missingSegment(let sequence, let next):
            "The log has no record \(sequence): a file before \(next) is missing. "
                + "Put it back from a backup, or let the node synchronise again."
        }
    }
}

/// What was dropped from the end of a log: the rest of a write that had not been acknowledged.
package struct JournalCut: Hashable, Sendable {
    package let segment: JournalSegment
    /// Length that remains; 0 if the whole file goes, as its header was unfinished.
    package let length: UInt64
    package let removedBytes: UInt64

    package init(segment: JournalSegment, length: UInt64, removedBytes: UInt64) {
        self.segment = segment
        self.length = length
        self.removedBytes = removedBytes
    }
}

/// What recovery leaves behind.
package struct RecoveredJournal: Sendable, Equatable {
    /// Goes on after the last record.
    package let writer: JournalWriter
    /// To be performed before anything is appended.
    package let effects: [JournalEffect]
    package let cut: JournalCut?
}

/// Reads a log back, a segment at a time, and decides what its end is (LOG-8).
///
/// Responsibility: never to drop a record that was durable and never to yield one that was not
/// written. Only the newest segment may end in a torn record, and only if nothing that verifies
/// comes after it; everything else is a ``JournalError``. Representation: the segments yet to come,
/// what the next sequence must be, and the last record's bytes.
package struct JournalRecovery {
    private struct Tail {
        var segment: JournalSegment
        var offset: Int
        var bytes: [UInt8]
        /// End of the last record, or of the header.
        var length: Int
    }

    private let logID: Hash32
    private let limits: JournalLimits
    private let segments: [JournalSegment]
    private var read = 0
    private var salt: JournalSalt?
    private let freshSalt: JournalSalt
    private var nextSequence: UInt64
    private var tail: Tail?
    private var cut: JournalCut?

    /// - Parameters:
    ///   - segments: the files there are, in any order.
    ///   - freshSalt: random, for a log that has no segment yet.
    ///   - firstSequence: that of the first record of a log that has no segment yet.
    package init(
        logID: Hash32, freshSalt: JournalSalt, limits: JournalLimits = JournalLimits(),
        segments: [JournalSegment], firstSequence: UInt64 = 1
    ) {
        self.logID = logID
        self.limits = limits
        self.segments = segments.sorted()
        self.freshSalt = freshSalt
        nextSequence = self.segments.first?.firstSequence ?? firstSequence
    }

    /// The segment whose bytes are wanted next; `nil` when all have been read.
    package var wanted: JournalSegment? { read < segments.count ? segments[read] : nil }

    /// Reads the segment that is ``wanted`` and returns its records in order.
    ///
    /// - Throws: any `JournalError`; the recovery is of no use then.
    /// - Complexity: O(n), one SHA-256 over the bytes.
    package mutating func segment(
        _ bytes: UnsafeRawBufferPointer
    ) throws(JournalError) -> [JournalRecord] {
        guard let segment = wanted else { preconditionFailure("all segments were read") }
        read += 1
        let isNewest = read == segments.count
        guard segment.firstSequence == nextSequence else {
            throw .missingSegment(sequence: nextSequence, next: segment)
        }
        guard let format = try header(of: segment, bytes, isNewest: isNewest) else { return [] }
        return try records(of: segment, bytes, format, isNewest: isNewest)
    }

    /// As ``segment(_:)`` for bytes in an array.
    package mutating func segment(_ bytes: [UInt8]) throws(JournalError) -> [JournalRecord] {
        // Typed errors do not pass through withUnsafeBytes of an array.
        try bytes.withUnsafeBytes { bytes in
            Result { () throws(JournalError) in try segment(bytes) }
        }.get()
    }

    /// The format of a segment whose header holds; `nil` for one whose creation was cut short.
    private mutating func header(
        of segment: JournalSegment, _ bytes: UnsafeRawBufferPointer, isNewest: Bool
    ) throws(JournalError) -> JournalFormat? {
        switch JournalFormat.parseHeader(bytes) {
        case .success(let header):
            guard header.logID == logID else { throw .wrongLog(segment, found: header.logID) }
            guard header.firstSequence == segment.firstSequence, header.salt == salt ?? header.salt
            else { throw .corrupt(segment, offset: 0, reason: .badHeader) }
            salt = header.salt
            return JournalFormat(logID: logID, salt: header.salt)
        case .failure(.version(let version)):
            throw .unsupportedVersion(segment, version: version)
        case .failure(.damaged):
            // LOG-6: no record was written before the header was durable, so a file that is longer
            // than a header once had a good one.
            guard isNewest, bytes.count <= JournalFormat.headerLength else {
                throw .corrupt(segment, offset: 0, reason: .badHeader)
            }
            cut = JournalCut(segment: segment, length: 0, removedBytes: UInt64(bytes.count))
            return nil
        }
    }

    private mutating func records(
        of segment: JournalSegment, _ bytes: UnsafeRawBufferPointer, _ format: JournalFormat,
        isNewest: Bool
    ) throws(JournalError) -> [JournalRecord] {
        var records: [JournalRecord] = []
        var start = 0
        var end = JournalFormat.headerLength
        while end < bytes.count {
            switch format.parseRecord(bytes, at: end) {
            case .success(let record) where record.sequence == nextSequence:
                records.append(
                    JournalRecord(
                        sequence: record.sequence, kind: record.kind, payload: record.payload))
                start = end
                end = record.end
                nextSequence += 1
                continue
            case .success(let record):
                throw .corrupt(
                    segment, offset: UInt64(end),
                    reason: .outOfSequence(expected: nextSequence, found: record.sequence))
            case .failure(let reason):
                // LOG-8
                guard isNewest, !format.hasRecord(bytes, from: end + JournalFormat.alignment)
                else { throw .corrupt(segment, offset: UInt64(end), reason: reason) }
                cut = JournalCut(
                    segment: segment, length: UInt64(end), removedBytes: UInt64(bytes.count - end))
            }
            break
        }
        let last = bytes[start..<end]
        tail = Tail(segment: segment, offset: start, bytes: Array(last), length: end)
        return records
    }

    /// The writer that goes on, and what has to be done to the files first.
    ///
    /// The newest record is written once more and synced. It may come from a sync that failed: the
    /// system shows such bytes until the next power cut, and would call them clean (LOG-8).
    package consuming func finish() -> RecoveredJournal {
        precondition(wanted == nil, "a segment was not read")
        var effects: [JournalEffect] = []
        var kept = segments
        if let cut {
            if cut.length == 0 {
                kept.removeLast()
                effects += [.delete(cut.segment), .syncDirectory]
            } else {
                effects.append(.truncate(cut.segment, length: cut.length))
            }
        }
        if let tail {
            effects.append(.write(tail.segment, offset: UInt64(tail.offset), bytes: tail.bytes))
            effects.append(.sync(tail.segment))
            effects.append(.syncDirectory)
        }
        let writer = JournalWriter(
            logID: logID, salt: salt ?? freshSalt, limits: limits, segments: kept,
            newestLength: tail?.length ?? 0, nextSequence: nextSequence)
        return RecoveredJournal(writer: writer, effects: effects, cut: cut)
    }
}
