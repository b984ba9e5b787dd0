import TallyCrypto
import TallyExecution
import TallyPrimitives
import TallySharding
import TallyState
import TallyTransactions

/// Blocks built and applied on one core, without signatures, disk or other processes: execution, state
/// root, checks of the beacon, log record.
struct ExecutionRun {
    private var beacon: BeaconCore
    private var shards: [ShardCore]
    private var queues: [BlockQueue]
    private(set) var blocks = 0
    /// Bytes of raw transactions and of their results, as they are hashed.
    private(set) var contentBytes = 0
    private let genesis: Genesis
    private let plan: [(from: Int, to: Int)]
    private let addresses: [Address]
    private var planned = 0
    private var nonces: [Nonce]

    /// - Parameter perBlock: transfers of each shard's block, at most.
    init(_ shape: WorkloadShape, perBlock: Int) throws {
        var random = SeededGenerator(seed: shape.seed)
        let addresses = (0..<shape.accounts).map { _ in
            Address(
                words: (random.next(), random.next(), UInt32(truncatingIfNeeded: random.next())))
        }
        plan = (0..<shape.transfers).map { _ in
            (
                Int.random(in: 0..<shape.accounts, using: &random),
                Int.random(in: 0..<shape.accounts, using: &random)
            )
        }
        nonces = Array(repeating: 0, count: shape.accounts)
        self.addresses = addresses
        let genesis = try shape.genesis(addresses)
        let states = try genesis.states()
        let beacon = BeaconCore(genesis, states: states)
        shards = states.map {
            ShardCore(genesis: $0, chain: beacon.chain, parameters: genesis.parameters)
        }
        self.genesis = genesis
        self.beacon = beacon
        queues = Array(
            repeating: BlockQueue(limit: perBlock),
            count: genesis.parameters.layout.endpointCount)
    }

    /// Puts the next transfers of the plan into the queues: what intake and mempool leave behind.
    mutating func enqueue(_ count: Int) throws {
        // Any signature: nobody looks at it again.
        let digest = Keccak256.hash([])
        let signature = try PrivateKey(digest).sign(digest: digest)
        let layout = genesis.parameters.layout
        for (from, to) in plan[planned..<(planned + count)] {
            let envelope = WorkloadShape.envelope(nonce: nonces[from], to: addresses[to])
            nonces[from] += 1
            queues[Int(layout.home(of: addresses[from]).value)].append(
                try Transaction(
                    raw: envelope.raw(signature: signature), verifiedSender: addresses[from]))
        }
        planned += count
    }

    /// Builds and applies blocks until the queues are empty.
    /// - Returns: transfers executed, and seconds of this core's time.
    mutating func drain() throws -> (transfers: Int, seconds: Double) {
        let start = Clocks.thread
        var executed = 0
        var records: [[BlockRecord]] = []
        var logged = 0
        while queues.contains(where: { !$0.isEmpty }) {
            let view = beacon.view
            var candidates: [Candidate?] = []
            for index in shards.indices {
                candidates.append(
                    try shards[index].build(
                        view, beneficiary: .zero, from: &queues[index], pages: MemoryPages()))
            }
            let built = candidates.compactMap { $0?.record }
            let block = beacon.propose(built.map(\.block), now: beacon.head.time, proposer: .zero)
            logged += block.body.count
            beacon.commit(block.header, built.map(\.header))
            let deliveries = Delivery.group(built, layout: genesis.parameters.layout)
            for index in shards.indices {
                try shards[index].advance(
                    to: block.header.height, candidates[index], deliveries[index])
            }
            let count = built.reduce(0) { $0 + $1.transactions.count }
            guard count > 0 || !built.isEmpty else { throw BenchError("no block takes the rest") }
            executed += count
            blocks += built.count
            records.append(built)
        }
        let seconds = Clocks.thread - start
        precondition(logged > 0, "the log record is part of the work")
        for record in records.joined() {
            contentBytes += record.transactions.reduce(0) { $0 + $1.raw.count }
            for result in Array(record.results) + [record.systemResult].compactMap({ $0 }) {
                contentBytes += result.encoded.count
            }
        }
        return (executed, seconds)
    }
}

/// Transactions of one shard in order, so many a block; one without credit waits for the next.
private struct BlockQueue: TransactionSource {
    private var transactions: [Transaction] = []
    private var position = 0
    private var offered = 0
    private let limit: Int

    init(limit: Int) { self.limit = limit }

    var isEmpty: Bool { position == transactions.count }

    mutating func append(_ transaction: Transaction) {
        if isEmpty {
            transactions.removeAll(keepingCapacity: true)
            position = 0
        }
        transactions.append(transaction)
    }

    mutating func next(remaining: Weight) -> Transaction? {
        guard offered < limit, !isEmpty else {
            offered = 0
            return nil
        }
        offered += 1
        position += 1
        return transactions[position - 1]
    }

    func upcoming(_ maximum: Int) -> ArraySlice<Transaction> {
        transactions[position...].prefix(min(maximum, limit - offered))
    }

    mutating func refused(_ transaction: Transaction, _ reason: Ineligibility) -> Bool {
        position -= 1
        offered = 0
        return false
    }
}
