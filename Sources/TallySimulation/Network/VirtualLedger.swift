import TallyConsensus
import TallyCrypto
import TallyExecution
import TallyPrimitives
import TallySharding
import TallyState
import TallyTransactions

/// Why an honest validator refuses a block.
enum BlockObjection: Error, Hashable, Sendable {
    case unreadable
    case anchor(AnchorRejection)
    case block(EndpointID, BlockRejection)
}

/// Why a ledger cannot go on: never a matter of what others send.
enum LedgerFault: Error, Equatable, Sendable {
    case execution(EndpointID, ExecutionError)
    /// Our own block would be refused.
    case ownProposal(AnchorRejection)
    /// A decided block is not valid here.
    case decided(BlockObjection)
    case wrongParent
}

/// The ledger as one validator holds it: the final state, and what undecided blocks would make of
/// it, in the branches of the product.
struct VirtualLedger: Sendable {
    private var books: BeaconBranches
    private var branches: [EndpointBranches]
    /// Blocks of the open heights that are kept in the branches.
    private var blocks: [Hash32: BeaconBlock] = [:]

    init(_ genesis: Genesis) {
        let states: [GenesisState]
        do throws(StateError) { states = try genesis.states() } catch {
            preconditionFailure("a genesis state is in memory: \(error)")
        }
        let beacon = BeaconCore(genesis, states: states)
        books = BeaconBranches(beacon)
        branches = states.map {
            EndpointBranches(
                ShardCore(genesis: $0, chain: beacon.chain, parameters: genesis.parameters),
                head: beacon.headHash)
        }
    }

    private init(_ beacon: BeaconCore, _ endpoints: [ShardCore]) {
        books = BeaconBranches(beacon)
        branches = endpoints.map { EndpointBranches($0, head: beacon.headHash) }
    }

    /// The final state alone, as a checkpoint holds it.
    var checkpoint: VirtualLedger { VirtualLedger(beacon, endpoints) }

    var beacon: BeaconCore { books.core }
    /// By index: the shards, then the beacon's own endpoint.
    var endpoints: [ShardCore] { branches.map(\.core) }
    var layout: ShardLayout { books.core.parameters.layout }

    var head: Ibft.Head {
        let beacon = books.core
        return Ibft.Head(
            height: beacon.head.height, digest: beacon.headHash, timestamp: beacon.head.time)
    }

    /// How many undecided blocks are kept.
    var branchCount: Int { blocks.count }

    /// What all validators have to agree on: headers and states of every endpoint.
    var roots: [Hash32] {
        var roots: [Hash32] = []
        for branch in branches {
            roots.append(branch.core.headerHash)
            roots.append(branch.core.tree.root)
        }
        return roots
    }

    /// Whether the next block has to hold something (RCPT-3).
    var isMandatory: Bool {
        let view = books.core.view
        return branches.contains { $0.core.isMandatory(view) }
    }

    /// The next time at which the due queues have work.
    var nextDueTime: BeaconTime? {
        let time = books.core.head.time
        var next: BeaconTime?
        for branch in branches {
            guard let time = branch.core.nextDueTime(after: time) else { continue }
            next = min(next ?? time, time)
        }
        return next
    }

    /// What the next block of an endpoint has to give.
    func room(_ endpoint: EndpointID) -> EndpointRoom {
        let (core, view) = (branches[Int(endpoint.index)].core, books.core.view)
        return EndpointRoom(
            baseFee: core.baseFee(view), slots: core.freeSlots(view),
            dueEntries: core.parameters.transactionDueBound - core.due.count)
    }

    func account(_ address: Address) -> Account {
        let index = Int(layout.home(of: address).value)
        return (try? branches[index].core.account(address, pages: MemoryPages())) ?? .empty
    }

    // MARK: Building

    /// A block on the final head or on an undecided block on it.
    /// - Parameters:
    ///   - secrets: the proposer's.
    ///   - source: of transactions for an endpoint.
    /// - Returns: `nil` when the parent is unknown, or there is nothing to put in and no need to.
    mutating func build(
        on parent: Hash32, isMandatory: Bool, now: BeaconTime, proposer: Address,
        secrets: inout RevealSecrets?, from source: inout some EndpointOffers
    ) throws(LedgerFault) -> BeaconBlock? {
        try extend(parent)
        guard let view = books.view(after: parent) else { return nil }
        var states: [ShardCore] = []
        for branch in branches {
            guard let state = branch.state(after: parent) else { return nil }
            states.append(state)
        }
        var candidates: [Candidate?] = []
        for core in states {
            do throws(ExecutionError) {
                candidates.append(
                    try source.withSource(core.endpoint) { (offers) throws(ExecutionError) in
                        try core.build(
                            view, beneficiary: proposer, from: &offers, pages: MemoryPages())
                    })
            } catch { throw .execution(core.endpoint, error) }
        }
        let due = states.compactMap { $0.nextDueTime(after: view.time) }.min()
        let isDue = due.map { $0 <= now && view.time < $0 } ?? false
        guard isMandatory || isDue || candidates.contains(where: { $0 != nil }) else { return nil }
        let mandatory = states.filter { $0.isMandatory(view) }.map(\.endpoint)
        let elected = try Self.elected(states)
        let block: BeaconBlock?
        do throws(AnchorRejection) {
            block = try books.propose(
                candidates.compactMap { $0?.record.block }, on: parent, now: now,
                proposer: proposer, secrets: &secrets, mandatory: mandatory, elected: elected)
        } catch { throw .ownProposal(error) }
        if let block { keep(block, candidates) }
        return block
    }

    /// Whom the beacon's state elects.
    private static func elected(_ states: [ShardCore]) throws(LedgerFault) -> ElectedSet? {
        guard let beacon = states.last else { return nil }
        do throws(ExecutionError) {
            return try beacon.elected(pages: MemoryPages())
        } catch { throw .execution(beacon.endpoint, error) }
    }

    private mutating func keep(_ block: BeaconBlock, _ candidates: [Candidate?]) {
        let digest = block.header.hash
        blocks[digest] = block
        for index in branches.indices {
            branches[index].keep(candidates[index], of: digest, on: block.header.parent)
        }
    }

    /// So that something can be built on an undecided block.
    private mutating func extend(_ digest: Hash32) throws(LedgerFault) {
        guard let block = blocks[digest], block.header.parent == books.core.headHash else { return }
        let deliveries = deliveries(of: digest)
        for index in branches.indices {
            do throws(ExecutionError) {
                try branches[index].extend(
                    digest, height: block.header.height, deliveries: deliveries[index])
            } catch { throw .execution(EndpointID(UInt16(index)), error) }
        }
        books.extend(block.header, block.anchors.map(\.header))
    }

    private func records(of digest: Hash32) -> [BlockRecord] {
        branches.compactMap { $0.candidate(of: digest)?.record }
    }

    private func deliveries(of digest: Hash32) -> [[Delivery]] {
        Delivery.group(records(of: digest), layout: layout)
    }

    // MARK: Judging

    /// Executes a block on the final head and compares.
    /// - Returns: what is wrong with it.
    mutating func objection(to proposed: ProposedBlock) throws(LedgerFault) -> BlockObjection? {
        if let kept = blocks[proposed.digest], kept.header.parent == books.core.headHash {
            return nil
        }
        let block: BeaconBlock
        do throws(BlockDecodingError) {
            block = try VirtualReader.reader.block(reading: proposed.body)
        } catch { return .unreadable }
        let view = books.core.view
        let mandatory = branches.filter { $0.core.isMandatory(view) }.map(\.core.endpoint)
        let elected = try Self.elected(endpoints)
        if let rejection = books.check(block, mandatory: mandatory, elected: elected) {
            return .anchor(rejection)
        }
        var candidates: [Candidate?] = Array(repeating: nil, count: branches.count)
        for anchor in block.anchors {
            let id = anchor.header.endpoint
            let result: Result<Candidate, BlockRejection>
            do throws(ExecutionError) {
                result = try branches[Int(id.index)].core.check(
                    anchor, view, pages: MemoryPages())
            } catch { throw .execution(id, error) }
            switch result {
            case .success(let candidate): candidates[Int(id.index)] = candidate
            case .failure(let rejection): return .block(id, rejection)
            }
        }
        keep(block, candidates)
        return nil
    }

    // MARK: Deciding

    /// Takes a decided block over, executing it first where that was not done.
    mutating func decide(
        _ proposed: ProposedBlock
    ) throws(LedgerFault) -> (BeaconBlock, [BlockRecord]) {
        guard proposed.parent == books.core.headHash else { throw .wrongParent }
        if let objection = try objection(to: proposed) { throw .decided(objection) }
        guard let block = blocks[proposed.digest] else { throw .decided(.unreadable) }
        let records = records(of: proposed.digest)
        let deliveries = deliveries(of: proposed.digest)
        for index in branches.indices {
            do throws(ExecutionError) {
                try branches[index].advance(
                    to: block.header.height, deciding: proposed.digest,
                    deliveries: deliveries[index])
            } catch { throw .execution(EndpointID(UInt16(index)), error) }
        }
        books.decide(block.header, block.anchors.map(\.header))
        blocks = blocks.filter { $0.value.header.parent == proposed.digest }
        return (block, records)
    }
}

/// Gives each endpoint its transactions while a block is built.
protocol EndpointOffers {
    associatedtype Source: TransactionSource
    mutating func withSource<R>(
        _ endpoint: EndpointID, _ body: (inout Source) throws(ExecutionError) -> R
    ) throws(ExecutionError) -> R
}

/// Whose a simulated transaction is stands in its signature (`WorkloadTransactions`).
struct SimulatedSenders: SenderCheck {
    func transaction(raw: [UInt8], sender: Address) throws(SenderError) -> Transaction {
        let transaction: Transaction
        let signature: RecoverableSignature
        do throws(TransactionError) {
            signature = try Envelope.decode(raw).1
            transaction = try Transaction(raw: raw, verifiedSender: sender)
        } catch { throw .malformed(error) }
        guard signature == WorkloadTransactions.signature(of: sender) else {
            throw .otherSigner(claimed: sender)
        }
        return transaction
    }
}

enum VirtualReader {
    static let reader = LedgerBlockReader(senders: SimulatedSenders())
}
