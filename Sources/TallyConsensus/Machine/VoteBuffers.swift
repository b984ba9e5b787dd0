import TallyPrimitives

/// What one validator said of one height. Bounded, and nobody else's room (IBFT-R12).
struct SenderBuffer: Sendable {
    /// The highest round in which any of its messages shows it (IBFT-R10).
    var seen: Round?
    /// Of the newest round.
    var proposal: Proposal?
    /// The newest, with its certificate.
    var roundChange: RoundChange?
    /// The newest that was seen anywhere, also without certificate: for evidence.
    var change: Signed<RoundChangeStatement>?
    var prepares: [Round: Prepare] = [:]
    var commits: [Round: Commit] = [:]

    /// Whether it voted at this height, which it does only when the one before is final to it.
    var hasVoted: Bool { change != nil || !prepares.isEmpty || !commits.isEmpty }

    var count: Int {
        prepares.count + commits.count + (proposal == nil ? 0 : 1) + (change == nil ? 0 : 1)
    }

    mutating func show(_ round: Round) { seen = max(seen ?? round, round) }
}

/// What became of a message that was put into a buffer.
enum Insertion {
    case stored
    case refused(MessageRefusal, Evidence?)
}

/// Messages of one height by sender, and what they add up to.
///
/// The rules look at it after every input: they go through ``places`` and read ``senders`` in place,
/// without copies.
struct VoteBuffers: Sendable {
    let set: ValidatorSet
    /// By the place of the member in the set, so that nothing is in the order of a dictionary.
    private(set) var senders: [SenderBuffer]
    private var preparedPower = VoteTally()
    private var committedPower = VoteTally()

    /// How far from the current round PREPAREs and COMMITs are kept (IBFT-R12).
    static let windowRounds: UInt32 = 8

    init(_ set: ValidatorSet) {
        self.set = set
        senders = Array(repeating: SenderBuffer(), count: set.count)
    }

    /// Indices of ``senders``, ascending.
    var places: Range<Int> { senders.indices }

    func power(_ place: Int) -> UInt64 { set.validators[place].power }

    var count: Int { places.reduce(0) { $0 + senders[$1].count } }

    private static func isInWindow(_ round: Round, around current: Round) -> Bool {
        let distance = round > current ? round.value - current.value : current.value - round.value
        return distance <= windowRounds
    }

    /// Forgets what the window no longer holds.
    mutating func prune(around current: Round) {
        let isKept = { (round: Round) in Self.isInWindow(round, around: current) }
        for place in places {
            senders[place].prepares = senders[place].prepares.filter { isKept($0.key) }
            senders[place].commits = senders[place].commits.filter { isKept($0.key) }
        }
        preparedPower.keep(where: isKept)
        committedPower.keep(where: isKept)
    }

    // MARK: Insertion

    mutating func insert(_ proposal: Proposal) -> Insertion {
        guard let place = set.index(of: proposal.sender) else {
            return .refused(.notAValidator(proposal.sender), nil)
        }
        if let held = senders[place].proposal {
            // Two signatures of one statement are one PROPOSAL.
            if held.signed.statement == proposal.signed.statement {
                return .refused(.duplicate, nil)
            }
            guard held.round != proposal.round else {
                return .refused(
                    .contradiction, .proposals(Contradiction(held.signed, proposal.signed)))
            }
            guard held.round < proposal.round else { return .refused(.superseded, nil) }
        }
        senders[place].proposal = proposal
        senders[place].show(proposal.round)
        return .stored
    }

    mutating func insert(_ prepare: Prepare, current: Round) -> Insertion {
        guard Self.isInWindow(prepare.round, around: current) else {
            return .refused(.roundOutsideWindow(prepare.round), nil)
        }
        guard let place = set.index(of: prepare.sender) else {
            return .refused(.notAValidator(prepare.sender), nil)
        }
        if let held = senders[place].prepares[prepare.round] {
            // IBFT-R7: a second one neither counts nor spoils the first.
            return held.statement == prepare.statement
                ? .refused(.duplicate, nil)
                : .refused(.contradiction, .prepares(Contradiction(held, prepare)))
        }
        senders[place].prepares[prepare.round] = prepare
        senders[place].show(prepare.round)
        preparedPower.add(
            prepare.round, prepare.statement.digest, power(place), quorum: set.quorum)
        return .stored
    }

    mutating func insert(_ commit: Commit, current: Round) -> Insertion {
        guard Self.isInWindow(commit.round, around: current) else {
            return .refused(.roundOutsideWindow(commit.round), nil)
        }
        guard let place = set.index(of: commit.sender) else {
            return .refused(.notAValidator(commit.sender), nil)
        }
        if let held = senders[place].commits[commit.round] {
            return held.statement == commit.statement
                ? .refused(.duplicate, nil)
                : .refused(.contradiction, .commits(Contradiction(held, commit)))
        }
        if let change = senders[place].change, Evidence.conceals(change, commit) {
            return .refused(.contradiction, .concealedCommit(commit, change))
        }
        senders[place].commits[commit.round] = commit
        senders[place].show(commit.round)
        committedPower.add(commit.round, commit.statement.digest, power(place), quorum: set.quorum)
        return .stored
    }

    mutating func insert(_ change: RoundChange) -> Insertion {
        guard let place = set.index(of: change.sender) else {
            return .refused(.notAValidator(change.sender), nil)
        }
        if let evidence = witness(change.signed) { return .refused(.contradiction, evidence) }
        if let held = senders[place].roundChange, held.round >= change.round {
            let isSame = held.signed.statement == change.signed.statement
            return .refused(isSame ? .duplicate : .superseded, nil)
        }
        senders[place].roundChange = change
        return .stored
    }

    /// A ROUND-CHANGE was seen, perhaps inside another message, without its certificate.
    /// - Returns: what it proves against its sender.
    mutating func witness(_ change: Signed<RoundChangeStatement>) -> Evidence? {
        guard let place = set.index(of: change.sender) else { return nil }
        if let held = senders[place].change, held.round == change.round,
            held.statement != change.statement
        {
            return .roundChanges(Contradiction(held, change))
        }
        let rounds = senders[place].commits.keys.sorted()
        for commit in rounds.compactMap({ senders[place].commits[$0] })
        where Evidence.conceals(change, commit) {
            return .concealedCommit(commit, change)
        }
        if change.round >= senders[place].change?.round ?? .zero { senders[place].change = change }
        senders[place].show(change.round)
        return nil
    }

    // MARK: Sums

    /// Power of the members of whom something is so.
    func power(where isSo: (SenderBuffer) -> Bool) -> UInt64 {
        var sum: UInt64 = 0
        for place in places where isSo(senders[place]) { sum += power(place) }
        return sum
    }

    /// Power that voted at this height at all.
    var votingPower: UInt64 { power { $0.hasVoted } }

    /// All COMMITs, by sender and round.
    var commits: [Commit] {
        places.flatMap { place in senders[place].commits.values.sorted { $0.round < $1.round } }
    }

    /// The PREPAREs of a quorum above `floor`, those of the highest round first (IBFT-R5).
    func preparedQuorum(above floor: Round?) -> PreparedCertificate? {
        guard let (round, digest) = preparedPower.highestQuorum(above: floor) else { return nil }
        return PreparedCertificate(
            PreparedReport(round: round, digest: digest), quorum(\.prepares, round, digest))
    }

    /// The COMMITs of a quorum, of any round (IBFT-R6).
    func committedQuorum() -> [Commit]? {
        guard let (round, digest) = committedPower.highestQuorum(above: nil) else { return nil }
        return quorum(\.commits, round, digest)
    }

    /// As many votes for a digest in a round as a quorum takes, in the order of the set (IBFT-R7).
    private func quorum<Content: Vote>(
        _ votes: KeyPath<SenderBuffer, [Round: Signed<Content>]>, _ round: Round, _ digest: Hash32
    ) -> [Signed<Content>] {
        var power: UInt64 = 0
        var found: [Signed<Content>] = []
        for place in places where power < set.quorum {
            guard let vote = senders[place][keyPath: votes][round],
                vote.statement.digest == digest
            else { continue }
            power += self.power(place)
            found.append(vote)
        }
        return found
    }
}

/// A statement about one block.
protocol Vote: Statement {
    var digest: Hash32 { get }
}

extension PrepareStatement: Vote {}
extension CommitStatement: Vote {}
