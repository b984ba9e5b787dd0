import TallyConsensus
import TallyExecution
import TallyPrimitives
import TallySharding
import TallyState

/// Walks all headers from genesis on, height by height, and with them receipts and transactions.
///
/// `BeaconCore` judges every height as it did before the block was anchored. After a fault it is set
/// to what is stored, so that later faults are found too.
struct HeaderWalk {
    let source: AuditSource
    let isDeep: Bool
    private(set) var core: BeaconCore
    /// By source index, then destination index.
    var streams: [[StreamAudit]]
    var counts = AuditReport.Counts()
    var findings: AuditFindings
    /// By endpoint index, what the state of the checkpoint says of streams; `nil` without one.
    let checkpointStreams: [[StreamState]?]
    /// Rows met so far, by endpoint index.
    var rows: [RowCounts]
    /// Rows of the elections, which say a missing block's set (PROOF-18).
    var elections: [BeaconRow] = []
    /// The last `.supply` finding: the same one at every later height says nothing.
    private var reportedSupply: AuditFinding?
    /// The headers so far say what the randomness is: after a fault of it nothing tells (SEED-3).
    private(set) var isRandomnessKnown = true

    /// Rows of one endpoint's store that its blocks account for.
    struct RowCounts {
        var blocks = 0
        var transactions: UInt64 = 0
        var outbox = 0
        var legs = 0
        var due = 0
        /// Of the beacon alone.
        var elections = 0
    }

    /// A shard block as it was found.
    struct Block {
        let header: ShardHeader
        let systemResult: TransactionResult?
        let transactionCount: Int
        /// Of a block that was replayed; a stored one's body lies in the rows.
        let record: BlockRecord?
    }

    init(
        _ source: AuditSource, checkpointStreams: [[StreamState]?], isDeep: Bool,
        _ findings: AuditFindings
    ) {
        self.source = source
        self.checkpointStreams = checkpointStreams
        self.isDeep = isDeep
        self.findings = findings
        core = BeaconCore(source.genesis, states: source.states)
        let endpoints = source.layout.endpoints
        streams = endpoints.map { from in
            endpoints.map { StreamAudit(source: from, destination: $0) }
        }
        rows = Array(repeating: RowCounts(), count: endpoints.count)
    }

    /// Audits one height.
    /// - Returns: whether the walk can go on.
    mutating func pass(
        _ header: BeaconHeader, _ blocks: [Block]
    ) throws(AuditError) -> Bool {
        let height = core.head.height.next
        checkRandomness(header)
        counts.beaconBlocks += 1
        counts.shardBlocks += blocks.count
        let isClean = check(header, blocks.map(\.header))
        for block in blocks { try consume(block, at: height) }
        for block in blocks { try send(block, at: height) }
        for block in blocks { try auditTransactions(block, at: height) }
        guard advance(header, blocks.map(\.header), at: height, isClean: isClean) else {
            findings.add(.headersUnchecked(after: core.head.height))
            return false
        }
        for index in source.heads.indices where source.applied(index) == height {
            try passCheckpoint(index)
        }
        return true
    }

    // MARK: Headers

    /// Asks `BeaconCore`, and again without what it refused: one fault shall not hide another.
    private mutating func check(_ header: BeaconHeader, _ anchors: [ShardHeader]) -> Bool {
        var header = header
        var anchors = anchors
        for attempt in 0... {
            guard let rejection = core.checkAnchors(header, anchors, mandatory: []) else {
                return attempt == 0
            }
            report(rejection, anchors)
            guard attempt < 8 * (anchors.count + 1), mend(&header, &anchors, rejection) else {
                return false
            }
        }
        return false
    }

    private mutating func checkRandomness(_ header: BeaconHeader) {
        guard isRandomnessKnown else { return }
        var placed = header
        placed.height = core.head.height.next
        guard let rejection = core.checkRandomness(placed) else { return }
        isRandomnessKnown = false
        report(rejection, [])
    }

    /// What a missing header revealed cannot be told.
    mutating func loseRandomness() { isRandomnessKnown = false }

    private mutating func report(_ rejection: AnchorRejection, _ anchors: [ShardHeader]) {
        let height = core.head.height.next
        switch rejection {
        case .conservation(let id):
            guard let header = anchors.first(where: { $0.endpoint == id }) else { return }
            findings.add(
                .conservation(
                    height, id, expected: expectedSum(header), actual: header.stateSum))
        case .supply: break  // Reported with its amounts once the height is passed.
        default: findings.add(.header(height, rejection))
        }
    }

    /// What the endpoint must hold, from the other fields.
    private func expectedSum(_ header: ShardHeader) -> Amount? {
        let old = core.heads[Int(header.endpoint.index)]
        var more: Amount? = old.header.stateSum.adding(header.minted)
        var less: Amount? = old.header.minted.adding(header.burned)
        for item in header.in {
            more = more?.adding(item.entry.value)
            less = less?.adding(old.in[Int(item.peer.index)].value)
        }
        for item in header.out {
            less = less?.adding(item.entry.value)
            more = more?.adding(old.out[Int(item.peer.index)].value)
        }
        guard let less, let sum = more?.adding(old.header.burned) else { return nil }
        return sum.subtracting(less)
    }

    /// Puts right what was refused; `false` for what cannot be told.
    private func mend(
        _ header: inout BeaconHeader, _ anchors: inout [ShardHeader], _ rejection: AnchorRejection
    ) -> Bool {
        switch rejection {
        case .wrongChain: header.chain = core.chain
        case .wrongHeight: header.height = core.head.height.next
        case .wrongParent: header.parent = core.headHash
        case .wrongValidators:
            header.validators = core.schedule.last.hash
            header.newValidators = nil
        case .timeRegression: header.time = core.head.time
        case .anchorsRootMismatch: break
        case .headerContext(let id, _):
            guard let index = anchors.firstIndex(where: { $0.endpoint == id }) else { return false }
            anchors[index].chain = core.chain
            anchors[index].shardCount = source.layout.shardCount
            anchors[index].height = core.head.height.next
            anchors[index].parent = core.heads[Int(id.index)].hash
            anchors[index].beaconRef = core.headHash
            anchors[index].time = core.head.time
        case .conservation(let id):
            guard let index = anchors.firstIndex(where: { $0.endpoint == id }),
                let sum = expectedSum(anchors[index]), sum != anchors[index].stateSum
            else { return false }
            anchors[index].stateSum = sum
        case .anchorOrder, .malformedVector, .streamRegression, .unanchoredReceipt, .streamValue,
            .foreignMint, .supplyRegression, .supply, .omitted, .foreignProposer, .revealMissing,
            .unexpectedReveal, .wrongReveal, .wrongRandomness:
            return false
        }
        header.anchorsRoot = BeaconHeader.anchorsRoot(anchors)
        return true
    }

    private mutating func advance(
        _ header: BeaconHeader, _ anchors: [ShardHeader], at height: Height, isClean: Bool
    ) -> Bool {
        if isClean {
            core.commit(header, anchors)
            return true
        }
        var heads = core.heads
        for var anchor in anchors where Int(anchor.endpoint.index) < heads.count {
            anchor.out.removeAll { Int($0.peer.index) >= heads.count }
            anchor.in.removeAll { Int($0.peer.index) >= heads.count }
            heads[Int(anchor.endpoint.index)].advance(to: anchor)
        }
        var header = header
        header.height = height
        var schedule = core.schedule
        if core.namesItsValidators(header) { schedule.append(header) }
        do throws(RLPError) {
            core = try BeaconCore(
                source.genesis, head: header, heads: heads,
                randomness: core.randomness(after: header), schedule: schedule)
        } catch { return false }
        checkSupply()
        return true
    }

    /// Σsum + in flight + burned = genesis + minted, as the newest headers say.
    private mutating func checkSupply() {
        let held = Amount.sum(core.heads.lazy.map(\.header.stateSum))
        let burned = Amount.sum(core.heads.lazy.map(\.header.burned)) ?? .max
        let assets = held?.adding(core.inFlight)?.adding(burned)
        let claims = Amount.sum(core.heads.lazy.map(\.header.minted))?.adding(core.supply)
        if assets == claims {
            reportedSupply = nil
            return
        }
        let height = core.head.height
        if case .supply(_, assets, claims) = reportedSupply { return }
        let finding = AuditFinding.supply(height, assets: assets, claims: claims)
        reportedSupply = finding
        findings.add(finding)
    }
}
