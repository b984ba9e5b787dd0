import TallyCrypto
import TallyExecution
import TallyPrimitives
import TallySimulation
import TallyState
import TallyTransactions
import Testing

@testable import TallySharding

/// What an adversarial proposer lets one shard do at a height.
enum Move: CaseIterable, CustomStringConvertible {
    /// The shard is left out.
    case absent
    /// A block without transactions.
    case empty
    /// A credit that is taken.
    case ok
    /// A credit that bounces.
    case ask
    /// Two credits that bounce, in one transaction.
    case askTwice
    /// A scheduled leg whose credit bounces.
    case plan

    var description: String {
        switch self {
        case .absent: "-"
        case .empty: "0"
        case .ok: "ok"
        case .ask: "ask"
        case .askTwice: "ask2"
        case .plan: "plan"
        }
    }
}

/// Two shards and the beacon's cores, small enough to be copied at every step of a search.
struct World {
    static let shards = 2
    let fixture: WorldFixture
    private(set) var beacon: BeaconCore
    private(set) var cores: [ShardCore]
    private var secrets: RevealSecrets? = RevealSecrets(simulating: .zero)

    init(_ fixture: WorldFixture) throws {
        self.fixture = fixture
        let states = try fixture.genesis.states()
        beacon = BeaconCore(fixture.genesis, states: states)
        let chain = beacon.chain
        cores = states.map {
            ShardCore(genesis: $0, chain: chain, parameters: fixture.parameters)
        }
        // Some accounts refuse, and each vault has its sweep queued for the end of time, so that
        // no later block adds an entry of its own.
        var candidates: [Candidate?] = [nil, nil, nil]
        for shard in 0..<Self.shards {
            candidates[shard] = try build(shard, [fixture.refusal(on: shard)])
        }
        try decide(candidates)
        for shard in 0..<Self.shards { candidates[shard] = try candidate(.ok, shard) }
        try decide(candidates)
        while !mandatory.isEmpty { try drainStep() }
    }

    var mandatory: [Int] {
        let view = beacon.view
        return cores.indices.filter { cores[$0].isMandatory(view) }
    }

    /// The block of a shard for a move; `nil` when the shard cannot make the move now.
    func candidate(_ move: Move, _ shard: Int) throws -> Candidate? {
        guard move != .absent else { return nil }
        let made = try transaction(move, shard)
        let candidate = try build(shard, [made].compactMap { $0 })
        return candidate.record.transactions.count == (made == nil ? 0 : 1) ? candidate : nil
    }

    private func transaction(_ move: Move, _ shard: Int) throws -> Transaction? {
        guard let operation = fixture.operation(move, shard) else { return nil }
        let sender = fixture.senders[shard]
        let object = try cores[shard].tree.object(.account(sender), MemoryPages())
        let nonce = try object.map { try Account($0).nonce } ?? 0
        return try fixture.factory.transaction(operation, from: sender, nonce: nonce)
    }

    private func build(_ shard: Int, _ transactions: [Transaction]) throws -> Candidate {
        var source = OfferedTransactions(EndpointID(UInt16(shard)), transactions)
        return try cores[shard].execute(
            beacon.view, beneficiary: TestLedger.proposer, from: &source, pages: MemoryPages())
    }

    /// Anchors these blocks, as every validator would check them.
    mutating func decide(_ candidates: [Candidate?]) throws {
        let block = beacon.propose(
            candidates.compactMap { $0?.record.block },
            now: BeaconTime(milliseconds: beacon.head.time.milliseconds + 2_000), proposer: .zero,
            secrets: &secrets, elected: nil)
        let headers = block.anchors.map(\.header)
        let rejection = beacon.check(
            block.header, headers, mandatory: mandatory.map { EndpointID(UInt16($0)) },
            elected: nil)
        #expect(rejection == nil)
        beacon.commit(block.header, headers)
        let deliveries = Delivery.group(
            candidates.compactMap { $0?.record }, layout: beacon.parameters.layout)
        for index in cores.indices {
            try cores[index].advance(
                to: block.header.height, candidates[index], deliveries[index])
        }
    }

    /// A height that does what must be done and nothing else.
    mutating func drainStep() throws {
        let mandatory = mandatory
        var candidates: [Candidate?] = [nil, nil, nil]
        for index in mandatory { candidates[index] = try build(index, []) }
        try decide(candidates)
    }

    // MARK: Abstraction

    /// The state of the model: everything relative to the cursors, so that endless traffic gives
    /// finitely many.
    var key: String {
        var text = "\(beacon.head.height.value % 3)"
        for (a, b) in [(0, 1), (1, 0)] {
            text += "|" + kinds(a, b) + "/" + slots(a, b) + "/\(waitingEntries(a, b))"
        }
        return text
    }

    /// Receipts in flight, oldest first.
    private func kinds(_ a: Int, _ b: Int) -> String {
        String(
            cores[b].inbound[a].waiting.map { receipt -> Character in
                if !receipt.isRequest { return "r" }
                return receipt.to == fixture.refusers[b] ? "a" : "o"
            })
    }

    /// Slots that `a` holds: requests not consumed by position, those consumed and not recorded,
    /// those recorded with what is left to consume.
    private func slots(_ a: Int, _ b: Int) -> String {
        let cursor = cores[b].streams[a].cursor
        let own = cores[a].streams[b].cursor
        let lists = SlotLists(cores[a].streams[b])
        let waiting = lists.waiting.filter { $0 >= cursor }.map { "\($0 - cursor)" }
        let unrecorded = lists.waiting.count - waiting.count
        let passed = lists.passed.map { "\($0.end - own)x\($0.count)" }
        return waiting.joined(separator: ",") + ";\(unrecorded);" + passed.joined(separator: ",")
    }

    private func waitingEntries(_ a: Int, _ b: Int) -> Int {
        Array(cores[a].due.ready(for: EndpointID(UInt16(b)), at: beacon.head.time)).count
    }

    // MARK: What must hold

    /// Bound, Slots and Queue of the model.
    func checkBounds() {
        let parameters = fixture.parameters
        for (a, b) in [(0, 1), (1, 0)] {
            #expect(cores[b].inbound[a].count <= 2 * parameters.window, "Bound \(key)")
            #expect(cores[a].streams[b].slots <= parameters.window, "Slots \(key)")
            #expect(cores[a].due.count <= parameters.dueBound, "Queue \(key)")
        }
    }

    var longestStream: Int { max(cores[0].inbound[1].count, cores[1].inbound[0].count) }

    /// Nothing in flight, nothing due, every slot known to be free.
    var isSettled: Bool {
        let view = beacon.view
        return [(0, 1), (1, 0)].allSatisfy { a, b in
            cores[b].inbound[a].count == 0 && waitingEntries(a, b) == 0
                && cores[a].slots(to: EndpointID(UInt16(b)), view) == 0
        }
    }
}

/// What a stream's object says of its slots, read from the state as a validator would.
struct SlotLists {
    var waiting: [UInt64] = []
    var passed: [(end: UInt64, count: UInt64)] = []

    init(_ stream: StreamState) {
        guard let object = stream.object else { return }
        do throws(RLPError) {
            try RLPDecoder.list(object.payload.bytes) { (list) throws(RLPError) in
                for _ in 0..<4 { _ = try list.nextEncoded() }
                var runs = try list.nextList()
                while !runs.isAtEnd {
                    let start: UInt64 = try runs.nextInteger()
                    let count: UInt64 = try runs.nextInteger()
                    waiting += start..<(start + count)
                }
                var entries = try list.nextList()
                while !entries.isAtEnd {
                    passed.append((try entries.nextInteger(), try entries.nextInteger()))
                }
            }
        } catch { Issue.record("a stream does not decode: \(error)") }
    }
}

/// What all worlds of one search share.
final class WorldFixture: Sendable {
    let genesis: Genesis
    let parameters: NetworkParameters
    let factory: WorkloadTransactions
    let senders: [Address]
    let takers: [Address]
    let refusers: [Address]

    /// - Parameter blockWeight: of the shards; may be below what a genesis allows.
    init(window: Int, plans: Int, blockWeight: Weight) throws {
        let layout = try #require(ShardLayout(shardCount: World.shards))
        var parameters = NetworkParameters(chainID: 5, layout: layout)
        parameters.window = window
        parameters.minimumBaseFee = Amount(1_000)
        parameters.epochMilliseconds = .max
        // A step of the clock takes the fee back to its minimum, so that it is no part of the state.
        parameters.heartbeatMilliseconds = 1_000
        // One entry is the sweep that never runs.
        parameters.dueBound = plans + 1
        func addresses(_ number: UInt64) -> [Address] {
            (0..<World.shards).map { TestAccount.plain(shard: $0, of: World.shards, number) }
        }
        senders = addresses(1)
        takers = addresses(2)
        refusers = addresses(3)
        genesis = try Genesis(
            parameters: parameters, time: BeaconTime(milliseconds: 1_000_000),
            accounts: (senders + refusers).map {
                .init(address: $0, balance: Amount(1 << 100))
            },
            validators: [.zero])
        parameters.blockWeight = blockWeight
        self.parameters = parameters
        factory = WorkloadTransactions(chainID: 5, maxFee: Amount(1_000))
    }

    func refusal(on shard: Int) throws -> Transaction {
        try factory.transaction(.setCreditPolicy(.refuse), from: refusers[shard], nonce: 0)
    }

    /// From a shard to the other.
    func operation(_ move: Move, _ shard: Int) -> TransferOperation? {
        let peer = 1 - shard
        let one = Amount(1)
        switch move {
        case .absent, .empty: return nil
        case .ok: return .single(to: takers[peer], value: one)
        case .ask: return .single(to: refusers[peer], value: one)
        case .askTwice:
            return .batch(Array(repeating: TransferLeg(to: refusers[peer], value: one), count: 2))
        case .plan:
            return .batch([
                TransferLeg(
                    to: refusers[peer], value: one, terms: .runAt(BeaconTime(milliseconds: 1)))
            ])
        }
    }
}
