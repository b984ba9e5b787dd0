import TallyConsensus
import TallyJournal
import TallyPrimitives
import TallyStore

/// What found no space and is tried again (STORE-17).
struct Shortage {
    /// What the logs are to hold, and agreement waits for.
    var work = LogWork()
    /// Its names; empty when nothing waits.
    var tokens: [PersistToken] = []
    /// Segments that are not needed any more.
    var pruning = LogWork()
    var needsCheckpoint = false
    /// Ticks since it was tried last.
    var ticks = 0

    var isOver: Bool { tokens.isEmpty && !needsCheckpoint }
}

/// Logs, and what becomes of a full disk.
extension Beacon {
    /// Half a second, and two for a checkpoint, which writes until the disk is full again. In ticks,
    /// as a clock may be set back.
    private static let recordTicks = 25
    private static let checkpointTicks = 100

    /// Writes records, or puts them behind those that find no space.
    func persist(_ records: [ConsensusRecord], _ token: PersistToken) throws(EngineError) {
        let isAlone = records.allSatisfy { $0.height.map(self.isAlone) ?? false }
        do throws(JournalRefusal) {
            shortage.work.add(try durability.persist(records, isAlone: isAlone))
        } catch { throw .journalRefused(error) }
        let hasToWait = !shortage.tokens.isEmpty
        shortage.tokens.append(token)
        if !hasToWait { try writeRecords() }
    }

    private func writeRecords() throws(EngineError) {
        if let full = try write(&shortage.work) { return ranShort(.log(full)) }
        for token in shortage.tokens { answer(.persisted(token)) }
        shortage.tokens = []
    }

    /// Deletes what the log needs no more. Some file systems need space to do that.
    func prune() throws(EngineError) { _ = try write(&shortage.pruning) }

    /// - Returns: the segment that there is no space for.
    private func write(_ work: inout LogWork) throws(EngineError) -> JournalSegment? {
        var (beacon, votes) = (logs.beacon, logs.votes)
        do throws(JournalStorageError) {
            return try work.run(beacon: &beacon, votes: &votes)
        } catch {
            durability.logFailed()
            throw .journalWrite(error)
        }
    }

    func ranShort(_ what: SpaceShortage) {
        guard !space.isShort else { return }
        space.set(isShort: true)
        shortage.ticks = 0
        notify(.spaceRanOut(what))
    }

    func endShortage() {
        guard space.isShort, shortage.isOver else { return }
        space.set(isShort: false)
        notify(.spaceIsBack)
    }

    /// Tries now and then what found no space; `proceed` goes on from there.
    func retry() throws(EngineError) {
        guard space.isShort || !shortage.pruning.isDone else { return }
        shortage.ticks += 1
        guard shortage.ticks % Self.recordTicks == 0 else { return }
        try prune()
        if !shortage.tokens.isEmpty {
            try writeRecords()
            guard shortage.tokens.isEmpty else { return }
            endShortage()
        }
    }

    /// Whether a checkpoint that found no space is to be tried once more.
    var isCheckpointOwed: Bool {
        space.isShort && shortage.tokens.isEmpty && shortage.needsCheckpoint
            && shortage.ticks % Self.checkpointTicks == 0
    }
}
