import TallyConsensus
import TallyJournal
import TallyPrimitives
import TallySharding

/// What became of a request to persist.
enum WriteOutcome {
    case done
    /// There is no space: try again.
    case full
    /// The node died in the middle.
    case crashed
}

/// What a checkpoint holds: the state as of a height, and the blocks that led to it. That stores hold
/// a state wholly is the business of the crash matrix.
struct VirtualCheckpoint: Sendable {
    let ledger: VirtualLedger
    let chain: [Final]

    var height: Height { ledger.head.height }
}

/// What a start finds.
struct RecoveredStorage {
    let checkpoint: VirtualCheckpoint?
    /// Above the checkpoint.
    let decided: [Ibft.Decision]
    let memory: Ibft.Memory
    /// For ``Ibft/Start``.
    let nonce: Hash32
    /// Votes of open heights, to compare with what was sent.
    let votes: [ConsensusRecord]

    /// Every decided block.
    var chain: [Final] { (checkpoint?.chain ?? []) + decided.map(\.final) }
}

/// Both logs of one validator, written and recovered by the product's code on simulated disks.
struct VirtualStorage {
    private let genesis: Hash32
    private let limits: JournalLimits
    private var beacon: SimulatedDisk
    private var votes: SimulatedDisk
    private var durability: Durability
    private var work = LogWork()
    /// The records that a request is about are in `work`, or were.
    private var isAppending = false
    private(set) var checkpoint: VirtualCheckpoint?
    /// Being written.
    private var unwritten: VirtualCheckpoint?
    /// A copy of checkpoint and beacon log as they were once.
    private var backup: (checkpoint: VirtualCheckpoint?, beacon: SimulatedDisk)?
    private var random: SeededGenerator
    /// The vote log is gone, and the node knows.
    private(set) var isLost = false

    private static let salt = JournalSalt(high: 0x7461_6c6c_7953_696d, low: 7)

    init(_ scenario: Scenario, seed: UInt64) {
        genesis = scenario.genesis.hash
        limits = scenario.limits
        random = SeededGenerator(seed: seed)
        beacon = SimulatedDisk(endpointCount: 0, seed: seed)
        votes = SimulatedDisk(endpointCount: 0, seed: seed ^ 1)
        durability = Durability(
            LogRecovery(checkpoint: .genesis),
            beacon: JournalWriter(logID: genesis, salt: Self.salt, limits: limits),
            votes: JournalWriter(logID: genesis, salt: Self.salt.ofVotes, limits: limits),
            policy: scenario.checkpoints)
    }

    // MARK: Writing

    /// Writes records, or goes on with what found no space.
    /// - Parameter isAlone: whether nobody else votes at their heights.
    mutating func persist(
        _ records: [ConsensusRecord], isAlone: Bool
    ) throws(JournalRefusal) -> WriteOutcome {
        if !isAppending { work.add(try durability.persist(records, isAlone: isAlone)) }
        isAppending = true
        let outcome = run()
        if outcome == .done { isAppending = false }
        return outcome
    }

    /// Appends what says nothing new: to both logs something short, then something long, which begins
    /// another segment.
    mutating func appendNothing(at head: Height) throws(JournalRefusal) {
        for count in [0, limits.segmentBytes] {
            let block = ProposedBlock(
                height: head, parent: .zero, digest: .zero, timestamp: BeaconTime(milliseconds: 0),
                body: [UInt8](repeating: 0, count: count))
            _ = try persist(
                [.undecided(block), .observing(nonce: .zero, until: head)], isAlone: false)
        }
    }

    private mutating func run() -> WriteOutcome {
        do throws(JournalStorageError) {
            return try work.run(beacon: &beacon, votes: &votes) == nil ? .done : .full
        } catch {
            durability.logFailed()
            precondition(isDead, "a simulated disk fails when told to")
            return .crashed
        }
    }

    // MARK: Checkpoints

    /// A decided height is shown to others.
    /// - Returns: whether a checkpoint of it is due.
    mutating func published(_ height: Height, transactions: Int, bytes: Int) -> Bool {
        !durability.published(height, transactions: transactions, bytes: bytes).isEmpty
    }

    mutating func beginCheckpoint(_ checkpoint: VirtualCheckpoint) { unwritten = checkpoint }

    /// There is no space for it.
    mutating func abandonCheckpoint() {
        unwritten = nil
        durability.checkpointFailed()
    }

    /// The checkpoint that was begun is durable.
    mutating func storeCheckpoint() {
        guard let unwritten else { return }
        checkpoint = unwritten
    }

    /// Takes from the log what the checkpoint holds (STORE-13).
    mutating func pruneLog() throws(JournalRefusal) -> WriteOutcome {
        guard let height = unwritten?.height else { return .done }
        unwritten = nil
        let effects = durability.shardsCheckpointed(height)
        precondition(effects == [.checkpointBeacon(height)], "the beacon's part is the last")
        work.add(try durability.beaconCheckpointed(height))
        return run()
    }

    /// The next effects that need space find none.
    mutating func lackSpace() {
        beacon.shortage = DiskShortage(at: beacon.effectCount, failures: 1)
        votes.shortage = DiskShortage(at: votes.effectCount, failures: 1)
    }

    /// There is space again.
    mutating func findSpace() {
        beacon.shortage = nil
        votes.shortage = nil
    }

    /// The node dies in one of the next effects of one of the logs.
    mutating func dieSoon() {
        let moment = random.pick([CrashMoment.before, .during, .after])
        let count = random.pick(6)
        if random.pick(2) == 0 {
            beacon.crashPoint = CrashPoint(beacon.effectCount + count, moment)
        } else {
            votes.crashPoint = CrashPoint(votes.effectCount + count, moment)
        }
    }

    /// It died in an effect, and nothing works until `crash`.
    var isDead: Bool { beacon.isDead || votes.isDead }

    mutating func liveOn() {
        beacon.crashPoint = nil
        votes.crashPoint = nil
    }

    // MARK: Losing

    /// The node is dead: what was not synced is lost, in part or as a whole.
    /// - Returns: whether there was anything to lose.
    @discardableResult
    mutating func crash(_ loss: SimulatedDisk.Loss) -> Bool {
        let isLoss = loss != .nothing && (beacon.isUnsynced || votes.isUnsynced)
        work = LogWork()
        isAppending = false
        unwritten = nil
        findSpace()
        beacon.crash(loss, seed: random.next())
        votes.crash(loss, seed: random.next())
        return isLoss
    }

    mutating func takeBackup() { backup = (checkpoint, beacon) }

    /// The vote log is gone; with it everything else, or what came after the backup.
    mutating func lose(everything: Bool) {
        if everything {
            beacon = SimulatedDisk(endpointCount: 0, seed: random.next())
            checkpoint = nil
        } else if let backup {
            (checkpoint, beacon) = backup
            beacon.crash(.nothing, seed: random.next())
        }
        forgetVotes()
    }

    mutating func forgetVotes() {
        votes = SimulatedDisk(endpointCount: 0, seed: random.next())
        isLost = true
    }

    // MARK: Recovering

    /// Reads both logs as a start does, and goes on with them.
    /// - Parameter isAlone: whether nobody else votes at the height above.
    mutating func recover(
        _ scenario: Scenario, isAlone: (Height) -> Bool
    ) throws(RecoveryFault) -> RecoveredStorage {
        var logs = LogRecovery(checkpoint: checkpoint?.height ?? .genesis)
        var decided: [Ibft.Decision] = []
        var fault: LogRecoveryError?
        let beaconWriter: JournalWriter
        let votesWriter: JournalWriter
        do throws(JournalOpenError) {
            beaconWriter = try beacon.recover(
                logID: genesis, freshSalt: Self.salt, limits: limits
            ) { record, payload in
                guard fault == nil else { return }
                do throws(LogRecoveryError) {
                    decided += try logs.beacon(record, payload)
                } catch { fault = error }
            }.writer
            votesWriter = try votes.recover(
                logID: genesis, freshSalt: Self.salt.ofVotes, limits: limits
            ) { record, payload in
                guard fault == nil else { return }
                do throws(LogRecoveryError) {
                    try logs.votes(record, payload)
                } catch { fault = error }
            }.writer
        } catch { throw .open(error) }
        if let fault { throw .logs(fault) }
        durability = Durability(
            logs, beacon: beaconWriter, votes: votesWriter, policy: scenario.checkpoints)
        let nonce = Hash32(words: (random.next(), random.next(), 0, 0))
        let memory: Ibft.Memory
        do throws(LogRecoveryError) {
            let remembered = try logs.memory(isAlone: isAlone(logs.head))
            // With everything gone only its owner knows that it voted before (SIM-9).
            memory = isLost && remembered == .none ? .lost : remembered
        } catch { throw .logs(error) }
        return RecoveredStorage(
            checkpoint: checkpoint, decided: decided, memory: memory, nonce: nonce,
            votes: logs.liveVotes)
    }
}

/// Why a start finds something else than was written.
enum RecoveryFault: Error, Equatable, Sendable {
    case open(JournalOpenError)
    case logs(LogRecoveryError)
}
