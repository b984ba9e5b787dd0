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
    /// When work is expected next, in microseconds.
    var wakesAt: UInt64?
    /// Whom to ask next.
    var asks = 0
    /// FINALs under way, and the node that was asked for them.
    var catchUp = CatchUp()
    var asked = 0

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
        pool = TransactionPool(ledger.layout)
    }

    var address: Address { signer.address }
    var height: Height { machine.head.height }

    /// What it knows of its clock.
    func clock(_ now: UInt64) -> BeaconTime {
        let time = Int64(Scenario.start.milliseconds) + Int64(now / 1000) + clockOffset
        return BeaconTime(milliseconds: UInt64(max(1, time)))
    }
}
