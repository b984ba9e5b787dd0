import TallyBench
import TallyCrypto
import TallyExecution
import TallyPrimitives
import TallySharding
import TallyTransactions

/// What transfers a ledger is loaded with.
struct WorkloadShape: Sendable {
    /// Which recipients a sender has.
    enum Locality: Sendable {
        case uniform
        /// Of the sender's own shard.
        case local
        /// Of other shards only.
        case cross
    }

    var accounts: Int
    var shards: Int
    var transfers: Int
    /// Accounts that the first transfers make, one each; the others draw their recipients from these
    /// too.
    var newAccounts = 0
    var locality = Locality.uniform
    var seed: UInt64 = 1

    static let chainID: ChainID = 1337

    var layout: ShardLayout {
        get throws(BenchError) {
            guard let layout = ShardLayout(shardCount: shards) else {
                throw BenchError("there is no network of \(shards) shards")
            }
            return layout
        }
    }

    /// A network in which each of the addresses has something.
    func genesis(_ addresses: [Address]) throws -> Genesis {
        var parameters = NetworkParameters(chainID: Self.chainID, layout: try layout)
        // A silent ledger builds no blocks of itself.
        parameters.heartbeatMilliseconds = 1_000_000
        return try Genesis(
            parameters: parameters, time: BeaconTime(milliseconds: 1_000),
            accounts: addresses.map { Genesis.Opening(address: $0, balance: Amount(1 << 79)) },
            validators: [try Self.validator().address])
    }

    /// The key of the one validator.
    static func validator() throws -> PrivateKey {
        try PrivateKey(SHA256.hash(.object, Array("bench validator".utf8)))
    }

    static func envelope(nonce: Nonce, to: Address) -> Envelope {
        Envelope(
            chainID: chainID, nonce: nonce, weightLimit: 21_000,
            maxFee: Amount(1_000_000_000_000), maxPriorityFee: Amount(1), to: to,
            value: Amount(1_000))
    }
}

/// Signed transfers between accounts drawn at random, each account as often a sender as a recipient.
struct Workload: Sendable {
    let genesis: Genesis
    let raws: [[UInt8]]
    /// Processor time of the generator, which no figure holds.
    let generatorMicroseconds: Double

    init(_ shape: WorkloadShape) async throws {
        let start = Clocks.process
        var random = SeededGenerator(seed: shape.seed)
        let known = shape.accounts + shape.newAccounts
        var addresses = (0..<known).map { _ in
            Address(
                words: (random.next(), random.next(), UInt32(truncatingIfNeeded: random.next())))
        }
        let senders = (0..<shape.transfers).map { _ in
            Int.random(in: 0..<shape.accounts, using: &random)
        }
        // Keys are dear: only accounts that send have one.
        let keys = await Self.keys(of: Set(senders), seed: shape.seed)
        for (account, key) in keys { addresses[account] = key.address }
        let layout = try shape.layout
        let homes = addresses.map { layout.home(of: $0) }
        var nonces = Array(repeating: Nonce(0), count: shape.accounts)
        var plans: [(key: PrivateKey, envelope: Envelope)] = []
        plans.reserveCapacity(shape.transfers)
        let keyOf = Dictionary(uniqueKeysWithValues: keys.map { ($0.account, $0.key.key) })
        for (index, from) in senders.enumerated() {
            guard let key = keyOf[from] else { preconditionFailure("every sender has a key") }
            var to =
                index < shape.newAccounts
                ? shape.accounts + index : Int.random(in: 0..<known, using: &random)
            while !shape.locality.allows(homes[from], homes[to]) {
                to = Int.random(in: 0..<known, using: &random)
            }
            plans.append((key, WorkloadShape.envelope(nonce: nonces[from], to: addresses[to])))
            nonces[from] += 1
        }
        raws = await inParallel(plans) { $0.envelope.signed(by: $0.key) }
        generatorMicroseconds = (Clocks.process - start) * 1e6 / Double(max(1, shape.transfers))
        genesis = try shape.genesis(Array(addresses.prefix(shape.accounts)))
    }

    private struct SenderKey: Sendable {
        let key: PrivateKey
        let address: Address
    }

    private static func keys(
        of accounts: Set<Int>, seed: UInt64
    ) async -> [(account: Int, key: SenderKey)] {
        await inParallel(accounts.sorted()) { account in
            var random = SeededGenerator(seed: seed ^ (UInt64(account) << 20))
            while true {
                let bytes = (0..<32).map { _ in UInt8.random(in: 0...255, using: &random) }
                // One draw in 2^128 is out of range.
                guard let key = try? PrivateKey(bytes) else { continue }
                return (account, SenderKey(key: key, address: key.address))
            }
        }
    }
}

extension WorkloadShape.Locality {
    fileprivate func allows(_ from: ShardID, _ to: ShardID) -> Bool {
        switch self {
        case .uniform: true
        case .local: from == to
        case .cross: from != to
        }
    }
}
