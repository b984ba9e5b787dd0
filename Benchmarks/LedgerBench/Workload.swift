import TallyCrypto
import TallyExecution
import TallyPrimitives
import TallySharding
import TallyTransactions

/// Signed transfers between random accounts, uniform over all shards.
struct Workload: Sendable {
    let genesis: Genesis
    let raws: [[UInt8]]
    private let senders: [Address]

    init(transfers: Int, accounts: Int, shards: Int, seed: UInt64) throws {
        guard let layout = ShardLayout(shardCount: shards) else { throw WorkloadError.shards }
        var parameters = NetworkParameters(chainID: 1337, layout: layout)
        parameters.heartbeatMilliseconds = 1_000_000
        var random = SeededGenerator(seed: seed)
        let keys = try (0..<accounts).map { _ in
            try PrivateKey((0..<32).map { _ in UInt8.random(in: 0...255, using: &random) })
        }
        let addresses = keys.map(\.address)
        genesis = try Genesis(
            parameters: parameters, time: BeaconTime(milliseconds: 1_000),
            accounts: addresses.map {
                Genesis.Opening(address: $0, balance: Amount(1 << 80))
            }, validators: [addresses[0]])
        var nonces = Array(repeating: Nonce(0), count: accounts)
        var raws: [[UInt8]] = []
        var senders: [Address] = []
        for _ in 0..<transfers {
            let from = Int.random(in: 0..<accounts, using: &random)
            let to = Int.random(in: 0..<accounts, using: &random)
            raws.append(
                Envelope(
                    chainID: 1337, nonce: nonces[from], weightLimit: 21_000,
                    maxFee: Amount(1_000_000_000_000), maxPriorityFee: Amount(1),
                    to: addresses[to], value: Amount(1_000)
                ).signed(by: keys[from]))
            senders.append(addresses[from])
            nonces[from] += 1
        }
        self.raws = raws
        self.senders = senders
    }

    /// The same transfers, verified, by endpoint.
    func transactions() throws -> [Queue] {
        let layout = genesis.parameters.layout
        var queues = Array(repeating: Queue(), count: layout.endpointCount)
        for (raw, sender) in zip(raws, senders) {
            queues[Int(layout.home(of: sender).value)].transactions.append(
                try Transaction(raw: raw, verifiedSender: sender))
        }
        for index in queues.indices { queues[index].transactions.reverse() }
        return queues
    }
}

enum WorkloadError: Error { case shards }

/// Transactions of one shard in order, up to 10,000 a block; one without credit waits for the next.
struct Queue: TransactionSource {
    /// Last first.
    var transactions: [Transaction] = []
    private var offered = 0

    mutating func next(remaining: Weight) -> Transaction? {
        guard offered < 10_000 else {
            offered = 0
            return nil
        }
        offered += 1
        return transactions.popLast()
    }

    func upcoming(_ maximum: Int) -> ArraySlice<Transaction> {
        transactions.suffix(min(maximum, 10_000 - offered))
    }

    mutating func refused(_ transaction: Transaction, _ reason: Ineligibility) -> Bool {
        transactions.append(transaction)
        offered = 0
        return false
    }
}
