import TallyConsensus
import TallyJournal
import TallyPrimitives
import TallySharding

/// What the surroundings of a machine do: the part that the engine's actors play in a real node.
extension NetworkRun {
    /// Hands an input over and performs what follows from it, until nothing does.
    func give(_ input: Ibft.Input, to node: VirtualValidator) {
        guard node.isUp else { return }
        let life = node.life
        var inputs = [input]
        var next = 0
        while next < inputs.count, result.failure == nil {
            let effects = node.machine.handle(inputs[next])
            next += 1
            for effect in effects {
                if let left = node.crashIn {
                    node.crashIn = left - 1
                    if left == 0 {
                        result.faults.add(.crashAtEffect)
                        if node.isBack { result.faults.add(.crashAgain) }
                        die(node)
                    }
                }
                guard node.life == life else { return }
                let crash = node.voteCrash.flatMap { $0.isMet(by: effect) ? $0 : nil }
                if crash?.moment != .before { perform(effect, of: node, &inputs) }
                guard node.life == life else { return }
                if let crash { return die(node, at: crash) }
            }
            notePlace(node)
        }
        checkDecides(node)
        checkMemory(node)
        catchUp(node)
    }

    private func perform(
        _ effect: Ibft.Effect, of node: VirtualValidator, _ inputs: inout [Ibft.Input]
    ) {
        switch effect {
        case .broadcast(let message):
            checkSent(message, node)
            if case .proposal(let proposal) = message, proposal.round == .zero {
                let height = proposal.height.value
                milestones.proposed[height] = milestones.proposed[height] ?? now
            }
            broadcast(message, from: node)
        case .send(let message, let address):
            checkSent(message, node)
            transmit(message, from: node, to: places[address] ?? [])
        case .sendFinal(let height, let address): sendFinal(height, from: node, to: address)
        case .persist(let records, let token): persist(records, token, of: node, &inputs)
        case .schedule(let timer, let duration):
            node.timerCount += 1
            node.timers[timer] = node.timerCount
            schedule(
                .timer(timer, of: node.index, life: node.life, node.timerCount),
                after: duration.inMicroseconds)
        case .build(let request): answer(build(request, node), node, &inputs)
        case .validate(let request, let block):
            answer(.validated(request, judge(request, block, node)), node, &inputs)
        case .requestBody(let request):
            node.wanted.insert(request.digest)
            ask(for: request, node)
        case .requestSync(let from, let through):
            guard let peer = nextPeer(node) else { return }
            let address = nodes[peer].address
            fetch(node.catchUp.ask(from: from, through: through, of: address), node, peer)
        case .decide(let decision): decide(decision, node, &inputs)
        case .lateSeal: break
        case .report(let evidence): checkEvidence(evidence, node)
        case .refuse(let refusal, _):
            node.hasRefused = true
            if let sender = node.hearing { checkRefusal(refusal, from: sender, node) }
        case .halt(let fork): checkFork(fork, node)
        }
    }

    /// At once, or when the work is done.
    private func answer(
        _ input: Ibft.Input, _ node: VirtualValidator, _ inputs: inout [Ibft.Input]
    ) {
        if scenario.executionDelay == 0 {
            inputs.append(input)
        } else {
            schedule(
                .input(input, to: node.index, life: node.life), after: scenario.executionDelay)
        }
    }

    // MARK: Blocks

    private func build(_ request: Ibft.BuildRequest, _ node: VirtualValidator) -> Ibft.Input {
        node.pool.prune(node.ledger, now: now)
        do throws(LedgerFault) {
            // As the engine does: what was voted for before a restart is executed first.
            if request.parent != node.machine.head.digest,
                let parent = node.machine.block(request.parent)
            {
                _ = try node.ledger.objection(to: parent)
            }
            let block = try node.ledger.build(
                on: request.parent, isMandatory: request.isMandatory, now: node.clock(now),
                proposer: node.address, secrets: &node.secrets, from: &node.pool)
            result.faults.add(
                .illegalTransaction, load.countIllegal(node.pool.drainRefused()))
            guard let block else { return .nothingToBuild(request.height) }
            let proposed = block.proposed
            if node.isHonest { checks.honestBlocks.insert(proposed.digest) }
            return .built(proposed)
        } catch {
            fail(.execution, "node \(node.index) cannot build \(request.height): \(error)")
            return .nothingToBuild(request.height)
        }
    }

    private func judge(
        _ request: Ibft.ValidationRequest, _ block: ProposedBlock, _ node: VirtualValidator
    ) -> Ibft.Verdict {
        let limit = node.clock(now).milliseconds + UInt64(scenario.drift)
        if request.checksClock, block.timestamp.milliseconds > limit { return .invalid }
        do throws(LedgerFault) {
            guard let objection = try node.ledger.objection(to: block) else { return .valid }
            checkObjection(objection, block, node)
        } catch { fail(.execution, "node \(node.index) cannot judge \(block.height): \(error)") }
        return .invalid
    }

    private func decide(
        _ decision: Ibft.Decision, _ node: VirtualValidator, _ inputs: inout [Ibft.Input]
    ) {
        let height = decision.block.height
        let records: [BlockRecord]
        let block: BeaconBlock
        checkDecision(decision, node)
        do throws(LedgerFault) {
            (block, records) = try node.ledger.decide(decision.block)
        } catch {
            if node.isHonest {
                fail(.validity, "node \(node.index) cannot apply \(height): \(error)")
            }
            return
        }
        node.chain.append(decision.final)
        node.forgetCommits(through: height)
        milestones.decided[height.value, default: [:]][node.index] = now
        trace.add(decision.block.digest.words.0)
        checkApplied(block, records, node)
        let transactions = records.reduce(0) { $0 + $1.transactions.count }
        if node.storage.published(
            height, transactions: transactions, bytes: decision.block.body.count)
        {
            beginCheckpoint(node)
        }
        node.pool.prune(node.ledger, now: now)
        inputs.append(.applied(height, setAfterNext: node.ledger.beacon.schedule[height.next.next]))
        if hasWork(node) { inputs.append(.work) }
        wake(node)
    }

    // MARK: Work (IBFT-R18)

    private func hasWork(_ node: VirtualValidator) -> Bool {
        let ledger = node.ledger
        if ledger.isMandatory || node.pool.isExecutable(ledger) { return true }
        return ledger.nextDueTime.map { $0 <= node.clock(now) } ?? false
    }

    func offerWork(_ node: VirtualValidator) {
        guard node.isUp else { return }
        if hasWork(node) { give(.work, to: node) }
        wake(node)
    }

    /// Deadlines become work by themselves.
    private func wake(_ node: VirtualValidator) {
        guard node.wakesAt == nil, let due = node.ledger.nextDueTime else { return }
        let clock = node.clock(now).milliseconds
        guard due.milliseconds > clock else { return }
        let wait = min(due.milliseconds - clock, 60_000) * 1000
        node.wakesAt = now + wait
        schedule(.wake(node.index, life: node.life), after: wait)
    }
}

extension Duration {
    var inMicroseconds: UInt64 {
        UInt64(components.seconds) * 1_000_000
            + UInt64(components.attoseconds / 1_000_000_000_000)
    }
}
