import TallyConsensus
import TallyCrypto
import TallyExecution
import TallyJournal
package import TallyPrimitives
package import TallySharding
import TallyState

/// A node of one validator over a simulated disk: the cores, agreement, durability, recovery and
/// replay of the product, in the order in which `TallyEngine` performs their effects, on one thread.
///
/// A value: a copy, its disk included, goes its own way.
package struct SimulatedNode: Sendable {
    package let setup: NodeSetup
    package internal(set) var disk: SimulatedDisk
    package private(set) var beacon: BeaconCore
    /// By index: the shards, then the beacon's own.
    package private(set) var endpoints: [SimulatedEndpoint]
    private var agreement: Ibft
    /// The block that agreement asked for.
    private var request: Ibft.BuildRequest?
    private var durability: Durability
    /// Beacon headers that no checkpoint holds.
    private var headers: [BeaconHeader]
    private var proposal: Proposal?
    private var secrets: RevealSecrets?
    /// Parts of the checkpoint under way that are to be written yet, in this order.
    private var unwritten: [EndpointID] = []
    private var checkpointHeight = Height.genesis
    /// The last checkpoint found no space.
    private var owesCheckpoint = false
    /// What it does when there is no space for a record.
    package var whenFull = FullDiskAnswer.waits

    private struct Proposal: Sendable {
        let block: BeaconBlock
        let candidates: [Candidate?]
    }

    init(
        _ setup: NodeSetup, disk: SimulatedDisk, beacon: BeaconCore,
        endpoints: [SimulatedEndpoint], durability: Durability, headers: [BeaconHeader],
        memory: Ibft.Memory
    ) {
        let (genesis, head) = (setup.genesis, beacon.head)
        agreement = Ibft(
            Ibft.Configuration(
                chain: ChainIdentity(genesis: genesis.hash, chainID: genesis.parameters.chainID)),
            signer: NodeSigner(address: setup.proposer),
            start: Ibft.Start(
                head: Ibft.Head(
                    height: head.height, digest: beacon.headHash, timestamp: head.time),
                sets: beacon.schedule.sets(around: head.height), memory: memory, nonce: .zero))
        self.setup = setup
        self.disk = disk
        self.beacon = beacon
        self.endpoints = endpoints
        self.durability = durability
        self.headers = headers
        secrets = RevealSecrets(simulating: setup.proposer)
        note(agreement.handle(.start))
    }

    package var height: Height { beacon.head.height }

    /// The header of a height that no checkpoint holds.
    func recentHeader(_ height: Height) -> BeaconHeader? { headers.first { $0.height == height } }

    // MARK: Heights

    /// Proposes, decides and publishes one height, and writes parts of a checkpoint meanwhile.
    /// - Parameter order: what becomes of the order of the steps.
    /// - Throws: `.crashed`; any other failure is a bug of the product or the disk.
    package mutating func advance(
        _ input: HeightInput, order: ([NodeStep]) -> [NodeStep]
    ) throws(SimulatedNodeFailure) {
        var pace = SeededGenerator(seed: setup.paceSeed &+ height.value)
        try writeSome(&pace)
        try catchUpCheckpoint()
        for step in order(try prepare(input)) {
            if case .publish = step { try writeSome(&pace) }
            try perform(step, &pace)
        }
        try writeSome(&pace)
    }

    /// Builds the block of the next height, agrees with itself and says what is to be done, in order.
    private mutating func prepare(_ input: HeightInput) throws(SimulatedNodeFailure) -> [NodeStep] {
        guard let request, request.height == height.next, request.parent == beacon.headHash else {
            preconditionFailure("agreement asks for the block of the next height")
        }
        let block = try build(input)
        let proposed = block.proposed
        var steps: [NodeStep] = []
        var effects = note(agreement.handle(.built(proposed)))
        while case .persist(let records, let token)? = effects.first(where: \.isPersist) {
            let logs: [LogEffects]
            do throws(JournalRefusal) {
                logs = try durability.persist(records, isAlone: true)
            } catch { throw .refused(error) }
            guard logs.isEmpty else {
                precondition(logs.allSatisfy { $0.log == .beacon }, "a lone validator's votes")
                steps = logs.flatMap(\.effects).map(NodeStep.journal)
                steps.append(.decided(height.next, digest: proposed.digest, token))
                break
            }
            effects = note(agreement.handle(.persisted(token)))
        }
        precondition(!steps.isEmpty, "one validator agrees with itself")
        steps += [.apply, .publish(height.next)]
        let checkpoint = durability.published(
            height.next, transactions: block.transactionCount, bytes: proposed.body.count)
        for case .checkpointShards(let height) in checkpoint {
            steps.append(.takeCheckpoint(height))
        }
        return steps
    }

    /// Keeps what agreement asks for beyond the step under way.
    @discardableResult
    private mutating func note(_ effects: [Ibft.Effect]) -> [Ibft.Effect] {
        for case .build(let request) in effects { self.request = request }
        return effects
    }

    private mutating func perform(
        _ step: NodeStep, _ pace: inout SeededGenerator
    ) throws(SimulatedNodeFailure) {
        switch step {
        case .journal(let effect):
            var work = JournalWork([effect])
            // Parts of a checkpoint are written meanwhile.
            while try !write(&work), whenFull == .waits { try writeSome(&pace) }
        case .decided(let height, let digest, let token):
            let effects = note(agreement.handle(.persisted(token)))
            precondition(
                effects.contains {
                    if case .decide(let decision) = $0 {
                        decision.block.height == height && decision.block.digest == digest
                    } else {
                        false
                    }
                }, "agreement decides something else")
            note(
                agreement.handle(
                    .applied(height, setAfterNext: beacon.schedule[height.next.next])))
        case .apply: try apply()
        case .publish(let height):
            do throws(Crashed) { try disk.publish(height) } catch { throw .crashed }
        case .takeCheckpoint(let height): takeCheckpoint(height)
        case .write(let id): _ = try write(id)
        }
    }

    /// - Returns: whether there was space for all of it.
    private mutating func write(_ work: inout JournalWork) throws(SimulatedNodeFailure) -> Bool {
        do throws(JournalStorageError) {
            return try work.run(on: &disk) == nil
        } catch {
            durability.logFailed()
            throw disk.isDead ? .crashed : .storage(error)
        }
    }

    private mutating func build(_ input: HeightInput) throws(SimulatedNodeFailure) -> BeaconBlock {
        let view = beacon.view
        var candidates: [Candidate?] = []
        for (index, endpoint) in endpoints.enumerated() {
            let id = endpoint.core.endpoint
            var source = OfferedTransactions(
                id, index < input.transactions.count ? input.transactions[index] : [])
            do throws(ExecutionError) {
                candidates.append(
                    try endpoint.core.build(
                        view, beneficiary: setup.proposer, from: &source, pages: endpoint.pages))
            } catch { throw .execution(id, error) }
        }
        let elected: ElectedSet?
        let own = endpoints[endpoints.count - 1]
        do throws(ExecutionError) {
            elected = try own.core.elected(pages: own.pages)
        } catch { throw .execution(own.core.endpoint, error) }
        let block = beacon.propose(
            candidates.compactMap { $0?.record.block }, now: input.now, proposer: setup.proposer,
            secrets: &secrets, elected: elected)
        let mandatory = endpoints.map(\.core).filter { $0.isMandatory(view) }.map(\.endpoint)
        if let rejection = beacon.check(
            block.header, block.anchors.map(\.header), mandatory: mandatory, elected: elected)
        {
            throw .anchor(rejection)
        }
        proposal = Proposal(block: block, candidates: candidates)
        return block
    }

    private mutating func apply() throws(SimulatedNodeFailure) {
        guard let proposal else { preconditionFailure("nothing was proposed") }
        self.proposal = nil
        let header = proposal.block.header
        beacon.commit(header, proposal.block.anchors.map(\.header))
        let deliveries = Delivery.group(
            proposal.candidates.compactMap { $0?.record }, layout: beacon.parameters.layout)
        for index in endpoints.indices {
            let id = endpoints[index].core.endpoint
            do throws(ExecutionError) {
                try endpoints[index].advance(
                    to: header.height, proposal.candidates[index], deliveries[index])
            } catch { throw .execution(id, error) }
        }
        headers.append(header)
    }

    // MARK: Checkpoints

    private mutating func takeCheckpoint(_ height: Height) {
        checkpointHeight = height
        for index in endpoints.indices { endpoints[index].takeCheckpoint() }
        let beacon = endpoints.count - 1
        endpoints[beacon].addBeacon(books: self.beacon.encodedBooks, headers)
        unwritten = endpoints.dropLast().map(\.core.endpoint)
    }

    /// Writes as many parts of the checkpoint under way as chance says.
    private mutating func writeSome(_ pace: inout SeededGenerator) throws(SimulatedNodeFailure) {
        for _ in 0..<Int.random(in: 0...2, using: &pace) where !unwritten.isEmpty {
            try writeNext()
        }
    }

    /// Writes the next part: the shards', then the beacon's; then the log is pruned.
    private mutating func writeNext() throws(SimulatedNodeFailure) {
        let id = unwritten.removeFirst()
        guard try write(id) else { return abandonCheckpoint(from: id) }
        endpoints[Int(id.index)].finishCheckpoint(disk.stores[Int(id.index)].pages)
        guard unwritten.isEmpty else { return }
        let last = beacon.parameters.layout.beacon
        if id != last {
            let effects = durability.shardsCheckpointed(checkpointHeight)
            precondition(effects == [.checkpointBeacon(checkpointHeight)])
            unwritten = [last]
            return
        }
        headers.removeAll { $0.height <= checkpointHeight }
        let effects: [LogEffects]
        do throws(JournalRefusal) {
            effects = try durability.beaconCheckpointed(checkpointHeight)
        } catch { throw .refused(error) }
        var work = JournalWork(effects.flatMap(\.effects))
        while try !write(&work) {}
    }

    /// There was no space for an endpoint's part: those before it stay as they are.
    private mutating func abandonCheckpoint(from id: EndpointID) {
        for index in Int(id.index)..<endpoints.count { endpoints[index].abandonCheckpoint() }
        unwritten = []
        owesCheckpoint = true
        durability.checkpointFailed()
    }

    /// Takes the checkpoint that found no space once more.
    private mutating func catchUpCheckpoint() throws(SimulatedNodeFailure) {
        guard owesCheckpoint else { return }
        owesCheckpoint = false
        for case .checkpointShards(let height) in durability.requestCheckpoint() {
            takeCheckpoint(height)
        }
    }

    /// Commits an endpoint's part of the checkpoint under way, and nothing else.
    /// - Returns: whether there was space.
    private mutating func write(_ id: EndpointID) throws(SimulatedNodeFailure) -> Bool {
        do throws(Crashed) {
            return try disk.commit(endpoints[Int(id.index)].batch, to: id)
        } catch { throw .crashed }
    }
}

extension Ibft.Effect {
    fileprivate var isPersist: Bool {
        if case .persist = self { true } else { false }
    }
}

/// Signs without a key: nobody checks what one validator tells itself.
private struct NodeSigner: VoteSigner {
    let address: Address

    func sign(_ digest: Hash32) -> RecoverableSignature {
        RecoverableSignature(r: digest, s: digest, yParity: 0)
    }
}
