import Logging
import TallyClient
import TallyCrypto
import TallyEngine
import TallyExecution
import TallyNode
import TallyPrimitives
import TallySharding
import TallyTransactions
import Testing

/// What a running validator does for its account.
@Suite(.timeLimit(.minutes(2))) struct DutyTests {
    private let scratch: Scratch
    private let network: DevNetwork

    init() throws {
        scratch = try Scratch()
        network = DevNetwork(layout: try #require(ShardLayout(shardCount: 2)), profile: .emc)
        try DataDirectory(path: scratch.path)
            .create(network.genesis(time: SystemClock().now()))
    }

    private var buyer: DevNetwork.Account { network.accounts[0] }
    private var provider: DevNetwork.Account { network.accounts[3] }
    /// Posts the hidden tasks.
    private var checker: DevNetwork.Account { network.accounts[2] }
    private var task: ObjectID { ObjectID(owner: checker.address, number: 0) }

    private func withNode(
        price: UInt128, _ body: (LedgerClient) async throws -> Void
    ) async throws {
        try await run(price: price, body).waitUntilGone()
    }

    private func run(
        price: UInt128, _ body: (LedgerClient) async throws -> Void
    ) async throws -> Remains {
        var configuration = NodeConfiguration(dataDirectory: scratch.path)
        configuration.rpcPort = 0
        configuration.hiddenTasks.maximumEscrow = Amount(price)
        configuration.hiddenTasks.shareBps = 10_000
        let node = try await Node.open(
            configuration, in: try DataDirectory(path: scratch.path), key: network.validator,
            taskKey: checker.key, logger: .node(level: .critical, format: .text))
        let (end, ending) = AsyncStream<Void>.makeStream()
        async let running: Void = node.run(signals: .none, until: end)
        do {
            try await body(try LedgerClient(node.rpcURL))
        } catch {
            ending.finish()
            throw error
        }
        ending.finish()
        try await running
        return Remains(of: node, in: scratch.path)
    }

    /// Sends an operation and waits until it is done wherever it leads to.
    private func send(
        _ operation: TallyTransactions.Operation, by account: DevNetwork.Account,
        _ client: LedgerClient
    ) async throws {
        let (to, value) = try #require(operation.target)
        let data = operation.callData
        let envelope = Envelope(
            chainID: DevNetwork.chainID, nonce: try await client.nonce(of: account.address),
            weightLimit: operation.weight + Weights.callData(data), maxFee: Amount(100),
            maxPriorityFee: .zero, to: to, value: value, data: data)
        let hash = try await client.send(raw: envelope.signed(by: account.key))
        let status = try await client.status(of: hash, waitUntil: .settled)
        #expect(status.legs.allSatisfy { $0.state == "handled" }, "\(status)")
    }

    /// Lets blocks come until the checker has sent as many transactions.
    /// - Returns: whether it has, within some time.
    private func sent(_ count: UInt64, _ client: LedgerClient) async throws -> Bool {
        let deadline = ContinuousClock.now + .seconds(60)
        while ContinuousClock.now < deadline {
            if try await client.nonce(of: checker.address) >= count { return true }
            // Somebody's transfer of nothing: a block, and some time.
            let envelope = Envelope(
                chainID: DevNetwork.chainID, nonce: try await client.nonce(of: buyer.address),
                weightLimit: Weights.transfer, maxFee: Amount(100), maxPriorityFee: .zero,
                to: provider.address, value: Amount(1))
            let hash = try await client.send(raw: envelope.signed(by: buyer.key))
            _ = try await client.status(of: hash, waitUntil: .settled)
        }
        return false
    }

    private func post(_ client: LedgerClient) async throws {
        let chain = try ChainTask(segments: 8, stepsPerSegment: 4, openings: 2)
        let terms = JobTerms(
            program: .hashChain, pricing: .fixed, input: SHA256.plain([1]),
            sealed: SHA256.plain([2]), price: Amount(1_000),
            bidsUntil: BeaconTime(milliseconds: SystemClock().now().milliseconds + 4_000),
            duration: 3_600_000, spec: ProofTask.chain(chain).encoded)
        try await send(.job(.postJob(terms, escrow: Amount(1_500))), by: buyer, client)
    }

    /// The checker's task looks like the buyer's order, gets the only bid, and finds the result wrong.
    @Test func validatorFindsACheatByAHiddenTask() async throws {
        try await withNode(price: 1_500) { client in
            try await post(client)
            try #require(try await sent(1, client), "no task was posted")
            let order = try await client.call("compute_job", [.string(task.word.description)])
            #expect(order["state"]?.stringValue == "open")
            #expect(order["kind"]?.stringValue == "hashChain")
            #expect(order["escrow"]?.quantity(UInt64.self) == 1_500)
            try await send(
                .job(.placeBid(order: task, price: Amount(900), bond: Amount(90))),
                by: provider, client)
            try #require(try await sent(2, client), "the bid was not accepted")
            try await send(
                .job(.deliver(order: task, result: SHA256.plain([66]))), by: provider, client)
            try #require(try await sent(3, client), "the seal was not opened")
            let disputed = try await client.call("compute_job", [.string(task.word.description)])
            let check = try #require(disputed["check"]?.stringValue, "\(disputed)")
            #expect(["disputed", "voting"].contains(check))
        }
    }

    @Test func withoutMoneyThereAreNoTasks() async throws {
        try await withNode(price: 1_499) { client in
            try await post(client)
            for _ in 0..<3 {
                try await send(.node(.register(key: .zero, spec: .zero)), by: provider, client)
                try await send(.node(.deregister), by: provider, client)
            }
            #expect(try await client.nonce(of: checker.address) == 0)
        }
    }
}
