package import TallyExecution
package import TallyPrimitives
package import TallySharding
package import TallyState
import TallyTransactions

/// A rule of the ledger that a decided height broke.
package enum LedgerViolation: Error, Equatable, Sendable {
    case state(EndpointID, StateError)
    /// The tree rebuilt from its objects is not the one the header commits to.
    case stateRoot(EndpointID)
    case invariant(EndpointID, InvariantViolation)
    /// The minted total of a header is not what its events say.
    case minted(EndpointID)
    /// State, receipts in flight and burned fees are not what genesis gave out and was minted.
    case conservation(expected: Amount, actual: Amount)
    /// The beacon's books differ from the receipts themselves.
    case inFlight(books: Amount, receipts: Amount)
    /// A receipt has another place than the next of its stream.
    case numbering(ReceiptReference)
    /// What a block consumed is not what its cursors say, each receipt once and in order.
    case consumption(EndpointID, source: EndpointID)
    /// A block consumed what no parent block had anchored (RCPT-1).
    case tooEarly(EndpointID, source: EndpointID)
    /// More than 2W receipts wait in a stream (RCPT-7).
    case streamBound(EndpointID, EndpointID, waiting: UInt64)
    /// More than W slots are held (RCPT-7).
    case slots(EndpointID, EndpointID, held: Int)
    /// The due index differs from the state's due entries.
    case dueIndex(EndpointID)
    /// The burned total of a header is not what its transactions burned.
    case burned(EndpointID)
    /// The sums exceed 2^128 − 1.
    case overflow
}

/// Follows a ledger from genesis and checks every decided height from the facts: trees recounted
/// leaf by leaf, receipts added up one by one. Trusts no running total of the cores.
package struct LedgerChecker: Sendable {
    private let genesis: Genesis
    /// Receipts anchored and not consumed, by source and destination index.
    private var streams: [[Stream]]
    private var burned: [Amount]
    /// By endpoint index; the beacon's only (RCPT-12).
    private var minted: [Amount]
    /// Receipts consumed since genesis.
    package private(set) var consumedCount = 0

    private struct Stream: Sendable {
        var cursor: UInt64 = 0
        var waiting: [Receipt] = []
        var end: UInt64 { cursor + UInt64(waiting.count) }
    }

    package init(_ genesis: Genesis) {
        self.genesis = genesis
        let count = genesis.parameters.layout.endpointCount
        streams = Array(repeating: Array(repeating: Stream(), count: count), count: count)
        burned = Array(repeating: .zero, count: count)
        minted = burned
    }

    /// Longest stream at the moment.
    package var longestStream: Int {
        streams.lazy.flatMap { $0 }.map(\.waiting.count).max() ?? 0
    }

    /// Checks the height that was just decided.
    /// - Parameters:
    ///   - endpoints: all cores after the height, their trees wholly in memory.
    ///   - beacon: after the height.
    ///   - recounting: whether the trees are recounted leaf by leaf, or their sums believed.
    /// - Throws: the first violation found.
    package mutating func check(
        _ records: [BlockRecord], endpoints: [ShardCore], beacon: BeaconCore,
        recounting: Bool = true
    ) throws(LedgerViolation) {
        // Consumption first: what this height sends, no block of it may consume.
        for record in records { try consume(record) }
        for record in records { try send(record) }
        for record in records { try burn(record) }
        for record in records { try mint(record) }
        try checkBounds(endpoints)
        try checkSupply(endpoints, beacon) { core throws(LedgerViolation) in
            recounting ? try audit(core, beacon) : core.tree.sum
        }
    }

    /// Recounts every tree leaf by leaf, and the whole supply.
    package func recount(
        endpoints: [ShardCore], beacon: BeaconCore
    ) throws(LedgerViolation) {
        try checkSupply(endpoints, beacon) { core throws(LedgerViolation) in
            try audit(core, beacon)
        }
    }

    private func checkSupply(
        _ endpoints: [ShardCore], _ beacon: BeaconCore,
        _ held: (ShardCore) throws(LedgerViolation) -> Amount
    ) throws(LedgerViolation) {
        var assets = try inFlight()
        guard assets == beacon.inFlight else {
            throw .inFlight(books: beacon.inFlight, receipts: assets)
        }
        for core in endpoints { assets = try Self.sum(assets, try held(core)) }
        for amount in burned { assets = try Self.sum(assets, amount) }
        var supply = genesis.supply
        for amount in minted { supply = try Self.sum(supply, amount) }
        guard assets == supply else { throw .conservation(expected: supply, actual: assets) }
    }

    /// The same, of the height that the driver decided last.
    package mutating func check(
        _ height: DecidedHeight, _ driver: LedgerDriver
    ) throws(LedgerViolation) {
        try check(height.records, endpoints: driver.endpoints, beacon: driver.beacon)
    }

    // MARK: Receipts (RCPT-2)

    private mutating func consume(_ record: BlockRecord) throws(LedgerViolation) {
        let id = record.header.endpoint
        var facts: [EndpointID: [UInt64]] = [:]
        for event in record.systemResult?.events ?? [] {
            guard let reference = event.consumedReceipt else { continue }
            guard reference.destination == id else {
                throw .consumption(id, source: reference.source)
            }
            facts[reference.source, default: []].append(reference.index)
        }
        for item in record.header.in {
            let source = Int(item.peer.index)
            var stream = streams[source][Int(id.index)]
            guard item.entry.cursor <= stream.end else {
                throw .tooEarly(id, source: item.peer)
            }
            guard facts.removeValue(forKey: item.peer) == Array(stream.cursor..<item.entry.cursor)
            else { throw .consumption(id, source: item.peer) }
            let count = Int(item.entry.cursor - stream.cursor)
            stream.waiting.removeFirst(count)
            stream.cursor = item.entry.cursor
            consumedCount += count
            streams[source][Int(id.index)] = stream
        }
        if let source = facts.keys.min() { throw .consumption(id, source: source) }
    }

    private mutating func send(_ record: BlockRecord) throws(LedgerViolation) {
        let source = Int(record.header.endpoint.index)
        for receipt in record.sent {
            let place = receipt.reference
            let destination = Int(place.destination.index)
            guard place.source == record.header.endpoint, destination != source,
                place.index == streams[source][destination].end
            else { throw .numbering(place) }
            streams[source][destination].waiting.append(receipt)
        }
        for item in record.header.out
        where item.entry.end != streams[source][Int(item.peer.index)].end {
            throw .numbering(
                ReceiptReference(
                    source: record.header.endpoint, destination: item.peer, index: item.entry.end))
        }
    }

    private func inFlight() throws(LedgerViolation) -> Amount {
        var total = Amount.zero
        for receipt in streams.lazy.flatMap({ $0 }).flatMap(\.waiting) {
            total = try Self.sum(try Self.sum(total, receipt.value), receipt.fee)
        }
        return total
    }

    // MARK: Fees (FEE-2)

    private mutating func burn(_ record: BlockRecord) throws(LedgerViolation) {
        let header = record.header
        let index = Int(header.endpoint.index)
        if genesis.parameters.baseFeeDestination == .burn {
            for result in record.results where !result.price.isZero {
                let remote = result.events.reduce(0) {
                    $0 + $1.remoteWeight(of: header.endpoint, genesis)
                }
                let local = result.weight - remote
                guard let fee = header.baseFee.multiplied(by: local) else { throw .overflow }
                burned[index] = try Self.sum(burned[index], fee)
            }
        }
        guard burned[index] == header.burned else { throw .burned(header.endpoint) }
    }

    // EPOCH-3: money is made by the events that say so.
    private mutating func mint(_ record: BlockRecord) throws(LedgerViolation) {
        let index = Int(record.header.endpoint.index)
        for event in record.systemResult?.events ?? [] {
            guard case .compute(.epoch(.minted(_, let nodes, let trades, _))) = event else {
                continue
            }
            minted[index] = try Self.sum(minted[index], try Self.sum(nodes, trades))
        }
        guard minted[index] == record.header.minted else {
            throw .minted(record.header.endpoint)
        }
    }

    // MARK: Bounds (RCPT-7)

    private func checkBounds(_ endpoints: [ShardCore]) throws(LedgerViolation) {
        let window = genesis.parameters.window
        for core in endpoints {
            for (peer, stream) in core.streams.enumerated() where stream.slots > window {
                throw .slots(core.endpoint, EndpointID(UInt16(peer)), held: stream.slots)
            }
            for (peer, stream) in streams[Int(core.endpoint.index)].enumerated() {
                let waiting = stream.waiting.count
                guard waiting <= 2 * window else {
                    throw .streamBound(
                        core.endpoint, EndpointID(UInt16(peer)), waiting: UInt64(waiting))
                }
                // Whatever the endpoint counts: a request holds its slot until it is consumed.
                let requests = stream.waiting.count(where: \.isRequest)
                guard requests <= window else {
                    throw .slots(core.endpoint, EndpointID(UInt16(peer)), held: requests)
                }
            }
        }
    }

    // MARK: State

    /// Rebuilds an endpoint's tree from its leaves, checks what lies in it, and returns its money.
    private func audit(
        _ core: ShardCore, _ beacon: BeaconCore
    ) throws(LedgerViolation) -> Amount {
        let id = core.endpoint
        var pages = MemoryPages()
        pages.apply(core.tree.pageChanges(since: .empty))
        var objects: [(key: ObjectKey, object: StateObject)] = []
        var total = Amount.zero
        let tree: StateTree
        do throws(StateError) {
            tree = try StateTree(loading: pages, kinds: Set(ObjectKind.allCases)) {
                key, object in
                objects.append((key, object))
            }
        } catch { throw .state(id, error) }
        for (_, object) in objects { total = try Self.sum(total, object.value) }
        guard tree.root == core.header.stateRoot, total == core.header.stateSum else {
            throw .stateRoot(id)
        }
        let context = BlockContext(
            chain: core.chain, parameters: core.parameters, endpoint: id,
            height: beacon.head.height, time: beacon.head.time, baseFee: core.header.baseFee,
            beneficiary: core.header.beneficiary)
        let audit: StateAudit
        do throws(InvariantViolation) {
            audit = try StateAudit(context, objects, minted: core.header.minted)
            try audit.check()
        } catch { throw .invariant(id, error) }
        guard audit.due.count == core.due.count else { throw .dueIndex(id) }
        return total
    }

    private static func sum(_ a: Amount, _ b: Amount) throws(LedgerViolation) -> Amount {
        guard let sum = a.adding(b) else { throw .overflow }
        return sum
    }
}

extension LedgerEvent {
    /// Weight of a transaction that is paid elsewhere: its fee left in a receipt or a due entry.
    fileprivate func remoteWeight(of endpoint: EndpointID, _ genesis: Genesis) -> Weight {
        switch self {
        case .sent: Weights.leg
        case .scheduled(_, _, let to, _, _):
            EndpointID(genesis.parameters.layout.home(of: to)) == endpoint ? 0 : Weights.leg
        case .compute(.requested): Weights.request
        case .transferred, .credited, .bounced, .refunded, .escrowed, .escrowClaimed, .scheduleRan,
            .scheduleReturned, .creditPolicySet, .swept, .treasuryCredited, .compute:
            0
        }
    }
}
