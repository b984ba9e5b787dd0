import TallyCrypto
import TallyExecution
import TallyPrimitives
import TallyState
import TallyTransactions

/// One kind of transaction, many times in one block of one shard: execution alone, without signatures,
/// streams or disk. Each kind's block stands on the state that the kinds before it left.
struct FamilyRun {
    private let parameters: NetworkParameters
    private let addresses: [Address]
    private let signature: RecoverableSignature
    private var tree: StateTree
    private var due: [DueEntry] = []
    private var time: UInt64 = 1_000_000
    private var seed: UInt64 = 1
    private var nonces: [Nonce]
    /// Core seconds of a block's transactions, with the tree's update; by kind, in the order of the story.
    private(set) var samples: [(kind: String, transactions: Int, seconds: Double, weight: Weight)] =
        []

    /// - Parameter count: transactions of each kind, and accounts.
    init(_ count: Int) throws {
        guard let layout = ShardLayout(shardCount: 1) else { preconditionFailure("one shard") }
        var parameters = NetworkParameters(chainID: 7, layout: layout)
        parameters.minimumBaseFee = Amount(1)
        parameters.blockWeight = NetworkParameters.maximumBlockWeight
        parameters.dueBound = 1_048_576
        parameters.economy = .emc
        let task = try ChainTask(segments: 64, stepsPerSegment: 16, openings: 8)
        parameters.economy?.rounds.task = .chain(task)
        parameters.economy?.jobs.sampleBps = 0
        self.parameters = parameters
        var random = SeededGenerator(seed: 1)
        addresses = (0..<count).map { _ in
            Address(
                words: (random.next(), random.next(), UInt32(truncatingIfNeeded: random.next())))
        }
        nonces = Array(repeating: 0, count: count)
        let digest = Keccak256.hash([])
        signature = try PrivateKey(digest).sign(digest: digest)
        let changes = addresses.map {
            StateChange(
                .account($0), StateObject(kind: .account, value: Amount(1_000_000_000_000_000)))
        }
        tree = try StateTree.empty.updating(changes.inPathOrder(), MemoryPages())
    }

    /// Runs the story: every kind that a shard executes for its own accounts.
    mutating func run() throws {
        let all = addresses.indices
        try perform("transfer") { run, index in
            .transfer(.single(to: run.addresses[(index + 1) % all.count], value: Amount(1)))
        }
        try perform("registerNode") { _, _ in .node(.register(key: .zero, spec: .zero)) }
        try perform("updateNode") { _, _ in .node(.update(key: .zero, spec: .zero)) }
        try prove()
        try trade()
        try job()
    }

    // MARK: The story

    private mutating func prove() throws {
        try pass(milliseconds: 2_000)
        let rounds = try rounds()
        guard let task = parameters.economy?.rounds.task else { return }
        let answers = try rounds.map { round in
            guard case .open(let opening) = round.state else {
                throw BenchError("a round is not open")
            }
            return ProofAnswer.commit(answering: round.challenge(opening, task: task))
        }
        try perform("commitProof") { _, index in
            .proof(.commit(round: rounds[index].number, root: answers[index].commitment.root))
        }
        try pass(milliseconds: 300_000)
        let drawn = try self.rounds()
        let openings = try zip(drawn, answers).map { round, answer in
            guard case .drawn(let opening, let commitment, let draw) = round.state else {
                throw BenchError("a round is not drawn")
            }
            let challenge = round.challenge(opening, task: task)
            let drawn = challenge.draw(
                seed: draw.seed, of: ProofCommitment(root: commitment.root))
            return answer.opening(drawn).encoded
        }
        try perform("revealProof (8 of 64 segments)") { _, index in
            .proof(
                .reveal(
                    round: drawn[index].number, weight: task.weight, opening: openings[index]))
        }
        // One validator attests for all nodes but those of validators, seven to a call.
        var next = 7
        let calls = (drawn.count - next) / 7
        try perform("attestProof (7 rounds)", from: Array(repeating: 0, count: calls)) { _, _ in
            let rounds = drawn[next..<next + 7]
            next += 7
            return .proof(
                .attest(
                    rounds.map {
                        ProofAttestation(node: $0.node, round: $0.number, milliseconds: 9_000)
                    }))
        }
    }

    private var all: Range<Int> { addresses.indices }

    private mutating func trade() throws {
        let offers = ids()
        try perform("listOffer") { _, _ in
            .trade(
                .listOffer(
                    OfferTerms(
                        resource: .power, specification: .zero, pricePerUnit: Amount(1_000),
                        units: 10)))
        }
        try perform("repriceOffer") { _, index in
            .trade(.repriceOffer(offers[index], pricePerUnit: Amount(900)))
        }
        let count = all.count
        try perform("buyCompute") { _, index in
            .trade(
                .buyCompute(offers[(index + 1) % count], units: 1, maximumPrice: Amount(1_000)))
        }
        try perform("cancelOffer") { _, index in .trade(.cancelOffer(offers[index])) }
    }

    private mutating func job() throws {
        let orders = ids()
        let end = BeaconTime(milliseconds: time + 600_000)
        try perform("postJob") { _, _ in
            .job(
                .postJob(
                    JobTerms(
                        program: .hashChain, pricing: .fixed, input: .zero, sealed: .zero,
                        price: Amount(1_000), bidsUntil: end, duration: 600_000),
                    escrow: Amount(1_000)))
        }
        let count = all.count
        let bids = ids()
        try perform("placeBid") { _, index in
            .job(
                .placeBid(
                    order: orders[(index + 1) % count], price: Amount(1_000), bond: Amount(100)))
        }
        try perform("acceptBid") { _, index in
            .job(.acceptBid(order: orders[index], bid: bids[(index + count - 1) % count]))
        }
        try perform("deliver") { _, index in
            .job(.deliver(order: orders[(index + 1) % count], result: .zero))
        }
        try perform("acceptResult") { _, index in .job(.acceptResult(order: orders[index])) }
    }

    // MARK: Blocks

    /// Ids of what the accounts' next operations make.
    private func ids() -> [ObjectID] {
        zip(addresses, nonces).map { ObjectID(owner: $0, number: $1) }
    }

    private func rounds() throws -> [ProofRound] {
        try addresses.map { address in
            guard
                let object = try tree.object(ProofRound.objectKey(of: address), MemoryPages())
            else { throw BenchError("a node without a round") }
            return try ProofRound(object)
        }
    }

    private mutating func executor() throws -> BlockExecutor {
        time += 1
        seed += 2
        return try BlockExecutor(
            context: BlockContext(
                chain: .zero, parameters: parameters, endpoint: EndpointID(0),
                height: Height(seed), time: BeaconTime(milliseconds: time), baseFee: Amount(1),
                beneficiary: addresses[0],
                seed: BeaconSeed(number: seed, value: Hash32(words: (seed, 0, 0, 0))),
                validators: addresses.prefix(7).sorted()),
            tree: tree, pages: MemoryPages(), ends: [0, 0], expecting: addresses.count)
    }

    /// Blocks of due entries alone, until none is left whose time has come.
    private mutating func pass(milliseconds: UInt64) throws {
        time += milliseconds
        for _ in 0..<4 {
            var executor = try executor()
            let now = time
            let ready = due.filter { $0.key.time.milliseconds <= now }.sorted { $0.key < $1.key }
            due.removeAll { $0.key.time.milliseconds <= now }
            executor.beginSystem()
            for entry in ready { try executor.run(entry) }
            try end(&executor)
            time += 1_000
        }
    }

    private mutating func end(_ executor: inout BlockExecutor) throws {
        try executor.finish()
        tree = try executor.updatedTree()
        due += executor.dueAdded
    }

    /// One block of one operation of each account.
    private mutating func perform(
        _ kind: String, from senders: [Int]? = nil,
        _ operation: (FamilyRun, Int) -> TallyTransactions.Operation
    ) throws {
        let senders = senders ?? Array(all)
        var transactions: [Transaction] = []
        for index in senders {
            let operation = operation(self, index)
            guard let target = operation.target else { throw BenchError("\(kind) has no target") }
            let data = operation.callData
            let envelope = Envelope(
                chainID: parameters.chainID, nonce: nonces[index],
                weightLimit: operation.weight + Weights.callData(data), maxFee: Amount(1),
                maxPriorityFee: .zero, to: target.to, value: target.value, data: data)
            nonces[index] += 1
            transactions.append(
                try Transaction(
                    raw: envelope.raw(signature: signature), verifiedSender: addresses[index]))
        }
        var executor = try executor()
        let start = Clocks.thread
        for transaction in transactions {
            guard case .applied(failure: nil) = try executor.apply(transaction) else {
                throw BenchError("\(kind) was not done")
            }
        }
        try end(&executor)
        samples.append(
            (kind, transactions.count, Clocks.thread - start, transactions[0].weight))
    }
}
