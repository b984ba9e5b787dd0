import TallyExecution
import TallyPrimitives
import TallyState
import TallyTransactions

/// One block in the making: the executor and the streams, quotas and slots around it.
struct BlockRun {
    private let core: ShardCore
    var executor: BlockExecutor
    private var streams: [StreamState]
    private var consumed: [Int]
    private var weight: Weight = 0
    /// Of the raw transactions.
    private var bodyBytes = 0
    private var systemResult: TransactionResult?
    private var transactions: [Transaction] = []
    /// Requests this block has sent so far, by destination: slots taken besides `streams`.
    private var requested: [Int]

    init(core: ShardCore, executor: BlockExecutor) {
        self.core = core
        self.executor = executor
        streams = core.streams
        consumed = Array(repeating: 0, count: core.streams.count)
        requested = consumed
    }

    private var parameters: NetworkParameters { core.parameters }

    // RCPT-7: every block first records what the peers' newest anchored headers say.
    mutating func recordCredit(_ view: AnchoredView) {
        let own = Int(core.endpoint.index)
        for peer in streams.indices where peer != own {
            streams[peer].record(
                peerCursor: view.heads[peer].in[own].cursor, peerEnd: view.heads[peer].out[own].end)
        }
    }

    // RCPT-3: sources in rotation, each drained in turn, until a head does not fit the quota.
    mutating func consumeInbox(_ view: AnchoredView) throws(ExecutionError) {
        var used: Weight = 0
        for source in view.rotation(for: core.endpoint) {
            let index = Int(source.index)
            let waiting = core.inbound[index].waiting
            try executor.readAhead(waiting.prefix(Int(parameters.inboxQuota / Weights.credit)))
            var end = waiting.startIndex
            for receipt in waiting {
                guard used + receipt.weight <= parameters.inboxQuota else { break }
                used += receipt.weight
                try executor.consume(receipt)
                end += 1
            }
            if end > waiting.startIndex {
                consumed[index] = end - waiting.startIndex
                try streams[index].consume(
                    waiting[..<end],
                    to: core.inbound[index].range(
                        after: streams[index].consumed, count: consumed[index]))
            }
            if end < waiting.endIndex { break }
        }
        weight += used
        for peer in streams.indices { streams[peer].release() }
    }

    // RCPT-11: entries of earlier blocks, oldest first per destination, destinations in rotation,
    // those without a slot skipped, until the quota is used. Due entries may take every slot.
    mutating func runDueEntries(_ view: AnchoredView) throws(ExecutionError) {
        var used: Weight = 0
        for destination in view.destinations {
            let isLocal = destination == core.endpoint
            for entry in core.due.ready(for: destination, at: view.time) {
                guard used + entry.weight <= parameters.dueQuota else {
                    weight += used
                    return
                }
                if !isLocal, freeSlots(to: destination, reserved: 0) < 1 { break }
                used += entry.weight
                try executor.run(entry)
                if !isLocal { requested[Int(destination.index)] += 1 }
            }
        }
        weight += used
    }

    mutating func endSystem() { systemResult = executor.systemResult(weight: weight) }

    mutating func applyTransactions<Source: TransactionSource>(
        _ source: inout Source
    ) throws(ExecutionError) {
        let room = Int((parameters.blockWeight - weight) / Weights.transfer)
        try executor.readAhead(source.upcoming(room))
        while let transaction = source.next(remaining: parameters.blockWeight - weight) {
            if let reason = try tryApply(transaction) {
                guard source.refused(transaction, reason) else { return }
            }
        }
    }

    private mutating func tryApply(
        _ transaction: Transaction
    ) throws(ExecutionError) -> Ineligibility? {
        guard transaction.weight <= parameters.blockWeight - weight,
            bodyBytes + transaction.raw.count <= parameters.bodyByteLimit
        else { return .blockFull }
        let demand = transaction.slotDemand(layout: parameters.layout)
        if let destination = shortage(demand) { return .noCredit(destination: destination) }
        switch try executor.apply(transaction) {
        case .refused(let reason): return reason
        case .applied(let failure):
            if failure == nil { take(demand) }
            weight += transaction.weight
            bodyBytes += transaction.raw.count
            transactions.append(transaction)
            return nil
        }
    }

    // MARK: Slots

    private func freeSlots(to destination: EndpointID, reserved: Int) -> Int {
        let index = Int(destination.index)
        return parameters.window - reserved - streams[index].slots - requested[index]
    }

    /// RCPT-7: a transaction may take slots only if a quarter of the window stays free.
    private func shortage(_ demand: SlotDemand) -> EndpointID? {
        let reserved = parameters.reservedSlots
        switch demand {
        case .none: return nil
        case .one(let destination):
            return freeSlots(to: destination, reserved: reserved) < 1 ? destination : nil
        case .many(let demands):
            return demands.first {
                freeSlots(to: $0.destination, reserved: reserved) < $0.slots
            }?.destination
        }
    }

    private mutating func take(_ demand: SlotDemand) {
        switch demand {
        case .none: break
        case .one(let destination): requested[Int(destination.index)] += 1
        case .many(let demands):
            for item in demands { requested[Int(item.destination.index)] += item.slots }
        }
    }

    // MARK: Result

    /// Ends the block: fees, streams, roots, header.
    mutating func candidate(_ view: AnchoredView) throws(ExecutionError) -> Candidate {
        try executor.finish()
        var leaves: [[Hash32]] = []
        for (peer, receipts) in executor.outbox.receipts.enumerated() {
            leaves.append(Receipt.leaves(receipts))
            for (receipt, leaf) in zip(receipts, leaves[peer]) {
                try streams[peer].append(receipt, leaf: leaf)
            }
        }
        for peer in streams.indices where streams[peer] != core.streams[peer] {
            try executor.store(
                StreamState.key(peer: EndpointID(UInt16(peer))), streams[peer].object)
        }
        let tree = try executor.updatedTree()
        let record = BlockRecord(
            block: ShardBlock(header: try header(view, tree), transactions: transactions),
            systemResult: systemResult, results: executor.results, outbox: executor.outbox,
            leaves: leaves,
            ranges: streams.map(\.sent))
        return Candidate(
            record: record, tree: tree, streams: streams, consumed: consumed,
            dueAdded: executor.dueAdded, dueRemoved: executor.dueRemoved)
    }

    private func header(
        _ view: AnchoredView, _ tree: StateTree
    ) throws(ExecutionError) -> ShardHeader {
        let context = executor.context
        guard let burned = core.header.burned.adding(executor.burned) else {
            throw .invariant("burned fees exceed 2^128 - 1")
        }
        guard let minted = core.header.minted.adding(executor.minted) else {
            throw .invariant("minted money exceeds 2^128 - 1")
        }
        return ShardHeader(
            chain: core.chain, shardCount: core.layout.shardCount, endpoint: core.endpoint,
            height: view.height, parent: core.headerHash, beaconRef: view.beacon, time: view.time,
            beneficiary: context.beneficiary, baseFee: context.baseFee, stateRoot: tree.root,
            stateSum: tree.sum, txRoot: txRoot, resultRoot: resultRoot, out: outEntries,
            in: inEntries, minted: minted, burned: burned, weightUsed: weight)
    }

    private var txRoot: Hash32 { ShardHeader.txRoot(transactions.map(\.hash)) }
    private var resultRoot: Hash32 { ShardHeader.resultRoot(systemResult, executor.results) }

    private var outEntries: [PeerEntry<OutEntry>] {
        streams.indices.compactMap { peer in
            let (old, new) = (core.streams[peer], streams[peer])
            guard new.sent.count != old.sent.count else { return nil }
            return PeerEntry(
                peer: EndpointID(UInt16(peer)),
                entry: OutEntry(end: new.sent.count, value: new.sentValue, root: new.sent.root))
        }
    }

    private var inEntries: [PeerEntry<InEntry>] {
        streams.indices.compactMap { peer in
            guard streams[peer].cursor != core.streams[peer].cursor else { return nil }
            return PeerEntry(
                peer: EndpointID(UInt16(peer)),
                entry: InEntry(
                    cursor: streams[peer].cursor, value: streams[peer].consumedValue))
        }
    }
}
