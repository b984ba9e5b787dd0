import TallyPrimitives

/// What we ourselves said of one height.
struct OwnVotes: Sendable {
    // Signed, perhaps not durable yet: what must not be signed again (IBFT-R3).
    var proposed: ProposalStatement?
    var prepared: PreparedReport?
    var committed: PreparedReport?

    // Durable, so that they may be sent, and sent again as they are (IBFT-R9).
    var roundChange: RoundChange?
    var proposal: Proposal?
    var prepare: Prepare?
    var commit: Commit?

    /// Whether there is nothing to send.
    var isSilent: Bool {
        roundChange == nil && proposal == nil && prepare == nil && commit == nil
    }

    /// The newest of each kind, in the order in which a round brings them forth.
    var messages: [(round: Round, message: Message)] {
        var all: [(Round, Message)] = []
        if let roundChange { all.append((roundChange.round, .roundChange(roundChange))) }
        if let proposal { all.append((proposal.round, .proposal(proposal))) }
        if let prepare { all.append((prepare.round, .prepare(prepare))) }
        if let commit { all.append((commit.round, .commit(commit))) }
        return all
    }
}

/// Where the block that we have to propose comes from.
enum Building: Hashable, Sendable {
    case idle
    case asked(Ibft.BuildRequest)
    /// There was no work.
    case declined
    case built(ProposedBlock)
}

/// One open height.
struct HeightState: Sendable {
    let height: Height
    var votes: VoteBuffers
    /// The highest round signed for or entered; never goes back.
    private(set) var round = Round.zero
    var own = OwnVotes()
    /// The newest quorum of PREPAREs of which we hold the body: the lock (IBFT-R4).
    var prepared: PreparedCertificate?
    var building = Building.idle

    /// Work is known that no block holds (IBFT-R18).
    var isWorkKnown = false
    var isHeartbeatDue = false
    /// Work came up while the owner was looking for some.
    var isWorkNews = false
    /// The round whose timer runs.
    var timedRound: Round?
    var isRetransmitting = false

    /// Blocks whose body is at hand, by digest.
    private(set) var blocks: [Hash32: ProposedBlock] = [:]
    /// Bodies that are missing, and who should have them.
    var wanted: [Hash32: [Address]] = [:]
    /// Bodies in the beacon log.
    var durableBodies: Set<Hash32> = []
    var verdicts: [Ibft.ValidationRequest: Ibft.Verdict] = [:]
    var asked: Set<Ibft.ValidationRequest> = []
    var offences = ReportedOffences()

    /// A block has a quorum of COMMITs. From here on nothing is signed at this height (IBFT-R6).
    var decision: Ibft.Decision?

    init(_ height: Height, _ set: ValidatorSet) {
        self.height = height
        votes = VoteBuffers(set)
    }

    var set: ValidatorSet { votes.set }

    mutating func enter(_ round: Round) {
        precondition(round > self.round, "rounds never go back")
        self.round = round
        votes.prune(around: round)
        forgetBlocks()
    }

    /// As `enter`, while records are read: bodies lie in another log than the votes that need them,
    /// so all of them are there first, and none may be forgotten yet (IBFT-L2).
    mutating func reach(_ round: Round) {
        guard round > self.round else { return }
        self.round = round
        votes.prune(around: round)
    }

    /// All records are read.
    mutating func endRestoring() { forgetBlocks() }

    mutating func keep(_ block: ProposedBlock) {
        blocks[block.digest] = block
        wanted[block.digest] = nil
    }

    /// IBFT-R12: only blocks that somebody's newest messages are about stay.
    private mutating func forgetBlocks() {
        var needed: Set<Hash32> = []
        for buffer in votes.senders {
            if let proposal = buffer.proposal { needed.insert(proposal.block.digest) }
            if let report = buffer.roundChange?.certificate { needed.insert(report.digest) }
            needed.formUnion(buffer.commits.values.map(\.statement.digest))
        }
        needed.formUnion([own.prepared, own.committed, prepared?.report].compactMap { $0?.digest })
        if let proposed = own.proposed { needed.insert(proposed.digest) }
        blocks = blocks.filter { needed.contains($0.key) }
        let requests = verdicts.keys.filter { !needed.contains($0.digest) }
        for request in requests { verdicts[request] = nil }
        asked = asked.filter { needed.contains($0.digest) }
    }

    /// The PROPOSAL of a round by who may make it, if we hold it.
    func proposal(_ round: Round) -> Proposal? {
        let place = votes.set.proposerPlace(height, round)
        return votes.senders[place].proposal?.round == round
            ? votes.senders[place].proposal : nil
    }
}
