import TallyConsensus
import TallyPrimitives

/// The vote log: small, since what is needed of it is written again whenever a segment begins
/// (LOG-12).
struct VoteJournal: Sendable {
    private(set) var writer: JournalWriter
    /// What a restart needs, in order (IBFT-L4).
    private var live: [ConsensusRecord]
    private var final: Height

    init(_ writer: JournalWriter, live: [ConsensusRecord], final: Height) {
        self.writer = writer
        self.live = live
        self.final = final
    }

    /// Whether there is a vote log, with votes in it or not.
    var hasBegun: Bool { !writer.segments.isEmpty }

    /// An empty log: who has one never voted, who has none may have lost it.
    mutating func begin() throws(JournalRefusal) -> [JournalEffect] {
        let nothing = LogRecords([], isRestatement: true)
        return try writer.append(nothing.kind, nothing.payload)
    }

    mutating func append(
        _ records: [ConsensusRecord]
    ) throws(JournalRefusal) -> [JournalEffect] {
        live = VoteLog.live(live + records, final: final)
        let added = LogRecords(records)
        let payload = added.payload
        guard writer.rolls(adding: payload.count) else {
            return try writer.append(added.kind, payload)
        }
        let sequence = writer.nextSequence
        let restated = LogRecords(live, isRestatement: true)
        let effects = try writer.append(restated.kind, restated.payload)
        return effects + (try writer.prune(keepingFrom: sequence))
    }

    /// A height is final: its votes are needed no more.
    mutating func forget(through height: Height) {
        final = max(final, height)
        live = VoteLog.live(live, final: final)
    }

    mutating func effectFailed() { writer.effectFailed() }
}
