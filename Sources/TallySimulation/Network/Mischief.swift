import TallyConsensus
import TallyPrimitives
import TallySharding

/// What a validator that breaks the rules knows and does. It has a machine of its own, which keeps
/// the rules; what leaves it is changed, and more is said besides. It signs with its own key alone.
struct Mischief {
    let kinds: Set<Misbehaviour>
    var random: SeededGenerator
    // What others said, as far as it is of use; newest last.
    private(set) var prepares: [Prepare] = []
    private(set) var commits: [Commit] = []
    private(set) var changes: [RoundChange] = []
    private(set) var finals: [Final] = []
    private(set) var nonces: [Hash32] = []
    /// Its own, to be said again when they are old.
    var ownChanges: [RoundChange] = []

    private static let memory = 96

    init(_ kinds: Set<Misbehaviour>, seed: UInt64) {
        self.kinds = kinds
        random = SeededGenerator(seed: seed ^ 0x6d69_7363_6869_6566)
    }

    func has(_ kind: Misbehaviour) -> Bool { kinds.contains(kind) }

    mutating func overhear(_ message: Message) {
        switch message {
        case .proposal: break
        case .prepare(let prepare): Self.keep(prepare, &prepares)
        case .commit(let commit): Self.keep(commit, &commits)
        case .roundChange(let change): Self.keep(change, &changes)
        case .final(let final): Self.keep(final, &finals)
        case .headQuery(let query): Self.keep(query.statement.nonce, &nonces)
        case .headAnswer: break
        }
    }

    /// A block of the height before that was voted for, by preference one that lost.
    func loser(below height: Height) -> Hash32? {
        let voted = prepares.filter { $0.height.next == height }.map(\.statement.digest)
        let won = commits.last { $0.height.next == height }?.statement.digest
        return voted.first { $0 != won }
    }

    private static func keep<Element>(_ element: Element, _ list: inout [Element]) {
        list.append(element)
        if list.count > memory { list.removeFirst(memory / 2) }
    }
}

/// Two blocks of one proposer: what the nodes of even and of odd index are shown.
struct Faces {
    let even: ProposedBlock
    let odd: ProposedBlock

    func shown(to node: Int) -> ProposedBlock { node % 2 == 0 ? even : odd }
}

/// A message, to whom, and how much later, in microseconds.
typealias Twisted = (message: Message, to: Int, delay: UInt64)

/// What becomes of a message that the machine of such a validator sends.
extension NetworkRun {
    func twist(_ message: Message, _ receivers: [Int], _ node: VirtualValidator) -> [Twisted] {
        guard var mischief = node.mischief else { return [] }
        defer { node.mischief = mischief }
        let plain = receivers.map { (message, $0, UInt64(0)) }
        if mischief.has(.isMute) {
            result.faults.add(.muteValidator)
            return []
        }
        switch message {
        case .proposal(let proposal): return twist(proposal, receivers, node, &mischief)
        case .prepare(let prepare):
            return twist(prepare, receivers, node, &mischief, .doublePrepare) {
                PrepareStatement(height: $0.height, round: $0.round, digest: $1)
            } digest: {
                $0.digest
            } message: {
                .prepare($0)
            }
        case .commit(let commit):
            if mischief.has(.withholdsCommits) {
                result.faults.add(.withheldCommit)
                return []
            }
            var receivers = receivers
            if mischief.has(.commitsToOne), receivers.count > 1 {
                result.faults.add(.commitToOne)
                receivers = [mischief.random.pick(receivers)]
            }
            return twist(commit, receivers, node, &mischief, .doubleCommit) {
                CommitStatement(height: $0.height, round: $0.round, digest: $1)
            } digest: {
                $0.digest
            } message: {
                .commit($0)
            }
        case .roundChange(let change):
            mischief.ownChanges.append(change)
            if mischief.has(.concealsLocks), change.certificate != nil {
                result.faults.add(.concealedLock)
                let statement = RoundChangeStatement(
                    height: change.height, round: change.round, prepared: nil)
                let bare = RoundChange(sign(statement, node), certificate: nil)
                return receivers.map { (.roundChange(bare), $0, 0) }
            }
            return plain
        case .final, .headQuery, .headAnswer: return plain
        }
    }

    /// A statement signed with the key of such a validator.
    func sign<Content: Statement>(
        _ statement: Content, _ node: VirtualValidator, as signer: SimulatedSigner? = nil,
        chain: ChainIdentity? = nil
    ) -> Signed<Content> {
        (signer ?? node.signer).sign(
            statement, chain ?? self.chain, validators: set(at: statement.height).hash)
    }

    /// A PREPARE or COMMIT: for the block that the receiver was shown, or once more for another.
    private func twist<Content: Statement>(
        _ vote: Signed<Content>, _ receivers: [Int], _ node: VirtualValidator,
        _ mischief: inout Mischief, _ fault: Fault,
        statement: (Content, Hash32) -> Content, digest: (Content) -> Hash32,
        message: (Signed<Content>) -> Message
    ) -> [Twisted] {
        var sent: [Twisted] = []
        let faces = mischief.has(.equivocates) ? faces[digest(vote.statement)] : nil
        for to in receivers {
            if let faces, faces.shown(to: to).digest != digest(vote.statement) {
                let other = statement(vote.statement, faces.shown(to: to).digest)
                sent.append((message(sign(other, node)), to, 0))
                result.faults.add(fault)
            } else {
                sent.append((message(vote), to, 0))
            }
        }
        guard mischief.has(.votesTwice) else { return sent }
        let digests = mischief.prepares.filter { $0.height == vote.height }.map(\.statement.digest)
        let second =
            digests.first { $0 != digest(vote.statement) }
            ?? Hash32(words: (mischief.random.next(), 0, 0, 1))
        let other = message(sign(statement(vote.statement, second), node))
        for to in receivers where mischief.random.pick(2) == 0 {
            result.faults.add(fault)
            sent.append((other, to, mischief.random.pick(0...50_000)))
        }
        return sent
    }

    // MARK: Proposals

    private func twist(
        _ proposal: Proposal, _ receivers: [Int], _ node: VirtualValidator,
        _ mischief: inout Mischief
    ) -> [Twisted] {
        var delay: UInt64 = 0
        var receivers = receivers
        if mischief.has(.proposesLate) {
            result.faults.add(.lateProposal)
            delay = mischief.random.pick(scenario.firstTimeout / 2...3 * scenario.firstTimeout)
        }
        if mischief.has(.proposesToSome) {
            result.faults.add(.selectiveProposal)
            receivers = receivers.filter { _ in mischief.random.pick(2) == 0 }
        }
        // What a quorum prepared cannot be changed.
        guard proposal.justification?.certificate == nil else {
            return receivers.map { (.proposal(proposal), $0, delay) }
        }
        if mischief.has(.corruptsBodies), mischief.random.pick(2) == 0 {
            result.faults.add(.badBody)
            let body = corrupted(proposal.block.body, &mischief.random)
            let block = ProposedBlock(
                height: proposal.height, parent: proposal.block.parent,
                digest: proposal.block.digest, timestamp: proposal.block.timestamp, body: body)
            let changed = Proposal(
                proposal.signed, justification: proposal.justification, block: block)
            return receivers.map { (.proposal(changed), $0, delay) }
        }
        if mischief.has(.corruptsBlocks),
            let block = corruptedBlock(proposal.block, &mischief.random)
        {
            result.faults.add(.badRoot)
            let changed = propose(block, like: proposal, node)
            return receivers.map { (.proposal(changed), $0, delay) }
        }
        if mischief.has(.liesAboutTime), mischief.random.pick(2) == 0 {
            result.faults.add(.wrongTime)
            guard let block = altered(proposal.block, { $0.addMilliseconds(3_600_000) }) else {
                return []
            }
            let changed = propose(block, like: proposal, node)
            return receivers.map { (.proposal(changed), $0, delay) }
        }
        if mischief.has(.proposesOnLosers), mischief.random.pick(2) == 0 {
            let parent = mischief.loser(below: proposal.height) ?? Hash32(words: (1, 2, 3, 4))
            guard let block = altered(proposal.block, { $0.parent = parent }) else { return [] }
            result.faults.add(.losingParent)
            let changed = propose(block, like: proposal, node)
            return receivers.map { (.proposal(changed), $0, delay) }
        }
        if mischief.has(.equivocates),
            let other = altered(proposal.block, { $0.addMilliseconds(1) })
        {
            result.faults.add(.equivocation)
            let isEven = node.index % 2 == 0
            let shown = Faces(
                even: isEven ? proposal.block : other, odd: isEven ? other : proposal.block)
            faces[other.digest] = shown
            faces[proposal.block.digest] = shown
            let second = propose(other, like: proposal, node)
            return receivers.map {
                let isSecond = shown.shown(to: $0).digest == other.digest
                return (.proposal(isSecond ? second : proposal), $0, delay)
            }
        }
        return receivers.map { (.proposal(proposal), $0, delay) }
    }

    private func propose(
        _ block: ProposedBlock, like proposal: Proposal, _ node: VirtualValidator
    ) -> Proposal {
        let statement = ProposalStatement(
            height: proposal.height, round: proposal.round, parent: block.parent,
            digest: block.digest, justification: proposal.signed.statement.justification)
        return Proposal(
            sign(statement, node), justification: proposal.justification, block: block)
    }

    /// The block with another header.
    private func altered(
        _ block: ProposedBlock, _ change: (inout BeaconHeader) -> Void
    ) -> ProposedBlock? {
        guard let decoded = try? VirtualReader.reader.block(reading: block.body) else { return nil }
        var header = decoded.header
        change(&header)
        return BeaconBlock(header: header, anchors: decoded.anchors).proposed
    }

    private func corrupted(_ body: [UInt8], _ random: inout SeededGenerator) -> [UInt8] {
        var body = body
        switch random.pick(3) {
        case 0: body.removeLast()
        case 1: body.append(0)
        default: body[random.pick(body.count)] ^= UInt8(1 << random.pick(8))
        }
        return body
    }

    /// A well-formed block that claims another state, other receipts or other money.
    private func corruptedBlock(
        _ block: ProposedBlock, _ random: inout SeededGenerator
    ) -> ProposedBlock? {
        guard let decoded = try? VirtualReader.reader.block(reading: block.body),
            !decoded.anchors.isEmpty
        else {
            return nil
        }
        var anchors = decoded.anchors
        let index = random.pick(anchors.count)
        var header = anchors[index].header
        switch random.pick(5) {
        case 0: header.stateRoot = Hash32(words: (random.next(), 0, 0, 0))
        case 1: header.resultRoot = Hash32(words: (random.next(), 0, 0, 0))
        case 2: header.stateSum = header.stateSum.adding(Amount(1)) ?? .zero
        case 3:
            guard let item = header.out.first else { return nil }
            header.out[0] = PeerEntry(
                peer: item.peer,
                entry: OutEntry(
                    end: item.entry.end, value: item.entry.value,
                    root: Hash32(words: (random.next(), 0, 0, 0))))
        default: anchors.remove(at: index)
        }
        if index < anchors.count, anchors.count == decoded.anchors.count {
            anchors[index] = ShardBlock(
                header: header, transactions: anchors[index].transactions)
        }
        var beacon = decoded.header
        beacon.anchorsRoot = BeaconHeader.anchorsRoot(anchors.map(\.header))
        return BeaconBlock(header: beacon, anchors: anchors).proposed
    }
}

extension BeaconHeader {
    mutating func addMilliseconds(_ count: UInt64) {
        time = BeaconTime(milliseconds: time.milliseconds + count)
    }
}
