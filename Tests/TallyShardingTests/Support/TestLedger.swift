import TallyCrypto
import TallyExecution
package import TallyPrimitives
import TallySharding
import TallySimulation
import TallyState
import TallyTransactions
import Testing

/// A small ledger whose accounts have keys: every height is checked from the facts.
struct TestLedger {
    static let baseFee: UInt128 = 100
    static let funds: UInt128 = 1_000_000_000_000
    /// Lives on no shard of interest: the proposer, who earns the tips.
    static let proposer = TestAccount.plain(shard: 0, of: 1, 0xbeef)

    var driver: LedgerDriver
    var checker: LedgerChecker
    var now = BeaconTime(milliseconds: 1_000_000)
    var factory: WorkloadTransactions

    init(
        shards: Int = 2, proposer: Address = Self.proposer,
        _ change: (inout NetworkParameters) -> Void = { _ in }
    ) throws {
        let layout = try #require(ShardLayout(shardCount: shards))
        var parameters = NetworkParameters(chainID: 77, layout: layout)
        parameters.minimumBaseFee = Amount(Self.baseFee)
        change(&parameters)
        let accounts = TestAccount.all(shards: shards)
        let genesis = try Genesis(
            parameters: parameters, time: now,
            accounts: accounts.map { .init(address: $0.address, balance: Amount(Self.funds)) },
            validators: [proposer])
        driver = try LedgerDriver(genesis, proposer: proposer)
        checker = LedgerChecker(genesis)
        factory = WorkloadTransactions(chainID: 77, maxFee: Amount(Self.baseFee * 10))
    }

    var view: AnchoredView { driver.beacon.view }
    var parameters: NetworkParameters { driver.genesis.parameters }

    func core(_ shard: Int) -> ShardCore { driver.endpoints[shard] }

    func balance(_ account: TestAccount) throws -> UInt128 {
        try driver.account(account.address).balance.units
    }

    /// A really signed transaction with the sender's next nonce, or one some places later.
    func signed(
        _ operation: TransferOperation, by account: TestAccount, later: UInt64 = 0
    ) throws -> Transaction {
        try factory.signed(
            operation, by: account.key,
            nonce: try driver.account(account.address).nonce + later)
    }

    /// Decides a height that holds these transactions, which all must be taken.
    @discardableResult
    mutating func decide(
        _ transactions: Transaction..., after milliseconds: UInt64 = 1_000,
        omitting omitted: Set<EndpointID> = []
    ) throws -> DecidedHeight {
        let height = try offer(transactions, after: milliseconds, omitting: omitted)
        for refused in height.refused { Issue.record("refused: \(refused.reason)") }
        return height
    }

    /// Decides a height over what of these transactions can be taken.
    mutating func offer(
        _ transactions: [Transaction], after milliseconds: UInt64 = 1_000,
        omitting omitted: Set<EndpointID> = []
    ) throws -> DecidedHeight {
        now = BeaconTime(milliseconds: now.milliseconds + milliseconds)
        var offered: [[Transaction]] = Array(
            repeating: [], count: parameters.layout.endpointCount)
        for transaction in transactions {
            offered[Int(parameters.layout.home(of: transaction.sender).value)].append(transaction)
        }
        let outcome = try driver.advance(
            HeightInput(now: now, transactions: offered, omitted: omitted))
        let height = try #require(outcome.decided)
        try checker.check(height, driver)
        return height
    }

    /// Decides heights without transactions until nothing is left to do.
    /// - Returns: the heights it took.
    @discardableResult
    mutating func settle(limit: Int = 200) throws -> Int {
        for count in 0..<limit {
            guard driver.hasWork else { return count }
            try decide()
        }
        Issue.record("work is left after \(limit) heights")
        return limit
    }
}

/// An account with its key.
struct TestAccount {
    let key: PrivateKey
    let address: Address

    /// The first accounts whose keys are 1, 2, 3 …, two for each of `shards`, by shard.
    static func all(shards: Int) -> [TestAccount] {
        guard let layout = ShardLayout(shardCount: shards) else { return [] }
        var found: [[TestAccount]] = Array(repeating: [], count: shards)
        var secret: UInt64 = 0
        while found.contains(where: { $0.count < 2 }) {
            secret += 1
            guard let key = try? PrivateKey(Hash32(words: (0, 0, 0, secret))) else { continue }
            let account = TestAccount(key: key, address: key.address)
            let shard = Int(layout.home(of: account.address).value)
            if found[shard].count < 2 { found[shard].append(account) }
        }
        return found.flatMap { $0 }
    }

    /// An address without a key on a shard.
    static func plain(shard: Int, of shards: Int, _ number: UInt64) -> Address {
        let first = (shard * 65_536 + shards - 1) / shards
        return Address(words: (UInt64(first) << 48, number, 1))
    }
}

extension DecidedHeight {
    /// What an endpoint's block left, if it had one.
    func record(_ endpoint: Int) -> BlockRecord? {
        records.first { $0.header.endpoint == EndpointID(UInt16(endpoint)) }
    }

    func system(_ endpoint: Int) -> [LedgerEvent] {
        record(endpoint)?.systemResult?.events ?? []
    }
}

extension EndpointID: ExpressibleByIntegerLiteral {
    package init(integerLiteral value: UInt16) { self.init(value) }
}
