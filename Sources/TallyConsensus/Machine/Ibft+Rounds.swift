import TallyPrimitives

/// Rounds: how they begin and end.
extension Ibft {
    // IBFT-R4, IBFT-R11: a justified PROPOSAL shows that a quorum went on to its round.
    mutating func enterProposedRound() -> Bool {
        guard current.decision == nil else { return false }
        var target = current.round
        for place in current.votes.places {
            guard let round = current.votes.senders[place].proposal?.round, round > target,
                current.votes.senders[place].proposal?.block.parent == head.digest
            else { continue }
            target = round
        }
        guard target > current.round else { return false }
        current.enter(target)
        return true
    }

    // IBFT-R11: with more than F power at higher rounds one of them is honest.
    mutating func jump() -> Bool {
        guard current.decision == nil else { return false }
        var target = current.round
        while let round = lowestOfMany(above: target) { target = round }
        guard target > current.round else { return false }
        changeRound(to: target)
        return true
    }

    /// The smallest round above `round` in which a sender is seen, if more than F power is above.
    private func lowestOfMany(above round: Round) -> Round? {
        var power: UInt64 = 0
        var lowest: Round?
        for place in current.votes.places {
            guard let seen = current.votes.senders[place].seen, seen > round else { continue }
            power += current.votes.power(place)
            lowest = min(lowest ?? seen, seen)
        }
        return power > current.set.faulty ? lowest : nil
    }

    // IBFT-P5: nothing else will come of round 0.
    mutating func abandonLosingParent() -> Bool {
        guard isVoting, current.round == .zero else { return false }
        let parent = current.own.proposed?.parent ?? current.proposal(.zero)?.block.parent
        guard let parent, parent != head.digest else { return false }
        changeRound(to: Round(1))
        return true
    }

    /// Goes on to a round and says so, with the lock (IBFT-R4, IBFT-R9).
    mutating func changeRound(to round: Round) {
        current.enter(round)
        guard isVoting else { return }
        let certificate = current.prepared
        // IBFT-R4
        precondition(certificate.map { $0.round < round } ?? true, "a report is below its target")
        let statement = RoundChangeStatement(
            height: current.height, round: round, prepared: certificate?.report)
        let change = RoundChange(sign(statement, current.set), certificate: certificate)
        var records: [ConsensusRecord] = []
        if let certificate { records += body(certificate.digest) }
        persist(records + [.roundChange(change)], then: .send(.roundChange(change)))
    }

    /// The newest quorum of PREPAREs becomes the lock, of whatever round, once its body is here. The
    /// lock is never above our own round.
    mutating func adoptCertificate() -> Bool {
        guard current.decision == nil,
            let certificate = current.votes.preparedQuorum(above: current.prepared?.round)
        else { return false }
        guard current.blocks[certificate.digest] != nil else {
            request(certificate.digest, from: certificate.endorsements.map(\.sender))
            return false
        }
        current.prepared = certificate
        // IBFT-R11: a quorum was in its round, which no ROUND-CHANGE to that round could report.
        if certificate.round > current.round { current.enter(certificate.round) }
        return true
    }

    // MARK: Timers

    mutating func fire(_ timer: Timer) {
        switch timer {
        case .round(let height, let round):
            // IBFT-R10: a timer of another round, or of a decided height, means nothing.
            guard height == current.height, round == current.round, isVoting,
                round == current.timedRound, round.value < .max
            else { return }
            changeRound(to: Round(round.value + 1))
        case .heartbeat(let height):
            guard height == current.height, current.decision == nil else { return }
            // IBFT-R18
            current.isHeartbeatDue = true
            if current.building == .declined { current.building = .idle }
        case .retransmission(let height):
            guard height == current.height else { return }
            current.isRetransmitting = false
            retransmit()
        case .headQuery: observe()
        }
    }

    // IBFT-R10
    mutating func startRoundTimer() {
        guard isVoting, current.timedRound != current.round else { return }
        let starts = current.round == .zero ? isRoundZeroAwaited : isRoundShared
        guard starts else { return }
        current.timedRound = current.round
        effects.append(
            .schedule(
                .round(current.height, current.round),
                after: configuration.timeout(current.round)))
    }

    /// IBFT-R18: there is something to wait for.
    private var isRoundZeroAwaited: Bool {
        current.isWorkKnown || current.isHeartbeatDue || current.proposal(.zero) != nil
            || current.own.prepared != nil
            || current.votes.places.contains { current.votes.senders[$0].change != nil }
    }

    /// A quorum, ourselves included, is seen in this round or above.
    private var isRoundShared: Bool {
        let place = current.votes.set.index(of: address)
        var others: UInt64 = 0
        for other in current.votes.places where other != place {
            if let seen = current.votes.senders[other].seen, seen >= current.round {
                others += current.votes.power(other)
            }
        }
        return others + current.set.power(of: address) >= current.set.quorum
    }

    // IBFT-R11
    mutating func startRetransmission() {
        guard !current.isRetransmitting else { return }
        let hasOwn = !current.own.isSilent && isVoting
        let lacks = !current.wanted.isEmpty || hints.target != nil
        guard hasOwn || lacks else { return }
        current.isRetransmitting = true
        effects.append(
            .schedule(.retransmission(current.height), after: configuration.retransmission))
    }

    private mutating func retransmit() {
        if isVoting {
            effects += current.own.messages.map { .broadcast($0.message) }
        }
        let wanted = current.wanted.sorted { $0.key < $1.key }
        effects += wanted.map { digest, holders in
            .requestBody(BodyRequest(height: current.height, digest: digest, holders: holders))
        }
        hints.tick(limit: current.set.count)
        requestSync(above: head.height)
    }
}
