import TallyConsensus
import TallyExecution
import TallyPrimitives
import TallySharding
import TallyState
import TallyTransactions

/// Why an honest validator refuses a block.
enum BlockObjection: Error, Hashable, Sendable {
    case unreadable
    case time(BeaconTime, limit: BeaconTime)
    case anchor(AnchorRejection)
    case block(EndpointID, BlockRejection)
}

/// The ledger as one validator holds it: the final state, and what undecided blocks would make of
/// it.
struct VirtualLedger: Sendable {
    private(set) var beacon: BeaconCore
    /// By index: the shards, then the beacon's own endpoint.
    private(set) var endpoints: [ShardCore]
    private var branches: [Hash32: Branch] = [:]

    /// A block of an open height that was executed on its parent.
    private struct Branch: Sendable {
        let block: BeaconBlock
        let candidates: [Candidate?]
    }

    init(_ genesis: Genesis) {
        let states: [GenesisState]
        do throws(StateError) { states = try genesis.states() } catch {
            preconditionFailure("a genesis state is in memory: \(error)")
        }
        beacon = BeaconCore(genesis, states: states)
        let chain = beacon.chain
        endpoints = states.map {
            ShardCore(genesis: $0, chain: chain, parameters: genesis.parameters)
        }
    }

    var head: Ibft.Head {
        Ibft.Head(
            height: beacon.head.height, digest: beacon.headHash, timestamp: beacon.head.time)
    }

    /// How many undecided blocks are kept.
    var branchCount: Int { branches.count }

    var roots: [Hash32] { endpoints.map(\.headerHash) + endpoints.map(\.tree.root) }

    /// Endpoints that the next block may not leave out (RCPT-3).
    var mandatory: [EndpointID] {
        let view = beacon.view
        return endpoints.filter { $0.isMandatory(view) }.map(\.endpoint)
    }

    /// The next time at which the due queues have work.
    var nextDueTime: BeaconTime? {
        endpoints.compactMap { $0.nextDueTime(after: beacon.head.time) }.min()
    }

    func account(_ address: Address) -> Account {
        let core = endpoints[Int(beacon.parameters.layout.home(of: address).value)]
        return (try? core.account(address, pages: MemoryPages())) ?? .empty
    }

    /// The ledger after an undecided block; `nil` when it is not one of ours.
    private func after(_ digest: Hash32) throws(ExecutionError) -> VirtualLedger? {
        if digest == beacon.headHash { return self }
        guard let branch = branches[digest], branch.block.header.parent == beacon.headHash else {
            return nil
        }
        var copy = self
        _ = try copy.apply(branch)
        return copy
    }

    // MARK: Building

    /// A block on the final head or on an undecided block.
    /// - Parameter source: of transactions for an endpoint.
    /// - Returns: `nil` when the parent is unknown, or there is nothing to put in and no need to.
    mutating func build(
        on parent: Hash32, isMandatory: Bool, now: BeaconTime, proposer: Address,
        from source: inout some EndpointOffers
    ) throws(ExecutionError) -> BeaconBlock? {
        guard let base = try after(parent) else { return nil }
        let view = base.beacon.view
        var candidates: [Candidate?] = []
        for core in base.endpoints {
            candidates.append(
                try source.withSource(core.endpoint) { (offers) throws(ExecutionError) in
                    try core.build(
                        view, beneficiary: proposer, from: &offers, pages: MemoryPages())
                })
        }
        let due = base.nextDueTime.map { $0 <= now && base.beacon.head.time < $0 } ?? false
        guard isMandatory || due || candidates.contains(where: { $0 != nil }) else { return nil }
        let block = base.beacon.propose(
            candidates.compactMap { $0?.record.block }, now: now, proposer: proposer)
        branches[block.header.hash] = Branch(block: block, candidates: candidates)
        return block
    }

    // MARK: Judging

    /// Executes a block on the final head and compares.
    /// - Returns: what is wrong with it.
    mutating func objection(
        to proposed: ProposedBlock
    ) throws(ExecutionError) -> BlockObjection? {
        guard branches[proposed.digest] == nil else { return nil }
        guard let block = try? BeaconBlock(logRecord: proposed.body) else { return .unreadable }
        let headers = block.anchors.map(\.header)
        if let rejection = beacon.check(block.header, headers, mandatory: mandatory) {
            return .anchor(rejection)
        }
        let view = beacon.view
        var candidates: [Candidate?] = Array(repeating: nil, count: endpoints.count)
        for anchor in block.anchors {
            let id = anchor.header.endpoint
            switch try endpoints[Int(id.index)].check(anchor, view, pages: MemoryPages()) {
            case .success(let candidate): candidates[Int(id.index)] = candidate
            case .failure(let rejection): return .block(id, rejection)
            }
        }
        branches[proposed.digest] = Branch(block: block, candidates: candidates)
        return nil
    }

    // MARK: Deciding

    /// Takes a decided block over, executing it first where that was not done.
    /// - Throws: `.invariant` when the block is not valid here.
    mutating func decide(
        _ proposed: ProposedBlock
    ) throws(ExecutionError) -> (BeaconBlock, [BlockRecord]) {
        if let objection = try objection(to: proposed) {
            throw .invariant("a decided block is refused: \(objection)")
        }
        guard let branch = branches[proposed.digest] else {
            throw .invariant("a decided block that was never executed")
        }
        let records = try apply(branch)
        branches = branches.filter { $0.value.block.header.parent == proposed.digest }
        return (branch.block, records)
    }

    private mutating func apply(_ branch: Branch) throws(ExecutionError) -> [BlockRecord] {
        let header = branch.block.header
        guard header.parent == beacon.headHash else {
            throw .invariant("a decided block on another parent")
        }
        beacon.commit(header, branch.block.anchors.map(\.header))
        let records = branch.candidates.compactMap { $0?.record }
        let deliveries = Delivery.group(records, layout: beacon.parameters.layout)
        for index in endpoints.indices {
            try endpoints[index].advance(
                to: header.height, branch.candidates[index], deliveries[index])
        }
        return records
    }
}

/// Gives each endpoint its transactions while a block is built.
protocol EndpointOffers {
    associatedtype Source: TransactionSource
    mutating func withSource<R>(
        _ endpoint: EndpointID, _ body: (inout Source) throws(ExecutionError) -> R
    ) throws(ExecutionError) -> R
}

extension BeaconBlock {
    /// As the agreement sees it.
    var asProposed: ProposedBlock {
        ProposedBlock(
            height: header.height, parent: header.parent, digest: header.hash,
            timestamp: header.time, body: logRecord)
    }
}

/// Reads bodies; every sender has to be the one that the transaction's signature names.
struct VirtualReader: BlockReader {
    func block(body: [UInt8]) -> ProposedBlock? {
        guard let block = try? BeaconBlock(logRecord: body), block.logRecord == body,
            block.header.anchorsRoot == BeaconHeader.anchorsRoot(block.anchors.map(\.header))
        else { return nil }
        return ProposedBlock(
            height: block.header.height, parent: block.header.parent, digest: block.header.hash,
            timestamp: block.header.time, body: body)
    }
}
