import TallyConsensus
import TallyExecution
import TallyPrimitives
import TallySharding

/// What identifies a vote: one validator says one thing in one of these.
struct VoteSlot: Hashable {
    let sender: Address
    let kind: MessageKind
    let height: UInt64
    let round: UInt32
}

/// What a vote says there.
enum VoteContent: Hashable {
    case proposal(parent: Hash32, digest: Hash32, justification: Hash32)
    case digest(Hash32)
    case report(PreparedReport?)
}

struct SignedVote: Hashable {
    let slot: VoteSlot
    let content: VoteContent

    init(_ signed: Signed<ProposalStatement>) {
        let statement = signed.statement
        slot = Self.slot(signed, .proposal)
        content = .proposal(
            parent: statement.parent, digest: statement.digest,
            justification: statement.justification)
    }

    init(_ prepare: Prepare) {
        slot = Self.slot(prepare, .prepare)
        content = .digest(prepare.statement.digest)
    }

    init(_ commit: Commit) {
        slot = Self.slot(commit, .commit)
        content = .digest(commit.statement.digest)
    }

    init(_ change: Signed<RoundChangeStatement>) {
        slot = Self.slot(change, .roundChange)
        content = .report(change.statement.prepared)
    }

    private static func slot<Content>(_ signed: Signed<Content>, _ kind: MessageKind) -> VoteSlot {
        VoteSlot(
            sender: signed.sender, kind: kind, height: signed.height.value,
            round: signed.round.value)
    }
}

extension Message {
    /// `nil` for what is no vote.
    var vote: SignedVote? {
        switch self {
        case .proposal(let proposal): SignedVote(proposal.signed)
        case .prepare(let prepare): SignedVote(prepare)
        case .commit(let commit): SignedVote(commit)
        case .roundChange(let change): SignedVote(change.signed)
        case .final, .headQuery, .headAnswer: nil
        }
    }
}

extension ConsensusRecord {
    var vote: SignedVote? {
        switch self {
        case .proposal(let signed, _): SignedVote(signed)
        case .prepare(let prepare): SignedVote(prepare)
        case .commit(let commit, _): SignedVote(commit)
        case .roundChange(let change): SignedVote(change.signed)
        case .observing, .undecided, .decision: nil
        }
    }
}

/// What the checkers know of a run: more than any validator does.
struct RunChecks {
    /// A ledger of nobody's, which executes every decided block once more.
    private(set) var reference: VirtualLedger
    var ledgerChecker: LedgerChecker
    /// The rules once more, written plainly. One of them: an economy is more than the model repeats.
    var ledgerModel: LedgerModel?
    var economyOracle: EconomyOracle?
    var randomnessModel: RandomnessModel
    var electionModel: ElectionModel
    let scheme: SimulatedScheme
    let chain: ChainIdentity

    /// The sets of all heights, forks left out.
    private(set) var schedule: ValidatorSchedule
    /// What was decided first, by height from 1, and what the ledger is after it.
    private(set) var decided: [(digest: Hash32, roots: [Hash32])] = []
    /// Decided twice, with more than F power faulty.
    var forkedAt: UInt64?
    /// Votes that honest validators sent, over all their lives.
    var sent: [VoteSlot: VoteContent] = [:]
    /// COMMITs of honest validators by height: the highest round and whose.
    var commits: [VoteSlot: UInt32] = [:]
    /// Votes that are on the disk of a node.
    var durable: [Set<SignedVote>]
    /// Decisions that are on the disk of a node, by height.
    var durableDecisions: [[UInt64: Hash32]]
    /// Heights that a node showed to others as final.
    var acknowledged: [UInt64]
    /// Blocks built by honest validators.
    var honestBlocks: Set<Hash32> = []
    /// Votes that an honest node accepted, by node, while the height was open.
    var received: [[VoteSlot: VoteContent]]
    /// Offences that an honest node reported.
    var reported: [Set<OffenceKey>]

    init(_ scenario: Scenario, _ scheme: SimulatedScheme, _ chain: ChainIdentity) {
        reference = VirtualLedger(scenario.genesis)
        schedule = ValidatorSchedule(scenario.genesis)
        ledgerChecker = LedgerChecker(scenario.genesis)
        if scenario.genesis.parameters.economy == nil {
            ledgerModel = LedgerModel(scenario.genesis)
        } else {
            economyOracle = EconomyOracle(scenario.genesis)
        }
        randomnessModel = RandomnessModel(genesis: scenario.genesis.hash)
        electionModel = ElectionModel(scenario.genesis)
        self.scheme = scheme
        self.chain = chain
        let count = 2 * scenario.addresses.count
        durable = Array(repeating: [], count: count)
        durableDecisions = Array(repeating: [:], count: count)
        acknowledged = Array(repeating: 0, count: count)
        received = Array(repeating: [:], count: count)
        reported = Array(repeating: [], count: count)
    }

    /// The highest decided height.
    var highest: UInt64 { UInt64(decided.count) }

    /// The first decision of the next height.
    mutating func append(
        _ decision: Ibft.Decision
    ) throws(LedgerFault) -> (BeaconBlock, [BlockRecord]) {
        let result = try reference.decide(decision.block)
        decided.append((decision.block.digest, reference.roots))
        schedule.append(result.0.header)
        return result
    }

    mutating func persisted(_ records: [ConsensusRecord], _ node: Int) {
        for record in records {
            if let vote = record.vote { durable[node].insert(vote) }
            if case .decision(let certificate) = record {
                durableDecisions[node][certificate.height.value] = certificate.digest
            }
        }
    }

    /// After a restart: what the disk gave back.
    mutating func restore(_ recovered: RecoveredStorage, _ node: Int) {
        durable[node] = []
        received[node] = [:]
        durableDecisions[node] = [:]
        persisted(recovered.votes, node)
        for decision in recovered.decided {
            durableDecisions[node][decision.block.height.value] = decision.block.digest
        }
    }
}

/// A slot in which somebody contradicted itself.
struct OffenceKey: Hashable {
    let sender: Address
    let height: UInt64
}
