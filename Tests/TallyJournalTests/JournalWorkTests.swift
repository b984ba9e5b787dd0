import TallyJournal
import TallyPrimitives
import TallyTesting
import Testing

/// LOG-10: a full disk.
@Suite struct JournalWorkTests {
    private let first = JournalSegment(firstSequence: 1)
    private let noSpace: Int32 = 28

    /// For every amount of space that is left: nothing of the record stays, and it is written once
    /// there is room.
    @Test func undoesWhatFoundNoSpaceAndDoesItAgain() throws {
        let (disk, writer, entries) = try log([[1], [2, 3]])
        let before = try #require(disk[first])
        var next = writer
        let effects = try next.append(RecordKind(9), [UInt8](repeating: 7, count: 50))
        for space in 0..<96 {
            var disk = disk
            disk.space = space
            var work = JournalWork(effects)
            for _ in 0..<3 {
                let full = try work.run(on: &disk)
                #expect(full == first)
                #expect(disk[first] == before)
                #expect(disk.space == space)
                #expect(!work.isDone)
            }
            disk.space = nil
            let full = try work.run(on: &disk)
            #expect(full == nil && work.isDone)
            let (_, found) = try disk.recoverEntries()
            #expect(found.count == entries.count + 1)
            #expect(found.last?.payload == [UInt8](repeating: 7, count: 50))
        }
    }

    /// For every amount of space: no file is left behind, and it is created once there is room.
    @Test func leavesNoSegmentThatFoundNoSpace() throws {
        var writer = JournalWriter(logID: testLog, salt: testSalt)
        let effects = try writer.append(RecordKind(1), [5])
        for space in 0..<80 {
            var disk = MemoryDisk()
            disk.space = space
            var work = JournalWork(effects)
            for _ in 0..<2 {
                let full = try work.run(on: &disk)
                #expect(full == first)
                #expect(disk.list().isEmpty)
            }
            disk.space = nil
            let full = try work.run(on: &disk)
            #expect(full == nil)
            let (_, found) = try disk.recoverEntries()
            #expect(found.map(\.payload) == [[5]])
        }
    }

    /// The system may call the failure of a sync what it likes: LOG-7.
    @Test func neverDoesASyncAgain() throws {
        let (start, writer, _) = try log([[1]])
        var disk = start
        var next = writer
        var work = JournalWork(try next.append(RecordKind(1), [2]))
        disk.syncFailure = noSpace
        let failure = #expect(throws: JournalStorageError.self) {
            () throws in _ = try work.run(on: &disk)
        }
        #expect(failure == .failed(first, code: noSpace))
    }

    /// Power fails while the disk is full, or after it was: the log holds what was acknowledged and
    /// nothing that was not written.
    @Test func losesNothingWhenPowerFailsOnAFullDisk() throws {
        var shortages = 0
        try forEachSeed(base: 9_000, count: 200) { _, random in
            let limits = JournalLimits(payloadBytes: 3_000, segmentBytes: 4_000)
            var (disk, writer, entries) = try log([[1]], limits: limits)
            for _ in 0..<12 {
                let payload = randomPayload(&random, upTo: 2_500)
                entries.append(
                    Entry(sequence: writer.nextSequence, kind: 1, payload: payload))
                var work = JournalWork(try writer.append(RecordKind(1), payload))
                disk.space = Int.random(in: 0...3_000, using: &random)
                while try work.run(on: &disk) != nil {
                    shortages += 1
                    if Int.random(in: 0..<4, using: &random) == 0 {
                        var dead = disk
                        dead.crash(&random)
                        dead.space = nil
                        let (_, found) = try dead.recoverEntries(limits: limits)
                        #expect(found == Array(entries.dropLast()))
                    }
                    disk.space? += Int.random(in: 0...2_000, using: &random)
                }
                disk.crash(&random)
                disk.space = nil
                let (recovered, found) = try disk.recoverEntries(limits: limits)
                #expect(found == entries)
                writer = recovered.writer
            }
        }
        #expect(shortages > 500)
    }
}
