import TallyCrypto
import TallyPrimitives
import TallyState
import TallyTransactions
import Testing

@testable import TallyExecution

/// Shards and beacon as bare executors: every step is one block of each, with the receipts that the
/// step before sent. After every block the state is recounted, and so is all money.
struct TradeWorld {
    /// One signed operation and what became of it.
    struct Applied {
        let id: ObjectID
        let failure: ExecutionFailure?
    }

    let parameters: NetworkParameters
    private(set) var time: UInt64 = 1_000
    private(set) var trees: [StateTree]
    /// Receipts that each endpoint consumes with its next block.
    private(set) var inbox: [[Receipt]]
    private(set) var due: [[DueEntry]]
    private var ends: [[UInt64]]
    private var height = Height(1)
    private var waiting: [[(Transaction, ObjectID)]]
    private var nonces: [Address: Nonce] = [:]
    private var funding: [(endpoint: Int, epoch: UInt64, amount: Amount)] = []
    private let supply: UInt128
    private(set) var minted: UInt128 = 0
    private(set) var burned: UInt128 = 0
    /// Of the last step.
    private(set) var events: [LedgerEvent] = []
    private(set) var applied: [Applied] = []

    static let balance = Amount(1_000_000_000_000_000)

    init(
        shards: Int = 4, accounts: [Address],
        _ change: (inout NetworkParameters) -> Void = { _ in }
    ) throws {
        let layout = try #require(ShardLayout(shardCount: shards))
        var parameters = NetworkParameters(chainID: 7, layout: layout)
        parameters.minimumBaseFee = Amount(1)
        parameters.economy = .emc
        change(&parameters)
        self.parameters = parameters
        let count = layout.endpointCount
        trees = try layout.endpoints.map { endpoint in
            let changes = accounts.filter { EndpointID(layout.home(of: $0)) == endpoint }.map {
                StateChange(
                    .account($0), StateObject(kind: .account, value: Self.balance))
            }
            return try StateTree.empty.updating(
                (changes + Self.openingChanges(parameters)).inPathOrder(), MemoryPages())
        }
        inbox = Array(repeating: [], count: count)
        due = Array(repeating: Self.openingEntries(parameters), count: count)
        waiting = Array(repeating: [], count: count)
        ends = Array(repeating: Array(repeating: 0, count: count), count: count)
        supply = UInt128(accounts.count) * Self.balance.units
    }

    // MARK: Acting

    /// Puts an operation into its sender's next block.
    /// - Returns: the id of what it may make.
    @discardableResult mutating func submit(
        _ operation: TallyTransactions.Operation, from sender: Address
    ) throws -> ObjectID {
        let target = try #require(operation.target)
        let nonce = nonces[sender, default: 0]
        nonces[sender] = nonce + 1
        let data = operation.callData
        let envelope = Envelope(
            chainID: parameters.chainID, nonce: nonce,
            weightLimit: operation.weight + Weights.callData(data), maxFee: Amount(1),
            maxPriorityFee: .zero, to: target.to, value: target.value, data: data)
        let scalar = Hash32(words: (0, 1, sender.words.0, sender.words.1))
        let raw = envelope.raw(
            signature: RecoverableSignature(r: scalar, s: scalar, yParity: 0))
        let transaction = try Transaction(raw: raw, verifiedSender: sender)
        let id = ObjectID(owner: sender, number: nonce)
        waiting[Int(parameters.layout.home(of: sender).value)].append((transaction, id))
        return id
    }

    @discardableResult mutating func submit(
        _ operation: TradeOperation, from sender: Address
    ) throws -> ObjectID {
        try submit(.trade(operation), from: sender)
    }

    /// Lets the funding of an epoch's trades arrive with the next block of a seller's shard.
    mutating func fund(_ amount: Amount, of epoch: UInt64, at seller: Address) {
        funding.append((Int(parameters.layout.home(of: seller).value), epoch, amount))
        minted += amount.units
    }

    /// One block of every endpoint, `milliseconds` after the last.
    mutating func step(_ milliseconds: UInt64 = 1_000) throws {
        time += milliseconds
        events = []
        applied = []
        var sent: [[Receipt]] = Array(repeating: [], count: trees.count)
        for endpoint in trees.indices {
            for (destination, receipts) in try block(endpoint).enumerated() {
                sent[destination] += receipts
            }
        }
        inbox = sent
        funding = []
        height = height.next
        for endpoint in trees.indices { try audit(endpoint) }
        #expect(total == supply + minted, "money is neither made nor lost")
    }

    /// Steps until nothing is on its way: receipts and payouts.
    mutating func settle() throws {
        var all: ([LedgerEvent], [Applied]) = ([], [])
        repeat {
            try step()
            all.0 += events
            all.1 += applied
        } while !isQuiet
        (events, applied) = all
    }

    /// Goes to the beginning of an epoch, and settles.
    mutating func go(toEpoch epoch: UInt64) throws {
        let start = epoch * parameters.epochMilliseconds
        #expect(start > time)
        time = start - 1_000
        try settle()
    }

    private var isQuiet: Bool {
        inbox.allSatisfy(\.isEmpty)
            && due.joined().allSatisfy { entry in
                if case .payout = entry.action { return false }
                return true
            }
    }

    // MARK: Reading

    var epoch: UInt64 { time / parameters.epochMilliseconds }

    func account(_ address: Address) throws -> Account {
        try Account(stored: try object(.account(address), at: address))
    }

    func escrow(of address: Address) throws -> Amount {
        try object(.escrow(address), at: address)?.value ?? .zero
    }

    /// The object at the home of `owner`.
    func object(_ key: ObjectKey, at owner: Address) throws -> StateObject? {
        try trees[Int(parameters.layout.home(of: owner).value)].object(key, MemoryPages())
    }

    func offer(_ id: ObjectID) throws -> Offer? {
        try object(Offer.key(id), at: id.owner).map { try Offer($0) }
    }

    func owed(_ trade: ObjectID, at seller: Address) throws -> OwedTrade? {
        try object(OwedTrade.key(trade), at: seller).map { try OwedTrade($0) }
    }

    /// All that the treasury has: on the beacon, in vaults and on its way.
    func treasury() throws -> Amount {
        var units: UInt128 = 0
        for tree in trees {
            let keys = [
                ObjectKey(.treasury, key: []),
                ObjectKey(.vault, key: ReservedAddress.treasury.bytes),
            ]
            for key in keys { units += try tree.object(key, MemoryPages())?.value.units ?? 0 }
        }
        units += inbox.joined().filter { $0.to == ReservedAddress.treasury }
            .reduce(0) { $0 + $1.value.units }
        return Amount(units)
    }

    var trades: [TradeEvent] {
        events.compactMap { event in
            if case .compute(.trade(let trade)) = event { trade } else { nil }
        }
    }

    /// Why requests came back in the last step.
    var bounces: [ExecutionFailure] {
        events.compactMap { event in
            if case .refunded(_, _, _, _, _, let reason) = event { reason } else { nil }
        }
    }

    // MARK: Blocks

    func context(_ endpoint: Int) -> BlockContext {
        BlockContext(
            chain: .zero, parameters: parameters, endpoint: EndpointID(UInt16(endpoint)),
            height: height, time: BeaconTime(milliseconds: time), baseFee: Amount(1),
            beneficiary: Self.proposer)
    }

    private static let proposer = Address(words: (1, 2, 3))

    private mutating func block(_ endpoint: Int) throws -> [[Receipt]] {
        var executor = try BlockExecutor(
            context: context(endpoint), tree: trees[endpoint], pages: MemoryPages(),
            ends: ends[endpoint], expecting: 16)
        executor.beginSystem()
        for item in funding where item.endpoint == endpoint {
            try executor.fundTrades(item.amount, of: item.epoch)
        }
        for receipt in inbox[endpoint] { try executor.consume(receipt) }
        let ready = due[endpoint].filter { $0.key.time.milliseconds <= time }
        for entry in ready.sorted(by: { $0.key < $1.key }) { try executor.run(entry) }
        if let result = executor.systemResult(weight: 0) {
            #expect(try TransactionResult(encoded: result.encoded) == result)
            events += result.events
        }
        for (transaction, id) in waiting[endpoint] {
            guard case .applied(let failure) = try executor.apply(transaction) else {
                Issue.record("refused: \(id)")
                continue
            }
            applied.append(Applied(id: id, failure: failure))
            if let result = executor.results.last { events += result.events }
        }
        waiting[endpoint] = []
        try executor.finish()
        trees[endpoint] = try executor.updatedTree()
        ends[endpoint] = executor.outbox.ends
        due[endpoint].removeAll { entry in executor.dueRemoved.contains(entry.key) }
        due[endpoint] += executor.dueAdded
        burned += executor.burned.units
        return executor.outbox.receipts
    }

    /// Recounts one endpoint.
    private func audit(_ endpoint: Int) throws {
        let audit = try StateAudit(context(endpoint), try objects(endpoint))
        try audit.check()
        #expect(audit.due == due[endpoint].sorted { $0.key.sequence < $1.key.sequence })
    }

    func objects(_ endpoint: Int) throws -> [(key: ObjectKey, object: StateObject)] {
        var pages = MemoryPages()
        pages.apply(trees[endpoint].pageChanges(since: .empty))
        var objects: [(key: ObjectKey, object: StateObject)] = []
        _ = try StateTree(loading: pages, kinds: Set(ObjectKind.allCases)) { key, object in
            objects.append((key, object))
        }
        return objects
    }

    private var total: UInt128 {
        let flying = inbox.joined().reduce(UInt128(0)) { $0 + $1.value.units + $1.fee.units }
        return trees.reduce(burned + flying) { $0 + $1.sum.units }
    }
}

/// An account of one of four shards.
func trader(_ shard: UInt64, _ number: UInt64 = 1) -> Address {
    Address(words: (shard << 62 | number, 0, 1))
}

/// What tests offer when they do not say.
func terms(
    price: UInt128 = 100, units: UInt64 = 10, until: UInt64? = nil
) -> OfferTerms {
    OfferTerms(
        resource: .graphics, specification: Hash32(words: (1, 2, 3, 4)),
        pricePerUnit: Amount(price), units: units,
        until: until.map { BeaconTime(milliseconds: $0) })
}
