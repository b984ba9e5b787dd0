import TallyCrypto
import TallyPrimitives
import TallyState
import TallyTesting
import TallyTransactions
import Testing

@testable import TallyExecution

/// Four shards and the beacon, without agreement: blocks of all endpoints one after another, receipts
/// passed on, due entries run. After each block the books are checked. A value: a copy is a fork.
struct JobWorld {
    private(set) var parameters: NetworkParameters
    var time = BeaconTime(milliseconds: 1_000_000)
    var seed = BeaconSeed(number: 7, value: SHA256.plain([7]))
    var validators: [Address]
    private(set) var trees: [StateTree]
    private(set) var events: [LedgerEvent] = []
    private var due: [[DueEntry]]
    private var inbound: [[Receipt]]
    private var ends: [[UInt64]]
    private var height: UInt64 = 1
    private var genesis = Amount.zero
    private var nonces: [Address: Nonce] = [:]

    static let funds = Amount(1_000_000_000_000)
    static let builder = Address(words: (0x1111, 0, 1))

    init(
        _ accounts: [Address], validators: [Address], dueBound: Int = 65_536,
        _ change: (inout JobRule) -> Void = { _ in }
    ) throws {
        var parameters = NetworkParameters(chainID: 1337, layout: try some(Self.layout))
        var economy = EconomyParameters.emc
        change(&economy.jobs)
        parameters.economy = economy
        parameters.dueBound = dueBound
        self.parameters = parameters
        self.validators = validators.sorted()
        let count = parameters.layout.endpointCount
        trees = Array(repeating: .empty, count: count)
        due = Array(repeating: [], count: count)
        inbound = due.map { _ in [] }
        ends = due.map { _ in Array(repeating: 0, count: count) }
        for slot in 0..<(count - 1) {
            let here = accounts.filter { Int(parameters.layout.home(of: $0).value) == slot }
            let changes = here.map { address in
                let account = Account(balance: Self.funds, nonce: 0, policy: .accept)
                return StateChange(.account(address), account.object)
            }
            trees[slot] = try trees[slot].updating(changes.inPathOrder(), MemoryPages())
        }
        genesis = Amount(Self.funds.units * UInt128(Set(accounts).count))
    }

    private static let layout = ShardLayout(shardCount: 4)

    /// The `number`th address of a shard.
    static func address(_ shard: UInt64, _ number: UInt32) -> Address {
        Address(words: (shard << 62 | 0xabc, 0, number))
    }

    // MARK: Reading

    func home(of address: Address) -> Int { Int(parameters.layout.home(of: address).value) }

    private func object(_ key: ObjectKey, of address: Address) throws -> StateObject? {
        try trees[home(of: address)].object(key, MemoryPages())
    }

    func balance(_ address: Address) throws -> UInt128 {
        try Account(stored: object(.account(address), of: address)).balance.units
    }

    /// What an account got or spent since the beginning.
    func gain(_ address: Address) throws -> Int64 {
        Int64(try balance(address)) - Int64(Self.funds.units)
    }

    func order(_ id: ObjectID) throws -> JobOrder {
        try JobOrder(some(object(JobOrder.key(id), of: id.owner)))
    }

    func hasOrder(_ id: ObjectID) throws -> Bool {
        try object(JobOrder.key(id), of: id.owner) != nil
    }

    func bid(_ id: ObjectID, of order: ObjectID) throws -> JobBid? {
        try object(JobBid.key(order: order, bid: id), of: order.owner).map {
            try JobBid($0)
        }
    }

    func lease(_ id: ObjectID) throws -> LeaseState {
        guard case .active(let lease) = try order(id).state else { throw VectorError("no lease") }
        return lease.state
    }

    func closing(_ id: ObjectID) throws -> JobClosing {
        guard case .closed(let closing) = try order(id).state else {
            throw VectorError("not closed")
        }
        return closing
    }

    func reserved(_ shard: Int) throws -> Int {
        try DueCounters(trees[shard].object(DueCounters.key, MemoryPages())).reserved
    }

    /// Entries of the family that wait on a shard.
    func timers(_ shard: Int) -> [DueEntry] {
        due[shard].filter { if case .job = $0.action { true } else { false } }
    }

    /// All that the treasury has: on the beacon, and in vaults.
    func treasury() throws -> UInt128 {
        var sum: UInt128 = 0
        for (slot, tree) in trees.enumerated() {
            let isBeacon = slot == trees.count - 1
            let key =
                isBeacon ? ObjectKey(.treasury, key: []) : Vault.key(of: ReservedAddress.treasury)
            sum += try tree.object(key, MemoryPages())?.value.units ?? 0
        }
        return sum
    }

    func facts(_ id: ObjectID, since count: Int = 0) -> [JobFact] {
        events.dropFirst(count).compactMap {
            guard case .compute(.job(let event)) = $0, event.order == id else { return nil }
            return event.fact
        }
    }

    func nonce(_ address: Address) -> Nonce { nonces[address] ?? 0 }

    /// What an account's node has counted of its jobs.
    func counted(_ owner: Address) throws -> Counted {
        let reputation = try ComputeNode(
            some(object(ComputeNode.objectKey(of: owner), of: owner))
        ).reputation
        return Counted(deliveries: reputation.deliveries, failures: reputation.failures)
    }

    /// Gives an account a node; a retired one, so that it has no rounds.
    mutating func addNode(of owner: Address) throws {
        let node = ComputeNode(
            owner: owner, key: .zero, spec: .zero, state: .retired,
            outage: NodeOutage(lastSeen: time))
        let change = StateChange(ComputeNode.objectKey(of: owner), node.object)
        trees[home(of: owner)] = try trees[home(of: owner)].updating([change], MemoryPages())
    }

    // MARK: Acting

    /// Performs an operation and lets all that follows from it happen.
    /// - Parameter later: milliseconds that a request takes: it is before the due entries of its block.
    /// - Returns: why it had no effect, here or where its object is.
    mutating func perform(
        _ operation: JobOperation, by sender: Address, later: UInt64 = 0
    ) throws -> ExecutionFailure? {
        let count = events.count
        let failure = try block([(sender, operation)]).first ?? nil
        time = BeaconTime(milliseconds: time.milliseconds + later)
        try settleDown()
        if let failure { return failure }
        for event in events.dropFirst(count) {
            if case .refunded(_, _, _, let to, _, let reason) = event, to == sender {
                return reason
            }
        }
        return nil
    }

    /// Performs an operation that must succeed.
    mutating func must(
        _ operation: JobOperation, by sender: Address,
        _ location: SourceLocation = #_sourceLocation
    ) throws {
        let failure = try perform(operation, by: sender)
        #expect(failure == nil, sourceLocation: location)
    }

    /// Performs an operation that must fail, and must change nothing but the sender's nonce.
    mutating func refuses(
        _ operation: JobOperation, by sender: Address, _ reason: ExecutionFailure,
        _ location: SourceLocation = #_sourceLocation
    ) throws {
        let before = (try operation.order.map(hasOrder) ?? false, try balance(sender), events)
        let stored = before.0 ? try operation.order.map(order) : nil
        let failure = try perform(operation, by: sender)
        #expect(failure == reason, sourceLocation: location)
        #expect(try balance(sender) == before.1, sourceLocation: location)
        if let stored {
            #expect(try order(stored.id) == stored, sourceLocation: location)
            #expect(facts(stored.id, since: before.2.count).isEmpty, sourceLocation: location)
        }
    }

    /// Lets time pass, and all happen that is due.
    mutating func wait(_ milliseconds: UInt64) throws {
        time = BeaconTime(milliseconds: time.milliseconds + milliseconds)
        try settleDown()
    }

    /// The seed that may draw for what is bound now, and a second for the entries to look.
    mutating func reachDraw(_ value: Hash32 = SHA256.plain([9])) throws {
        seed = BeaconSeed(number: seed.nextDraw, value: value)
        try wait(1_000)
    }

    mutating func settleDown() throws {
        for _ in 0..<20 {
            let isReady = due.contains { $0.contains { $0.key.time <= time } }
            guard isReady || inbound.contains(where: { !$0.isEmpty }) else { return }
            _ = try block([])
        }
        throw VectorError("it does not settle")
    }

    /// A block of every endpoint.
    /// - Returns: of each transaction, why it failed on its sender's shard.
    mutating func block(
        _ operations: [(sender: Address, JobOperation)]
    ) throws -> [ExecutionFailure?] {
        var transactions: [Transaction] = []
        for (sender, operation) in operations {
            transactions.append(try transaction(operation, by: sender))
        }
        var failures: [Hash32: ExecutionFailure] = [:]
        let waiting = inbound
        for slot in trees.indices {
            inbound[slot] = []
        }
        for slot in trees.indices {
            try block(
                slot, waiting[slot], transactions.filter { home(of: $0.sender) == slot },
                &failures)
        }
        height += 1
        try checkSum()
        return transactions.map { failures[$0.hash] }
    }

    private mutating func transaction(
        _ operation: JobOperation, by sender: Address
    ) throws -> Transaction {
        let (to, value) = operation.target
        let envelope = Envelope(
            chainID: 1337, nonce: nonce(sender), weightLimit: 10_000_000, maxFee: .zero,
            maxPriorityFee: .zero, to: to, value: value, data: operation.callData)
        nonces[sender, default: 0] += 1
        let key = try PrivateKey([UInt8](repeating: 0x46, count: 32))
        return try Transaction(raw: envelope.signed(by: key), verifiedSender: sender)
    }

    private func context(_ slot: Int) -> BlockContext {
        BlockContext(
            chain: .zero, parameters: parameters, endpoint: EndpointID(UInt16(slot)),
            height: Height(height), time: time, baseFee: .zero, beneficiary: Self.builder,
            seed: seed, validators: validators)
    }

    private mutating func block(
        _ slot: Int, _ receipts: [Receipt], _ transactions: [Transaction],
        _ failures: inout [Hash32: ExecutionFailure]
    ) throws {
        let context = context(slot)
        var executor = try BlockExecutor(
            context: context, tree: trees[slot], pages: MemoryPages(), ends: ends[slot],
            expecting: 16)
        executor.beginSystem()
        for receipt in receipts { try executor.consume(receipt) }
        for entry in due[slot].sorted(by: { $0.key < $1.key }) where entry.key.time <= time {
            try executor.run(entry)
        }
        events += executor.systemResult(weight: 0)?.events ?? []
        for transaction in transactions {
            switch try executor.apply(transaction) {
            case .applied(let failure): failures[transaction.hash] = failure
            case .refused(let reason): throw VectorError("refused: \(reason)")
            }
            events += executor.results.last?.events ?? []
        }
        try executor.finish()
        trees[slot] = try executor.updatedTree()
        ends[slot] = executor.outbox.ends
        let removed = Set(executor.dueRemoved)
        due[slot] = due[slot].filter { !removed.contains($0.key) } + executor.dueAdded
        for (destination, receipts) in executor.outbox.receipts.enumerated() {
            inbound[destination] += receipts
        }
        try StateAudit(context, try objects(slot)).check()
    }

    func objects(_ slot: Int) throws -> [(key: ObjectKey, object: StateObject)] {
        var pages = MemoryPages()
        pages.apply(trees[slot].pageChanges(since: .empty))
        var found: [(key: ObjectKey, object: StateObject)] = []
        _ = try StateTree(loading: pages, kinds: Set(ObjectKind.allCases)) { key, object in
            found.append((key, object))
        }
        return found
    }

    /// What an audit of changed objects says; `nil` if it finds nothing.
    func violation(
        _ slot: Int, _ objects: [(key: ObjectKey, object: StateObject)]
    ) -> InvariantViolation? {
        do throws(InvariantViolation) {
            try StateAudit(context(slot), objects).check()
            return nil
        } catch { return error }
    }

    private func checkSum() throws {
        var sum: UInt128 = 0
        for tree in trees { sum += tree.sum.units }
        for receipt in inbound.joined() { sum += receipt.value.units + receipt.fee.units }
        #expect(sum == genesis.units, "money at height \(height)")
    }
}

/// Jobs of a node that ended.
struct Counted: Hashable {
    var deliveries: UInt64 = 0
    var failures: UInt64 = 0
}

/// The value, or an error that says what is missing.
private func some<T>(_ value: T?) throws -> T {
    guard let value else { throw VectorError("no \(T.self)") }
    return value
}

// MARK: The people

let payer = JobWorld.address(1, 1)
/// On another shard than the payer.
let provider = JobWorld.address(2, 1)
/// On the payer's shard.
let neighbour = JobWorld.address(1, 2)
let stranger = JobWorld.address(3, 1)
let arbiters = (0..<5).map { JobWorld.address($0 % 4, 50 + UInt32($0)) }.sorted()
let people = [payer, provider, neighbour, stranger] + arbiters

let answer = SHA256.plain([1])
let wrong = SHA256.plain([2])
let salt = SHA256.plain([3])

extension JobWorld {
    /// With bonds of 10 %, half of one for a wrong result, windows of 10,000 ms, no samples and five
    /// arbiters.
    static func usual(
        dueBound: Int = 65_536, _ change: (inout JobRule) -> Void = { _ in }
    ) throws -> JobWorld {
        try JobWorld(people, validators: arbiters, dueBound: dueBound) {
            $0 = JobRule(
                bondBps: 1_000, disputeMilliseconds: 10_000, arbitrationMilliseconds: 10_000,
                sampleBps: 0, slashBps: 5_000, arbiters: 5)
            change(&$0)
        }
    }

    func terms(
        _ pricing: JobPricing = .fixed, price: UInt128 = 1_000, bidding: UInt64 = 5_000,
        duration: UInt64 = 60_000, program: JobProgram = .hashChain, spec: [UInt8] = [1, 2]
    ) -> JobTerms {
        JobTerms(
            program: program, pricing: pricing, input: SHA256.plain(spec),
            sealed: JobOrder.seal(answer: answer, salt: salt), price: Amount(price),
            bidsUntil: BeaconTime(milliseconds: time.milliseconds + bidding),
            duration: duration, spec: spec)
    }

    /// An open order of the payer.
    mutating func post(
        _ pricing: JobPricing = .fixed, price: UInt128 = 1_000, escrow: UInt128? = nil,
        duration: UInt64 = 60_000
    ) throws -> ObjectID {
        let id = ObjectID(owner: payer, number: nonce(payer))
        let terms = terms(pricing, price: price, duration: duration)
        try must(.postJob(terms, escrow: Amount(escrow ?? price)), by: payer)
        return id
    }

    mutating func bid(
        _ order: ObjectID, _ price: UInt128 = 800, by bidder: Address = provider
    ) throws -> ObjectID {
        let id = ObjectID(owner: bidder, number: nonce(bidder))
        try must(try bidding(order, price), by: bidder)
        return id
    }

    /// A bid with its right bond.
    func bidding(_ id: ObjectID, _ price: UInt128) throws -> JobOperation {
        let rule = try some(parameters.economy).jobs
        let bond = try some(JobOrder.bond(Amount(price), order(id).terms, rule))
        return .placeBid(order: id, price: Amount(price), bond: bond)
    }

    /// An order that the provider works on, at 800 of 1,000 with a bond of 80.
    mutating func assigned() throws -> ObjectID {
        let order = try post()
        try must(.acceptBid(order: order, bid: try bid(order)), by: payer)
        return order
    }

    mutating func delivered(_ result: Hash32 = answer) throws -> ObjectID {
        let order = try assigned()
        try must(.deliver(order: order, result: result), by: provider)
        return order
    }

    /// A rental at 100 a second, of at most 60 s.
    mutating func rented(rate: UInt128 = 100, escrow: UInt128 = 1_000) throws -> ObjectID {
        let order = try post(.rental, price: rate, escrow: escrow)
        try must(.acceptBid(order: order, bid: try bid(order, rate)), by: payer)
        return order
    }

    /// All arbiters commit, and reveal in the second half.
    mutating func vote(_ order: ObjectID, _ results: [Hash32?]) throws {
        for (arbiter, result) in zip(arbiters, results) {
            guard let result else { continue }
            let commitment = JobOrder.verdict(
                order: order, arbiter: arbiter, result: result, salt: salt)
            try must(.commitVerdict(order: order, commitment: commitment), by: arbiter)
        }
        try wait(5_000)
        for (arbiter, result) in zip(arbiters, results) {
            guard let result else { continue }
            try must(.revealVerdict(order: order, result: result, salt: salt), by: arbiter)
        }
        try wait(5_000)
    }
}
