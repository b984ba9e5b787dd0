import TallyPrimitives
import TallyState
import TallyTransactions
import Testing

@testable import TallyExecution

/// Endpoints with their states, a block of each at every height, without headers and streams. Whatever
/// is drawn of pools is paid to one account an endpoint; every state is audited after every block.
struct EpochWorld {
    let parameters: NetworkParameters
    let opening: UInt64
    private(set) var time: BeaconTime
    private(set) var height = Height.genesis
    private(set) var trees: [StateTree]
    private(set) var minted: [Amount]
    /// What happened at the last height, and since the beginning.
    private(set) var last: [(endpoint: Int, event: EpochEvent)] = []
    private(set) var history: [(endpoint: Int, event: EpochEvent)] = []
    private(set) var bounces = 0
    /// The accounts of each endpoint's nodes.
    var accounts: [[RewardAccount]]
    /// Sources whose receipts wait for longer.
    var held: Set<Int> = []
    private var due: [[DueEntry]]
    private var inbound: [[Receipt]]
    private var ends: [[UInt64]]

    typealias Work = (inout BlockExecutor, inout [RewardAccount]) throws -> Void

    init(
        shards: Int, at milliseconds: UInt64 = 86_400_000 * 20_000 + 777,
        _ change: (inout NetworkParameters) -> Void = { _ in }
    ) throws {
        let layout = try #require(ShardLayout(shardCount: shards))
        var parameters = NetworkParameters(chainID: 5, layout: layout)
        parameters.economy = .emc
        change(&parameters)
        try #require(parameters.faults.isEmpty, "\(parameters.faults)")
        self.parameters = parameters
        time = BeaconTime(milliseconds: milliseconds)
        let opening = EpochOpening(parameters, at: time)
        self.opening = opening.epoch
        let tree = try StateTree.empty.updating(
            opening.changes(parameters).inPathOrder(), MemoryPages())
        let count = layout.endpointCount
        trees = Array(repeating: tree, count: count)
        minted = Array(repeating: .zero, count: count)
        accounts = Array(repeating: [], count: count)
        due = Array(repeating: [opening.firstClose(parameters)], count: count)
        inbound = Array(repeating: [], count: count)
        ends = Array(repeating: Array(repeating: 0, count: count), count: count)
    }

    var beacon: Int { Int(parameters.layout.beacon.index) }
    var epoch: UInt64 { parameters.epoch(at: time) }
    var hasWork: Bool {
        trees.indices.contains { !deliverable(to: $0).isEmpty || !ready($0).isEmpty }
    }

    // MARK: Driving

    mutating func wait(_ milliseconds: UInt64) {
        time = BeaconTime(milliseconds: time.milliseconds + milliseconds)
    }

    /// Goes to the end of the epoch and on until nothing is left to do.
    mutating func passEpoch() throws {
        time = parameters.end(ofEpoch: epoch)
        try settleDown()
    }

    mutating func settleDown() throws {
        for _ in 0..<200 where hasWork { try step() }
        try #require(!hasWork)
    }

    /// One height; `work` is done after the due entries of its endpoint.
    mutating func step(_ work: [Int: Work] = [:]) throws {
        height = height.next
        last = []
        var sent: [Receipt] = []
        for endpoint in trees.indices { sent += try block(endpoint, work[endpoint]) }
        for receipt in sent { inbound[Int(receipt.reference.destination.index)].append(receipt) }
        history += last
        try checkSupply()
    }

    mutating func on(_ endpoint: Int, _ work: @escaping Work) throws {
        try step([endpoint: work])
    }

    /// Puts another state in place of an endpoint's.
    mutating func replace(_ endpoint: Int, with tree: StateTree) { trees[endpoint] = tree }

    func executor(_ endpoint: Int) throws -> BlockExecutor {
        try BlockExecutor(
            context: context(endpoint), tree: trees[endpoint], pages: MemoryPages(),
            ends: ends[endpoint], expecting: 4)
    }

    private func context(_ endpoint: Int) -> BlockContext {
        BlockContext(
            chain: .zero, parameters: parameters, endpoint: EndpointID(UInt16(endpoint)),
            height: height, time: time, baseFee: .zero, beneficiary: Self.payee(endpoint, 0))
    }

    private func deliverable(to endpoint: Int) -> [Receipt] {
        inbound[endpoint].filter { !held.contains(Int($0.reference.source.index)) }
    }

    private func ready(_ endpoint: Int) -> [DueEntry] {
        due[endpoint].filter { $0.key.time <= time }.sorted { $0.key < $1.key }
    }

    private mutating func block(_ endpoint: Int, _ work: Work?) throws -> [Receipt] {
        var executor = try executor(endpoint)
        executor.beginSystem()
        for receipt in deliverable(to: endpoint) { try executor.consume(receipt) }
        inbound[endpoint].removeAll { !held.contains(Int($0.reference.source.index)) }
        for entry in ready(endpoint) { try executor.run(entry) }
        try work?(&executor, &accounts[endpoint])
        for event in executor.systemResult(weight: 0)?.events ?? [] {
            if case .compute(.epoch(let event)) = event { last.append((endpoint, event)) }
            if case .bounced = event { bounces += 1 }
        }
        try executor.finish()
        trees[endpoint] = try executor.updatedTree()
        ends[endpoint] = executor.outbox.ends
        minted[endpoint] = try #require(minted[endpoint].adding(executor.minted))
        let removed = Set(executor.dueRemoved)
        due[endpoint].removeAll { removed.contains($0.key) }
        due[endpoint] += executor.dueAdded
        try audit(endpoint)
        return executor.outbox.receipts.flatMap { $0 }
    }

    // MARK: Checks

    private func objects(_ endpoint: Int) throws -> [(key: ObjectKey, object: StateObject)] {
        var pages = MemoryPages()
        pages.apply(trees[endpoint].pageChanges(since: .empty))
        var objects: [(key: ObjectKey, object: StateObject)] = []
        _ = try StateTree(loading: pages, kinds: Set(ObjectKind.allCases)) { key, object in
            objects.append((key, object))
        }
        return objects
    }

    func audit(_ endpoint: Int) throws {
        let audit = try StateAudit(
            context(endpoint), try objects(endpoint), minted: minted[endpoint])
        try audit.check(others: accounts[endpoint])
    }

    /// State and receipts under way are what was minted: the world begins with nothing.
    private func checkSupply() throws {
        let held = trees.reduce(0 as UInt128) { $0 + $1.sum.units }
        let flying = inbound.joined().reduce(0 as UInt128) { $0 + $1.value.units }
        #expect(held + flying == minted.reduce(0) { $0 + $1.units }, "height \(height)")
    }

    // MARK: Reading

    func pool(_ endpoint: Int) throws -> RewardPool {
        var executor = try executor(endpoint)
        return try executor.rewardPool()
    }

    func book() throws -> EmissionBook {
        var executor = try executor(beacon)
        return try executor.emissionBook()
    }

    func object(_ endpoint: Int, _ key: ObjectKey) throws -> StateObject? {
        try trees[endpoint].object(key, MemoryPages())
    }

    func count(_ kind: ObjectKind, _ endpoint: Int) throws -> Int {
        try objects(endpoint).count { $0.object.kind == kind }
    }

    func balance(_ endpoint: Int, _ number: Int) throws -> UInt128 {
        var executor = try executor(endpoint)
        return try executor.state.account(Self.payee(endpoint, number)).balance.units
    }

    /// Treasury and vaults, on all endpoints.
    func treasury() throws -> UInt128 {
        var sum: UInt128 = 0
        for endpoint in trees.indices {
            sum += try object(endpoint, ObjectKey(.treasury, key: []))?.value.units ?? 0
            sum += try object(endpoint, Vault.key(of: ReservedAddress.treasury))?.value.units ?? 0
        }
        return sum
    }

    /// Who a node's rewards are paid to. The address tells nothing of a home.
    static func payee(_ endpoint: Int, _ number: Int) -> Address {
        Address(words: (UInt64(endpoint + 1), UInt64(number + 1), 1))
    }

    // MARK: Nodes and trades

    mutating func setWeight(_ weight: RewardWeight, _ endpoint: Int, _ number: Int) throws {
        try on(endpoint) { executor, accounts in
            while accounts.count <= number { accounts.append(RewardAccount()) }
            try executor.setWeight(weight, of: &accounts[number])
        }
    }

    mutating func settle(_ endpoint: Int, _ number: Int) throws {
        try on(endpoint) { executor, accounts in
            let amount = try executor.settle(&accounts[number])
            try executor.state.credit(Self.payee(endpoint, number), amount)
        }
    }

    mutating func owe(_ reward: Amount, _ endpoint: Int) throws {
        try on(endpoint) { executor, _ in try executor.owe(reward) }
    }

    /// Pays a reward of an epoch from what is there for it.
    mutating func drawTrade(_ reward: Amount, _ epoch: UInt64, _ endpoint: Int) throws {
        try on(endpoint) { executor, _ in
            let funding = try #require(try executor.tradeFunding(of: epoch))
            let amount = OwedReward.payable(
                reward, ofAll: funding.owed, available: funding.funded)
            try executor.drawTradeReward(amount, of: epoch)
            try executor.state.credit(Self.payee(endpoint, 1_000), amount)
        }
    }
}

extension RewardWeight {
    static func whole(_ power: UInt128) -> RewardWeight { RewardWeight(units: power * scale) }
}
