import Logging
import TallyClient
import TallyCrypto
import TallyNode
import TallyPrimitives
import TallyRPC
import TallySharding
import TallyTransactions
import Testing

@Suite struct NodeTests {
    private let scratch: Scratch
    private let network: DevNetwork

    init() throws {
        scratch = try Scratch()
        network = DevNetwork(layout: try #require(ShardLayout(shardCount: 2)))
        try DataDirectory(path: scratch.path)
            .create(network.genesis(time: BeaconTime(milliseconds: 1_000)))
    }

    private func open(port: Int = 0, key: PrivateKey? = nil) async throws -> Node {
        var configuration = NodeConfiguration(dataDirectory: scratch.path)
        configuration.rpcPort = port
        return try await Node.open(
            configuration, in: try DataDirectory(path: scratch.path),
            key: key ?? network.validator,
            logger: .node(level: .critical, format: .text))
    }

    /// Runs a node while `body` talks to it, then stops it.
    private func withNode<Result: Sendable>(
        _ body: @Sendable (LedgerClient) async throws -> Result
    ) async throws -> Result {
        let (result, remains) = try await run(body)
        await remains.waitUntilGone()
        return result
    }

    private func run<Result: Sendable>(
        _ body: @Sendable (LedgerClient) async throws -> Result
    ) async throws -> (Result, Remains) {
        let node = try await open()
        let (end, ending) = AsyncStream<Void>.makeStream()
        async let running: Void = node.run(signals: .none, until: end)
        let result: Result
        do {
            result = try await body(try LedgerClient(node.rpcURL))
        } catch {
            ending.finish()
            throw error
        }
        ending.finish()
        try await running
        return (result, Remains(of: node, in: scratch.path))
    }

    private func transfer() -> [UInt8] {
        Envelope(
            chainID: DevNetwork.chainID, nonce: 0, weightLimit: 21_000,
            maxFee: Amount(2_000_000_000), maxPriorityFee: Amount(1),
            to: network.accounts[3].address, value: Amount(5)
        ).signed(by: network.accounts[0].key)
    }

    @Test func answersAndContinuesAfterAStop() async throws {
        let raw = transfer()
        let receiver = network.accounts[3].address
        let (balance, height) = try await withNode { client in
            #expect(try await client.chainID() == DevNetwork.chainID)
            let hash = try await client.send(raw: raw)
            let status = try await client.status(of: hash, waitUntil: .settled)
            #expect(status.isSettled)
            #expect(status.legs.map(\.state) == ["credited"])
            #expect(try await client.statuses(of: [hash]) == [status])
            return (try await client.balance(of: receiver), try await client.height())
        }
        #expect(height > .genesis)
        #expect(balance == network.balance.adding(Amount(5)))
        try await withNode { client in
            let continued = try await client.height()
            #expect(continued >= height)
            let after = try await client.balance(of: receiver)
            #expect(after == balance)
        }
    }

    @Test func refusesAPortThatIsTaken() async throws {
        let node = try await open()
        let other = try Scratch()
        try DataDirectory(path: other.path)
            .create(network.genesis(time: BeaconTime(milliseconds: 1_000)))
        var configuration = NodeConfiguration(dataDirectory: other.path)
        configuration.rpcPort = node.rpcAddress.port
        let error = await #expect(throws: NodeError.self) {
            try await Node.open(
                configuration, in: try DataDirectory(path: other.path),
                key: network.validator,
                logger: .node(level: .critical, format: .text))
        }
        guard case .rpc(.addressInUse(_, node.rpcAddress.port)) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test func refusesSomebodyWhoIsNoValidator() async throws {
        let stranger = network.accounts[0].key
        let error = await #expect(throws: NodeError.self) {
            try await open(key: stranger)
        }
        guard case .notAValidator(stranger.address) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test func holdsItsDirectoryUntilItIsGone() async throws {
        do {
            let node = try await open()
            #expect(throws: DataDirectoryError.self) { _ = try DataDirectory(path: scratch.path) }
            #expect(node.height == .genesis)
        }
        #expect(throws: Never.self) { _ = try DataDirectory(path: scratch.path) }
    }
}
