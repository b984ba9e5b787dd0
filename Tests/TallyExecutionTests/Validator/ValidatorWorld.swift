import TallyCrypto
import TallyExecution
import TallyPrimitives
import TallyState
import TallyTransactions
import Testing

/// Endpoints that execute block after block, with all receipts passed on and all invariants and the
/// sum of money checked after each. Fees are 0. Epochs close only where a test asks for it.
struct ValidatorWorld {
    var parameters: NetworkParameters
    let chain = SHA256.plain(Array("validator tests".utf8))
    /// Of the newest block, in milliseconds.
    private(set) var time: UInt64
    /// Everything that happened, by endpoint.
    private(set) var history: [(endpoint: EndpointID, event: LedgerEvent)] = []
    private(set) var trees: [StateTree] = []
    private var due: [[DueEntry]]
    /// By destination, then source.
    private var inbox: [[[Receipt]]]
    private var ends: [[UInt64]]
    private var nonces: [Address: Nonce] = [:]
    private var height: UInt64 = 0
    private let total: UInt128
    private var minted: [Amount]
    /// Parts in the rewards that a test gives to each endpoint.
    private var accounts: [[RewardAccount]]
    private let key: PrivateKey

    static let start: UInt64 = 86_400_000 * 1_000
    static let hour: UInt64 = 3_600_000
    static let day: UInt64 = 86_400_000

    init(
        _ balances: [(Address, Amount)], shards: Int = 2, start: UInt64 = Self.start,
        epochs: Bool = false,
        _ change: (inout NetworkParameters) -> Void = { _ in }
    ) throws {
        let layout = try #require(ShardLayout(shardCount: shards))
        parameters = NetworkParameters(chainID: 1_337, layout: layout)
        parameters.economy = .emc
        parameters.minimumBaseFee = .zero
        change(&parameters)
        time = start
        let count = layout.endpointCount
        let opening = EpochOpening(parameters, at: BeaconTime(milliseconds: start))
        due = Array(repeating: epochs ? [opening.firstClose(parameters)] : [], count: count)
        minted = Array(repeating: .zero, count: count)
        accounts = Array(repeating: [], count: count)
        inbox = Array(repeating: Array(repeating: [], count: count), count: count)
        ends = Array(repeating: Array(repeating: 0, count: count), count: count)
        key = try PrivateKey([UInt8](repeating: 7, count: 32))
        var sum: UInt128 = 0
        for endpoint in layout.endpoints {
            var changes = epochs ? opening.changes(parameters) : []
            for (address, balance) in balances
            where EndpointID(layout.home(of: address)) == endpoint {
                let account = Account(balance: balance, nonce: 0, policy: .accept)
                changes.append(StateChange(.account(address), account.object))
                sum += balance.units
            }
            trees.append(try StateTree.empty.updating(changes.inPathOrder(), MemoryPages()))
        }
        total = sum
    }

    var beacon: EndpointID { parameters.layout.beacon }

    // MARK: Blocks

    /// What a test does in a block of an endpoint, after its due entries.
    typealias Work = (inout BlockExecutor, inout [RewardAccount]) throws -> Void

    /// One block of every endpoint at a time; returns the failures of the transactions, in order.
    @discardableResult
    mutating func step(
        at time: UInt64, _ transactions: [Transaction] = [], _ work: [EndpointID: Work] = [:]
    ) throws -> [ExecutionFailure?] {
        try #require(time >= self.time, "time goes forward")
        self.time = time
        height += 1
        var failures: [ExecutionFailure?] = []
        var sent: [[[Receipt]]] = []
        for endpoint in parameters.layout.endpoints {
            sent.append(try build(endpoint, transactions, work[endpoint], &failures))
        }
        for (source, byDestination) in sent.enumerated() {
            for (destination, receipts) in byDestination.enumerated() {
                ends[source][destination] += UInt64(receipts.count)
                inbox[destination][source] = receipts
            }
        }
        try check()
        return failures
    }

    private func context(_ endpoint: EndpointID) -> BlockContext {
        BlockContext(
            chain: chain, parameters: parameters, endpoint: endpoint, height: Height(height),
            time: BeaconTime(milliseconds: time), baseFee: .zero,
            beneficiary: Address(words: (1, 1, 1)))
    }

    private mutating func build(
        _ endpoint: EndpointID, _ transactions: [Transaction], _ work: Work?,
        _ failures: inout [ExecutionFailure?]
    ) throws -> [[Receipt]] {
        let index = Int(endpoint.index)
        var executor = try BlockExecutor(
            context: context(endpoint), tree: trees[index], pages: MemoryPages(),
            ends: ends[index], expecting: 16)
        executor.beginSystem()
        for receipt in inbox[index].flatMap({ $0 }) { try executor.consume(receipt) }
        let now = BeaconTime(milliseconds: time)
        for entry in due[index].filter({ $0.key.time <= now }).sorted(by: { $0.key < $1.key }) {
            try executor.run(entry)
        }
        try work?(&executor, &accounts[index])
        var events = executor.systemResult(weight: 0)?.events ?? []
        for transaction in transactions
        where EndpointID(parameters.layout.home(of: transaction.sender)) == endpoint {
            switch try executor.apply(transaction) {
            case .applied(let failure): failures.append(failure)
            case .refused(let reason): Issue.record("refused: \(reason)")
            }
        }
        for result in executor.results { events += result.events }
        try executor.finish()
        minted[index] = try #require(minted[index].adding(executor.minted))
        let (removed, added) = (Set(executor.dueRemoved), executor.dueAdded)
        due[index] = due[index].filter { !removed.contains($0.key) } + added
        trees[index] = try executor.updatedTree()
        // What is told can be read back.
        for event in events {
            #expect(try LedgerEvent(encoded: event.encoded) == event)
            history.append((endpoint, event))
        }
        return executor.outbox.receipts
    }

    /// Every invariant, and that no money came or went.
    private func check() throws {
        var sum: UInt128 = 0
        for endpoint in parameters.layout.endpoints {
            let index = Int(endpoint.index)
            var pages = MemoryPages()
            pages.apply(trees[index].pageChanges(since: .empty))
            var objects: [(key: ObjectKey, object: StateObject)] = []
            _ = try StateTree(loading: pages, kinds: Set(ObjectKind.allCases)) { key, object in
                objects.append((key, object))
            }
            let audit = try StateAudit(context(endpoint), objects, minted: minted[index])
            try audit.check(others: accounts[index])
            #expect(
                audit.due.map(\.key) == due[index].map(\.key).sorted { $0.sequence < $1.sequence })
            sum += trees[index].sum.units
        }
        for receipt in inbox.flatMap({ $0 }).flatMap({ $0 }) {
            sum += receipt.value.units + receipt.fee.units
        }
        try #require(sum == total + made.units, "money was made or lost")
    }

    /// What epochs have made so far.
    var made: Amount { Amount(minted.reduce(0) { $0 + $1.units }) }

    // MARK: Calls

    mutating func transaction(
        _ operation: ValidatorOperation, from sender: Address
    ) throws -> Transaction {
        let nonce = nonces[sender, default: 0]
        nonces[sender] = nonce + 1
        let envelope = Envelope(
            chainID: parameters.chainID, nonce: nonce, weightLimit: 10_000_000, maxFee: .zero,
            maxPriorityFee: .zero, to: operation.target.to, value: operation.target.value,
            data: operation.callData)
        return try Transaction(raw: envelope.signed(by: key), verifiedSender: sender)
    }

    /// Sends a call now, has the beacon handle it at a time, and takes home what comes back.
    /// - Returns: why it failed, on the beacon or on the sender's shard.
    @discardableResult
    mutating func call(
        _ operation: ValidatorOperation, from sender: Address, at time: UInt64? = nil
    ) throws -> ExecutionFailure? {
        let failures = try step(at: self.time, [transaction(operation, from: sender)])
        if let failure = failures.first ?? nil { return failure }
        let place = history.count
        try step(at: time ?? self.time)
        let outcome = history[place...].compactMap { item -> ExecutionFailure?? in
            switch item.event {
            case .bounced(_, _, _, _, let reason): .some(reason)
            case .compute(.handled): .some(nil)
            default: nil
            }
        }
        try #require(outcome.count == 1, "one call, one outcome")
        // The payout of a stake leaves in the next block and arrives in the one after.
        for _ in 0..<3 { try step(at: self.time) }
        return outcome[0]
    }

    mutating func stake(
        _ role: StakeRole, _ amount: Amount, days: UInt32 = 360,
        from owner: Address
    ) throws {
        let failure = try call(.stakeRole(role, termDays: days, value: amount), from: owner)
        try #require(failure == nil)
    }

    mutating func stake(_ amount: Amount, from owner: Address) throws {
        try stake(.validator, amount, from: owner)
    }

    // MARK: Reading

    func object(_ key: ObjectKey, at endpoint: EndpointID? = nil) throws -> StateObject? {
        try trees[Int((endpoint ?? beacon).index)].object(key, MemoryPages())
    }

    func stakeObject(of owner: Address) throws -> RoleStake? {
        try object(RoleStake.key(of: owner)).map { try RoleStake($0) }
    }

    func roll(_ role: StakeRole) throws -> [Address] {
        try object(RoleRoll.key(of: role)).map { try RoleRoll($0) }?.entries.map(\.owner) ?? []
    }

    func balance(_ address: Address) throws -> Amount {
        let home = EndpointID(parameters.layout.home(of: address))
        return try Account(stored: try object(.account(address), at: home)).balance
    }

    func elected() throws -> ElectedSet? {
        try ElectedSet(trees[Int(beacon.index)], MemoryPages())
    }

    /// What the treasury has, its vault on the beacon included.
    func treasury() throws -> Amount {
        let vault = ObjectKey(.vault, key: ReservedAddress.treasury.bytes)
        let parts = [try object(vault), try object(ObjectKey(.treasury, key: []))]
        return Amount(parts.reduce(0) { $0 + ($1?.value.units ?? 0) })
    }

    /// What arrived for nodes and stakes, and was not paid out.
    func undrawn() throws -> Amount {
        let key = ObjectKey(.pool, key: Array("rewards".utf8))
        return Amount(
            try parameters.layout.endpoints.reduce(0) {
                $0 + (try object(key, at: $1)?.value.units ?? 0)
            })
    }

    /// What waits on the beacon.
    var waiting: [DueAction] { due[Int(beacon.index)].map(\.action) }

    /// The family's events, from a place in the history on.
    func events(from place: Int = 0) -> [ValidatorEvent] {
        history[place...].compactMap { item in
            if case .compute(.validator(let event)) = item.event { event } else { nil }
        }
    }
}

/// Owners on both shards: the first bits of an address decide.
func staker(_ number: Int) -> Address {
    let prefix: UInt64 = number % 2 == 0 ? 0x1000 : 0x9000
    return Address(words: (prefix << 48 | UInt64(number), 0x51, 0xace))
}
