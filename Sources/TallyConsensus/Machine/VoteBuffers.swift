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
struct VoteBuffers: Sendable {
    let set: ValidatorSet
    /// Members only, so at most as many as there are.
    private(set) var senders: [Address: SenderBuffer] = [:]

    /// How far from the current round PREPAREs and COMMITs are kept (IBFT-R12).
    static let windowRounds: UInt32 = 8

    init(_ set: ValidatorSet) { self.set = set }

    /// Members in the order of the set with what they said: never in the order of a dictionary.
    var ordered: [(address: Address, power: UInt64, buffer: SenderBuffer)] {
        self.set.validators.compactMap { validator in
            senders[validator.address].map { (validator.address, validator.power, $0) }
        }
    }

    var count: Int { senders.values.reduce(0) { $0 + $1.count } }

    private static func isInWindow(_ round: Round, around current: Round) -> Bool {
        let distance = round > current ? round.value - current.value : current.value - round.value
        return distance <= windowRounds
    }

    /// Forgets what the window no longer holds.
    mutating func prune(around current: Round) {
        for validator in set.validators {
            guard var buffer = senders[validator.address] else { continue }
            buffer.prepares = buffer.prepares.filter { Self.isInWindow($0.key, around: current) }
            buffer.commits = buffer.commits.filter { Self.isInWindow($0.key, around: current) }
            senders[validator.address] = buffer
        }
    }

    // MARK: Insertion

    mutating func insert(_ proposal: Proposal) -> Insertion {
        var buffer = senders[proposal.sender] ?? SenderBuffer()
        if let held = buffer.proposal {
            if held.signed == proposal.signed { return .refused(.duplicate, nil) }
            guard held.round != proposal.round else {
                return .refused(
                    .contradiction, .proposals(Contradiction(held.signed, proposal.signed)))
            }
            guard held.round < proposal.round else { return .refused(.superseded, nil) }
        }
        buffer.proposal = proposal
        buffer.show(proposal.round)
        senders[proposal.sender] = buffer
        return .stored
    }

    mutating func insert(_ prepare: Prepare, current: Round) -> Insertion {
        guard Self.isInWindow(prepare.round, around: current) else {
            return .refused(.roundOutsideWindow(prepare.round), nil)
        }
        var buffer = senders[prepare.sender] ?? SenderBuffer()
        if let held = buffer.prepares[prepare.round] {
            // IBFT-R7: a second one neither counts nor spoils the first.
            return held.statement == prepare.statement
                ? .refused(.duplicate, nil)
                : .refused(.contradiction, .prepares(Contradiction(held, prepare)))
        }
        buffer.prepares[prepare.round] = prepare
        buffer.show(prepare.round)
        senders[prepare.sender] = buffer
        return .stored
    }

    mutating func insert(_ commit: Commit, current: Round) -> Insertion {
        guard Self.isInWindow(commit.round, around: current) else {
            return .refused(.roundOutsideWindow(commit.round), nil)
        }
        var buffer = senders[commit.sender] ?? SenderBuffer()
        if let held = buffer.commits[commit.round] {
            return held.statement == commit.statement
                ? .refused(.duplicate, nil)
                : .refused(.contradiction, .commits(Contradiction(held, commit)))
        }
        if let change = buffer.change, Evidence.conceals(change, commit) {
            return .refused(.contradiction, .concealedCommit(commit, change))
        }
        buffer.commits[commit.round] = commit
        buffer.show(commit.round)
        senders[commit.sender] = buffer
        return .stored
    }

    mutating func insert(_ change: RoundChange) -> Insertion {
        if let evidence = witness(change.signed) { return .refused(.contradiction, evidence) }
        var buffer = senders[change.sender] ?? SenderBuffer()
        if let held = buffer.roundChange, held.round >= change.round {
            return .refused(held.signed == change.signed ? .duplicate : .superseded, nil)
        }
        buffer.roundChange = change
        senders[change.sender] = buffer
        return .stored
    }

    /// A ROUND-CHANGE was seen, perhaps inside another message, without its certificate.
    /// - Returns: what it proves against its sender.
    mutating func witness(_ change: Signed<RoundChangeStatement>) -> Evidence? {
        var buffer = senders[change.sender] ?? SenderBuffer()
        if let held = buffer.change, held.round == change.round,
            held.statement != change.statement
        {
            return .roundChanges(Contradiction(held, change))
        }
        let rounds = buffer.commits.keys.sorted()
        for commit in rounds.compactMap({ buffer.commits[$0] })
        where Evidence.conceals(change, commit) {
            return .concealedCommit(commit, change)
        }
        if change.round >= buffer.change?.round ?? .zero { buffer.change = change }
        buffer.show(change.round)
        senders[change.sender] = buffer
        return nil
    }

    // MARK: Sums

    /// Power that is seen at `round` or above (IBFT-R10).
    func power(seenFrom round: Round) -> UInt64 {
        ordered.reduce(0) { $0 + ((($1.buffer.seen ?? .zero) >= round) ? $1.power : 0) }
    }

    /// Power that voted at this height at all.
    var votingPower: UInt64 { ordered.reduce(0) { $0 + ($1.buffer.hasVoted ? $1.power : 0) } }

    /// All COMMITs, by sender and round.
    var commits: [Commit] {
        ordered.flatMap { member in
            member.buffer.commits.values.sorted { $0.round < $1.round }
        }
    }

    /// The PREPAREs of a quorum above `floor`, those of the highest round first (IBFT-R5).
    func preparedQuorum(above floor: Round?) -> PreparedCertificate? {
        quorum(\.prepares, above: floor).map { votes in
            let statement = votes[0].statement
            return PreparedCertificate(
                PreparedReport(round: statement.round, digest: statement.digest), votes)
        }
    }

    /// The COMMITs of a quorum, of any round (IBFT-R6).
    func committedQuorum() -> [Commit]? { quorum(\.commits, above: nil) }

    /// Votes for one digest in one round by a quorum of distinct senders (IBFT-R7).
    private func quorum<Content: Vote>(
        _ votes: KeyPath<SenderBuffer, [Round: Signed<Content>]>, above floor: Round?
    ) -> [Signed<Content>]? {
        let members = ordered
        let rounds = Set(members.flatMap { $0.buffer[keyPath: votes].keys })
        for round in rounds.sorted(by: >) {
            if let floor, round <= floor { break }
            var tallies: [Hash32: (power: UInt64, votes: [Signed<Content>])] = [:]
            for (_, power, buffer) in members {
                guard let vote = buffer[keyPath: votes][round] else { continue }
                tallies[vote.statement.digest, default: (0, [])].power += power
                tallies[vote.statement.digest, default: (0, [])].votes.append(vote)
                // At most one digest can have a quorum.
                if let tally = tallies[vote.statement.digest], tally.power >= set.quorum {
                    return tally.votes
                }
            }
        }
        return nil
    }
}

/// A statement about one block.
protocol Vote: Statement {
    var digest: Hash32 { get }
}

extension PrepareStatement: Vote {}
extension CommitStatement: Vote {}
