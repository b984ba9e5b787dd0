import Synchronization
import TallyConsensus
import TallyCrypto
import TallyEngine
import TallyExecution
import TallyPrimitives
import TallySharding
import Testing

@testable import TallyNetwork

/// Real engines, real sockets, real clocks.
@Suite(.serialized) struct SocketAgreementTests {
    @Test(.timeLimit(.minutes(1)))
    func fourValidatorsAgreeOnWhatOneWasGiven() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            let network = try SocketNetwork(validators: 4)
            for index in 0..<4 { try await network.start(index, in: &group) }
            for nonce in 0..<3 as Range<UInt64> {
                let raws = network.round(nonce)
                // NET-13: the others have them from whom they were given to.
                try await network.submit(raws, to: Int(nonce))
                try await network.haveAll(raws)
            }
            try network.expectAgreement()
            for engine in network.engines {
                for account in network.accounts {
                    #expect(try engine.publisher.current.account(account.address).nonce == 3)
                }
            }
            await network.stopAll()
            try await group.waitForAll()
        }
    }

    /// NET-28: three agree on blocks that they name to each other; the fourth, which the test speaks
    /// for, sees that they do.
    @Test(.timeLimit(.minutes(1)))
    func agreesOnOutlines() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            let network = try SocketNetwork(validators: 4)
            network.limits.spreading = .zero
            network.limits.leastNamed = 1
            for index in [0, 2, 3] { try await network.start(index, in: &group) }
            let transport = try await PeerTransport.bind(
                network.transportConfiguration(1), clock: SystemClock()
            ) { _ in }
            transport.start()
            let named = Collected()
            group.addTask { await named.collect(transport) }
            var all: Set<Hash32> = []
            for nonce in 0..<6 as Range<UInt64> {
                let raws = network.round(nonce)
                all.formUnion(raws.map { Keccak256.hash($0) })
                try await network.submit(raws, to: nonce % 2 == 0 ? 0 : 3)
                try await network.haveAll(raws)
            }
            try network.expectAgreement()
            await transport.stop()
            await network.stopAll()
            try await group.waitForAll()
            #expect(!named.hashes.withLock { $0 }.isEmpty, "some were proposed by name")
            #expect(named.hashes.withLock { $0 }.isSubset(of: all))
        }
    }

    @Test(.timeLimit(.minutes(1)))
    func threeGoOnAndTheFourthCatchesUp() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            let network = try SocketNetwork(validators: 4)
            for index in 0..<4 { try await network.start(index, in: &group) }
            let first = network.round(0)
            try await network.submit(first, to: 0)
            try await network.haveAll(first)
            let left = try #require(network.running[2]).engine.publisher.current.height
            await network.stop(2)
            // Further than sets are kept, and than one request brings.
            var nonce: UInt64 = 1
            let far = Height(left.value + CatchUp.window + 4)
            while try #require(network.running[0]).engine.publisher.current.height < far {
                let raws = network.round(nonce)
                nonce += 1
                try await network.submit(raws, to: 0)
                try await network.haveAll(raws)
            }
            try await network.start(2, in: &group)
            let last = network.round(nonce)
            try await network.submit(last, to: 0)
            try await network.haveAll(last)
            try network.expectAgreement()
            await network.stopAll()
            try await group.waitForAll()
        }
    }
}

/// What outlines name.
private final class Collected: Sendable {
    let hashes = Mutex(Set<Hash32>())

    /// Until the transport stops.
    func collect(_ transport: PeerTransport) async {
        await withDiscardingTaskGroup { links in
            for await link in transport.established {
                links.addTask {
                    while let frames = await link.received() {
                        for case .outline(let wire) in frames { self.add(wire) }
                    }
                }
            }
        }
    }

    private func add(_ wire: [UInt8]) {
        do throws(RLPError) {
            let outline = try OutlinedProposal(wire: wire).outline
            hashes.withLock { $0.formUnion(outline.named) }
        } catch { Issue.record("\(error)") }
    }
}
