package import TallyConsensus
package import TallyPrimitives

/// What is to be done for checkpoints, each step complete before the next.
package enum DurabilityEffect: Hashable, Sendable {
    /// Write the state of every shard as of this height; report `shardsCheckpointed`.
    case checkpointShards(Height)
    /// Then that of the beacon; report `beaconCheckpointed`.
    case checkpointBeacon(Height)
}

/// The one order in which things become durable: bodies and decisions in the beacon log, votes in
/// theirs, then what follows from them, then checkpoints, then pruning (STORE-12). The node and the
/// simulator perform the same effects.
///
/// Checkpoints of all shards are of one height; the beacon's is written last, so that a restart
/// begins at the beacon's and no shard is behind it.
package struct Durability: Sendable {
    private enum Checkpoint: Hashable, Sendable {
        case none
        case shards(Height)
        case beacon(Height)
    }

    private var beacon: JournalWriter
    private var votes: VoteJournal
    /// Asked for, and not yet on the way to a log.
    private var waiting: [ConsensusRecord] = []
    /// First record of the beacon log that is about each height above the last checkpoint.
    private var firstSequences: [Height: UInt64]

    private let policy: CheckpointPolicy
    private var checkpoint = Checkpoint.none
    private var lastCheckpoint: Height
    private var published: Height
    /// Since the last checkpoint was begun.
    private var transactions: Int
    private var bytes: Int
    private var begunAt: Height

    /// - Parameters:
    ///   - logs: read to their ends.
    ///   - beacon: goes on with the beacon log.
    ///   - votes: goes on with the vote log.
    ///   - replayed: transactions and bytes of bodies since the checkpoint: they count for the next.
    package init(
        _ logs: LogRecovery, beacon: JournalWriter, votes: JournalWriter,
        policy: CheckpointPolicy, replayed: (transactions: Int, bytes: Int) = (0, 0)
    ) {
        self.beacon = beacon
        self.votes = VoteJournal(votes, live: logs.liveVotes, final: logs.head)
        self.policy = policy
        firstSequences = logs.firstSequences
        lastCheckpoint = logs.checkpoint
        published = logs.head
        begunAt = logs.checkpoint
        (transactions, bytes) = replayed
    }

    // MARK: Logs

    /// Records are to be durable, in their order, before anything follows from them (IBFT-R9).
    ///
    /// - Parameter isAlone: whether nobody else has a vote at their heights. They then wait for the
    ///   decision and are written with it, one sync for all, as nothing of them is seen before; of
    ///   the votes that it settles nothing is written at all (STORE-19).
    /// - Returns: what to do, in order. The records count as durable when it is done.
    /// - Throws: `payloadTooLong`, `stopped`.
    package mutating func persist(
        _ records: [ConsensusRecord], isAlone: Bool = false
    ) throws(JournalRefusal) -> [LogEffects] {
        waiting += records
        guard !isAlone || records.contains(where: \.isDecision) else { return [] }
        let records = waiting
        waiting = []
        let decided = records.last(where: \.isDecision)?.height ?? .genesis
        var effects: [LogEffects] = []
        // Bodies first: a vote is worth nothing without its block (LOG-13).
        let bodies = records.filter { $0.log == .beacon }
        // A validator that has only followed so far is not one that lost its votes (LOG-13).
        if !bodies.isEmpty, !isAlone, !votes.hasBegun {
            effects.append(LogEffects(.votes, try votes.begin()))
        }
        if !bodies.isEmpty {
            let sequence = beacon.nextSequence
            let added = LogRecords(bodies)
            effects.append(
                LogEffects(.beacon, try beacon.append(added.kind, parts: added.parts)))
            note(bodies, at: sequence)
        }
        if decided > .genesis { votes.forget(through: decided) }
        let cast = records.filter {
            $0.log == .votes && $0.height.map { $0 > decided } ?? true
        }
        if !cast.isEmpty { effects.append(LogEffects(.votes, try votes.append(cast))) }
        return effects
    }

    private mutating func note(_ records: [ConsensusRecord], at sequence: UInt64) {
        for record in records {
            guard let height = record.height, firstSequences[height] == nil else { continue }
            firstSequences[height] = sequence
        }
    }

    /// An effect of a log failed: nothing is appended to either any more.
    package mutating func logFailed() {
        beacon.effectFailed()
        votes.effectFailed()
    }

    // MARK: Checkpoints

    /// Readers see a decided height.
    /// - Parameters:
    ///   - count: transactions in its block.
    ///   - size: bytes of its body.
    package mutating func published(
        _ height: Height, transactions count: Int, bytes size: Int
    ) -> [DurabilityEffect] {
        precondition(height == published.next, "decisions come one after another")
        published = height
        transactions += count
        bytes += size
        guard
            transactions >= policy.transactions || bytes >= policy.bytes
                || published.value - begunAt.value >= policy.heights
        else { return [] }
        return requestCheckpoint()
    }

    /// Asks for a checkpoint of the last published height, unless there is nothing to write or one
    /// is under way.
    package mutating func requestCheckpoint() -> [DurabilityEffect] {
        guard checkpoint == .none, published > lastCheckpoint else { return [] }
        checkpoint = .shards(published)
        begunAt = published
        transactions = 0
        bytes = 0
        return [.checkpointShards(published)]
    }

    /// Every shard's checkpoint of this height is durable.
    package mutating func shardsCheckpointed(_ height: Height) -> [DurabilityEffect] {
        precondition(checkpoint == .shards(height), "a checkpoint nobody asked for")
        checkpoint = .beacon(height)
        return [.checkpointBeacon(height)]
    }

    /// The beacon's checkpoint of this height is durable: the log before it has served, but for
    /// bodies of heights above that came early.
    /// - Throws: `stopped`.
    package mutating func beaconCheckpointed(
        _ height: Height
    ) throws(JournalRefusal) -> [LogEffects] {
        precondition(checkpoint == .beacon(height), "a checkpoint nobody asked for")
        checkpoint = .none
        lastCheckpoint = height
        firstSequences = firstSequences.filter { $0.key > height }
        let effects = try beacon.prune(
            keepingFrom: firstSequences.values.min() ?? beacon.nextSequence)
        return effects.isEmpty ? [] : [LogEffects(.beacon, effects)]
    }

    /// A checkpoint could not be written (a full disk): the log keeps everything, and the next one
    /// comes when it is asked for or due.
    package mutating func checkpointFailed() { checkpoint = .none }
}

extension ConsensusRecord {
    fileprivate var isDecision: Bool {
        if case .decision = self { true } else { false }
    }
}
