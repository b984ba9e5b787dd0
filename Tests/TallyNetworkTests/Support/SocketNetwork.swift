import Foundation
import TallyConsensus
import TallyCrypto
import TallyEngine
import TallyExecution
import TallyJournal
import TallyNetwork
import TallyPrimitives
import TallySharding
import TallyTransactions
import Testing

/// Validators with a ledger and a socket each, in one process.
final class SocketNetwork {
    let root: String
    let genesis: Genesis
    let keys: [PrivateKey]
    let accounts: [PrivateKey]
    let identities: [TransportIdentity]
    /// Of every validator that is started from now on.
    var limits = NetworkLimits()
    private(set) var running: [RunningValidator?]
    /// Where each listens, since it first did.
    private var places: [PeerPlace?]

    init(validators count: Int) throws {
        root = NSTemporaryDirectory() + "tally-sockets-" + UUID().uuidString
        let layout = try #require(ShardLayout(shardCount: 2))
        var parameters = NetworkParameters(chainID: 1337, layout: layout)
        parameters.heartbeatMilliseconds = 1_000
        keys = try Fixtures.keys(count)
        accounts = try (0..<8).map { try Fixtures.key("account \($0)") }
        genesis = try Genesis(
            parameters: parameters, time: BeaconTime(milliseconds: 1_000),
            accounts: accounts.map {
                Genesis.Opening(address: $0.address, balance: Amount(1_000_000_000_000_000_000))
            }, validators: keys.map(\.address))
        identities = try (0..<count).map { _ in
            try TransportIdentity(pem: TransportIdentity.makePEM())
        }
        running = Array(repeating: nil, count: count)
        places = Array(repeating: nil, count: count)
    }

    deinit { try? FileManager.default.removeItem(atPath: root) }

    var chain: ChainIdentity {
        ChainIdentity(genesis: genesis.hash, chainID: genesis.parameters.chainID)
    }

    func transportConfiguration(_ index: Int) -> TransportConfiguration {
        var configuration = TransportConfiguration(
            identity: identities[index], signer: KeySigner(keys[index]), chain: chain,
            list: PeerList(validators: genesis.validators), seed: UInt64(index))
        configuration.limits = limits
        configuration.listen = places[index] ?? configuration.listen
        // Nobody waits for the other to dial.
        configuration.limits.courtesy = .zero
        for (key, place) in zip(keys, places) {
            if let place { configuration.places[key.address] = place }
        }
        return configuration
    }

    /// Starts a validator; it dials whom it knows, others dial it.
    func start(_ index: Int, in group: inout ThrowingTaskGroup<Void, any Error>) async throws {
        let clock = SystemClock()
        let notices = Happenings<PeerNotice>()
        let transport = try await PeerTransport.bind(
            transportConfiguration(index), clock: clock, notify: notices.add)
        places[index] = transport.place
        let network = PeerNetwork(transport, chain: chain, clock: clock)
        var configuration = EngineConfiguration(
            directory: root + "/\(index)", genesis: genesis, validator: keys[index],
            journalSalt: JournalSalt(high: 1, low: UInt64(index)))
        configuration.limits.mapSizeBytes = 64 << 20
        configuration.network = network
        // One validator of four may be down: the others should not wait long for it.
        configuration.agreement.firstTimeout = .milliseconds(200)
        configuration.agreement.retransmission = .milliseconds(100)
        configuration.nonce = Fixtures.hash("nonce \(index)")
        let engine = try Engine.open(configuration, clock: clock) { notice in
            switch notice {
            case .refused, .quarantined, .checkpointFailed, .spaceRanOut, .evidence:
                Issue.record("validator \(index): \(notice)")
            case .checkpointed, .spaceIsBack: break
            }
        }.engine
        let validator = RunningValidator(engine: engine, network: network, notices: notices)
        running[index] = validator
        group.addTask { try await validator.run() }
    }

    /// Stops it, and lets go of its ledger.
    func stop(_ index: Int) async {
        await running[index]?.stop()
        running[index] = nil
    }

    func stopAll() async {
        for index in running.indices { await stop(index) }
    }

    var engines: [Engine] { running.compactMap { $0?.engine } }

    // MARK: Transactions

    /// One transfer by every account to its next, with the same nonce.
    func round(_ nonce: Nonce) -> [[UInt8]] {
        accounts.indices.map { index in
            Envelope(
                chainID: 1337, nonce: nonce, weightLimit: 21_000, maxFee: Amount(2_000_000_000),
                maxPriorityFee: Amount(1), to: accounts[(index + 1) % accounts.count].address,
                value: Amount(1_000)
            ).signed(by: accounts[index])
        }
    }

    /// To one validator, as a client does.
    func submit(_ raws: [[UInt8]], to index: Int) async throws {
        let engine = try #require(running[index]).engine
        for result in await engine.intake.submit(raws) {
            if case .failure(let error) = result { Issue.record("\(error)") }
        }
    }

    /// Waits until everybody who runs has the transactions in a block.
    func haveAll(_ raws: [[UInt8]]) async throws {
        for engine in engines {
            var snapshot = engine.publisher.current
            for raw in raws {
                while try snapshot.position(of: Keccak256.hash(raw)) == nil {
                    snapshot = try #require(await engine.publisher.next(after: snapshot.height))
                }
            }
        }
    }

    func reach(_ height: Height) async throws {
        for engine in engines where engine.publisher.current.height < height {
            var snapshot = engine.publisher.current
            while snapshot.height < height {
                snapshot = try #require(await engine.publisher.next(after: snapshot.height))
            }
        }
    }

    /// The chains that can be read are the same as far as they go, state included.
    func expectAgreement() throws {
        let snapshots = engines.map(\.publisher.current)
        let lowest = try #require(snapshots.map(\.height).min())
        #expect(lowest > .genesis)
        for height in 1...lowest.value {
            let headers = try snapshots.map { try $0.beaconBlock(Height(height))?.header }
            #expect(headers[0] != nil)
            #expect(headers.allSatisfy { $0 == headers[0] }, "height \(height)")
        }
    }
}

/// A validator from its start to its stop.
final class RunningValidator: Sendable {
    let engine: Engine
    let network: PeerNetwork
    let notices: Happenings<PeerNotice>
    private let ended: AsyncStream<Void>
    private let end: AsyncStream<Void>.Continuation

    init(engine: Engine, network: PeerNetwork, notices: Happenings<PeerNotice>) {
        self.engine = engine
        self.network = network
        self.notices = notices
        (ended, end) = AsyncStream.makeStream()
    }

    func run() async throws {
        defer { end.finish() }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await self.network.run(self.engine) }
            group.addTask { try await self.engine.run() }
            try await group.waitForAll()
        }
    }

    func stop() async {
        await network.stop()
        engine.stop()
        for await _ in ended {}
    }
}
