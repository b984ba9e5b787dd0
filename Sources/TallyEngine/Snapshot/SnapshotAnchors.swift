import TallyConsensus
import TallyExecution
import TallyPrimitives
import TallySharding
import TallyState
import TallyTransactions

/// What the headers of a snapshot show: the newest header of every endpoint, below a beacon header
/// that is final (SNAP-5, SNAP-6).
struct SnapshotAnchors {
    /// The beacon block of height 0, which follows from the genesis.
    let genesisHeader: BeaconHeader
    /// The last beacon header, its seals, and the newest header of every endpoint.
    let head: BeaconHeader
    let certificate: FinalCertificate
    let newest: [ShardHeader]
    /// From the genesis to Set(height + 2), in order.
    let elections: [BeaconRow]
    let schedule: ValidatorSchedule

    init(
        _ reader: SnapshotReader, _ genesis: Genesis, expecting expected: Hash32?,
        _ watch: Snapshot.Watch
    ) throws(SnapshotError) {
        let states: [GenesisState]
        do throws(StateError) {
            states = try genesis.states(ThreadMap())
        } catch { throw .read(.state(error)) }
        genesisHeader = genesis.beaconHeader(states)
        var chain = ElectionChain(genesis)
        var elections: [BeaconRow] = []
        try reader.forEachElection(watch) { (header, certificate) throws(SnapshotError) in
            do throws(ElectionChainError) {
                try chain.append(header, certificate)
            } catch { throw .election(error) }
            elections.append(BeaconRow(header: header, certificate: certificate, anchors: []))
        }
        var walk = Walk(genesisHeader: genesisHeader, newest: states.map { _ in nil })
        try reader.forEachBlock(watch) { (header, anchors) throws(SnapshotError) in
            try walk.next(header, anchors)
        }
        guard let head = walk.head else { throw .chain(Height(reader.manifest.height)) }
        guard head.height.value == reader.manifest.height else { throw .manifestField("height") }
        if let expected, head.hash != expected {
            throw .unexpectedHead(head.hash, expected: expected)
        }
        certificate = try reader.certificate(of: head, chain)
        self.head = head
        // The sets of the next two heights as well: what their headers carry is all there (SNAP-6).
        let recent = elections.map(\.header).filter { $0.height >= walk.first }
        guard recent == walk.elections, walk.first.value <= max(1, head.height.value - 1) else {
            throw .missingElection
        }
        self.elections = elections
        schedule = chain.schedule
        var newest: [ShardHeader] = []
        for (state, header) in zip(states, walk.newest) {
            guard let header = header ?? (walk.beginsAtGenesis ? state.header : nil) else {
                throw .chainTooShort(state.header.endpoint)
            }
            newest.append(header)
        }
        self.newest = newest
    }

    /// The sets around the head, as books keep them.
    var recentSchedule: ValidatorSchedule {
        var schedule = schedule
        schedule.forget(around: head.height)
        return schedule
    }

    private struct Walk {
        let genesisHeader: BeaconHeader
        var newest: [ShardHeader?]
        var head: BeaconHeader?
        var beginsAtGenesis = false
        var first = Height.genesis
        /// Headers that carry a set.
        var elections: [BeaconHeader] = []

        mutating func next(
            _ header: BeaconHeader, _ anchors: [ShardHeader]
        ) throws(SnapshotError) {
            let height = header.height
            if let head {
                guard height == head.height.next, header.parent == head.hash else {
                    throw .chain(height)
                }
            } else {
                first = height
                beginsAtGenesis = header.parent == genesisHeader.hash
                guard height > .genesis, beginsAtGenesis == (height.value == 1) else {
                    throw .chain(height)
                }
            }
            guard header.chain == genesisHeader.chain,
                header.anchorsRoot == BeaconHeader.anchorsRoot(anchors)
            else { throw .chain(height) }
            for anchor in anchors {
                guard Int(anchor.endpoint.index) < newest.count, anchor.height == height else {
                    throw .chain(height)
                }
                newest[Int(anchor.endpoint.index)] = anchor
            }
            if header.newValidators != nil { elections.append(header) }
            head = header
        }
    }
}

/// One endpoint's section besides its state: small, and kept in memory.
struct SnapshotRows {
    /// By destination: those from the destination's cursor on.
    var receipts: [[Receipt]]
    /// The block at the height of the snapshot, if there is one.
    var block: StoredBlock?
    var transactions: [StoredTransaction] = []
    /// Of the beacon alone.
    var randomness: HeaderRandomness?

    init(endpointCount: Int) {
        receipts = Array(repeating: [], count: endpointCount)
    }

    /// Takes a row that is no page of the state.
    mutating func take(
        _ id: EndpointID, _ table: SnapshotTable, _ key: [UInt8], _ value: [UInt8],
        at height: Height
    ) throws(SnapshotError) {
        var place: [UInt8]?
        do throws(RLPError) {
            switch table {
            case .bucket, .payload: preconditionFailure("pages are kept elsewhere")
            case .receipt:
                let receipt = try Receipt(encoded: value)
                let reference = receipt.reference
                let destination = Int(reference.destination.index)
                if reference.source == id, destination < receipts.count {
                    place = RowKey.stream(reference.destination, reference.index).bytes
                    receipts[destination].append(receipt)
                }
            case .block:
                place = RowKey.height(height).bytes
                block = try StoredBlock(encoded: value)
            case .transaction:
                place = RowKey.position(height, UInt32(clamping: transactions.count)).bytes
                transactions.append(try StoredTransaction(encoded: value))
            case .randomness:
                place = RowKey.height(height).bytes
                randomness = try HeaderRandomness(encoded: value)
            }
        } catch { throw .row(id, table) }
        guard place == key else { throw .row(id, table) }
    }

    /// SNAP-7: the block is there exactly if the header is of this height, and is what it commits to.
    func check(
        _ header: ShardHeader, at height: Height, chainID: ChainID
    ) throws(SnapshotError) {
        let id = header.endpoint
        guard header.height == height else {
            guard block == nil, transactions.isEmpty else { throw .row(id, .block) }
            return
        }
        guard let block, block.header == header,
            Int(block.transactionCount) == transactions.count,
            header.resultRoot
                == ShardHeader.resultRoot(block.systemResult, transactions.map(\.result))
        else { throw .block(id) }
        let senders = RecoveredSenders(chainID: chainID)
        let results = transactions
        let hashes = ThreadMap().map(results.count) { index in
            try? senders.transaction(raw: results[index].raw, sender: results[index].sender).hash
        }
        guard !hashes.contains(nil), header.txRoot == ShardHeader.txRoot(hashes.compactMap { $0 })
        else { throw .block(id) }
    }
}
