import TallyPrimitives

/// What waits for the disk, in the order in which it was asked for.
struct Persistence: Sendable {
    /// What happens once it is durable.
    enum Consequence: Sendable {
        case send(Message)
        case decide(Ibft.Decision)
        case query
        case observed
    }

    private var waiting: [(token: PersistToken, consequence: Consequence)] = []
    private var lastToken: UInt64 = 0

    mutating func add(_ consequence: Consequence) -> PersistToken {
        lastToken += 1
        let token = PersistToken(lastToken)
        waiting.append((token, consequence))
        return token
    }

    mutating func next(through token: PersistToken) -> Consequence? {
        guard let first = waiting.first, first.token <= token else { return nil }
        waiting.removeFirst()
        return first.consequence
    }
}

extension Ibft {
    /// A statement of ours with its signature. Whatever is signed goes into the vote log (IBFT-L1).
    func sign<Content: Statement>(_ statement: Content, _ set: ValidatorSet) -> Signed<Content> {
        let digest = statement.digest(configuration.chain, validators: set.hash)
        return Signed(statement, sender: address, signature: signer.sign(digest))
    }

    // IBFT-R9
    mutating func persist(_ records: [ConsensusRecord], then consequence: Persistence.Consequence) {
        for record in records { guardian.admit(record) }
        effects.append(.persist(records, persistence.add(consequence)))
    }

    /// The record of a body that is not in the beacon log yet.
    mutating func body(_ digest: Hash32) -> [ConsensusRecord] {
        guard let block = current.blocks[digest] else { preconditionFailure("the body is here") }
        return current.durableBodies.insert(digest).inserted ? [.undecided(block)] : []
    }

    mutating func release(through token: PersistToken) {
        while let consequence = persistence.next(through: token) {
            switch consequence {
            case .send(let message): sendOwn(message)
            case .decide(let decision): finish(decision)
            case .query: observe()
            case .observed: break
            }
        }
    }

    /// Our own vote is durable: now it counts (IBFT-R5), and now others may see it.
    private mutating func sendOwn(_ message: Message) {
        effects.append(.broadcast(message))
        if message.height == current.height {
            report(current.remember(own: message))
        } else if message.height == next?.height {
            report(next?.remember(own: message) ?? [])
        }
    }

    // MARK: Restart

    mutating func restore(_ records: [ConsensusRecord]) {
        for record in records {
            if case .observing(let nonce, let until) = record {
                observation = Observation(nonce: nonce, until: until)
            } else if case .decision(let certificate) = record {
                restore(certificate)
            } else if record.height == current.height {
                guardian.admit(record)
                report(current.restore(record))
            } else if record.height == next?.height {
                guardian.admit(record)
                report(next?.restore(record) ?? [])
            }
        }
        current.endRestoring()
        next?.endRestoring()
        for digest in current.durableBodies { assumeOwnValid(digest) }
    }

    /// A recent decision: another block of its height is a fork, also after a restart.
    private mutating func restore(_ certificate: FinalCertificate) {
        let height = certificate.height
        guard height <= head.height, let set = sets[height],
            head.height.value - height.value <= ValidatorSets.recentHeights
        else { return }
        recent[height] = DecidedHeight(certificate, set)
    }

    /// What we PREPAREd was valid when we did.
    private mutating func assumeOwnValid(_ digest: Hash32) {
        if digest == current.own.prepared?.digest || digest == current.own.proposed?.digest {
            assumeValid(digest)
        }
    }

    /// After a restart: the identical messages again.
    mutating func resend() {
        effects += current.own.messages.map { .broadcast($0.message) }
        effects += (next?.own.messages ?? []).map { .broadcast($0.message) }
    }
}

extension HeightState {
    /// An own vote is durable.
    /// - Returns: what the votes nested in it prove beside those that came meanwhile.
    mutating func remember(own message: Message) -> [Evidence] {
        switch message {
        case .proposal(let proposal): own.proposal = proposal
        case .prepare(let prepare): own.prepare = prepare
        case .commit(let commit): own.commit = commit
        case .roundChange(let change): own.roundChange = change
        case .final, .headQuery, .headAnswer: preconditionFailure("not a vote")
        }
        return store(message).evidence
    }

    /// Rebuilds what a record says of an own vote (IBFT-L2).
    /// - Returns: as `remember(own:)`.
    mutating func restore(_ record: ConsensusRecord) -> [Evidence] {
        switch record {
        case .undecided(let block):
            keep(block)
            durableBodies.insert(block.digest)
        case .proposal(let signed, let justification):
            own.proposed = signed.statement
            reach(signed.round)
            guard let block = blocks[signed.statement.digest] else { break }
            return remember(
                own: .proposal(Proposal(signed, justification: justification, block: block)))
        case .prepare(let prepare):
            own.prepared = PreparedReport(round: prepare.round, digest: prepare.statement.digest)
            reach(prepare.round)
            return remember(own: .prepare(prepare))
        case .commit(let commit, let certificate):
            own.committed = certificate.report
            prepared = certificate
            reach(commit.round)
            return remember(own: .commit(commit))
        case .roundChange(let change):
            if let certificate = change.certificate { prepared = certificate }
            reach(change.round)
            return remember(own: .roundChange(change))
        case .observing, .decision: break
        }
        return []
    }
}
