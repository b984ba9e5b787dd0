package import TallyExecution
package import TallyPrimitives
package import TallySharding
package import TallyState
package import TallyTransactions

/// What one height is made of. Everything that a real network leaves to chance is given here.
package struct HeightInput: Sendable {
    /// The proposer's clock.
    package var now: BeaconTime
    /// Transactions offered to each endpoint, by index; missing ones stand for none.
    package var transactions: [[Transaction]]
    /// Endpoints that the proposer leaves out, work or not.
    package var omitted: Set<EndpointID>
    /// The order in which endpoints build; `nil` is by index. It must make no difference.
    package var order: [EndpointID]?
    /// Who proposes; `nil` is the driver's.
    package var proposer: Address?

    package init(
        now: BeaconTime, transactions: [[Transaction]] = [], omitted: Set<EndpointID> = [],
        order: [EndpointID]? = nil, proposer: Address? = nil
    ) {
        self.now = now
        self.transactions = transactions
        self.omitted = omitted
        self.order = order
        self.proposer = proposer
    }
}

/// A transaction that an endpoint could not take, and why.
package struct RefusedTransaction: Sendable {
    package let endpoint: EndpointID
    package let transaction: Transaction
    package let reason: Ineligibility
}

/// A decided height.
package struct DecidedHeight: Sendable {
    package let block: BeaconBlock
    /// Of the anchored blocks, in order of endpoints.
    package let records: [BlockRecord]
    package let refused: [RefusedTransaction]
}

/// How a height ended.
package enum HeightOutcome: Sendable {
    case decided(DecidedHeight)
    /// The validators refuse the proposal; nothing has changed.
    case rejected(AnchorRejection)

    package var decided: DecidedHeight? {
        guard case .decided(let height) = self else { return nil }
        return height
    }
}

/// Why the driver cannot go on: our own bug, never a matter of input.
package enum DriverError: Error, Equatable, Sendable {
    case state(StateError)
    case execution(EndpointID, ExecutionError)
    /// The validator's execution differs from the builder's.
    case divergence(EndpointID, BlockRejection)
    /// After a height, two replicas differ in this endpoint.
    case replicasDiffer(EndpointID)
}

/// Drives the cores of a whole ledger, one decided height after another, without network, disk,
/// clock or consensus.
///
/// Two independent replicas: one builds what the proposer proposes, the other executes every block
/// again as another validator would. They share nothing but the blocks.
package struct LedgerDriver: Sendable {
    package let genesis: Genesis
    private let proposer: Address
    /// Of those who proposed.
    private var secrets: [Address: RevealSecrets] = [:]
    private var builder: Replica
    private var validator: Replica

    /// - Parameter proposer: proposes, and earns the tips of, every block.
    package init(_ genesis: Genesis, proposer: Address) throws(DriverError) {
        self.genesis = genesis
        self.proposer = proposer
        builder = try Replica(genesis)
        validator = try Replica(genesis)
    }

    package var beacon: BeaconCore { builder.beacon }
    /// By index: the shards, then the beacon's own endpoint.
    package var endpoints: [ShardCore] { builder.endpoints }
    /// What the validator's replica holds.
    package var validatorEndpoints: [ShardCore] { validator.endpoints }

    /// Endpoints that the next block may not leave out (RCPT-3).
    package var mandatory: [EndpointID] { builder.mandatory }

    /// Whether receipts wait or due entries are runnable now.
    package var hasWork: Bool { !mandatory.isEmpty }

    /// Proposes, checks and decides one height.
    package mutating func advance(_ input: HeightInput) throws(DriverError) -> HeightOutcome {
        var refused: [RefusedTransaction] = []
        let candidates = try build(input, &refused)
        let anchors = candidates.compactMap { $0?.record.block }
        let proposer = input.proposer ?? proposer
        var own: RevealSecrets? = secrets[proposer] ?? RevealSecrets(simulating: proposer)
        let block = builder.beacon.propose(
            anchors, now: input.now, proposer: proposer, secrets: &own,
            elected: try builder.elected)
        secrets[proposer] = own
        switch try validator.check(block) {
        case .failure(let rejection): return .rejected(rejection)
        case .success(let checked):
            let records = try builder.commit(block, candidates)
            _ = try validator.commit(block, checked)
            try compareReplicas()
            return .decided(DecidedHeight(block: block, records: records, refused: refused))
        }
    }

    /// An account's state; an empty one when there is none.
    package func account(_ address: Address) throws(DriverError) -> Account {
        let core = endpoints[Int(genesis.parameters.layout.home(of: address).value)]
        let object: StateObject?
        do throws(StateError) {
            object = try core.tree.object(.account(address), MemoryPages())
        } catch { throw .state(error) }
        guard let object else { return .empty }
        do throws(RLPError) {
            return try Account(object)
        } catch { throw .execution(core.endpoint, .corruptObject(.account, error)) }
    }

    private func build(
        _ input: HeightInput, _ refused: inout [RefusedTransaction]
    ) throws(DriverError) -> [Candidate?] {
        let view = builder.beacon.view
        let order = input.order ?? genesis.parameters.layout.endpoints
        var candidates: [Candidate?] = Array(repeating: nil, count: builder.endpoints.count)
        for id in order where !input.omitted.contains(id) {
            let index = Int(id.index)
            var source = OfferedTransactions(
                id, index < input.transactions.count ? input.transactions[index] : [])
            do throws(ExecutionError) {
                candidates[index] = try builder.endpoints[index].build(
                    view, beneficiary: input.proposer ?? proposer, from: &source,
                    pages: MemoryPages())
            } catch { throw .execution(id, error) }
            refused += source.refused
        }
        return candidates
    }

    private func compareReplicas() throws(DriverError) {
        for (mine, other) in zip(builder.endpoints, validator.endpoints)
        where mine.headerHash != other.headerHash || mine.tree.root != other.tree.root
            || mine.streams != other.streams || mine.due.count != other.due.count
        { throw .replicasDiffer(mine.endpoint) }
    }
}

/// One validator's copy of the ledger, all of it in memory.
private struct Replica: Sendable {
    var beacon: BeaconCore
    var endpoints: [ShardCore]

    init(_ genesis: Genesis) throws(DriverError) {
        let states: [GenesisState]
        do throws(StateError) {
            states = try genesis.states()
        } catch { throw .state(error) }
        beacon = BeaconCore(genesis, states: states)
        let chain = beacon.chain
        endpoints = states.map {
            ShardCore(genesis: $0, chain: chain, parameters: genesis.parameters)
        }
    }

    var mandatory: [EndpointID] {
        let view = beacon.view
        return endpoints.filter { $0.isMandatory(view) }.map(\.endpoint)
    }

    /// Whom the beacon's state elects.
    var elected: ElectedSet? {
        get throws(DriverError) {
            let own = endpoints[Int(beacon.parameters.layout.beacon.index)]
            do throws(ExecutionError) {
                return try own.elected(pages: MemoryPages())
            } catch { throw .execution(own.endpoint, error) }
        }
    }

    /// Executes a proposal as a validator does before it votes.
    func check(
        _ block: BeaconBlock
    ) throws(DriverError) -> Result<[Candidate?], AnchorRejection> {
        let headers = block.anchors.map(\.header)
        if let rejection = beacon.check(
            block.header, headers, mandatory: mandatory, elected: try elected)
        {
            return .failure(rejection)
        }
        let view = beacon.view
        var candidates: [Candidate?] = Array(repeating: nil, count: endpoints.count)
        for anchor in block.anchors {
            let id = anchor.header.endpoint
            let result: Result<Candidate, BlockRejection>
            do throws(ExecutionError) {
                result = try endpoints[Int(id.index)].check(anchor, view, pages: MemoryPages())
            } catch { throw .execution(id, error) }
            switch result {
            case .success(let candidate): candidates[Int(id.index)] = candidate
            case .failure(let rejection): throw .divergence(id, rejection)
            }
        }
        return .success(candidates)
    }

    /// Takes a decided block over and returns what its shard blocks leave to history.
    mutating func commit(
        _ block: BeaconBlock, _ candidates: [Candidate?]
    ) throws(DriverError) -> [BlockRecord] {
        beacon.commit(block.header, block.anchors.map(\.header))
        let records = candidates.compactMap { $0?.record }
        let deliveries = Delivery.group(records, layout: beacon.parameters.layout)
        for index in endpoints.indices {
            do throws(ExecutionError) {
                try endpoints[index].advance(
                    to: block.header.height, candidates[index], deliveries[index])
            } catch { throw .execution(endpoints[index].endpoint, error) }
        }
        return records
    }
}

/// Offers a list of transactions to a builder, each once, and keeps what was refused.
package struct OfferedTransactions: TransactionSource {
    private let endpoint: EndpointID
    private let transactions: [Transaction]
    private var position = 0
    package private(set) var refused: [RefusedTransaction] = []

    package init(_ endpoint: EndpointID, _ transactions: [Transaction]) {
        self.endpoint = endpoint
        self.transactions = transactions
    }

    package mutating func next(remaining: Weight) -> Transaction? {
        guard position < transactions.count else { return nil }
        position += 1
        return transactions[position - 1]
    }

    package mutating func refused(_ transaction: Transaction, _ reason: Ineligibility) -> Bool {
        refused.append(
            RefusedTransaction(endpoint: endpoint, transaction: transaction, reason: reason))
        return true
    }
}
