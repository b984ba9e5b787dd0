import TallyConsensus
import TallyJournal
import TallyPrimitives
import TallySharding

/// Deaths and starts of validators.
extension NetworkRun {
    func die(_ node: VirtualValidator, for pause: UInt64? = nil) {
        node.isUp = false
        expected = nil
        node.life += 1
        node.crashIn = nil
        node.isBack = false
        node.writes = []
        node.isWriting = false
        node.timers = [:]
        node.wakesAt = nil
        node.forgetCommits(through: nil)
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
        node.chain = recovered.chain
        node.remembersFrom = recovered.checkpoint?.height ?? .genesis
        checkRecovered(node.chain, node)
        var ledger =
            recovered.checkpoint?.ledger ?? VirtualLedger(scenario.genesis)
        for decision in recovered.decided {
            do throws(LedgerFault) { _ = try ledger.decide(decision.block) } catch {
                return fail(.recovery, "node \(node.index) cannot replay: \(error)")
            }
        }
        checkReadable(node)
        node.ledger = ledger
        node.pool = TransactionPool(ledger.layout)
        node.cache = SignatureCache(limit: 512)
        node.catchUp = CatchUp()
        checks.restore(recovered, node.index)
        node.machine = Ibft(
            configuration, signer: node.signer,
            start: start(ledger, recovered.memory, nonce: recovered.nonce))
        node.place = Place(
            height: node.height.value + 1, round: node.machine.round.value, since: now)
        if let again = node.crashAgain {
            node.crashIn = again
            node.crashAgain = nil
            node.isBack = true
        }
        if node.diesInWrites > 0 {
            node.diesInWrites -= 1
            node.storage.dieSoon()
        }
        give(.start, to: node)
        offerWork(node)
    }

    /// Dies at a vote, perhaps for the loss of its disk, and once more while it comes back.
    func die(_ node: VirtualValidator, at crash: VoteCrash) {
        result.faults.add(.crashAtVote)
        node.voteCrash = nil
        if let loss = crash.loss {
            loseDisk(node, loss, for: crash.pause)
        } else {
            die(node, for: crash.pause)
        }
        node.crashAgain = crash.again
    }

    /// What a crash leaves on the disk: all of it after a kill, less after a power cut.
    private func lose(_ node: VirtualValidator) {
        let losesPower = scenario.classes.contains(.storage)
        switch losesPower ? random.pick(3) : 0 {
        case 0: node.storage.crash(.nothing)
        case 1:
            if node.storage.crash(.everything) { result.faults.add(.unsyncedLost) }
        default:
            if node.storage.crash(.someSectors) { result.faults.add(.tornWrite) }
        }
    }

    /// The node dies, and comes back without its votes, or with less.
    func loseDisk(_ node: VirtualValidator, _ fault: Fault, for pause: UInt64? = nil) {
        result.faults.add(fault)
        if node.isUp { die(node, for: pause) }
        node.silentThrough = node.votedThrough
        switch fault {
        case .votesLost: node.storage.forgetVotes()
        case .oldDisk: node.storage.lose(everything: false)
        default: node.storage.lose(everything: true)
        }
    }
}
