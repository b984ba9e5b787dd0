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
                        die(node)
                    }
                }
                guard node.life == life else { return }
                perform(effect, of: node, &inputs)
                guard node.life == life else { return }
            }
        }
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
        case .requestBody(let request): ask(for: request, node)
        case .requestSync(let from, let through):
            guard let peer = nextPeer(node) else { return }
            let address = nodes[peer].address
            fetch(node.catchUp.ask(from: from, through: through, of: address), node, peer)
        case .decide(let decision): decide(decision, node, &inputs)
        case .lateSeal: break
        case .report(let evidence): checkEvidence(evidence, node)
        case .refuse(let refusal, _): checkRefusal(refusal, node)
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
            let block = try node.ledger.build(
                on: request.parent, isMandatory: request.isMandatory, now: node.clock(now),
                proposer: node.address, from: &node.pool)
            result.faults.add(.illegalTransaction, node.pool.drainRefused().count)
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
        milestones.decided[height.value, default: [:]][node.index] = now
        trace.add(decision.block.digest.words.0)
        checkApplied(block, records, node)
        node.pool.prune(node.ledger, now: now)
        inputs.append(.applied(height, setAfterNext: scenario.set(at: height.next.next)))
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

    // MARK: Disk

    private func persist(
        _ records: [ConsensusRecord], _ token: PersistToken, of node: VirtualValidator,
        _ inputs: inout [Ibft.Input]
    ) {
        checkOpen(records, node)
        node.writes.append((records, token))
        guard !node.isWriting else { return }
        if scenario.diskDelay + node.slowness == 0, node.fullUntil <= now {
            if let token = write(node) { inputs.append(.persisted(token)) }
        } else {
            startWrite(node)
        }
    }

    private func startWrite(_ node: VirtualValidator) {
        node.isWriting = true
        schedule(
            .written(node.index, life: node.life),
            after: max(100_000 * (node.fullUntil > now ? 1 : 0), scenario.diskDelay + node.slowness)
        )
    }

    /// The disk has done the oldest request.
    func finishWrite(_ node: VirtualValidator) {
        node.isWriting = false
        let life = node.life
        let token = write(node)
        guard node.life == life else { return }
        if !node.writes.isEmpty, !node.isWriting { startWrite(node) }
        if let token { give(.persisted(token), to: node) }
    }

    /// - Returns: the request that is durable now, if the disk had space and the node lives.
    private func write(_ node: VirtualValidator) -> PersistToken? {
        guard let (records, token) = node.writes.first else { return nil }
        if node.fullUntil > now {
            result.faults.add(.diskFull)
            node.storage.lackSpace()
        } else {
            node.storage.findSpace()
        }
        let alone = records.allSatisfy { isAlone(node, $0.height ?? node.height.next) }
        do throws(JournalRefusal) {
            switch try node.storage.persist(records, isAlone: alone) {
            case .done:
                node.writes.removeFirst()
                checks.persisted(records, node.index)
                return token
            case .full: if !node.isWriting { startWrite(node) }
            case .crashed:
                result.faults.add(.crashInWrite)
                die(node)
            }
        } catch { fail(.execution, "node \(node.index) cannot write its logs: \(error)") }
        return nil
    }

    /// Whether nobody else has a vote at a height.
    func isAlone(_ node: VirtualValidator, _ height: Height) -> Bool {
        let set = scenario.set(at: height)
        return set.count == 1 && set.contains(node.address)
    }

    // MARK: Crashes

    func die(_ node: VirtualValidator, for pause: UInt64? = nil) {
        node.isUp = false
        expected = nil
        node.life += 1
        node.crashIn = nil
        node.writes = []
        node.isWriting = false
        node.timers = [:]
        node.wakesAt = nil
        lose(node)
        let pause = pause ?? random.pick(50_000...4_000_000)
        schedule(.restart(node.index), after: isHealed ? 0 : pause)
    }

    func restart(_ node: VirtualValidator) {
        guard !node.isUp else { return }
        result.restarts += 1
        node.isUp = true
        let recovered: RecoveredStorage
        do throws(RecoveryFault) {
            recovered = try node.storage.recover(scenario) { [self] in
                isAlone(node, $0.next)
            }
        } catch {
            // Also while it starts.
            if node.storage.isDead { return die(node) }
            return fail(.recovery, "node \(node.index) does not start: \(error)")
        }
        node.chain = recovered.decided.map(\.final)
        checkRecovered(node.chain, node)
        var ledger = VirtualLedger(scenario.genesis, scenario.schedule)
        for decision in recovered.decided {
            do throws(LedgerFault) { _ = try ledger.decide(decision.block) } catch {
                return fail(.recovery, "node \(node.index) cannot replay: \(error)")
            }
        }
        node.ledger = ledger
        node.pool = TransactionPool(ledger.layout)
        node.cache = SignatureCache(limit: 512)
        node.catchUp = CatchUp()
        checks.restore(recovered, node.index)
        node.machine = Ibft(
            configuration, signer: node.signer, start: start(ledger.head, recovered.memory))
        if let again = node.crashAgain {
            node.crashIn = again
            node.crashAgain = nil
            result.faults.add(.crashAgain)
        }
        give(.start, to: node)
        offerWork(node)
    }

    /// What a crash leaves on the disk: all of it after a kill, less after a power cut.
    private func lose(_ node: VirtualValidator) {
        guard scenario.classes.contains(.storage) else { return node.storage.crash(.nothing) }
        switch random.pick(3) {
        case 0: node.storage.crash(.nothing)
        case 1:
            result.faults.add(.unsyncedLost)
            node.storage.crash(.everything)
        default:
            result.faults.add(.tornWrite)
            node.storage.crash(.someSectors)
        }
    }

    /// The node dies, and comes back without its votes, or with less.
    func loseDisk(_ node: VirtualValidator, _ fault: Fault) {
        result.faults.add(fault)
        if node.isUp { die(node) }
        switch fault {
        case .votesLost: node.storage.forgetVotes()
        case .oldDisk: node.storage.lose(everything: false)
        default: node.storage.lose(everything: true)
        }
    }
}

extension Duration {
    var inMicroseconds: UInt64 {
        UInt64(components.seconds) * 1_000_000
            + UInt64(components.attoseconds / 1_000_000_000_000)
    }
}
