import TallyJournal
import TallyPrimitives
import TallyTesting
import Testing

@Suite struct JournalWriterTests {
    let first = JournalSegment(firstSequence: 1)

    /// Computed from LOG-2 to LOG-4 by another program.
    @Test func writesTheSpecifiedBytes() throws {
        var writer = JournalWriter(
            logID: try #require(Hash32([UInt8](repeating: 0x11, count: 32))), salt: testSalt,
            firstSequence: 5)
        let segment = JournalSegment(firstSequence: 5)
        let header = try #require(
            Hex.decode(
                "0x544c4f4700000001111111111111111111111111111111111111111111111111"
                    + "111111111111111100000000000000050102030405060708090a0b0c0d0e0f10"
                    + "aa19e50f586549828760b39df64546c1"))
        let record = try #require(
            Hex.decode(
                "0x554e4c430000000b00000000000000050700000000000000e0e35db639695367"
                    + "c47594ea9dda6cbb68656c6c6f2074616c6c790000000000"))
        let effects = try writer.append(RecordKind(7), Array("hello tally".utf8))
        #expect(
            effects == [
                .create(segment, header: header), .sync(segment), .syncDirectory,
                .write(segment, offset: 80, bytes: record), .sync(segment),
            ])
    }

    @Test func extendsTheNewestSegment() throws {
        var (_, writer, _) = try log([[1, 2, 3]])
        guard case .write(first, offset: 128, let bytes) = try writer.append(RecordKind(1), [9])[0]
        else {
            Issue.record("no write")
            return
        }
        #expect(bytes.count == 48)
        #expect(writer.nextSequence == 3)
    }

    @Test func rollsWhenARecordWouldExceedTheSegment() throws {
        // 80 + 2 * 48 = 176
        let limits = JournalLimits(payloadBytes: 100, segmentBytes: 176)
        let payloads = [[UInt8]](repeating: [1], count: 5)
        let (_, writer, _) = try log(payloads, limits: limits)
        #expect(writer.segments.map(\.firstSequence) == [1, 3, 5])
        let (_, narrow, _) = try log(
            payloads, limits: JournalLimits(payloadBytes: 100, segmentBytes: 175))
        #expect(narrow.segments.map(\.firstSequence) == [1, 2, 3, 4, 5])
    }

    @Test func refusesAPayloadOverTheLimit() throws {
        var writer = JournalWriter(
            logID: testLog, salt: testSalt, limits: JournalLimits(payloadBytes: 8))
        #expect(throws: JournalRefusal.payloadTooLong(length: 9, limit: 8)) {
            try writer.append(RecordKind(1), [UInt8](repeating: 0, count: 9))
        }
        #expect(writer.nextSequence == 1 && writer.segments.isEmpty)
        _ = try writer.append(RecordKind(1), [UInt8](repeating: 0, count: 8))
    }

    @Test func refusesEverythingAfterAFailure() throws {
        var (disk, writer, _) = try log([[1], [2]])
        let effects = try writer.append(RecordKind(1), [3])
        disk.effectsLeft = 1
        #expect(throws: JournalStorageError.failed(nil, code: 5)) { try disk.perform(effects) }
        writer.effectFailed()
        #expect(writer.isStopped)
        #expect(throws: JournalRefusal.stopped) { try writer.append(RecordKind(1), [4]) }
        #expect(throws: JournalRefusal.stopped) { try writer.prune(keepingFrom: 2) }
    }

    @Test(
        arguments: [
            (0, []), (2, []), (3, [1]), (4, [1]), (5, [1, 3]), (99, [1, 3]),
        ] as [(UInt64, [UInt64])])
    func prunesWholeOlderSegments(keepingFrom: UInt64, deleted: [UInt64]) throws {
        var (disk, writer, entries) = try log(
            [[1], [2], [3], [4], [5]], limits: JournalLimits(payloadBytes: 9, segmentBytes: 176))
        let effects = try writer.prune(keepingFrom: keepingFrom)
        #expect(
            effects
                == deleted.flatMap {
                    [.delete(JournalSegment(firstSequence: $0)), .syncDirectory]
                })
        try disk.perform(effects)
        let (_, found) = try disk.recoverEntries()
        #expect(found == Array(entries[(2 * deleted.count)...]))
    }

    @Test func namesSegmentsInOrderOfSequence() {
        for sequence in [0, 1, 10, .max] as [UInt64] {
            let segment = JournalSegment(firstSequence: sequence)
            #expect(segment.fileName.utf8.count == 24)
            #expect(JournalSegment(fileName: segment.fileName) == segment)
        }
        for name in [
            "1.log", "LOCK", "0000000000000000000a.log", "+0000000000000000001.log",
            "99999999999999999999.log", "00000000000000000001.tmp",
        ] { #expect(JournalSegment(fileName: name) == nil) }
    }
}
