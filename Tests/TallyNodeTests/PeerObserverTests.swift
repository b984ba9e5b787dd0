import TallyClient
import TallyCrypto
import TallyNetwork
import TallyNode
import TallyPrimitives
import Testing

/// Nodes that follow without a vote (NET-26), and what waits for those that come later (NET-25).
@Suite(.serialized, .timeLimit(.minutes(2))) struct PeerObserverTests {
    private func settled(_ hash: Hash32, _ client: LedgerClient) async throws -> Bool {
        let deadline = ContinuousClock.now + .seconds(60)
        while ContinuousClock.now < deadline {
            let status = try await client.status(of: hash, waitUntil: .settled)
            if status.isSettled { return true }
        }
        return false
    }

    /// Whether the node knows a transaction that no block holds, at once or within a while.
    private func learns(_ hash: Hash32, _ client: LedgerClient) async throws -> Bool {
        let deadline = ContinuousClock.now + .seconds(30)
        while ContinuousClock.now < deadline {
            if try await client.status(of: hash).state == "pending" { return true }
        }
        return false
    }

    /// What two nodes must have in common at a height.
    private func facts(_ height: Height, _ client: LedgerClient) async throws -> [JSON] {
        let block: JSON = .string(Hex.quantity(height.value))
        var facts = [try await client.call("eth_getBlockByNumber", [block, true])]
        for shard in 0..<3 {
            facts.append(try await client.call("shard_block", [JSON(shard), block]))
        }
        return facts
    }

    /// Of the states of the shards, which stay while nothing is sent.
    private func roots(_ client: LedgerClient) async throws -> [JSON] {
        try await client.call("shard_list").arrayValue?.compactMap { $0["stateRoot"] } ?? []
    }

    @Test func anObserverCatchesUpServesAndForwards() async throws {
        let network = try PeerTestNetwork(validators: 4, observers: 1)
        try await network.run { group in
            var clients: [LedgerClient] = []
            for index in 0..<4 { clients.append(try await network.start(index, in: &group)) }
            var last = Hash32.zero
            for nonce: Nonce in 0..<3 {
                last = try await clients[0].send(raw: network.transfer(nonce))
                #expect(try await settled(last, clients[0]))
            }
            let height = try #require(try await clients[0].status(of: last).height)

            // Late, and it knows nobody but one.
            let observer = try await network.start(4, knowing: [1], in: &group)
            #expect(try await settled(last, observer))
            for past in 1...height.value {
                let own = try await facts(Height(past), observer)
                #expect(own[0]["hash"] != nil)
                #expect(try await facts(Height(past), clients[2]) == own)
            }
            let info = try await observer.call("node_info")
            #expect(info["role"] == "observer")
            #expect(info["validator"] == .null)
            #expect(info["address"] == .string(network.keys[4].address.description))
            #expect(info["peers"] == 1)

            // What it takes becomes final, and it sees that.
            let forwarded = try await observer.send(raw: network.transfer(3))
            for client in clients + [observer] { #expect(try await settled(forwarded, client)) }
            let roots = try await roots(observer)
            #expect(roots.count == 2)
            #expect(try await self.roots(clients[3]) == roots)
        }
    }

    /// Connected to all, it follows by their votes.
    @Test func anObserverOfAllFollowsEveryHeight() async throws {
        let network = try PeerTestNetwork(validators: 4, observers: 1)
        try await network.run { group in
            for index in 0..<4 { try await network.start(index, in: &group) }
            let observer = try await network.start(4, in: &group)
            for nonce: Nonce in 0..<3 {
                let hash = try await observer.send(raw: network.transfer(nonce))
                #expect(try await settled(hash, observer))
            }
        }
    }

    /// NET-27: a lone validator tells nobody its votes.
    @Test func anObserverFollowsALoneValidator() async throws {
        let network = try PeerTestNetwork(validators: 1, observers: 1)
        try await network.run { group in
            let validator = try await network.start(0, in: &group)
            let observer = try await network.start(1, in: &group)
            let hash = try await observer.send(raw: network.transfer(0))
            #expect(try await settled(hash, validator))
            #expect(try await settled(hash, observer))
        }
    }

    /// Two of four decide nothing: what both know was sent.
    @Test func whatWaitsIsSentToWhoComesLater() async throws {
        let network = try PeerTestNetwork(validators: 4, observers: 1)
        try await network.run { group in
            let first = try await network.start(0, in: &group)
            var hashes: [Hash32] = []
            for nonce: Nonce in 0..<2 {
                hashes.append(try await first.send(raw: network.transfer(nonce)))
            }
            let second = try await network.start(1, in: &group)
            for hash in hashes { #expect(try await learns(hash, second)) }
        }
    }

    /// NET-13: it reaches one of them only.
    @Test func whatAnObserverForwardsGoesOnToOtherValidators() async throws {
        let network = try PeerTestNetwork(validators: 4, observers: 1)
        try await network.run { group in
            let first = try await network.start(0, in: &group)
            let second = try await network.start(1, in: &group)
            let observer = try await network.start(4, knowing: [0], in: &group)
            let hash = try await observer.send(raw: network.transfer(0))
            for client in [first, second] { #expect(try await learns(hash, client)) }
        }
    }

    @Test func keysThatDoNotFitTheRoleAreRefused() async throws {
        let network = try PeerTestNetwork(validators: 2, observers: 1)
        await #expect {
            _ = try await network.open(2, knowing: []) { $0.peers.role = .validator }
        } throws: {
            guard case .notAValidator(network.keys[2].address) = $0 as? NodeError else {
                return false
            }
            return "\($0)".contains("--observe")
        }
        await #expect {
            _ = try await network.open(0, knowing: []) { $0.peers.role = .observer }
        } throws: {
            guard case .votingObserver(network.keys[0].address) = $0 as? NodeError else {
                return false
            }
            return true
        }
    }
}
