import TallyClient
import TallyEngine
import TallyPrimitives
import TallySharding

/// What Ethereum has no word for: shards, and transactions across them.
enum ShardMethods {
    static func list(
        _ ledger: LedgerDispatcher, _ arguments: RPCArguments, _ out: inout JSONWriter
    ) async throws(RPCFailure) {
        let snapshot = ledger.publisher.current
        var pools: [Int] = []
        for shard in ledger.shards { pools.append(await shard.poolSize.count) }
        out.beginArray()
        for (shard, pool) in zip(snapshot.layout.shards, pools) {
            write(shard, pool: pool, snapshot, &out)
        }
        out.endArray()
    }

    private static func write(
        _ shard: ShardID, pool: Int, _ snapshot: LedgerSnapshot, _ out: inout JSONWriter
    ) {
        let endpoint = EndpointID(shard)
        let head = snapshot.view.heads[Int(shard.value)]
        out.beginObject()
        out.member("id") { $0.integer(shard.value) }
        out.member("height") { $0.quantity(head.header.height) }
        out.member("hash") { $0.hex(head.hash) }
        out.member("stateRoot") { $0.hex(head.header.stateRoot) }
        // Decimal for people, hexadecimal for programs whose numbers have 53 bits.
        out.member("stateSum") { $0.string(head.header.stateSum.description) }
        out.member("stateSumHex") { $0.quantity(head.header.stateSum) }
        out.member("baseFee") { $0.quantity(snapshot.nextBaseFee(endpoint)) }
        out.member("poolTransactions") { $0.integer(pool) }
        out.member("inboundReceipts") { $0.integer(snapshot.waitingReceipts(of: endpoint)) }
        out.endObject()
    }

    // MARK: Status

    private static let defaultTimeout: UInt64 = 30_000
    /// A connection waits no longer: proxies cut idle ones after some minutes.
    private static let maximumTimeout: UInt64 = 120_000

    static func transactionStatus(
        _ ledger: LedgerDispatcher, _ arguments: RPCArguments, _ out: inout JSONWriter
    ) async throws(RPCFailure) {
        let hash = try arguments.hash(0)
        let stage = try arguments.word(1).flatMap(TransactionStage.init)
        let timeout = min(
            try arguments.optionalQuantity(2) ?? defaultTimeout, maximumTimeout)
        var snapshot = ledger.publisher.current
        var status = try await ledger.status(of: hash, snapshot)
        guard let stage else {
            status.write(snapshot, timedOut: nil, to: &out)
            return
        }
        let deadline = ledger.clock.now().milliseconds + timeout
        while !status.has(reached: stage) {
            guard let next = await ledger.next(after: snapshot, until: deadline) else { break }
            snapshot = next
            status = try await ledger.status(of: hash, snapshot)
        }
        status.write(snapshot, timedOut: !status.has(reached: stage), to: &out)
    }
}

extension TransactionStatus {
    fileprivate func has(reached stage: TransactionStage) -> Bool {
        self.stage.map { $0 >= stage } ?? false
    }
}

extension LedgerDispatcher {
    fileprivate func status(
        of hash: Hash32, _ snapshot: LedgerSnapshot
    ) async throws(RPCFailure) -> TransactionStatus {
        let view = ChainView(snapshot: snapshot, caches: caches)
        if let status = try reading({ () throws(ReadError) in
            try TransactionStatus.final(hash, view)
        }) {
            return status
        }
        let pooled = await pooled(hash)
        return TransactionStatus(hash: hash, place: pooled.map { .pending($0) } ?? .unknown)
    }

    /// The next snapshot, or `nil` when the deadline comes first or the node stops.
    fileprivate func next(
        after snapshot: LedgerSnapshot, until deadline: UInt64
    ) async -> LedgerSnapshot? {
        let now = clock.now().milliseconds
        guard now < deadline else { return nil }
        let publisher = publisher
        let clock = clock
        let height = snapshot.height
        return await withTaskGroup(of: LedgerSnapshot?.self) { group in
            group.addTask { await publisher.next(after: height) }
            group.addTask {
                try? await clock.sleep(milliseconds: deadline - now)
                return nil
            }
            let first = await group.next() ?? nil
            group.cancelAll()
            return first
        }
    }
}

extension LedgerSnapshot {
    /// Receipts that are anchored for an endpoint and that it has not consumed.
    fileprivate func waitingReceipts(of endpoint: EndpointID) -> UInt64 {
        let head = view.heads[Int(endpoint.index)]
        var waiting: UInt64 = 0
        for (peer, entry) in zip(view.heads, head.in) {
            let end = peer.out[Int(endpoint.index)].end
            waiting += end - min(entry.cursor, end)
        }
        return waiting
    }
}
