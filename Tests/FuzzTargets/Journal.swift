import TallyConsensus
import TallyCrypto
import TallyJournal
import TallyPrimitives

private let logID = SHA256.plain(Array("log".utf8))
private let salt = JournalSalt(high: 0x0102_0304_0506_0708, low: 9)
private let segment = JournalSegment(firstSequence: 1)

/// A log of these payloads, as the product writes it: a specimen.
func journalSegment(_ payloads: [[UInt8]], salt: JournalSalt = salt) -> [UInt8] {
    var writer = JournalWriter(logID: logID, salt: salt)
    var file: [UInt8] = []
    for payload in payloads {
        guard let effects = try? writer.append(RecordKind(1), payload) else {
            preconditionFailure("a payload within the limit")
        }
        for effect in effects {
            switch effect {
            case .create(_, let header): file = header
            case .write(_, _, let bytes): file += bytes
            case .sync, .syncDirectory, .truncate, .delete, .discard: break
            }
        }
    }
    return file
}

/// FUZZ-9. The first byte says what the rest is: a file, damage to a file, or a record's payload.
func checkJournal(_ bytes: [UInt8]) throws(Violation) {
    guard let choice = Choice(bytes, of: 3) else { return }
    switch choice.number {
    case 0: _ = try recovered(choice.rest)
    case 1: try checkDamage(choice.rest)
    default: try checkPayload(choice.rest)
    }
}

/// The payloads found, and how much of the file stays; `nil` for a log that must not be used.
private func recovered(
    _ file: [UInt8]
) throws(Violation) -> (payloads: [[UInt8]], length: Int)? {
    var recovery = JournalRecovery(logID: logID, freshSalt: salt, segments: [segment])
    let records: [JournalRecord]
    do throws(JournalError) { records = try recovery.segment(file) } catch { return nil }
    let found = recovery.finish()
    var end = 0
    for (index, record) in records.enumerated() {
        try check(record.sequence == UInt64(index) + 1, "FUZZ-9: records out of sequence")
        try check(
            record.payload.lowerBound >= end && record.payload.upperBound <= file.count,
            "FUZZ-9: a record outside of its file")
        end = record.payload.upperBound
    }
    let length = found.cut.map { Int($0.length) } ?? file.count
    try check((end...file.count).contains(length), "FUZZ-9: a record is cut off")
    try check(
        found.cut.map { Int($0.removedBytes) } ?? 0 == file.count - length,
        "FUZZ-9: more or less is cut off than said")
    try check(
        found.writer.nextSequence == UInt64(records.count) + 1, "FUZZ-9: goes on elsewhere")
    return (records.map { Array(file[$0.payload]) }, length)
}

/// A log of some records, of which a byte is changed, or which ends early: no record that was not
/// written is found, and none but the last is lost without a word.
private func checkDamage(_ bytes: [UInt8]) throws(Violation) {
    guard bytes.count > 6 else { return }
    let place = Int(bytes[0]) << 8 | Int(bytes[1])
    let change = bytes[2]
    let payloads = bytes[3...].split(separator: 0xff, omittingEmptySubsequences: false)
        .prefix(16).map { Array($0) }
    // A log's salt is random and nobody's to know: no payload holds a record of its own log. One that
    // follows from the payloads cannot be in them either.
    let secret = SHA256.plain(Array(bytes)).words
    var file = journalSegment(payloads, salt: JournalSalt(high: secret.0, low: secret.1))
    guard let whole = try recovered(file) else { throw Violation("FUZZ-9: a log unread") }
    try check(whole.payloads == payloads, "FUZZ-9: another log than was written")
    let position = place % file.count
    if change == 0 {
        file.removeSubrange(position...)
    } else {
        file[position] ^= change
    }
    guard let found = try recovered(file) else {
        // The end of a write that was torn is no damage, wherever it ends.
        return try check(change != 0, "FUZZ-9: a log that ends early is refused")
    }
    try check(payloads.starts(with: found.payloads), "FUZZ-9: a record that was not written")
    if change != 0 {
        try check(found.payloads.count >= payloads.count - 1, "FUZZ-9: a durable record is lost")
    }
}

private func checkPayload(_ bytes: [UInt8]) throws(Violation) {
    var recovery = JournalRecovery(logID: logID, freshSalt: salt, segments: [segment])
    guard let record = try? recovery.segment(journalSegment([bytes])).first else {
        throw Violation("FUZZ-9: a log unread")
    }
    for log in [ConsensusRecord.Log.beacon, .votes] {
        guard let records = try? LogRecords(record, bytes[...], of: log) else { continue }
        try check(records.payload == bytes, "FUZZ-1: records have two encodings")
        try check(!records.isRestatement, "FUZZ-9: another kind of record")
    }
}
