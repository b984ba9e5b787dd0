import TallyCrypto
import TallyPrimitives
import TallyState
import TallyTransactions
import Testing

@testable import TallyExecution

/// Shards and beacon as bare executors: every step is one block of each, with the receipts that the
/// step before sent. After every block the state is recounted, and so is all money.
struct NodeWorld {
    static let balance = Amount(1_000_000_000_000_000)
    /// Pays the fees of a test's first blocks into the vaults.
    static let proposer = Address(words: (1, 2, 3))
    static let shards = 4

    var parameters: NetworkParameters
    var validators: [Address]
    private(set) var time: UInt64 = 1_000_000
    /// Newest seed. It advances with every step unless a test stops it.
    private(set) var seedNumber: UInt64 = 1
    var seedsStand = false
    /// Whether due entries wait although their time has come, as in a block without room for them.
    var dueStands = false
    private(set) var trees: [StateTree]
    /// Receipts that each endpoint consumes with its next block.
    private(set) var inbox: [[Receipt]]
    private(set) var due: [[DueEntry]]
    private var ends: [[UInt64]]
    private var height = Height(1)
    private var waiting: [[Transaction]]
    private var nonces: [Address: Nonce] = [:]
    private let supply: UInt128
    private var burned: UInt128 = 0
    /// Of the last step.
    private(set) var events: [LedgerEvent] = []
    private(set) var failures: [ExecutionFailure?] = []

    /// - Parameter accounts: besides the validators.
    init(
        accounts: [Address], validators: [Address] = NodeWorld.validators(9),
        _ change: (inout NetworkParameters) -> Void = { _ in }
    ) throws {
        let layout = try #require(ShardLayout(shardCount: Self.shards))
        var parameters = NetworkParameters(chainID: 7, layout: layout)
        parameters.minimumBaseFee = Amount(1)
        parameters.baseFeeDestination = .treasury
        parameters.economy = .small
        change(&parameters)
        self.parameters = parameters
        self.validators = validators
        let count = layout.endpointCount
        let all = Set(accounts + validators)
        trees = try layout.endpoints.map { endpoint in
            let changes = all.filter { EndpointID(layout.home(of: $0)) == endpoint }.map {
                StateChange(
                    .account($0), StateObject(kind: .account, value: Self.balance))
            }
            return try StateTree.empty.updating(changes.inPathOrder(), MemoryPages())
        }
        inbox = Array(repeating: [], count: count)
        due = Array(repeating: [], count: count)
        waiting = Array(repeating: [], count: count)
        ends = Array(repeating: Array(repeating: 0, count: count), count: count)
        supply = UInt128(all.count) * Self.balance.units
    }

    /// Ascending, spread over the shards.
    static func validators(_ count: UInt64) -> [Address] {
        (0..<count).map { machine($0 % UInt64(shards), 100 + $0) }.sorted()
    }

    // MARK: Acting

    /// Puts an operation into its sender's next block.
    mutating func submit(
        _ operation: TallyTransactions.Operation, from sender: Address
    ) throws {
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
        #expect(transaction.operation == operation)
        waiting[home(of: sender)].append(transaction)
    }

    /// Performs one operation in a block of its own.
    /// - Returns: why it failed on its sender's shard.
    @discardableResult mutating func act(
        _ operation: NodeOperation, by sender: Address
    ) throws -> ExecutionFailure? {
        try submit(.node(operation), from: sender)
        try step()
        return try #require(failures.first)
    }

    @discardableResult mutating func act(
        _ operation: ProofOperation, by sender: Address
    ) throws -> ExecutionFailure? {
        try submit(.proof(operation), from: sender)
        try step()
        return try #require(failures.first)
    }

    /// One block of every endpoint, `milliseconds` after the last.
    mutating func step(_ milliseconds: UInt64 = 1_000) throws {
        time += milliseconds
        if !seedsStand { seedNumber += 1 }
        events = []
        failures = []
        var sent: [[Receipt]] = Array(repeating: [], count: trees.count)
        for endpoint in trees.indices {
            for (destination, receipts) in try block(endpoint).enumerated() {
                sent[destination] += receipts
            }
        }
        inbox = sent
        height = height.next
        for endpoint in trees.indices { try audit(endpoint) }
        #expect(total == supply, "money is neither made nor lost")
    }

    /// Steps from one due entry to the next, up to a block with this time.
    /// - Returns: all events on the way.
    @discardableResult mutating func go(to end: UInt64) throws -> [LedgerEvent] {
        var seen: [LedgerEvent] = []
        while time < end {
            let next = due.joined().map(\.key.time.milliseconds).min() ?? end
            try step(min(end, max(next, time + 1)) - time)
            seen += events
        }
        events = seen
        return seen
    }

    /// Steps until nothing is on its way: receipts and payouts.
    @discardableResult mutating func settle() throws -> [LedgerEvent] {
        var seen: [LedgerEvent] = []
        repeat {
            try step()
            seen += events
        } while !isQuiet
        events = seen
        return seen
    }

    private var isQuiet: Bool {
        inbox.allSatisfy(\.isEmpty)
            && due.joined().allSatisfy { entry in
                if case .payout = entry.action { return false }
                return true
            }
    }

    // MARK: Reading

    func home(of address: Address) -> Int { Int(parameters.layout.home(of: address).value) }

    /// The object at the home of `owner`.
    func object(_ key: ObjectKey, at owner: Address) throws -> StateObject? {
        try trees[home(of: owner)].object(key, MemoryPages())
    }

    func account(_ address: Address) throws -> Account {
        try Account(stored: try object(.account(address), at: address))
    }

    func node(_ owner: Address) throws -> ComputeNode {
        try ComputeNode(try #require(try object(ComputeNode.objectKey(of: owner), at: owner)))
    }

    func round(_ owner: Address) throws -> ProofRound {
        try ProofRound(try #require(try object(ProofRound.objectKey(of: owner), at: owner)))
    }

    func hasRound(_ owner: Address) throws -> Bool {
        try object(ProofRound.objectKey(of: owner), at: owner) != nil
    }

    /// What the treasury has in the vault of an account's shard.
    func vault(at owner: Address) throws -> Amount {
        try object(Vault.key(of: ReservedAddress.treasury), at: owner)?.value ?? .zero
    }

    var nodeEvents: [NodeEvent] {
        events.compactMap { event in
            if case .compute(.node(let node)) = event { node } else { nil }
        }
    }

    var proofEvents: [ProofEvent] {
        events.compactMap { event in
            if case .compute(.proof(let proof)) = event { proof } else { nil }
        }
    }

    /// Payouts that arrived.
    var paid: [PayoutEvent] {
        events.compactMap { event in
            if case .compute(
                .payout(
                    .paid(
                        let reference, let id, let reason, let to, let value,
                        let isEscrowed))) = event
            {
                .paid(
                    reference, object: id, reason, to: to, value: value, isEscrowed: isEscrowed)
            } else {
                nil
            }
        }
    }

    /// Why requests came back.
    var bounces: [ExecutionFailure] {
        events.compactMap { event in
            if case .refunded(_, _, _, _, _, let reason) = event { reason } else { nil }
        }
    }

    // MARK: Blocks

    static func seed(_ number: UInt64) -> Hash32 {
        SHA256.plain(Array("seed \(number)".utf8))
    }

    func context(_ endpoint: Int) -> BlockContext {
        BlockContext(
            chain: .zero, parameters: parameters, endpoint: EndpointID(UInt16(endpoint)),
            height: height, time: BeaconTime(milliseconds: time), baseFee: Amount(1),
            beneficiary: Self.proposer,
            seed: BeaconSeed(number: seedNumber, value: Self.seed(seedNumber)),
            validators: validators)
    }

    func executor(_ endpoint: Int) throws -> BlockExecutor {
        try BlockExecutor(
            context: context(endpoint), tree: trees[endpoint], pages: MemoryPages(),
            ends: ends[endpoint], expecting: 16)
    }

    private mutating func block(_ endpoint: Int) throws -> [[Receipt]] {
        var executor = try executor(endpoint)
        executor.beginSystem()
        for receipt in inbox[endpoint] { try executor.consume(receipt) }
        let ready = due[endpoint].filter { $0.key.time.milliseconds <= time && !dueStands }
        for entry in ready.sorted(by: { $0.key < $1.key }) { try executor.run(entry) }
        if let result = executor.systemResult(weight: 0) {
            #expect(try TransactionResult(encoded: result.encoded) == result)
            events += result.events
        }
        for transaction in waiting[endpoint] {
            guard case .applied(let failure) = try executor.apply(transaction) else {
                Issue.record("refused: \(transaction.operation)")
                continue
            }
            failures.append(failure)
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
func machine(_ shard: UInt64, _ number: UInt64 = 1) -> Address {
    Address(words: (shard << 62 | number, 0, 9))
}

extension ProofTask {
    /// Of microseconds.
    static let tiny: ProofTask = {
        do throws(ProofTaskError) {
            return .chain(try ChainTask(segments: 8, stepsPerSegment: 2, openings: 2))
        } catch { preconditionFailure("in range: \(error)") }
    }()
}

extension EconomyParameters {
    /// That of EMC with tiny tasks.
    static let small: EconomyParameters = {
        var economy = emc
        economy.rounds.task = .tiny
        return economy
    }()
}
