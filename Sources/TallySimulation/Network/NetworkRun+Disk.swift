import TallyConsensus
import TallyJournal
import TallyPrimitives

/// The disk of a validator: logs, and checkpoints behind them.
extension NetworkRun {
    func persist(
        _ records: [ConsensusRecord], _ token: PersistToken, of node: VirtualValidator,
        _ inputs: inout [Ibft.Input]
    ) {
        checkOpen(records, node)
        checkReasons(records, node)
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
        noteSpace(node)
        if node.lacksSpace { node.storage.lackSpace() } else { node.storage.findSpace() }
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

    /// A full disk counts once, however often it is tried.
    private func noteSpace(_ node: VirtualValidator) {
        let isFull = node.fullUntil > now
        if isFull, !node.lacksSpace { result.faults.add(.diskFull) }
        node.lacksSpace = isFull
    }

    /// Whether nobody else has a vote at a height.
    func isAlone(_ node: VirtualValidator, _ height: Height) -> Bool {
        let set = set(at: height)
        return set.count == 1 && set.contains(node.address)
    }

    // MARK: Checkpoints

    /// The state as of the height just decided is written behind the blocks (STORE-12).
    func beginCheckpoint(_ node: VirtualValidator) {
        node.storage.beginCheckpoint(
            VirtualCheckpoint(ledger: node.ledger.checkpoint, chain: node.chain))
        schedule(
            .checkpoint(node.index, life: node.life),
            after: scenario.diskDelay + node.slowness + random.pick(0...800_000))
    }

    /// It is written; then the log is pruned. A node may die before, between and in that.
    func finishCheckpoint(_ node: VirtualValidator) {
        noteSpace(node)
        guard !node.lacksSpace else { return node.storage.abandonCheckpoint() }
        let dies = node.diesInCheckpoint
        node.diesInCheckpoint = false
        if dies { result.faults.add(.crashInCheckpoint) }
        if dies, random.pick(2) == 0 { return die(node) }
        node.storage.storeCheckpoint()
        result.checkpoints += 1
        if dies { return die(node) }
        do throws(JournalRefusal) {
            guard try node.storage.pruneLog() == .crashed else { return }
            result.faults.add(.crashInWrite)
            die(node)
        } catch { fail(.execution, "node \(node.index) cannot prune its log: \(error)") }
    }
}
