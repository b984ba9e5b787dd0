import TallyConsensus
import TallyExecution
import TallyPrimitives
import TallySharding
import TallyStore

/// Finding the blocks of each height, and comparing the end with what the checkpoints say.
extension HeaderWalk {
    /// Walks the checkpoints, then what was replayed of the log.
    mutating func run(_ tail: AuditTail) throws(AuditError) {
        let last = try lastStoredHeight()
        let view = source.views[source.beacon]
        elections =
            try findings.read(source.layout.beacon, []) { () throws(ReadError) in
                try view.elections()
            } ?? []
        while core.head.height < last {
            let height = core.head.height.next
            let (header, blocks) = try stored(height)
            guard try pass(header, blocks) else { return }
        }
        if source.checkpoint > last { findings.add(.beaconBlockMissing(source.checkpoint)) }
        try compareBooks()
        guard core.head.height == source.checkpoint else { return }
        for (index, block) in tail.blocks.enumerated() {
            let blocks = try replayed(block.anchors, block.header.height, tail.records(index))
            guard try pass(block.header, blocks) else { return }
        }
    }

    /// The newest row, at most of the beacon's checkpoint.
    private func lastStoredHeight() throws(AuditError) -> Height {
        let view = source.views[source.beacon]
        let last: StoredRow?
        do throws(StoreError) {
            let database = view.databases.beaconBlocks
            last = try view.snapshot.read { (view) throws(StoreError) in
                StoredRow(try view.first(in: database, order: .descending))
            }
        } catch { throw .store(error) }
        let height = last.flatMap { RowKey.decodeHeight($0.key) } ?? .genesis
        return min(height, source.checkpoint)
    }

    private mutating func stored(
        _ height: Height
    ) throws(AuditError) -> (BeaconHeader, [Block]) {
        let view = source.views[source.beacon]
        let row = try findings.read(source.layout.beacon, RowKey.height(height).bytes) {
            () throws(ReadError) in try view.beaconBlock(height)
        }
        guard let row else { return try orphans(height) }
        let indexed = try findings.read(source.layout.beacon, row.header.hash.bytes) {
            () throws(ReadError) in try view.beaconHeight(row.header.hash)
        }
        if indexed != height { findings.add(.beaconHashIndex(height)) }
        check(row)
        checkElection(row)
        var blocks: [Block] = []
        for anchor in row.anchors {
            guard Int(anchor.endpoint.index) < source.views.count else {
                findings.add(.anchorSummary(height, anchor.endpoint))
                continue
            }
            guard let block = try block(height, anchor.endpoint) else { continue }
            if block.header.hash != anchor.hash {
                findings.add(
                    .anchor(
                        height, anchor.endpoint, anchored: anchor.hash, stored: block.header.hash))
            }
            let summary = BeaconRow.Anchor(block)
            if summary.hasSystemTransaction != anchor.hasSystemTransaction
                || summary.transactionCount != anchor.transactionCount
                || summary.baseFee != anchor.baseFee || summary.weightUsed != anchor.weightUsed
            {
                findings.add(.anchorSummary(height, anchor.endpoint))
            }
            blocks.append(Block(block))
        }
        return (row.header, blocks)
    }

    /// That a quorum sealed the block.
    private mutating func check(_ row: BeaconRow) {
        let height = core.head.height.next
        let set = core.schedule[height]
        var power: UInt64 = 0
        if let seals = row.certificate, seals.height == height, seals.digest == row.header.hash {
            let parameters = source.genesis.parameters
            power = seals.power(
                in: set, ChainIdentity(genesis: core.chain, chainID: parameters.chainID),
                RecoverableScheme())
        }
        if power < set.quorum {
            findings.add(.seals(height, power: power, quorum: set.quorum))
        }
    }

    /// That a set is found where whoever reads sets looks for it.
    private mutating func checkElection(_ row: BeaconRow) {
        guard row.header.newValidators != nil else { return }
        rows[source.beacon].elections += 1
        if !elections.contains(row.election) { findings.add(.electionRow(row.header.height)) }
    }

    /// The stored block of an endpoint; what is not there or not its own is a finding.
    private mutating func block(
        _ height: Height, _ id: EndpointID
    ) throws(AuditError) -> StoredBlock? {
        let view = source.views[Int(id.index)]
        let before = findings.list.count
        let row = try findings.read(id, RowKey.height(height).bytes) { () throws(ReadError) in
            try view.block(height)
        }
        guard let row else {
            if findings.list.count == before { findings.add(.blockMissing(height, id)) }
            return nil
        }
        guard row.header.endpoint == id else {
            findings.add(.header(height, .headerContext(id, field: "endpoint")))
            return nil
        }
        return row
    }

    /// The blocks of a height whose beacon row is gone, under the header it may have had.
    private mutating func orphans(_ height: Height) throws(AuditError) -> (BeaconHeader, [Block]) {
        findings.add(.beaconBlockMissing(height))
        loseRandomness()
        var blocks: [Block] = []
        for (id, view) in zip(source.layout.endpoints, source.views) {
            let row = try findings.read(id, RowKey.height(height).bytes) { () throws(ReadError) in
                try view.block(height)
            }
            if let row, row.header.endpoint == id { blocks.append(Block(row)) }
        }
        let set = elections.first { $0.header.height == height }?.header.newValidators
        let header = BeaconHeader(
            chain: core.chain, height: height, parent: core.headHash, time: core.head.time,
            proposer: .zero, anchorsRoot: BeaconHeader.anchorsRoot(blocks.map(\.header)),
            validators: set?.hash ?? core.schedule.last.hash, randomness: .zero,
            newValidators: set)
        return (header, blocks)
    }

    /// The blocks of a logged height: an endpoint that is ahead of the beacon's checkpoint has its
    /// own stored.
    private mutating func replayed(
        _ anchors: [ShardHeader], _ height: Height, _ records: [BlockRecord]
    ) throws(AuditError) -> [Block] {
        var blocks: [Block] = []
        for anchor in anchors {
            if let record = records.first(where: { $0.header.endpoint == anchor.endpoint }) {
                blocks.append(Block(record))
                continue
            }
            guard let row = try block(height, anchor.endpoint) else { continue }
            if row.header != anchor {
                findings.add(
                    .anchor(
                        height, anchor.endpoint, anchored: anchor.hash, stored: row.header.hash))
            }
            blocks.append(Block(row))
        }
        return blocks
    }

    // MARK: Checkpoints

    private mutating func compareBooks() throws(AuditError) {
        guard source.heads[source.beacon] != nil else { return }
        guard let bytes = source.books else {
            findings.add(.booksMissing)
            return
        }
        let books: BeaconCore
        do throws(RLPError) {
            books = try BeaconCore(source.genesis, encodedBooks: bytes)
        } catch {
            findings.add(.booksCorrupt(error))
            return
        }
        if books.head != core.head {
            findings.add(.booksHead(books: books.head.height, checkpoint: source.checkpoint))
        }
        if isRandomnessKnown, books.randomness != core.randomness {
            findings.add(.booksRandomness(checkpoint: source.checkpoint))
        }
        for (id, (stored, walked)) in zip(
            source.layout.endpoints, zip(books.heads, core.heads)) where stored != walked
        {
            findings.add(.books(id))
        }
    }

    /// The walk has come to the height of an endpoint's checkpoint: everything its store holds is
    /// accounted for.
    mutating func passCheckpoint(_ index: Int) throws(AuditError) {
        guard let head = source.heads[index] else { return }
        let id = EndpointID(UInt16(index))
        if head.header != core.heads[index].header {
            findings.add(.checkpointHeader(id, checkpoint: head.appliedHeight))
        }
        if head.transactionCount != rows[index].transactions {
            findings.add(
                .transactionCount(
                    id, stored: head.transactionCount, counted: rows[index].transactions))
        }
        if let states = checkpointStreams[index] { compare(states, of: index) }
        try auditBeyond(index)
        let view = source.views[index]
        let databases = view.databases
        let transactions = Int(rows[index].transactions)
        let beacon = index == source.beacon ? Int(core.head.height.value) : 0
        let expected: [(Database, Int)] = [
            (databases.blocks, rows[index].blocks), (databases.transactions, transactions),
            (databases.hashes, transactions), (databases.outbox, rows[index].outbox),
            (databases.legs, rows[index].legs), (databases.due, rows[index].due),
            (databases.beaconBlocks, beacon), (databases.beaconHashes, beacon),
            (databases.elections, index == source.beacon ? rows[index].elections : 0),
        ]
        do throws(StoreError) {
            for (database, count) in expected {
                let actual = try view.count(in: database)
                if actual != count {
                    findings.add(
                        .rowCount(id, database: database.name, expected: count, actual: actual))
                }
            }
        } catch { throw .store(error) }
    }
}

extension HeaderWalk.Block {
    init(_ row: StoredBlock) {
        self.init(
            header: row.header, systemResult: row.systemResult,
            transactionCount: Int(row.transactionCount), record: nil)
    }

    init(_ record: BlockRecord) {
        self.init(
            header: record.header, systemResult: record.systemResult,
            transactionCount: record.transactions.count, record: record)
    }
}

extension StoredRow {
    init?(_ entry: (key: [UInt8], value: [UInt8])?) {
        guard let entry else { return nil }
        self.init(key: entry.key, value: entry.value)
    }
}
