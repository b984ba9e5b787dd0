import TallyConsensus
import TallyPrimitives

/// Validators over a virtual network, clock and disk: one thread, one seed, no waiting.
struct Cluster {
    /// Times are in milliseconds of virtual time.
    struct Options {
        var delay: UInt64 = 100
        /// Added at random, so that messages overtake each other.
        var jitter: UInt64 = 0
        /// In a hundred.
        var loss: UInt64 = 0
        var isPipelined = true
        /// Whether there is always a transaction to include.
        var hasWork = true
        /// Who votes from a height on, if not everybody: indices, by ascending height.
        var changes: [(from: UInt64, members: [Int])] = []
        /// Most that a fresh block's time may be ahead.
        var drift: Int64 = 500
    }

    struct Node {
        var machine: Ibft
        /// What survives a crash.
        var disk: [ConsensusRecord] = []
        var chain: [Ibft.Decision] = []
        var decidedAt: [UInt64] = []
        var cache = SignatureCache()
        var isUp = true
        var clockOffset: Int64 = 0
        /// Timers of earlier lives do not go off.
        var life = 0
    }

    private enum Event {
        case deliver([UInt8], to: Int)
        case timer(Ibft.Timer, of: Int, life: Int)
        case input(Ibft.Input, to: Int, life: Int)
    }

    let fixture: Fixture
    let options: Options
    var nodes: [Node] = []
    private(set) var now: UInt64 = 0
    private(set) var evidence: [Evidence] = []
    private(set) var forks: [Ibft.Fork] = []
    private(set) var refusals: [MessageRefusal] = []
    /// Everything ever sent, for checks of what was signed.
    private(set) var sent: [Message] = []
    private(set) var proposedAt: [Height: UInt64] = [:]
    /// Whether a message from one node reaches another.
    var connects: (_ from: Int, _ to: Int, _ now: UInt64) -> Bool = { _, _, _ in true }
    /// Asked for each request to persist; `true`: the node dies, and half of the time only after it.
    var crashes: (_ node: Int, _ count: Int) -> Bool = { _, _ in false }
    private(set) var persistCount = 0

    private var events: [(time: UInt64, order: UInt64, event: Event)] = []
    private var order: UInt64 = 0
    private var generator: SeededGenerator
    private var contents = 0

    init(_ count: Int, _ options: Options = Options(), seed: UInt64 = 1) throws {
        fixture = try Fixture(count)
        self.options = options
        generator = SeededGenerator(seed: seed)
        for i in 0..<count { nodes.append(Node(machine: machine(i, .none, Fixture.genesis))) }
    }

    func set(at height: Height) -> ValidatorSet {
        guard let change = options.changes.last(where: { $0.from <= height.value }) else {
            return fixture.set
        }
        let members = change.members.map {
            Validator(address: fixture.members[$0], power: 1)
        }
        return (try? ValidatorSet(members, seed: fixture.set.seed)) ?? fixture.set
    }

    private func machine(_ i: Int, _ memory: Ibft.Memory, _ head: Ibft.Head) -> Ibft {
        Ibft(
            Ibft.Configuration(
                chain: Fixture.chain, firstTimeout: .milliseconds(1000),
                maximumTimeout: .milliseconds(8000), heartbeat: .milliseconds(5000),
                retransmission: .milliseconds(700), isPipelined: options.isPipelined),
            signer: TestSigner(address: fixture.members[i]),
            start: Ibft.Start(
                head: head,
                sets: ValidatorSets(
                    Dictionary(
                        uniqueKeysWithValues: (1...head.height.value + 2).suffix(10).map {
                            (Height($0), set(at: Height($0)))
                        })),
                memory: memory, nonce: fixture.set.hash))
    }

    mutating func start() {
        for i in nodes.indices {
            give(.start, to: i)
            if options.hasWork { give(.work, to: i) }
        }
    }

    // MARK: Faults

    mutating func kill(_ i: Int) {
        nodes[i].isUp = false
        nodes[i].life += 1
    }

    /// Starts a node from its disk, or without its votes.
    mutating func restart(_ i: Int, lostVotes: Bool = false) {
        kill(i)
        nodes[i].isUp = true
        if lostVotes { nodes[i].disk.removeAll { $0.log == .votes } }
        nodes[i].recover(at: now)
        let head = nodes[i].chain.last.map {
            Ibft.Head(
                height: $0.block.height, digest: $0.block.digest, timestamp: $0.block.timestamp)
        }
        let memory: Ibft.Memory =
            lostVotes
            ? .lost : .records(nodes[i].disk)
        nodes[i].machine = machine(i, memory, head ?? Fixture.genesis)
        give(.start, to: i)
        if options.hasWork { give(.work, to: i) }
    }

    // MARK: Time

    private mutating func schedule(_ event: Event, after: UInt64) {
        order += 1
        let entry = (now + after, order, event)
        var place = events.endIndex
        while place > 0, (events[place - 1].time, events[place - 1].order) < (entry.0, entry.1) {
            place -= 1
        }
        // Latest first, so that the next is cheap to take.
        events.insert((entry.0, entry.1, event), at: place)
    }

    /// Runs until `condition` holds or nothing happens before `deadline`.
    /// - Returns: whether `condition` holds.
    mutating func run(
        until deadline: UInt64, _ condition: (Cluster) -> Bool = { _ in false }
    ) -> Bool {
        while !condition(self) {
            guard let last = events.last, last.time <= deadline else { break }
            events.removeLast()
            now = last.time
            perform(last.event)
        }
        return condition(self)
    }

    /// Moves the clock when nothing is scheduled.
    mutating func passTime() { now += 1 }

    private mutating func perform(_ event: Event) {
        switch event {
        case .deliver(let bytes, let to):
            guard nodes[to].isUp else { return }
            do throws(MessageRefusal) {
                let message = try fixture.authenticator().authenticate(
                    bytes: bytes, sets: nodes[to].machine.sets, cache: &nodes[to].cache)
                give(.message(message), to: to)
            } catch {
                refusals.append(error)
                if case .unknownValidatorSet(let height) = error {
                    give(.peerHead(Height(height.value - 1)), to: to)
                }
            }
        case .timer(let timer, let node, let life):
            if nodes[node].life == life { give(.timer(timer), to: node) }
        case .input(let input, let node, let life):
            if nodes[node].life == life { give(input, to: node) }
        }
    }

    // MARK: Owner

    private mutating func give(_ input: Ibft.Input, to i: Int) {
        let life = nodes[i].life
        var inputs = [input]
        while let input = inputs.first, nodes[i].life == life, nodes[i].isUp {
            inputs.removeFirst()
            for effect in nodes[i].machine.handle(input) {
                guard nodes[i].life == life else { return }
                if let answer = perform(effect, of: i) { inputs += answer }
            }
        }
    }

    private mutating func perform(_ effect: Ibft.Effect, of i: Int) -> [Ibft.Input]? {
        let life = nodes[i].life
        switch effect {
        case .broadcast(let message):
            sent.append(message)
            if case .proposal(let proposal) = message, proposedAt[proposal.height] == nil {
                proposedAt[proposal.height] = now
            }
            for to in nodes.indices where to != i { send(message, from: i, to: to) }
        case .send(let message, let address):
            sent.append(message)
            if let to = index(address) { send(message, from: i, to: to) }
        case .sendFinal(let height, let address):
            if let to = index(address) { sendFinal(height, from: i, to: to) }
        case .persist(let records, let token): return persist(records, token, of: i)
        case .schedule(let timer, let duration):
            schedule(.timer(timer, of: i, life: life), after: duration.milliseconds)
        case .build(let request):
            guard options.hasWork || request.isMandatory else {
                return [.nothingToBuild(request.height)]
            }
            return [.built(build(request, by: i))]
        case .validate(let request, let block):
            let limit = clock(i) + options.drift
            let isLate = request.checksClock && Int64(block.timestamp.milliseconds) > limit
            return [.validated(request, isLate ? .invalid : .valid)]
        case .requestBody(let request): fetch(request, for: i)
        case .requestSync(let from, let through): sync(from, through, for: i)
        case .decide(let decision):
            nodes[i].chain.append(decision)
            nodes[i].decidedAt.append(now)
            let set = set(at: decision.block.height.next.next)
            return [.applied(decision.block.height, setAfterNext: set)]
                + (options.hasWork ? [.work] : [])
        case .lateSeal: break
        case .report(let proof): evidence.append(proof)
        case .refuse(let refusal, _): refusals.append(refusal)
        case .halt(let fork): forks.append(fork)
        }
        return nil
    }

    private func index(_ address: Address) -> Int? { fixture.members.firstIndex(of: address) }

    private func clock(_ i: Int) -> Int64 { 10_000_000 + Int64(now) + nodes[i].clockOffset }

    private mutating func build(_ request: Ibft.BuildRequest, by i: Int) -> ProposedBlock {
        contents += 1
        let parent = max(
            nodes[i].machine.head.timestamp.milliseconds,
            nodes[i].chain.last?.block.timestamp.milliseconds ?? 0)
        return TestBlocks.make(
            request.height.value, parent: request.parent,
            time: max(parent + 1, UInt64(max(0, clock(i)))), content: "\(i) \(contents)")
    }

    private mutating func persist(
        _ records: [ConsensusRecord], _ token: PersistToken, of i: Int
    ) -> [Ibft.Input]? {
        persistCount += 1
        if crashes(i, persistCount) {
            if generator.next() % 2 == 0 { nodes[i].write(records) }
            kill(i)
            return nil
        }
        nodes[i].write(records)
        return [.persisted(token)]
    }

    private mutating func send(_ message: Message, from: Int, to: Int) {
        guard connects(from, to, now), generator.next() % 100 >= options.loss else { return }
        let jitter = options.jitter == 0 ? 0 : generator.next() % (options.jitter + 1)
        schedule(.deliver(message.wire, to: to), after: options.delay + jitter)
    }

    private mutating func sendFinal(_ height: Height, from: Int, to: Int) {
        let decided = nodes[from].chain.first { $0.block.height == height }
        if let decided { send(.final(decided.final), from: from, to: to) }
    }

    /// Bodies come from any holder that is up and connected, as they would over a reliable session.
    private mutating func fetch(_ request: Ibft.BodyRequest, for i: Int) {
        for from in nodes.indices where nodes[from].isUp && connects(from, i, now) {
            let held =
                nodes[from].machine.block(request.digest) ?? nodes[from].stored(request.digest)
            guard let held else { continue }
            schedule(.input(.body(held), to: i, life: nodes[i].life), after: 2 * options.delay)
            return
        }
    }

    private mutating func sync(_ from: Height, _ through: Height, for i: Int) {
        for peer in nodes.indices where peer != i && nodes[peer].isUp && connects(peer, i, now) {
            let finals = nodes[peer].chain.filter { $0.block.height >= from }
            guard !finals.isEmpty else { continue }
            for (place, decided) in finals.enumerated() where decided.block.height <= through {
                schedule(
                    .deliver(Message.final(decided.final).wire, to: i),
                    after: 2 * options.delay + UInt64(place))
            }
            return
        }
    }
}

extension Cluster.Node {
    /// Through bytes, as a real disk.
    mutating func write(_ records: [ConsensusRecord]) {
        for record in records {
            if let copy = try? ConsensusRecord(encoded: record.encoded) { disk.append(copy) }
        }
    }

    /// Decisions that are durable count, also if the node died before it heard of them.
    mutating func recover(at now: UInt64) {
        for case .decision(let certificate) in disk
        where certificate.height.value == UInt64(chain.count) + 1 {
            guard let block = stored(certificate.digest) else { continue }
            chain.append(Ibft.Decision(block: block, certificate: certificate))
            decidedAt.append(now)
        }
    }

    func stored(_ digest: Hash32) -> ProposedBlock? {
        for case .undecided(let block) in disk where block.digest == digest { return block }
        return nil
    }
}

extension Duration {
    var milliseconds: UInt64 {
        UInt64(components.seconds) * 1000 + UInt64(components.attoseconds / 1_000_000_000_000_000)
    }
}
