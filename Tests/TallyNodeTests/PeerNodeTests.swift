import Foundation
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

/// Validators as whole nodes, that know each other's places.
@Suite struct PeerNodeTests {
    private let network: DevNetwork
    private let keys: [PrivateKey]
    private let genesis: GenesisDocument
    private let scratches: [Scratch]

    init() throws {
        let layout = try #require(ShardLayout(shardCount: 2))
        network = DevNetwork(layout: layout)
        let balance = network.balance
        keys = try (0..<4).map { try PrivateKey(SHA256.hash(.object, Array("node \($0)".utf8))) }
        genesis = GenesisDocument(
            name: nil,
            genesis: try Genesis(
                parameters: NetworkParameters(chainID: DevNetwork.chainID, layout: layout),
                time: BeaconTime(milliseconds: 1_000),
                accounts: network.accounts.map {
                    Genesis.Opening(address: $0.address, balance: balance)
                }, validators: keys.map(\.address)))
        scratches = try (0..<4).map { _ in try Scratch() }
        for scratch in scratches { try DataDirectory(path: scratch.path).create(genesis) }
    }

    /// - Parameter known: who listens already, in the order of the keys.
    private func open(_ index: Int, _ known: [PeerPlace]) async throws -> Node {
        var configuration = NodeConfiguration(dataDirectory: scratches[index].path)
        configuration.rpcPort = 0
        configuration.peers.listen = PeerPlace(host: "127.0.0.1", port: 0)
        for (key, place) in zip(keys, known) { configuration.peers.places[key.address] = place }
        return try await Node.open(
            configuration, in: try DataDirectory(path: scratches[index].path),
            key: keys[index], logger: .node(level: .critical, format: .text))
    }

    private func transfer(_ nonce: Nonce) -> [UInt8] {
        Envelope(
            chainID: DevNetwork.chainID, nonce: nonce, weightLimit: 21_000,
            maxFee: Amount(2_000_000_000), maxPriorityFee: Amount(1),
            to: network.accounts[3].address, value: Amount(5)
        ).signed(by: network.accounts[0].key)
    }

    /// Runs nodes while `body` talks to them, then stops them.
    private func withNodes(
        _ count: Int, _ body: @Sendable ([LedgerClient]) async throws -> Void
    ) async throws {
        let remains = try await run(count, body)
        for remains in remains { await remains.waitUntilGone() }
    }

    private func run(
        _ count: Int, _ body: @Sendable ([LedgerClient]) async throws -> Void
    ) async throws -> [Remains] {
        var nodes: [Node] = []
        for index in 0..<count {
            let places = nodes.compactMap(\.peerPlace)
            nodes.append(try await open(index, places))
        }
        let clients = try nodes.map { try LedgerClient($0.rpcURL, timeout: .seconds(60)) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            var endings: [AsyncStream<Void>.Continuation] = []
            for node in nodes {
                let (end, ending) = AsyncStream<Void>.makeStream()
                endings.append(ending)
                group.addTask { try await node.run(signals: .none, until: end) }
            }
            defer { for ending in endings { ending.finish() } }
            try await body(clients)
            for ending in endings { ending.finish() }
            try await group.waitForAll()
        }
        return zip(nodes, scratches).map { Remains(of: $0, in: $1.path) }
    }

    @Test func fourNodesAgreeAndThreeGoOn() async throws {
        let first = transfer(0)
        try await withNodes(4) { clients in
            // Taken by one, final everywhere.
            let hash = try await clients[0].send(raw: first)
            for client in clients {
                let status = try await client.status(of: hash, waitUntil: .settled)
                #expect(status.isSettled)
            }
        }
        let second = transfer(1)
        let receiver = network.accounts[3].address
        let expected = network.balance.adding(Amount(10))
        try await withNodes(3) { clients in
            let hash = try await clients[2].send(raw: second)
            for client in clients {
                let status = try await client.status(of: hash, waitUntil: .settled)
                #expect(status.isSettled)
                let balance = try await client.balance(of: receiver)
                #expect(balance == expected)
            }
        }
        // The fourth was away, and comes back.
        try await withNodes(4) { clients in
            let status = try await clients[3].status(
                of: Keccak256.hash(second), waitUntil: .settled)
            #expect(status.isSettled)
        }
    }

    @Test func keepsItsCertificateToItself() async throws {
        let file = scratches[0][DataDirectory.certificateName]
        try await withNodes(1) { _ in }
        let made = try Files.read(file)
        let mode = try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions]
        #expect(mode as? Int == 0o600)
        try await withNodes(1) { _ in }
        #expect(try Files.read(file) == made)
        try scratches[0].setMode(0o640, of: DataDirectory.certificateName)
        await #expect { _ = try await open(0, []) } throws: {
            guard case .key(.looseMode(file, _)) = $0 as? NodeError else { return false }
            return true
        }
        try Files.write(Array("none".utf8), to: file, mode: 0o600)
        await #expect { _ = try await open(0, []) } throws: {
            guard case .certificate(file) = $0 as? NodeError else { return false }
            return true
        }
    }

    @Test func refusesAPlaceThatIsTaken() async throws {
        let node = try await open(0, [])
        let place = try #require(node.peerPlace)
        var configuration = NodeConfiguration(dataDirectory: scratches[1].path)
        configuration.rpcPort = 0
        configuration.peers.listen = place
        await #expect {
            _ = try await Node.open(
                configuration, in: try DataDirectory(path: scratches[1].path),
                key: keys[1], logger: .node(level: .critical, format: .text))
        } throws: {
            guard case .peers(.addressInUse(place)) = $0 as? NodeError else { return false }
            return true
        }
    }
}
