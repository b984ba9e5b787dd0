import Logging
import TallyClient
import TallyCrypto
import TallyExecution
import TallyNetwork
import TallyNode
import TallyPrimitives
import TallySharding
import TallyTransactions
import Testing

/// Whole nodes of one ledger that find each other: validators first, then observers.
final class PeerTestNetwork {
    let accounts: [DevNetwork.Account]
    let keys: [PrivateKey]
    let genesis: GenesisDocument
    private let validators: Int
    private let scratches: [Scratch]
    private var nodes: [Int: Node] = [:]
    private var endings: [AsyncStream<Void>.Continuation] = []

    /// - Parameter change: of the parameters; with an economy all nodes have money.
    init(
        validators: Int, observers: Int = 0, change: (inout NetworkParameters) -> Void = { _ in }
    ) throws {
        var parameters = NetworkParameters(
            chainID: DevNetwork.chainID, layout: try #require(ShardLayout(shardCount: 2)))
        change(&parameters)
        let network = DevNetwork(parameters: parameters)
        let count = validators + observers
        keys = try (0..<count).map {
            try PrivateKey(SHA256.hash(.object, Array("node \($0)".utf8)))
        }
        let founded = network.genesis(
            time: BeaconTime(milliseconds: 1_000),
            validators: keys.prefix(validators).map(\.address))
        let purses =
            parameters.economy == nil
            ? []
            : keys.dropFirst(validators).map {
                Genesis.Opening(address: $0.address, balance: Amount(100_000_000_000))
            }
        genesis = GenesisDocument(
            name: founded.name,
            genesis: try Genesis(
                parameters: founded.genesis.parameters, time: founded.genesis.time,
                accounts: founded.genesis.accounts + purses,
                validators: founded.genesis.validators))
        scratches = try (0..<count).map { _ in try Scratch() }
        for scratch in scratches { try DataDirectory(path: scratch.path).create(genesis) }
        accounts = network.accounts
        self.validators = validators
    }

    func transfer(_ nonce: Nonce) -> [UInt8] {
        Envelope(
            chainID: DevNetwork.chainID, nonce: nonce, weightLimit: 21_000,
            maxFee: Amount(2_000_000_000), maxPriorityFee: Amount(1),
            to: accounts[3].address, value: Amount(5)
        ).signed(by: accounts[0].key)
    }

    /// Opens a node, which takes its ports and does nothing yet.
    /// - Parameter known: whose places it knows, of those that run.
    func open(
        _ index: Int, knowing known: [Int],
        change: (inout NodeConfiguration) -> Void = { _ in }
    ) async throws -> Node {
        var configuration = NodeConfiguration(dataDirectory: scratches[index].path)
        configuration.rpcPort = 0
        configuration.peers.listen = PeerPlace(host: "127.0.0.1", port: 0)
        for other in known {
            configuration.peers.places[keys[other].address] = nodes[other]?.peerPlace
        }
        configuration.peers.role = index < validators ? .validator : .observer
        configuration.peers.observers = Set(keys.dropFirst(validators).map(\.address))
        change(&configuration)
        return try await Node.open(
            configuration, in: try DataDirectory(path: scratches[index].path),
            key: keys[index], logger: .node(level: .critical, format: .text))
    }

    /// Opens a node that knows all or some who run, and lets it run until the end.
    @discardableResult
    func start(
        _ index: Int, knowing known: [Int]? = nil,
        in group: inout ThrowingTaskGroup<Void, any Error>
    ) async throws -> LedgerClient {
        let node = try await open(index, knowing: known ?? Array(nodes.keys))
        nodes[index] = node
        let (end, ending) = AsyncStream<Void>.makeStream()
        endings.append(ending)
        group.addTask { try await node.run(signals: .none, until: end) }
        return try LedgerClient(node.rpcURL, timeout: .seconds(60))
    }

    func directory(_ index: Int) -> String { scratches[index].path }

    /// Of a node that runs.
    func url(_ index: Int) throws -> String { try #require(nodes[index]).rpcURL }

    /// Runs what `body` starts, then stops all nodes and waits until nothing is left of them.
    func run(
        _ body: (inout ThrowingTaskGroup<Void, any Error>) async throws -> Void
    ) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            defer { stop() }
            try await body(&group)
            stop()
            try await group.waitForAll()
        }
        let remains = nodes.map { Remains(of: $1, in: scratches[$0].path) }
        nodes = [:]
        for remains in remains { await remains.waitUntilGone() }
    }

    private func stop() {
        for ending in endings { ending.finish() }
        endings = []
    }
}
