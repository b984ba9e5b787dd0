import TallyConsensus
import TallyExecution
import TallyPrimitives
import TallySharding

/// One validator: the machine, its ledger and its disk, and what a process has besides.
///
/// A class, since one thread changes it in place from everywhere; it never leaves its run.
final class VirtualValidator {
    /// Among the nodes of the run. Twins are two nodes of one member.
    let index: Int
    let member: Int
    let signer: SimulatedSigner
    let isHonest: Bool

    var machine: Ibft
    var ledger: VirtualLedger
    var storage: VirtualStorage
    var pool: TransactionPool
    var secrets: RevealSecrets?
    var cache = SignatureCache(limit: 512)
    /// Decided blocks by height, from 1.
    var chain: [Final] = []

    var isUp = true
    /// Events of earlier lives do not happen.
    var life = 0
    var pausedUntil: UInt64 = 0
    /// In milliseconds, added to the true time.
    var clockOffset: Int64 = 0
    /// Which of the timers of a name is the last.
    var timers: [Ibft.Timer: UInt64] = [:]
    var timerCount: UInt64 = 0

    /// Requests to persist that the disk has not done, in order.
    var writes: [(records: [ConsensusRecord], token: PersistToken)] = []
    var isWriting = false
    /// There is no space before this time.
    var fullUntil: UInt64 = 0
    /// The disk takes this much longer, until the faults end.
    var slowness: UInt64 = 0

    /// The node dies before so many more effects.
    var crashIn: Int?
    /// It dies again, so many effects after it came back.
    var crashAgain: Int?
    /// The death that `crashIn` counts down to is such a second one.
    var isBack = false
    /// It found no space, and none since.
    var lacksSpace = false
    /// How often it dies once more in a write, each time after it came back.
    var diesInWrites = 0
    /// It dies in the next checkpoint.
    var diesInCheckpoint = false
    /// The checkpoint that its life began with: of blocks up to there it knows no seals.
    var remembersFrom = Height.genesis
    /// When work is expected next, in microseconds.
    var wakesAt: UInt64?
    /// Whom to ask next.
    var asks = 0
    /// FINALs under way, and the node that was asked for them.
    var catchUp = CatchUp()
    var asked = 0

    // What checkers know of this life.
    var place = Place()
    /// Whether the machine refused what it was given last.
    var hasRefused = false
    /// Whose message it is dealing with.
    var hearing: Int?
    /// COMMITs of undecided heights that it took, by whom, and those of them that are a quorum.
    var commits: [CommitStatement: Set<Address>] = [:]
    var decidable: [Height: CommitStatement] = [:]
    /// Bodies that it asked for.
    var wanted: Set<Hash32> = []

    // Of all its lives.
    /// The highest height at which it voted so that others may have heard it.
    var votedThrough: UInt64 = 0
    /// The same when it lost its votes last.
    var silentThrough: UInt64 = 0

    /// Dies at the next vote of a kind.
    var voteCrash: VoteCrash?

    /// What it does against the rules.
    var mischief: Mischief?

    init(
        index: Int, member: Int, signer: SimulatedSigner, isHonest: Bool, machine: Ibft,
        ledger: VirtualLedger, storage: VirtualStorage
    ) {
        self.index = index
        self.member = member
        self.signer = signer
        self.isHonest = isHonest
        self.machine = machine
        self.ledger = ledger
        self.storage = storage
        secrets = RevealSecrets(simulating: signer.address)
        pool = TransactionPool(ledger.layout)
    }

    /// What checkers forget when a life begins, or a height ends.
    func forgetCommits(through height: Height?) {
        guard let height else {
            commits = [:]
            decidable = [:]
            wanted = []
            return
        }
        guard !commits.isEmpty else { return }
        commits = commits.filter { $0.key.height > height }
        decidable = decidable.filter { $0.key > height }
    }

    var address: Address { signer.address }
    var height: Height { machine.head.height }

    /// Looks at the machine where it lies: to read a computed property of it copies it otherwise.
    func inspect<R>(_ body: (inout Ibft) -> R) -> R { body(&machine) }

    var round: Round { inspect { $0.round } }

    /// What it knows of its clock.
    func clock(_ now: UInt64) -> BeaconTime {
        let time = Int64(Scenario.start.milliseconds) + Int64(now / 1000) + clockOffset
        return BeaconTime(milliseconds: UInt64(max(1, time)))
    }
}
