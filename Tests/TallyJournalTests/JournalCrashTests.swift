import TallyJournal
import TallyPrimitives
import TallyTesting
import Testing

@Suite struct JournalCrashTests {
    /// Power fails at an arbitrary effect, over and over, in recovery too. Whatever sectors of the
    /// unsynced writes persist: what was acknowledged is found, and nothing that was not written.
    @Test func losesNothingAcknowledgedAndInventsNothing() throws {
        var cuts = 0
        var crashes = 0
        try forEachSeed(base: 5_000, count: 150) { _, random in
            let limits = JournalLimits(payloadBytes: 5_000, segmentBytes: 6_000)
            var disk = MemoryDisk()
            /// Every payload tried for a sequence since it was last known.
            var written: [UInt64: [UInt8]] = [:]
            var acknowledged: UInt64 = 0
            var pruned: UInt64 = 1
            for _ in 0..<8 {
                disk.effectsLeft = Int.random(in: 0...3, using: &random) == 0 ? 1 : nil
                var found: [Entry] = []
                let recovered: RecoveredJournal
                do {
                    (recovered, found) = try disk.recoverEntries(limits: limits)
                } catch JournalOpenError.storage {
                    disk.crash(&random)
                    continue
                }
                if recovered.cut != nil { cuts += 1 }
                for entry in found { #expect(entry.payload == written[entry.sequence]) }
                #expect(found.first.map { $0.sequence <= pruned } ?? (acknowledged == 0))
                #expect((found.last?.sequence ?? 0) >= acknowledged)
                #expect(recovered.writer.nextSequence == (found.last?.sequence ?? 0) + 1)
                acknowledged = found.last?.sequence ?? 0
                var writer = recovered.writer
                disk.effectsLeft = Int.random(in: 0...30, using: &random)
                do {
                    while true {
                        let payload = randomPayload(&random, upTo: 3_000)
                        let sequence = writer.nextSequence
                        let effects = try writer.append(RecordKind(1), payload)
                        written[sequence] = payload
                        try disk.perform(effects)
                        acknowledged = sequence
                        if Int.random(in: 0...5, using: &random) == 0 {
                            pruned = max(pruned, UInt64.random(in: 1...sequence, using: &random))
                            try disk.perform(writer.prune(keepingFrom: pruned))
                        }
                    }
                } catch {
                    #expect(error as? JournalStorageError == .failed(nil, code: 5))
                }
                crashes += 1
                disk.crash(&random)
            }
        }
        // The test would prove little if the crashes tore nothing.
        #expect(crashes > 500 && cuts > 100)
    }

    /// One record of several sectors, every subset of them persisted.
    @Test func readsATornRecordInNoSubsetOfItsSectors() throws {
        let first = JournalSegment(firstSequence: 1)
        let payload = (0..<3_000).map { UInt8(truncatingIfNeeded: $0 &* 7 | 1) }
        let (before, _, entries) = try log([[1]])
        let (after, _, _) = try log([[1], payload])
        let old = try #require(before[first])
        let new = try #require(after[first])
        let sectors = (new.count + 511) / 512
        for subset in 0..<(1 << sectors) - 1 {
            var bytes = [UInt8](repeating: 0, count: new.count)
            for i in 0..<new.count {
                let isNew = subset >> (i / 512) & 1 == 1
                bytes[i] = isNew ? new[i] : i < old.count ? old[i] : 0
            }
            var disk = MemoryDisk()
            disk[first] = bytes
            let (recovered, found) = try disk.recoverEntries()
            #expect(found == entries)
            #expect(recovered.cut?.length == 128)
        }
    }
}
