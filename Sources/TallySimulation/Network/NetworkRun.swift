import TallyConsensus
import TallyExecution
import TallyPrimitives
import TallySharding
import TallyTransactions

/// What goes over a link. Bodies and finals are asked for beside the agreement's own messages.
enum Packet {
    case message([UInt8])
    case bodyRequest(Ibft.BodyRequest)
    case body([UInt8])
    case finalsRequest(CatchUp.Request)
    case head(Height)
}

/// What happens at a moment.
enum Event {
    case deliver(Packet, from: Int, to: Int)
    case timer(Ibft.Timer, of: Int, life: Int, UInt64)
    // Large, and rare: all others are moved about with it.
    indirect case input(Ibft.Input, to: Int, life: Int)
    case written(Int, life: Int)
    case checkpoint(Int, life: Int)
    case arrival
    case transactions([Transaction], to: Int)
    case wake(Int, life: Int)
    case announce(Int)
    case mischief(Int)
    case restart(Int)
    case fault(Int)
    case faultEnd(Int)
    case heal
}

/// One run: validators, the network between them, a clock and a plan of faults, from one seed.
///
/// Responsibility: that the same seed gives the same run. Representation: everything that happens is
/// an event of one heap; whatever is random comes from generators of the seed.
final class NetworkRun {
    let scenario: Scenario
    let chain: ChainIdentity
    let scheme: SimulatedScheme
    let authenticator: Authenticator<SimulatedScheme, LedgerBlockReader<SimulatedSenders, InOrder>>
    let configuration: Ibft.Configuration
    var heap = EventHeap<Event>()
    var now: UInt64 = 0
    var nodes: [VirtualValidator] = []
    /// Nodes of an address.
    var places: [Address: [Int]] = [:]
    var links: Links
    var plan: [PlannedFault] = []
    var load: WorkloadState
    var checks: RunChecks
    var result: SimulationResult
    var trace = TraceDigest()
    /// Of messages, loss and delay.
    var random: SeededGenerator
    var isHealed = false
    /// Heights that everybody has to reach before the run ends, and until when.
    var goal: Goal?
    var goalAtHeal: UInt64 = 0
    /// The highest round of the height above, then.
    var roundAtHeal: UInt32 = 0
    var milestones = Milestones()
    /// What everybody said together.
    var word = PublicWord()
    let genesisDigest: Hash32
    /// An offence that a node has to report in this step.
    var expected: (node: Int, OffenceKey)?
    /// What each side is shown of a block that somebody proposes twice (SIM-12), by either digest.
    var faces: [Hash32: Faces] = [:]

    /// When what happened, in microseconds.
    struct Milestones {
        /// First PROPOSAL of round 0, by height.
        var proposed: [UInt64: UInt64] = [:]
        /// By height and node.
        var decided: [UInt64: [Int: UInt64]] = [:]
        /// The first goal after the last fault was reached.
        var recovered: UInt64?
    }

    struct Goal {
        var height: UInt64
        var deadline: UInt64
        let reason: String
    }

    init(_ scenario: Scenario) {
        self.scenario = scenario
        let chainID = scenario.genesis.parameters.chainID
        chain = ChainIdentity(genesis: scenario.genesis.hash, chainID: chainID)
        scheme = SimulatedScheme(key: scenario.seed &* 0x2545_f491_4f6c_dd1d)
        authenticator = Authenticator(
            chain: chain, limits: MessageLimits(bodyBytes: 1 << 20), scheme: scheme,
            reader: VirtualReader.reader)
        configuration = Ibft.Configuration(
            chain: chain, firstTimeout: .microseconds(scenario.firstTimeout),
            maximumTimeout: .microseconds(scenario.maximumTimeout),
            heartbeat: .microseconds(scenario.heartbeat),
            retransmission: .microseconds(scenario.retransmission),
            isPipelined: scenario.isPipelined)
        random = SeededGenerator(seed: scenario.seed ^ 0x6e65_7477_6f72_6b)
        result = SimulationResult(seed: scenario.seed)
        result.scenario = scenario.description
        result.command = scenario.options.command(seed: scenario.seed)
        load = WorkloadState(scenario)
        checks = RunChecks(scenario, scheme, chain)
        let ledger = VirtualLedger(scenario.genesis)
        genesisDigest = ledger.head.digest
        links = Links(count: 0)
        for member in scenario.addresses.indices {
            for _ in 0..<(scenario.faulty[member]?.contains(.isTwins) ?? false ? 2 : 1) {
                addNode(member, ledger)
            }
        }
        links = Links(count: nodes.count)
        result.faults.add(.twins, nodes.count - scenario.addresses.count)
    }

    private func addNode(_ member: Int, _ ledger: VirtualLedger) {
        let signer = SimulatedSigner(scheme: scheme, address: scenario.addresses[member])
        let node = VirtualValidator(
            index: nodes.count, member: member, signer: signer,
            isHonest: scenario.isHonest(member),
            machine: Ibft(
                configuration, signer: signer,
                start: start(
                    ledger, .none,
                    nonce: Hash32(words: (scenario.seed, UInt64(nodes.count), 0, 1)))),
            ledger: ledger, storage: VirtualStorage(scenario, seed: random.next()))
        if let kinds = scenario.faulty[member], !kinds.contains(.isTwins) {
            node.mischief = Mischief(kinds, seed: scenario.seed &+ UInt64(member))
        }
        places[signer.address, default: []].append(node.index)
        nodes.append(node)
    }

    /// What a machine begins with.
    func start(_ ledger: VirtualLedger, _ memory: Ibft.Memory, nonce: Hash32) -> Ibft.Start {
        let sets = ledger.beacon.schedule.sets(around: ledger.head.height)
        return Ibft.Start(head: ledger.head, sets: sets, memory: memory, nonce: nonce)
    }

    /// Set(height), as the headers decided first say; above these the newest.
    func set(at height: Height) -> ValidatorSet { checks.schedule[height] }

    var honest: [VirtualValidator] { nodes.filter(\.isHonest) }

    func schedule(_ event: Event, after: UInt64) { heap.push(event, at: now + after) }

    // MARK: The loop

    /// Runs to the end, or to the first failure.
    func run() -> SimulationResult {
        begin()
        while result.failure == nil, !isDone, let (time, event) = heap.pop() {
            now = time
            result.events += 1
            perform(event)
            checkGoal()
        }
        if result.failure == nil { finish() }
        if result.failure == nil { takeMeasure() }
        result.microseconds = now
        result.digest = trace.value
        result.heights = checks.highest
        return result
    }

    /// Runs through everything that happens up to a time: for tests that look in between.
    func run(until end: UInt64) {
        while result.failure == nil, let time = heap.nextTime, time <= end,
            let (_, event) = heap.pop()
        {
            now = time
            result.events += 1
            perform(event)
        }
        now = max(now, end)
    }

    func begin() {
        makePlan()
        for (index, fault) in plan.enumerated() {
            heap.push(.fault(index), at: fault.start)
            heap.push(.faultEnd(index), at: fault.end)
        }
        heap.push(.heal, at: scenario.healsAt)
        schedule(.arrival, after: 0)
        for node in nodes {
            give(.start, to: node)
            if scenario.announcesHeads { schedule(.announce(node.index), after: 1_000_000) }
            if node.mischief != nil { schedule(.mischief(node.index), after: 500_000) }
        }
    }

    func fail(_ checker: Checker, _ detail: @autoclosure () -> String) {
        guard result.failure == nil else { return }
        let seconds = Double(now / 1000) / 1000
        result.failure = SimulationFailure(
            checker: checker, detail: "\(detail()), at \(seconds) s")
    }

    private func perform(_ event: Event) {
        trace.add(now)
        switch event {
        case .deliver(let packet, let from, let to):
            deliver(packet, from: from, to: nodes[to])
        case .timer(let timer, let index, let life, let count):
            let node = nodes[index]
            guard node.life == life, node.timers[timer] == count else { return }
            if postponed(event, node) { return }
            node.timers[timer] = nil
            trace.add(UInt64(index))
            give(.timer(timer), to: node)
        case .input(let input, let index, let life):
            guard nodes[index].life == life, !postponed(event, nodes[index]) else { return }
            give(input, to: nodes[index])
        case .written(let index, let life):
            guard nodes[index].life == life, !postponed(event, nodes[index]) else { return }
            finishWrite(nodes[index])
        case .checkpoint(let index, let life):
            guard nodes[index].life == life, !postponed(event, nodes[index]) else { return }
            finishCheckpoint(nodes[index])
        case .arrival: arrive()
        case .transactions(let transactions, let index): take(transactions, nodes[index])
        case .wake(let index, let life):
            guard nodes[index].life == life, !postponed(event, nodes[index]) else { return }
            nodes[index].wakesAt = nil
            offerWork(nodes[index])
        case .announce(let index): announce(nodes[index])
        case .mischief(let index): misbehave(nodes[index])
        case .restart(let index): restart(nodes[index])
        case .fault(let index): beginFault(index)
        case .faultEnd(let index): endFault(index)
        case .heal: heal()
        }
    }

    /// A paused process finds everything that happened meanwhile when it goes on.
    func postponed(_ event: Event, _ node: VirtualValidator) -> Bool {
        guard node.pausedUntil > now else { return false }
        heap.push(event, at: node.pausedUntil)
        return true
    }
}
