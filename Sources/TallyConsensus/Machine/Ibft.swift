package import TallyPrimitives

/// Agreement of weighted validators on one block a height: IBFT (QBFT) with pipelined proposals,
/// without clock, disk or network (`Specs/consensus/ibft.md`).
///
/// A height at a time is *current*: the one above the head. Messages of the height above it are
/// kept, and its first block may be proposed already. Every input ends in `progress()`, which
/// applies the rules until none applies, so that no rule depends on the order of messages.
package struct Ibft: Sendable {
    package let configuration: Configuration
    let signer: any VoteSigner
    /// Our own.
    package let address: Address

    /// The newest final block.
    package internal(set) var head: Head
    /// Those of the heights around the head, for ``Authenticator``.
    package internal(set) var sets: ValidatorSets
    /// Seals of the last heights, for ``seals(of:)``.
    var recent: [Height: DecidedHeight] = [:]

    /// The height above the head; the head's own while the next validator set is not known.
    var current: HeightState
    /// The height above `current`, once its validator set is known.
    var next: HeightState?

    var guardian: VoteGuard
    var observation: Observation?
    var persistence = Persistence()
    /// What others say is final.
    var hints = Hints()
    /// Once there is one, every input is ignored.
    package internal(set) var fork: Fork?

    private let isRestart: Bool
    let nonce: Hash32
    var effects: [Effect] = []

    /// - Parameter start: `sets` holds those of the two heights above the head.
    package init(_ configuration: Configuration, signer: any VoteSigner, start: Start) {
        let height = start.head.height.next
        guard let set = start.sets[height] else {
            preconditionFailure("the set above the head is known when the head is final")
        }
        self.configuration = configuration
        self.signer = signer
        address = signer.address
        head = start.head
        sets = start.sets
        current = HeightState(height, set)
        next = start.sets[height.next].map { HeightState(height.next, $0) }
        guardian = VoteGuard(final: start.head.height)
        nonce = start.nonce
        switch start.memory {
        case .none: isRestart = false
        case .records(let records):
            isRestart = true
            restore(records)
        case .lost:
            isRestart = false
            observation = Observation(nonce: start.nonce, until: nil)
        }
    }

    /// One step: changes the state and says what to do, in order. Never waits, never fails.
    package mutating func handle(_ input: Input) -> [Effect] {
        guard fork == nil else { return [] }
        switch input {
        case .start: start()
        case .message(let message): receive(message)
        case .timer(let timer): fire(timer)
        case .work: learnOfWork()
        case .built(let block): built(block)
        case .nothingToBuild(let height): nothingToBuild(height)
        case .validated(let request, let verdict): validated(request, verdict)
        case .persisted(let token): release(through: token)
        case .body(let block): receiveBody(block)
        case .applied(let height, let set): applied(height, set)
        case .peerHead(let height, let peer): learnOfFinal(height, from: peer)
        }
        if fork == nil { progress() }
        defer { effects = [] }
        return effects
    }

    private mutating func start() {
        if isRestart { resend() }
        if observation?.until == nil { observe() }
        effects.append(.schedule(.heartbeat(current.height), after: configuration.heartbeat))
    }

    /// That of the current height.
    package var round: Round { current.round }

    /// How many messages of others are kept: bounded by the validators, not by what they send
    /// (IBFT-R12).
    package var storedVotes: Int { current.votes.count + (next?.votes.count ?? 0) }

    /// A block of an open height whose body is at hand, for others who ask for it.
    package func block(_ digest: Hash32) -> ProposedBlock? {
        current.blocks[digest] ?? next?.blocks[digest]
    }

    /// Applies every rule until none applies any more.
    private mutating func progress() {
        while decide() || enterProposedRound() || adoptCertificate() || jump()
            || abandonLosingParent() || prepare() || commit() || lead()
        {}
        proposeNext()
        endObservation()
        // Two heights behind is no race of messages any more.
        requestSync(above: head.height.next)
        startRoundTimer()
        startRetransmission()
    }

    /// Whether we may vote at a height: as a member of its set, unless we might have voted there
    /// and forgotten it (IBFT-R9).
    func mayVote(_ state: HeightState) -> Bool {
        guard state.set.contains(address), state.height > head.height else { return false }
        guard let observation else { return true }
        return observation.until.map { state.height > $0 } ?? false
    }

    /// Whether we still vote at the current height.
    var isVoting: Bool { current.decision == nil && mayVote(current) }
}
