package import TallyPrimitives

/// What the shell does to the files of a log, in the order given. It does not go on after one that
/// fails (LOG-7), except for want of space (`JournalWork`).
package enum JournalEffect: Hashable, Sendable {
    /// Create the file, which must not exist, holding `header`.
    case create(JournalSegment, header: [UInt8])
    /// Write `bytes` at `offset`, in bytes from the start of the file.
    case write(JournalSegment, offset: UInt64, bytes: [UInt8])
    /// Make the file's bytes and length durable.
    case sync(JournalSegment)
    /// Make the creation and deletion of files durable.
    case syncDirectory
    /// Cut the file to `length` bytes.
    case truncate(JournalSegment, length: UInt64)
    case delete(JournalSegment)
    /// Delete the file if it is there: what creating it left behind when the disk was full.
    case discard(JournalSegment)
}

/// Why nothing was appended.
package enum JournalRefusal: Error, Hashable, Sendable {
    /// The payload is over the limit; sizes in bytes.
    case payloadTooLong(length: Int, limit: Int)
    /// An effect failed earlier: what is on disk is unknown until the log is recovered.
    case stopped
}

/// Appends records to a log and prunes it, as effects.
///
/// Responsibility: framing, sequence numbers, rolling to new segments. Representation: the segments
/// there are, the length of the newest, the sequence that comes next. The effects of one call end
/// with a sync and are performed before those of the next: at any moment at most one record is
/// not durable, so a torn record never has a whole one behind it (LOG-5).
package struct JournalWriter: Sendable, Equatable {
    private enum State: Equatable {
        case running
        case stopped
    }

    package let logID: Hash32
    package let salt: JournalSalt
    package let limits: JournalLimits
    /// Segments in order; the last is appended to. Empty before the first record of a new log.
    package private(set) var segments: [JournalSegment]
    /// Sequence of the next record.
    package private(set) var nextSequence: UInt64
    private var newestLength: Int
    private var state = State.running

    /// A new log whose first record gets `firstSequence`. `salt` is random (``JournalSalt``).
    package init(
        logID: Hash32, salt: JournalSalt, limits: JournalLimits = JournalLimits(),
        firstSequence: UInt64 = 1
    ) {
        self.init(
            logID: logID, salt: salt, limits: limits, segments: [], newestLength: 0,
            nextSequence: firstSequence)
    }

    init(
        logID: Hash32, salt: JournalSalt, limits: JournalLimits, segments: [JournalSegment],
        newestLength: Int, nextSequence: UInt64
    ) {
        self.logID = logID
        self.salt = salt
        self.limits = limits
        self.segments = segments
        self.newestLength = newestLength
        self.nextSequence = nextSequence
    }

    /// Adds a record with sequence ``nextSequence``. It is durable once all effects succeeded.
    ///
    /// - Throws: `payloadTooLong`, `stopped`; nothing has changed then.
    /// - Complexity: O(length), one SHA-256 of the payload.
    package mutating func append(
        _ kind: RecordKind, _ payload: [UInt8]
    ) throws(JournalRefusal) -> [JournalEffect] {
        try append(kind, parts: [payload])
    }

    /// Adds a record whose payload is in pieces.
    mutating func append(
        _ kind: RecordKind, parts: [[UInt8]]
    ) throws(JournalRefusal) -> [JournalEffect] {
        guard state == .running else { throw .stopped }
        let count = parts.reduce(0) { $0 + $1.count }
        guard count <= limits.payloadBytes else {
            throw .payloadTooLong(length: count, limit: limits.payloadBytes)
        }
        let format = JournalFormat(logID: logID, salt: salt)
        let bytes = format.record(kind: kind, sequence: nextSequence, parts: parts)
        var effects: [JournalEffect] = []
        let segment: JournalSegment
        if let newest = segments.last, !isFull(adding: bytes.count) {
            segment = newest
        } else {
            // LOG-6: the header is durable before a record follows it.
            segment = JournalSegment(firstSequence: nextSequence)
            effects.append(
                .create(segment, header: format.header(firstSequence: nextSequence)))
            effects.append(.sync(segment))
            effects.append(.syncDirectory)
            segments.append(segment)
            newestLength = JournalFormat.headerLength
        }
        effects.append(.write(segment, offset: UInt64(newestLength), bytes: bytes))
        effects.append(.sync(segment))
        newestLength += bytes.count
        nextSequence += 1
        return effects
    }

    /// Whether a record with a payload of so many bytes would begin another segment than the newest.
    package func rolls(adding count: Int) -> Bool {
        !segments.isEmpty && isFull(adding: JournalFormat.recordLength(payload: count))
    }

    /// Deletes segments all of whose records come before `sequence`, oldest first; never the
    /// newest (LOG-9).
    ///
    /// - Throws: `stopped`.
    package mutating func prune(
        keepingFrom sequence: UInt64
    ) throws(JournalRefusal) -> [JournalEffect] {
        guard state == .running else { throw .stopped }
        var effects: [JournalEffect] = []
        while segments.count > 1, segments[1].firstSequence <= sequence {
            // Each by itself: were a crash to undo the first of two deletions only, a gap would
            // be found.
            effects.append(.delete(segments.removeFirst()))
            effects.append(.syncDirectory)
        }
        return effects
    }

    /// Takes note that performing an effect failed. Every later call is refused: after a failed
    /// sync the system may have dropped what it could not write (LOG-7).
    package mutating func effectFailed() { state = .stopped }

    package var isStopped: Bool { state == .stopped }

    private func isFull(adding count: Int) -> Bool {
        newestLength > JournalFormat.headerLength && newestLength + count > limits.segmentBytes
    }
}
