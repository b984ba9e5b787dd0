import TallyConsensus
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
    private var finality: SingleValidator
    private var durability: Durability
    /// Beacon headers that no checkpoint holds.
    private var headers: [BeaconHeader]
    private var proposal: Proposal?
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
        endpoints: [SimulatedEndpoint], durability: Durability, headers: [BeaconHeader]
    ) {
        self.setup = setup
        self.disk = disk
        self.beacon = beacon
        self.endpoints = endpoints
        self.durability = durability
        self.headers = headers
        finality = SingleValidator(decided: beacon.head.height)
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
    ) throws(NodeFailure) {
        var pace = SeededGenerator(seed: setup.paceSeed &+ height.value)
        try writeSome(&pace)
        try catchUpCheckpoint()
        for step in order(try prepare(input)) {
            if case .publish = step { try writeSome(&pace) }
            try perform(step, &pace)
        }
        try writeSome(&pace)
    }

    /// Builds the block of the next height and says what is to be done, in order.
    private mutating func prepare(_ input: HeightInput) throws(NodeFailure) -> [NodeStep] {
        expect(.build(height: height.next, round: .zero), after: .work)
        let block = try build(input)
        let digest = block.header.hash
        expect(
            .persist(height: height.next, round: .zero, digest: digest),
            after: .built(digest: digest))
        let count = block.anchors.reduce(0) { $0 + $1.transactions.count }
        let effects: [DurabilityEffect]
        do throws(JournalRefusal) {
            effects = try durability.decided(
                height.next, record: block.logRecord, transactions: count)
        } catch { throw .refused(error) }
        return effects.flatMap { steps($0, block.header) }
    }

    private func steps(_ effect: DurabilityEffect, _ header: BeaconHeader) -> [NodeStep] {
        switch effect {
        case .journal(let effects):
            effects.map(NodeStep.journal) + [.decided(header.height, digest: header.hash)]
        case .publish(let height): [.apply, .publish(height)]
        case .checkpointShards(let height): [.takeCheckpoint(height)]
        case .checkpointBeacon: preconditionFailure("the shards come first")
        }
    }

    private mutating func perform(
        _ step: NodeStep, _ pace: inout SeededGenerator
    ) throws(NodeFailure) {
        switch step {
        case .journal(let effect):
            var work = JournalWork([effect])
            // Parts of a checkpoint are written meanwhile.
            while try !write(&work), whenFull == .waits { try writeSome(&pace) }
        case .decided(let height, let digest):
            expect(
                .decide(height: height, round: .zero, digest: digest),
                after: .persisted(digest: digest))
        case .apply: try apply()
        case .publish(let height):
            do throws(Crashed) { try disk.publish(height) } catch { throw .crashed }
        case .takeCheckpoint(let height): takeCheckpoint(height)
        case .write(let id): _ = try write(id)
        }
    }

    /// One validator agrees with itself in exactly this way.
    private mutating func expect(_ effect: FinalityEffect, after input: FinalityInput) {
        let effects = finality.handle(input)
        precondition(effects == [effect], "agreement asks for something else")
    }

    /// - Returns: whether there was space for all of it.
    private mutating func write(_ work: inout JournalWork) throws(NodeFailure) -> Bool {
        do throws(JournalStorageError) {
            return try work.run(on: &disk) == nil
        } catch {
            durability.journalFailed()
            throw disk.isDead ? .crashed : .storage(error)
        }
    }

    private mutating func build(_ input: HeightInput) throws(NodeFailure) -> BeaconBlock {
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
        let block = beacon.propose(
            candidates.compactMap { $0?.record.block }, now: input.now, proposer: setup.proposer)
        let mandatory = endpoints.map(\.core).filter { $0.isMandatory(view) }.map(\.endpoint)
        if let rejection = beacon.check(
            block.header, block.anchors.map(\.header), mandatory: mandatory)
        {
            throw .anchor(rejection)
        }
        proposal = Proposal(block: block, candidates: candidates)
        return block
    }

    private mutating func apply() throws(NodeFailure) {
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
    private mutating func writeSome(_ pace: inout SeededGenerator) throws(NodeFailure) {
        for _ in 0..<Int.random(in: 0...2, using: &pace) where !unwritten.isEmpty {
            try writeNext()
        }
    }

    /// Writes the next part: the shards', then the beacon's; then the log is pruned.
    private mutating func writeNext() throws(NodeFailure) {
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
        let effects: [DurabilityEffect]
        do throws(JournalRefusal) {
            effects = try durability.beaconCheckpointed(checkpointHeight)
        } catch { throw .refused(error) }
        for case .journal(let writes) in effects {
            var work = JournalWork(writes)
            while try !write(&work) {}
        }
    }

    /// There was no space for an endpoint's part: those before it stay as they are.
    private mutating func abandonCheckpoint(from id: EndpointID) {
        for index in Int(id.index)..<endpoints.count { endpoints[index].abandonCheckpoint() }
        unwritten = []
        owesCheckpoint = true
        durability.checkpointFailed()
    }

    /// Takes the checkpoint that found no space once more.
    private mutating func catchUpCheckpoint() throws(NodeFailure) {
        guard owesCheckpoint else { return }
        owesCheckpoint = false
        for case .checkpointShards(let height) in durability.requestCheckpoint() {
            takeCheckpoint(height)
        }
    }

    /// Commits an endpoint's part of the checkpoint under way, and nothing else.
    /// - Returns: whether there was space.
    private mutating func write(_ id: EndpointID) throws(NodeFailure) -> Bool {
        do throws(Crashed) {
            return try disk.commit(endpoints[Int(id.index)].batch, to: id)
        } catch { throw .crashed }
    }
}
