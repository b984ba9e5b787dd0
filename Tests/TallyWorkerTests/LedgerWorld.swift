import TallyCrypto
import TallyPrimitives
import TallyState
import TallyTransactions
import Testing

@testable import TallyExecution
@testable import TallyWorker

/// Four shards and a beacon as bare executors, a computing machine, and validators with their duties:
/// whatever they ask for is done in the next block.
struct LedgerWorld {
    static let validators = (0..<5).map { account($0 % 4, 100 + $0) }.sorted()
    static let node = account(1)
    static let payer = account(2)

    let parameters: NetworkParameters
    var worker: WorkerCore
    var duties: [Address: ValidatorDuties]
    /// Of the first validator.
    var tasks: HiddenTasks?
    /// What the machine makes of its work; honest as it is.
    var cheat: (FinishedWork) -> FinishedWork = { $0 }
    private(set) var time: UInt64 = 1_000_000
    private var height = Height(1)
    private var trees: [StateTree]
    private var inbox: [[Receipt]]
    private var due: [[DueEntry]]
    private var ends: [[UInt64]]
    private var nonces: [Address: Nonce] = [:]
    private var waiting: [Transaction] = []
    /// Orders that were posted.
    private(set) var posted: [ObjectID] = []
    /// Those of the payer that were not looked at yet.
    private var unseen: [ObjectID] = []
    /// Of all operations: who said what.
    private(set) var said: [(who: Address, what: TallyTransactions.Operation)] = []
    /// Why operations had no effect.
    private(set) var failures: [ExecutionFailure] = []

    init() throws {
        let layout = try #require(ShardLayout(shardCount: 4))
        var parameters = NetworkParameters(chainID: 7, layout: layout)
        parameters.economy = .small
        self.parameters = parameters
        let balance = Amount(1_000_000_000)
        let all = Self.validators + [Self.node, Self.payer]
        trees = try layout.endpoints.map { endpoint in
            let changes = all.filter { EndpointID(layout.home(of: $0)) == endpoint }.map {
                StateChange(.account($0), StateObject(kind: .account, value: balance))
            }
            return try StateTree.empty.updating(changes.inPathOrder(), MemoryPages())
        }
        let count = layout.endpointCount
        inbox = Array(repeating: [], count: count)
        due = Array(repeating: [], count: count)
        ends = Array(repeating: Array(repeating: 0, count: count), count: count)
        worker = Self.worker()
        duties = [:]
        for validator in Self.validators { duties[validator] = Self.duties(validator) }
    }

    static func worker() -> WorkerCore {
        var policy = WorkerPolicy(programs: RunnablePrograms(maximumSteps: 1_000))
        policy.registration = .init(key: SHA256.plain([1]), spec: SHA256.plain([2]))
        policy.price = Amount(800)
        return WorkerCore(account: node, policy: policy)
    }

    static func duties(_ validator: Address) -> ValidatorDuties {
        ValidatorDuties(
            account: validator, secret: SHA256.plain(validator.bytes),
            programs: RunnablePrograms(maximumSteps: 1_000))
    }

    static func tasks(share: UInt16 = 10_000) -> HiddenTasks {
        HiddenTasks(
            account: validators[0], secret: SHA256.plain(validators[0].bytes),
            policy: HiddenTaskPolicy(
                shareBps: share, maximumEscrow: Amount(1_000),
                programs: RunnablePrograms(maximumSteps: 1_000)))
    }

    // MARK: Acting

    mutating func say(_ operation: TallyTransactions.Operation, by sender: Address) throws {
        let target = try #require(operation.target)
        let envelope = Envelope(
            chainID: 7, nonce: nonces[sender, default: 0], weightLimit: 30_000_000,
            maxFee: .zero, maxPriorityFee: .zero, to: target.to, value: target.value,
            data: operation.callData)
        let scalar = Hash32(words: (0, 1, sender.words.0, sender.words.1))
        let raw = envelope.raw(
            signature: RecoverableSignature(r: scalar, s: scalar, yParity: 0))
        let transaction = try Transaction(raw: raw, verifiedSender: sender)
        #expect(transaction.operation == operation)
        if case .job(.postJob) = operation {
            let id = ObjectID(owner: sender, number: nonces[sender, default: 0])
            posted.append(id)
            if sender == Self.payer { unseen.append(id) }
        }
        nonces[sender, default: 0] += 1
        waiting.append(transaction)
        said.append((sender, operation))
    }

    mutating func post() throws -> ObjectID {
        let id = ObjectID(owner: Self.payer, number: nonces[Self.payer, default: 0])
        let terms = jobTerms(
            .hashChain, ProofTask.tiny.encoded, bidsUntil: time + 60_000, duration: 60_000)
        try say(.job(.postJob(terms, escrow: Amount(1_000))), by: Self.payer)
        return id
    }

    /// A block of each endpoint, a second after the last; then all look at it.
    mutating func step() throws {
        time += 1_000
        let transactions = waiting
        waiting = []
        var sent: [[Receipt]] = Array(repeating: [], count: trees.count)
        for slot in trees.indices {
            let own = transactions.filter { home(of: $0.sender) == slot }
            for (destination, receipts) in try block(slot, own).enumerated() {
                sent[destination] += receipts
            }
        }
        inbox = sent
        height = Height(height.value + 1)
        try look()
    }

    /// Steps until the condition holds.
    mutating func go(
        most: Int = 120, _ what: Comment, until isDone: (LedgerWorld) throws -> Bool,
        _ location: SourceLocation = #_sourceLocation
    ) throws {
        for _ in 0..<most {
            if try isDone(self) { return }
            try step()
        }
        Issue.record(what, sourceLocation: location)
    }

    private mutating func look() throws {
        let performer = WorkPerformer(runner: nil)
        let view = try workerView()
        for action in worker.advance(view) {
            switch action {
            case .submit(let operation): try say(operation, by: Self.node)
            case .compute(let work): worker.finish(cheat(performer.perform(work)))
            }
        }
        for validator in Self.validators {
            let view = try validatorView()
            for action in duties[validator]?.advance(view) ?? [] {
                switch action {
                case .submit(let operation): try say(operation, by: validator)
                case .compute(let work):
                    duties[validator]?.finish(performer.perform(work))
                }
            }
        }
        let taskView = try taskView()
        for action in tasks?.advance(taskView) ?? [] {
            switch action {
            case .submit(let operation): try say(operation, by: Self.validators[0])
            case .compute(let work): tasks?.finish(performer.perform(work))
            }
        }
    }

    // MARK: Reading

    private func home(of address: Address) -> Int {
        Int(parameters.layout.home(of: address).value)
    }

    private func object(_ key: ObjectKey, at owner: Address) throws -> StateObject? {
        try trees[home(of: owner)].object(key, MemoryPages())
    }

    func round() throws -> ProofRound? {
        try object(ProofRound.objectKey(of: Self.node), at: Self.node).map { try ProofRound($0) }
    }

    func computeNode() throws -> ComputeNode? {
        try object(ComputeNode.objectKey(of: Self.node), at: Self.node).map {
            try ComputeNode($0)
        }
    }

    func order(_ id: ObjectID) throws -> JobOrder? {
        try object(JobOrder.key(id), at: id.owner).map { try JobOrder($0) }
    }

    func closing(_ id: ObjectID) throws -> JobClosing? {
        guard case .closed(let closing) = try order(id)?.state else { return nil }
        return closing
    }

    private func workerView() throws -> WorkerView {
        let account = try Account(stored: object(.account(Self.node), at: Self.node))
        return WorkerView(
            height: height, time: BeaconTime(milliseconds: time), economy: .small,
            balance: account.balance, node: try computeNode(), round: try round(),
            orders: try posted.compactMap { try order($0) })
    }

    private func validatorView() throws -> ValidatorView {
        ValidatorView(
            height: height, time: BeaconTime(milliseconds: time), layout: parameters.layout,
            economy: .small, rounds: try round().map { [$0] } ?? [],
            orders: try posted.compactMap { try order($0) })
    }

    private mutating func taskView() throws -> HiddenTaskView {
        let me = Self.validators[0]
        let account = try Account(stored: object(.account(me), at: me))
        var view = HiddenTaskView(
            height: height, time: BeaconTime(milliseconds: time), balance: account.balance,
            fee: .zero)
        for order in try posted.compactMap({ try order($0) }) {
            if unseen.contains(order.id) {
                view.posted.append(
                    OrderPattern(
                        id: order.id, terms: order.terms, escrow: order.escrow,
                        bidding: order.terms.bidsUntil.milliseconds - time))
            }
            guard order.payer == me else { continue }
            if case .closed = order.state { continue }
            view.orders.append(order)
            guard case .open(let bids) = order.state else { continue }
            view.bids[order.id] = try bids.compactMap {
                try object(JobBid.key(order: order.id, bid: $0), at: me).map { try JobBid($0) }
            }
        }
        unseen = []
        return view
    }

    // MARK: Blocks

    private mutating func block(
        _ slot: Int, _ transactions: [Transaction]
    ) throws -> [[Receipt]] {
        let context = BlockContext(
            chain: .zero, parameters: parameters, endpoint: EndpointID(UInt16(slot)),
            height: height, time: BeaconTime(milliseconds: time), baseFee: .zero,
            beneficiary: Self.validators[0],
            seed: BeaconSeed(
                number: height.value, value: SHA256.plain(Array("\(height.value)".utf8))),
            validators: Self.validators)
        var executor = try BlockExecutor(
            context: context, tree: trees[slot], pages: MemoryPages(), ends: ends[slot],
            expecting: 16)
        executor.beginSystem()
        for receipt in inbox[slot] { try executor.consume(receipt) }
        for entry in due[slot].sorted(by: { $0.key < $1.key })
        where entry.key.time.milliseconds <= time { try executor.run(entry) }
        for event in executor.systemResult(weight: 0)?.events ?? [] {
            if case .refunded(_, _, _, _, _, let reason) = event { failures.append(reason) }
        }
        for transaction in transactions {
            guard case .applied(let failure) = try executor.apply(transaction) else {
                Issue.record("refused: \(transaction.operation)")
                continue
            }
            if let failure { failures.append(failure) }
        }
        try executor.finish()
        trees[slot] = try executor.updatedTree()
        ends[slot] = executor.outbox.ends
        let removed = Set(executor.dueRemoved)
        due[slot] = due[slot].filter { !removed.contains($0.key) } + executor.dueAdded
        return executor.outbox.receipts
    }
}
