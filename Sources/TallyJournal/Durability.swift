package import TallyPrimitives

/// When the state in memory is written to the page stores: whichever comes first since the last time.
package struct CheckpointPolicy: Hashable, Sendable {
    /// Transactions: bounds the replay after a crash.
    package var transactions: Int
    /// Bytes of log: bounds the disk and the memory that history waits in.
    package var bytes: Int
    /// Heights: bounds both when blocks are small.
    package var heights: UInt64

    package init(transactions: Int = 250_000, bytes: Int = 256 << 20, heights: UInt64 = 16_384) {
        self.transactions = transactions
        self.bytes = bytes
        self.heights = heights
    }
}

/// What is to be done, in the order given, each step complete before the next.
package enum DurabilityEffect: Hashable, Sendable {
    /// Make the log durable. On a failure nothing that follows may happen (STORE-9).
    case journal([JournalEffect])
    /// The height is durable: apply it and let readers see it.
    case publish(Height)
    /// Write the state of every shard as of this height; report `shardsCheckpointed`.
    case checkpointShards(Height)
    /// Then that of the beacon; report `beaconCheckpointed`.
    case checkpointBeacon(Height)
}

/// The one order in which a decision becomes durable: log, then publish, then checkpoint, then prune
/// (STORE-12). The node and the simulator perform the same effects.
///
/// Checkpoints of all shards are of one height; the beacon's is written last, so that a restart
/// begins at the beacon's and no shard is behind it.
package struct Durability: Sendable {
    private enum Checkpoint: Hashable, Sendable {
        case none
        case shards(Height)
        case beacon(Height)
    }

    /// Kind of the record that holds a decided block.
    package static let decidedBlock = RecordKind(1)

    private var writer: JournalWriter
    private let policy: CheckpointPolicy
    private var checkpoint = Checkpoint.none
    private var lastCheckpoint: Height
    private var published: Height
    /// Since the last checkpoint was begun.
    private var transactions: Int
    private var bytes: Int
    private var begunAt: Height

    /// - Parameters:
    ///   - checkpointed: height of the beacon's checkpoint.
    ///   - published: the last height in the log.
    ///   - replayed: transactions and bytes of log since the checkpoint: they count for the next.
    package init(
        writer: JournalWriter, policy: CheckpointPolicy, checkpointed: Height, published: Height,
        replayed: (transactions: Int, bytes: Int) = (0, 0)
    ) {
        self.writer = writer
        self.policy = policy
        lastCheckpoint = checkpointed
        self.published = published
        begunAt = checkpointed
        (transactions, bytes) = replayed
    }

    /// A block was decided.
    /// - Parameter record: `BeaconBlock.logRecord`.
    /// - Throws: `payloadTooLong`, `stopped`.
    package mutating func decided(
        _ height: Height, record: [UInt8], transactions count: Int
    ) throws(JournalRefusal) -> [DurabilityEffect] {
        precondition(height == published.next, "decisions come one after another")
        precondition(writer.nextSequence == height.value, "a record's sequence is its height")
        let effects = try writer.append(Self.decidedBlock, record)
        published = height
        transactions += count
        bytes += record.count
        return [.journal(effects), .publish(height)] + checkpointIfDue()
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

    /// The beacon's checkpoint of this height is durable: the log before it has served.
    /// - Throws: `stopped`.
    package mutating func beaconCheckpointed(
        _ height: Height
    ) throws(JournalRefusal) -> [DurabilityEffect] {
        precondition(checkpoint == .beacon(height), "a checkpoint nobody asked for")
        checkpoint = .none
        lastCheckpoint = height
        let effects = try writer.prune(keepingFrom: height.next.value)
        return effects.isEmpty ? [] : [.journal(effects)]
    }

    /// A checkpoint could not be written (a full disk): the log keeps everything, and the next one
    /// comes when it is asked for or due.
    package mutating func checkpointFailed() { checkpoint = .none }

    /// An effect of the journal failed: nothing is appended any more.
    package mutating func journalFailed() { writer.effectFailed() }

    private mutating func checkpointIfDue() -> [DurabilityEffect] {
        guard
            transactions >= policy.transactions || bytes >= policy.bytes
                || published.value - begunAt.value >= policy.heights
        else { return [] }
        return requestCheckpoint()
    }
}
