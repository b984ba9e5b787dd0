import Foundation
import Synchronization
import TallyConsensus
import TallyCrypto
import TallyEngine
import TallyExecution
import TallyJournal
import TallyPrimitives
import TallySharding
import TallyTransactions
import Testing

/// A clock that is moved, and on which nobody waits.
final class StepClock: NodeClock {
    private let time = Atomic<UInt64>(2_000)

    func now() -> BeaconTime { BeaconTime(milliseconds: time.load(ordering: .relaxed)) }
    func advance(_ milliseconds: UInt64) { time.add(milliseconds, ordering: .relaxed) }
    func sleep(milliseconds: UInt64) async throws { throw CancellationError() }
}

/// What validators of one process have sent each other and nobody has delivered yet.
final class Post: Sendable {
    enum Letter: Hashable, Sendable {
        case message(Message, to: Address?)
        case body(Ibft.BodyRequest)
        case finals(from: Height, through: Height)
        case head(Height, to: Address)
    }

    private let letters = Mutex<[(from: Address, letter: Letter)]>([])

    func send(_ letter: Letter, from sender: Address) {
        letters.withLock { $0.append((sender, letter)) }
    }

    func take() -> [(from: Address, letter: Letter)] {
        letters.withLock { letters in
            defer { letters = [] }
            return letters
        }
    }
}

private struct PostBox: BeaconNetwork {
    let post: Post
    let owner: Address

    func broadcast(_ message: Message) { post.send(.message(message, to: nil), from: owner) }
    func send(_ message: Message, to peer: Address) {
        post.send(.message(message, to: peer), from: owner)
    }
    func request(_ body: Ibft.BodyRequest) { post.send(.body(body), from: owner) }
    func requestFinals(from: Height, through: Height) {
        post.send(.finals(from: from, through: through), from: owner)
    }
    // Only what is said of heights helps those who are behind.
    func announce(_ head: Ibft.Head) {}
    func announce(_ head: Ibft.Head, to peer: Address) {
        post.send(.head(head.height, to: peer), from: owner)
    }
}

/// Validators with a ledger each, on one thread: letters are delivered, then everybody looks at the
/// clock, again and again.
final class InProcessNetwork {
    let root: String
    let genesis: Genesis
    /// Of the validators, in no order.
    let validators: [PrivateKey]
    let accounts: [PrivateKey]
    let clock = StepClock()
    let post = Post()
    /// `nil` while a validator is down.
    private(set) var engines: [Engine?]
    /// Messages of agreement seen, by sender: who votes.
    private(set) var said: [Address: [Message]] = [:]

    init(validators count: Int, shards: Int = 2) throws {
        root = NSTemporaryDirectory() + "tally-net-" + UUID().uuidString
        let layout = try #require(ShardLayout(shardCount: shards))
        var parameters = NetworkParameters(chainID: 1337, layout: layout)
        parameters.heartbeatMilliseconds = 5_000
        validators = try (0..<count).map { number in
            try PrivateKey(SHA256.hash(.object, Array("validator \(number)".utf8)))
        }
        accounts = try (0..<8).map { number in
            try PrivateKey(SHA256.hash(.object, Array("account \(number)".utf8)))
        }
        genesis = try Genesis(
            parameters: parameters, time: BeaconTime(milliseconds: 1_000),
            accounts: accounts.map {
                Genesis.Opening(address: $0.address, balance: Amount(1_000_000_000_000_000_000))
            }, validators: validators.map(\.address))
        engines = Array(repeating: nil, count: count)
        for index in 0..<count { try start(index) }
    }

    deinit { try? FileManager.default.removeItem(atPath: root) }

    func directory(_ index: Int) -> String { root + "/\(index)" }

    func start(_ index: Int, checkpoints: CheckpointPolicy = CheckpointPolicy()) throws {
        var configuration = EngineConfiguration(
            directory: directory(index), genesis: genesis, validator: validators[index],
            journalSalt: JournalSalt(high: 1, low: UInt64(index)))
        configuration.checkpoints = checkpoints
        configuration.limits.mapSizeBytes = 64 << 20
        configuration.network = PostBox(post: post, owner: validators[index].address)
        configuration.nonce = SHA256.hash(.object, Array("nonce \(index)".utf8))
        engines[index] = try Engine.open(configuration, clock: clock) { notice in
            switch notice {
            case .refused, .quarantined, .checkpointFailed, .spaceRanOut, .evidence:
                Issue.record("validator \(index): \(notice)")
            case .checkpointed, .spaceIsBack: break
            }
        }.engine
    }

    func stop(_ index: Int) { engines[index] = nil }

    var running: [Engine] { engines.compactMap(\.self) }
    /// What the validators that run can read.
    var heights: [Height] { running.map { $0.publisher.current.height } }

    /// Delivers what was sent, and lets 20 ms pass.
    func step() async throws {
        let post = post
        for (sender, letter) in post.take() { try await deliver(letter, from: sender) }
        clock.advance(20)
        for engine in running { try await engine.beacon.tick() }
    }

    /// Goes on until something is so.
    func run(
        limit: Int = 4_000, until isDone: (InProcessNetwork) throws -> Bool
    ) async throws {
        for _ in 0..<limit {
            if try isDone(self) { return }
            try await step()
        }
        Issue.record("still not so after \(limit) steps, at heights \(heights)")
    }

    /// A validator whose seal is in every FINAL of a height that others hold.
    func sealed(_ height: Height) async throws -> Int? {
        for (index, validator) in validators.enumerated() {
            var isInAll = true
            for engine in running where engine !== engines[index] {
                let final = try #require(await engine.beacon.final(of: height))
                let set = try #require(await engine.beacon.validatorSets[height])
                let seals = final.certificate.commits(set)
                isInAll = isInAll && seals.contains { $0.sender == validator.address }
            }
            if isInAll { return index }
        }
        return nil
    }

    private func engine(_ address: Address) -> Engine? {
        validators.firstIndex { $0.address == address }.flatMap { engines[$0] }
    }

    private var reader: LedgerBlockReader<RecoveredSenders, InOrder> {
        LedgerBlockReader(senders: RecoveredSenders(chainID: genesis.parameters.chainID))
    }

    private func deliver(
        _ letter: Post.Letter, from sender: Address
    ) async throws {
        switch letter {
        case .message(let message, let peer):
            said[sender, default: []].append(message)
            for validator in validators where validator.address != sender {
                guard peer ?? validator.address == validator.address,
                    let engine = engine(validator.address)
                else { continue }
                try await deliver(message, to: engine, from: sender)
            }
        case .body(let request):
            guard let asker = engine(sender) else { return }
            for holder in request.holders {
                guard let block = await engine(holder)?.beacon.block(request.digest) else {
                    continue
                }
                let read = try #require(reader.block(body: block.body))
                return try await asker.beacon.receive(body: read)
            }
        case .finals(let first, let last):
            guard let asker = engine(sender) else { return }
            for height in first.value...last.value {
                for other in running where other !== asker {
                    guard let final = await other.beacon.final(of: Height(height)) else { continue }
                    try await deliver(.final(final), to: asker, from: sender)
                    break
                }
            }
        case .head(let height, let peer): try await engine(peer)?.beacon.receive(head: height)
        }
    }

    /// As bytes, checked like those of a stranger.
    private func deliver(
        _ message: Message, to engine: Engine, from sender: Address
    ) async throws {
        let authenticator = Authenticator(
            chain: ChainIdentity(genesis: genesis.hash, chainID: genesis.parameters.chainID),
            limits: MessageLimits(bodyBytes: 1 << 20), scheme: RecoverableScheme(),
            reader: reader)
        var cache = SignatureCache()
        let sets = await engine.beacon.validatorSets
        let authenticated: Authenticated
        do throws(MessageRefusal) {
            authenticated = try authenticator.authenticate(
                bytes: message.wire, sets: sets, cache: &cache)
        } catch {
            guard case .unknownValidatorSet = error else {
                Issue.record("refused: \(error)")
                return
            }
            try await engine.beacon.refused(error, from: sender)
            return
        }
        try await engine.beacon.receive(authenticated)
    }

    // MARK: Transactions

    func transfer(from: Int, to: Int, value: UInt128, nonce: Nonce) -> [UInt8] {
        Envelope(
            chainID: 1337, nonce: nonce, weightLimit: 21_000, maxFee: Amount(2_000_000_000),
            maxPriorityFee: Amount(1), to: accounts[to].address, value: Amount(value)
        ).signed(by: accounts[from])
    }

    /// Gives every validator that runs the transactions, as gossip will.
    func submit(_ raws: [[UInt8]]) async throws {
        for engine in running {
            for result in await engine.intake.submit(raws) {
                if case .failure(let error) = result { Issue.record("\(error)") }
            }
            try await engine.beacon.work()
        }
    }

    /// One transfer by every account to its next, with the same nonce.
    func round(_ nonce: Nonce) -> [[UInt8]] {
        accounts.indices.map {
            transfer(from: $0, to: ($0 + 1) % accounts.count, value: 1_000, nonce: nonce)
        }
    }

    /// Whether everybody who runs has the transactions in a block.
    func haveAll(_ raws: [[UInt8]]) throws -> Bool {
        for engine in running {
            let snapshot = engine.publisher.current
            for raw in raws where try snapshot.position(of: Keccak256.hash(raw)) == nil {
                return false
            }
        }
        return true
    }

    /// Whether nothing is under way between shards, wherever one looks.
    var isSettled: Bool {
        running.allSatisfy { engine in
            let heads = engine.publisher.current.view.heads
            return heads.indices.allSatisfy { source in
                heads.indices.allSatisfy { destination in
                    heads[source].out[destination].end == heads[destination].in[source].cursor
                }
            }
        }
    }

    /// Puts a copy of a directory in a validator's place, its log cut by some bytes, and starts it.
    func restore(_ index: Int, from copy: String, cutting count: Int) throws {
        stop(index)
        let files = FileManager.default
        try files.removeItem(atPath: directory(index))
        try files.copyItem(atPath: copy, toPath: directory(index))
        let log = DataLayout.log(in: directory(index))
        if let name = try files.contentsOfDirectory(atPath: log).max(), count > 0 {
            let url = URL(filePath: log + "/" + name)
            try Data(contentsOf: url).dropLast(count).write(to: url)
        }
        try start(index)
    }

    /// The chains that can be read are the same as far as they go, state included.
    func expectAgreement() throws {
        let snapshots = running.map(\.publisher.current)
        guard let lowest = snapshots.map(\.height).min(), lowest > .genesis else {
            Issue.record("nothing was decided")
            return
        }
        for height in 1...lowest.value {
            let headers = try snapshots.map { try $0.beaconBlock(Height(height))?.header }
            #expect(headers[0] != nil)
            #expect(headers.allSatisfy { $0 == headers[0] }, "height \(height)")
        }
    }
}
