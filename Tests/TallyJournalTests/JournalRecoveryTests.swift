import TallyJournal
import TallyPrimitives
import TallyTesting
import Testing

@Suite struct JournalRecoveryTests {
    let first = JournalSegment(firstSequence: 1)
    let small = JournalLimits(payloadBytes: 4_096, segmentBytes: 2_048)

    private func expectCorrupt(
        _ disk: MemoryDisk, _ segment: JournalSegment, at offset: UInt64,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        var disk = disk
        do {
            _ = try disk.recoverEntries()
            Issue.record("recovered", sourceLocation: sourceLocation)
        } catch .log(.corrupt(segment, offset: offset, reason: _)) {
        } catch {
            Issue.record("\(error)", sourceLocation: sourceLocation)
        }
    }

    @Test func readsBackWhatWasWritten() throws {
        try forEachSeed(base: 900, count: 20) { _, random in
            let payloads = (0..<40).map { _ in randomPayload(&random, upTo: 900) }
            var (disk, writer, entries) = try log(payloads, limits: small)
            let (recovered, found) = try disk.recoverEntries(limits: small)
            #expect(found == entries)
            #expect(recovered.writer == writer)
            #expect(recovered.cut == nil)
            #expect(writer.segments.count > 3)
        }
    }

    @Test func beginsALogWhereThereIsNone() throws {
        var disk = MemoryDisk()
        let (recovered, found) = try disk.recoverEntries()
        #expect(found.isEmpty && recovered.effects.isEmpty)
        #expect(recovered.writer == JournalWriter(logID: testLog, salt: testSalt))
    }

    @Test func keepsWholeRecordsOfEveryTruncation() throws {
        let payloads: [[UInt8]] = [[1, 2, 3], [], [UInt8](repeating: 7, count: 30), [4]]
        let (whole, _, entries) = try log(payloads)
        let bytes = try #require(whole[first])
        var ends = [80]
        for payload in payloads {
            ends.append(ends[ends.count - 1] + 40 + (payload.count + 7) / 8 * 8)
        }
        #expect(ends.last == bytes.count)
        for length in 0...bytes.count {
            var disk = MemoryDisk()
            disk[first] = Array(bytes[..<length])
            let (recovered, found) = try disk.recoverEntries()
            let complete = max(0, ends.filter { $0 <= length }.count - 1)
            #expect(found == Array(entries[..<complete]))
            #expect((recovered.cut == nil) == ends.contains(length))
            #expect(recovered.writer.nextSequence == UInt64(complete) + 1)
            #expect(disk[first] == (length < 80 ? nil : Array(bytes[..<ends[complete]])))
            // What is appended then is found, in the same place.
            var writer = recovered.writer
            try disk.perform(writer.append(RecordKind(9), [5]))
            let (again, more) = try disk.recoverEntries()
            #expect(more.map(\.payload) == payloads[..<complete] + [[5]])
            #expect(again.cut == nil)
        }
    }

    @Test func reportsEveryFlippedBitBeforeTheLastRecord() throws {
        let (whole, _, entries) = try log([[1, 2, 3], [4, 5], [6]])
        let bytes = try #require(whole[first])
        for bit in 128 * 8..<176 * 8 {
            var disk = whole
            var flipped = bytes
            flipped[bit / 8] ^= 1 << UInt8(bit % 8)
            disk[first] = flipped
            expectCorrupt(disk, first, at: 128)
        }
        for bit in 176 * 8..<bytes.count * 8 {
            var disk = whole
            var flipped = bytes
            flipped[bit / 8] ^= 1 << UInt8(bit % 8)
            disk[first] = flipped
            let (recovered, found) = try disk.recoverEntries()
            #expect(found == Array(entries[..<2]))
            #expect(recovered.cut == JournalCut(segment: first, length: 176, removedBytes: 48))
        }
    }

    @Test func refusesEveryFlippedBitOfAHeaderWithRecords() throws {
        let (whole, _, _) = try log([[1]])
        let bytes = try #require(whole[first])
        for bit in 0..<80 * 8 {
            var disk = whole
            var flipped = bytes
            flipped[bit / 8] ^= 1 << UInt8(bit % 8)
            disk[first] = flipped
            #expect(throws: JournalOpenError.self) { try disk.recoverEntries() }
        }
    }

    @Test func reportsDamageInAnOlderSegment() throws {
        let limits = JournalLimits(payloadBytes: 9, segmentBytes: 176)
        let (whole, _, _) = try log([[1], [2], [3]], limits: limits)
        var disk = whole
        disk[first]?[130] ^= 1
        expectCorrupt(disk, first, at: 128)
        disk = whole
        disk[first]?.append(0)
        expectCorrupt(disk, first, at: 176)
        disk = whole
        disk[first]?.removeLast()
        expectCorrupt(disk, first, at: 128)
    }

    @Test func reportsAMissingSegment() throws {
        let limits = JournalLimits(payloadBytes: 9, segmentBytes: 100)
        var (disk, _, _) = try log([[1], [2], [3], [4]], limits: limits)
        disk[JournalSegment(firstSequence: 2)] = nil
        let next = JournalSegment(firstSequence: 3)
        #expect(throws: JournalOpenError.log(.missingSegment(sequence: 2, next: next))) {
            try disk.recoverEntries()
        }
    }

    @Test func reportsARecordOutOfSequence() throws {
        // The third record of the same log where the second belongs.
        var (disk, _, _) = try log([[1], [2], [3]])
        disk[first]?.removeSubrange(128..<176)
        #expect(
            throws: JournalOpenError.log(
                .corrupt(first, offset: 128, reason: .outOfSequence(expected: 2, found: 3)))
        ) { try disk.recoverEntries() }
    }

    @Test func refusesTheLogOfAnotherChain() throws {
        let other = Hash32(words: (9, 9, 9, 9))
        var (disk, _, _) = try log([[1]], logID: other)
        #expect(throws: JournalOpenError.log(.wrongLog(first, found: other))) {
            try disk.recoverEntries()
        }
    }

    @Test func refusesAnotherFormatVersion() throws {
        var (disk, _, _) = try log([[1]])
        disk[first]?[7] = 2
        #expect(throws: JournalOpenError.log(.unsupportedVersion(first, version: 2))) {
            try disk.recoverEntries()
        }
    }

    @Test func refusesASegmentOfAnEarlierLogOfTheSameChain() throws {
        let limits = JournalLimits(payloadBytes: 9, segmentBytes: 100)
        var (disk, _, _) = try log([[1], [2]], limits: limits)
        let (older, _, _) = try log([[1], [2]], limits: limits, salt: otherSalt)
        let second = JournalSegment(firstSequence: 2)
        disk[second] = older[second]
        expectCorrupt(disk, second, at: 0)
    }

    /// Bytes of an older log behind the tail, at the very place the next record goes.
    @Test(arguments: [(otherSalt, testLog), (testSalt, Hash32.zero)])
    func doesNotAcceptStaleRecordsBehindTheTail(salt: JournalSalt, logID: Hash32) throws {
        var (disk, _, entries) = try log([[1]])
        let (older, _, _) = try log([[1], [2], [3]], salt: salt, logID: logID)
        let stale = try #require(older[first])
        disk[first]?.append(contentsOf: stale[128...])
        let (recovered, found) = try disk.recoverEntries()
        #expect(found == entries)
        #expect(recovered.cut == JournalCut(segment: first, length: 128, removedBytes: 96))
        #expect(disk[first]?.count == 128)
    }

    /// A payload that holds a whole record, forged without the salt, in a write that was torn.
    @Test func isNotMisledByRecordsInsidePayloads() throws {
        let (forged, _, _) = try log([[1], [2], [3]], salt: otherSalt)
        let payload = try #require(forged[first])
        var (disk, _, entries) = try log([[1], payload])
        for i in 128..<168 { disk[first]?[i] = 0 }
        let (recovered, found) = try disk.recoverEntries()
        #expect(found == [entries[0]])
        #expect(recovered.cut?.length == 128)
        // With the salt it would have been taken for a record.
        let (known, _, _) = try log([[1], [2], [3]])
        (disk, _, _) = try log([[1], try #require(known[first])])
        for i in 128..<168 { disk[first]?[i] = 0 }
        expectCorrupt(disk, first, at: 128)
    }

    @Test func dropsANewestSegmentWithATornHeader() throws {
        let limits = JournalLimits(payloadBytes: 9, segmentBytes: 100)
        let (whole, writer, entries) = try log([[1], [2]], limits: limits)
        let third = JournalSegment(firstSequence: 3)
        for length in 0...80 {
            var disk = whole
            disk[third] = [UInt8](repeating: 0, count: length)
            let (recovered, found) = try disk.recoverEntries(limits: limits)
            #expect(found == entries && recovered.writer == writer)
            #expect(disk[third] == nil)
            var next = recovered.writer
            try disk.perform(next.append(RecordKind(1), [3]))
            #expect(try disk.recoverEntries().1.count == 3)
        }
        var disk = whole
        disk[third] = [UInt8](repeating: 0, count: 81)
        expectCorrupt(disk, third, at: 0)
    }

    @Test func writesTheNewestRecordOnceMore() throws {
        let (whole, _, _) = try log([[1], [2]])
        let bytes = try #require(whole[first])
        var disk = whole
        let (recovered, _) = try disk.recoverEntries()
        #expect(
            recovered.effects == [
                .write(first, offset: 128, bytes: Array(bytes[128...])), .sync(first),
                .syncDirectory,
            ])
    }
}
