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
    /// Of the beacon's own endpoint.
    private var beacon = StateTree.empty
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
        // All of them, so that one of them arbitrates and attests everywhere.
        parameters.economy?.jobs.arbiters = 7
        parameters.economy?.rounds.attesters = 7
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
        try perform("stake (node)") { _, _ in
            .node(.stake(termDays: 7, value: Amount(1_000_000_000_000)))
        }
        try trade()
        try job()
        try dispute()
        try rent()
        try stakeRoles()
        try leave()
    }

    /// The term is over, and nobody's due entry has been there first.
    private mutating func leave() throws {
        time += 8 * 86_400_000
        try perform("unstake (node)") { _, _ in .node(.unstake) }
        try perform("deregisterNode") { _, _ in .node(.deregister) }
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
        // Each validator attests for all nodes, but its own (ROUND-7): seven to a call.
        for attester in 0..<Self.validatorCount {
            let others = drawn.indices.filter { $0 != attester }
            var rounds = others.map { drawn[$0] }[...]
            let calls = (rounds.count + 6) / 7
            try perform(
                attester == 0 ? "attestProof (7 rounds)" : nil,
                from: Array(repeating: attester, count: calls)
            ) { _, _ in
                let entries = rounds.prefix(7).map {
                    ProofAttestation(node: $0.node, round: $0.number, milliseconds: 9_000)
                }
                rounds = rounds.dropFirst(7)
                return .proof(.attest(entries))
            }
        }
        try pass(milliseconds: 600_000)
    }

    private static let validatorCount = 7

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

    private static let salt = Hash32(words: (1, 2, 3, 4))

    /// Everybody posts an order.
    private mutating func post(
        _ kind: String?, _ pricing: JobPricing = .fixed, price: UInt128 = 1_000,
        escrow: UInt128 = 1_000
    ) throws -> [ObjectID] {
        let orders = ids()
        let end = BeaconTime(milliseconds: time + 600_000)
        try perform(kind) { _, _ in
            .job(
                .postJob(
                    JobTerms(
                        program: .hashChain, pricing: pricing, input: .zero,
                        sealed: JobOrder.seal(answer: .zero, salt: Self.salt),
                        price: Amount(price), bidsUntil: end, duration: 600_000),
                    escrow: Amount(escrow)))
        }
        return orders
    }

    /// Everybody bids for the next one's order.
    private mutating func bid(
        _ kind: String?, _ orders: [ObjectID], price: UInt128 = 1_000, bond: UInt128 = 100
    ) throws -> [ObjectID] {
        let bids = ids()
        try perform(kind) { run, index in
            .job(
                .placeBid(
                    order: orders[(index + 1) % orders.count], price: Amount(price),
                    bond: Amount(bond)))
        }
        return bids
    }

    private mutating func accept(
        _ kind: String?, _ orders: [ObjectID], _ bids: [ObjectID]
    ) throws {
        let count = orders.count
        try perform(kind) { _, index in
            .job(.acceptBid(order: orders[index], bid: bids[(index + count - 1) % count]))
        }
    }

    private mutating func deliver(_ kind: String?, _ orders: [ObjectID]) throws {
        try perform(kind) { _, index in
            .job(.deliver(order: orders[(index + 1) % orders.count], result: .zero))
        }
    }

    /// Orders whose result is there.
    private mutating func delivered() throws -> [ObjectID] {
        let orders = try post(nil)
        try accept(nil, orders, try bid(nil, orders))
        try deliver(nil, orders)
        return orders
    }

    private mutating func job() throws {
        let orders = try post("postJob")
        try accept("acceptBid", orders, try bid("placeBid", orders))
        try deliver("deliver", orders)
        try perform("acceptResult") { _, index in .job(.acceptResult(order: orders[index])) }

        let others = try post(nil)
        _ = try bid(nil, others)
        try perform("withdrawBid") { _, index in
            .job(.withdrawBid(order: others[(index + 1) % others.count]))
        }
        try perform("closeOrder") { _, index in .job(.closeOrder(order: others[index])) }

        let sealed = try delivered()
        try perform("reveal (of a seal)") { _, index in
            .job(.reveal(order: sealed[index], answer: .zero, salt: Self.salt))
        }
        let waiting = try delivered()
        // Over, and the order's own timer has not come yet.
        time += parameters.economy?.jobs.disputeMilliseconds ?? 0
        try perform("settle") { _, index in .job(.settle(order: waiting[index])) }
    }

    private mutating func dispute() throws {
        try pass(milliseconds: 1_000)
        let orders = try delivered()
        try perform("dispute") { _, index in .job(.dispute(order: orders[index])) }
        try pass(milliseconds: 2_000)
        let arbiter = addresses[0]
        // Of which it is neither payer nor provider.
        var places = Array(orders.indices.dropFirst(2))[...]
        let senders = Array(repeating: 0, count: places.count)
        try perform("commitVerdict", from: senders) { _, _ in
            let order = orders[places.removeFirst()]
            let commitment = JobOrder.verdict(
                order: order, arbiter: arbiter, result: .zero, salt: Self.salt)
            return .job(.commitVerdict(order: order, commitment: commitment))
        }
        places = Array(orders.indices.dropFirst(2))[...]
        time += (parameters.economy?.jobs.arbitrationMilliseconds ?? 0) / 2
        try perform("revealVerdict", from: senders) { _, _ in
            .job(
                .revealVerdict(
                    order: orders[places.removeFirst()], result: .zero, salt: Self.salt))
        }
    }

    private mutating func rent() throws {
        let bond = UInt128(parameters.economy?.jobs.bondBps ?? 0) * 600_000 / 10_000_000
        let orders = try post(nil, .rental, price: 1_000, escrow: 600_000)
        try accept(nil, orders, try bid(nil, orders, bond: bond * 1_000))
        time += 1_000
        try perform("topUp") { _, index in
            .job(.topUp(order: orders[index], value: Amount(500)))
        }
        try perform("closeLease") { _, index in .job(.closeLease(order: orders[index])) }
    }

    // MARK: Stakes for roles

    /// What leaves the shard, and what the beacon does with it.
    private mutating func stakeRoles() throws {
        let stakers = Array(all.prefix(RoleRoll.limit))
        try request("stakeRole", from: stakers) { _ in
            .stakeRole(.validator, termDays: 360, value: Amount(100_000_000_000_000))
        }
        time += 60_000
        try request("heartbeat", from: stakers) { _ in .heartbeat }
        try request("renewStake", from: stakers) { _ in .renewStake(termDays: 180) }
        // Fewer than half: nobody is impeached.
        let accused = addresses[stakers.count - 1]
        try request("impeach", from: Array(stakers.prefix(stakers.count / 3))) { _ in
            .impeach(accused)
        }
    }

    private mutating func request(
        _ kind: String, from senders: [Int], _ operation: (Int) -> ValidatorOperation
    ) throws {
        let sent = try perform(kind + " (sent)", from: senders) { _, index in
            .validator(operation(index))
        }
        var executor = try executor(EndpointID(1), on: beacon)
        let start = Clocks.thread
        executor.beginSystem()
        for receipt in sent { try executor.consume(receipt) }
        let done = executor.systemResult(weight: 0)
        try executor.finish()
        beacon = try executor.updatedTree()
        let seconds = Clocks.thread - start
        guard executor.outbox.receipts.allSatisfy(\.isEmpty), done != nil else {
            throw BenchError("\(kind) was not done")
        }
        samples.append((kind + " (on the beacon)", sent.count, seconds, 0))
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

    private mutating func executor(
        _ endpoint: EndpointID = EndpointID(0), on tree: StateTree? = nil
    ) throws -> BlockExecutor {
        time += 1
        seed += 2
        return try BlockExecutor(
            context: BlockContext(
                chain: .zero, parameters: parameters, endpoint: endpoint,
                height: Height(seed), time: BeaconTime(milliseconds: time), baseFee: Amount(1),
                beneficiary: addresses[0],
                seed: BeaconSeed(number: seed, value: Hash32(words: (seed, 0, 0, 0))),
                validators: addresses.prefix(Self.validatorCount).sorted()),
            tree: tree ?? self.tree, pages: MemoryPages(), ends: [0, 0],
            expecting: addresses.count)
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

    /// One block of one operation of each account, or of some.
    /// - Parameter kind: `nil` for what only prepares another.
    /// - Returns: what leaves the shard.
    @discardableResult
    private mutating func perform(
        _ kind: String?, from senders: [Int]? = nil,
        _ operation: (FamilyRun, Int) -> TallyTransactions.Operation
    ) throws -> [Receipt] {
        let senders = senders ?? Array(all)
        var transactions: [Transaction] = []
        for index in senders {
            let operation = operation(self, index)
            guard let target = operation.target else {
                throw BenchError("\(operation.name) has no target")
            }
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
            let outcome = try executor.apply(transaction)
            guard case .applied(failure: nil) = outcome else {
                throw BenchError("\(transaction.operation.name): \(outcome)")
            }
        }
        try end(&executor)
        let seconds = Clocks.thread - start
        if let kind { samples.append((kind, transactions.count, seconds, transactions[0].weight)) }
        return executor.outbox.receipts.flatMap(\.self)
    }
}
