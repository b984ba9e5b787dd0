import TallyConsensus
import TallyExecution
import TallyJournal
package import TallyPrimitives
import TallySharding
import TallyState

extension SimulatedNode {
    /// Starts a node from what is on its disk, or as a new one on an empty disk.
    /// - Parameter disk: with what the start did to it, whether it succeeded or not.
    /// - Throws: `.crashed`; any other failure means that something is lost.
    package static func open(
        _ setup: NodeSetup, on disk: inout SimulatedDisk
    ) throws(SimulatedNodeFailure) -> SimulatedNode {
        var recovery = try NodeRecovery(setup, disk)
        let recovered = try recovery.replay(&disk)
        let memory: Ibft.Memory
        do throws(LogRecoveryError) {
            memory = try recovery.logs.memory(isAlone: true)
        } catch { throw .logs(error) }
        return SimulatedNode(
            setup, disk: disk, beacon: recovery.replay.beacon, endpoints: recovery.endpoints,
            durability: Durability(
                recovery.logs, beacon: recovered.writer,
                votes: JournalWriter(
                    logID: setup.genesis.hash, salt: setup.salt.ofVotes, limits: .votes),
                policy: setup.checkpoints),
            headers: recovery.replay.blocks.map(\.header), memory: memory)
    }

    // MARK: History

    /// The hash of the header of a decided height, from the checkpoint or from memory.
    package func headerHash(_ height: Height) throws(SimulatedNodeFailure) -> Hash32? {
        if let header = recentHeader(height) { return header.hash }
        let beacon = beacon.parameters.layout.beacon
        guard let bytes = disk.stores[Int(beacon.index)][.beaconBlock(height)] else { return nil }
        do throws(RLPError) {
            return try BeaconHeader(encoded: bytes).hash
        } catch { throw .corruptRow(beacon) }
    }

    /// What an endpoint remembers of its block at a height.
    package func block(
        _ height: Height, of endpoint: EndpointID
    ) throws(SimulatedNodeFailure) -> SimulatedBlock? {
        let index = Int(endpoint.index)
        if let record = endpoints[index].records.first(where: { $0.header.height == height }) {
            return SimulatedBlock(record)
        }
        guard let bytes = disk.stores[index][.block(height)] else { return nil }
        do throws(RLPError) {
            return try SimulatedBlock(encoded: bytes)
        } catch { throw .corruptRow(endpoint) }
    }
}

/// From stores and log to a running node, as `LedgerRecovery` does it.
private struct NodeRecovery {
    private let setup: NodeSetup
    private let stores: [SimulatedStore]
    /// The tree that each store holds.
    private var checkpointed: [StateTree] = []
    private(set) var replay: LedgerReplay<MemoryPages, SimulatedOutboxes>
    private(set) var logs: LogRecovery
    private var failure: SimulatedNodeFailure?

    init(_ setup: NodeSetup, _ disk: SimulatedDisk) throws(SimulatedNodeFailure) {
        self.setup = setup
        stores = disk.stores
        let genesis = setup.genesis
        let states: [GenesisState]
        do throws(StateError) {
            states = try genesis.states()
        } catch { throw .state(error) }
        var cores: [ShardCore] = []
        for (state, store) in zip(states, stores) {
            let (core, tree) = try Self.restore(state, store, genesis)
            cores.append(core)
            checkpointed.append(tree)
        }
        do throws(RestoreError) {
            let beacon = try Self.beacon(genesis, states, stores[stores.count - 1][.books])
            logs = LogRecovery(checkpoint: beacon.head.height)
            replay = try LedgerReplay(
                beacon: beacon, endpoints: cores, pages: stores.map(\.pages),
                outboxes: SimulatedOutboxes(stores))
        } catch { throw .restore(error) }
    }

    private static func restore(
        _ state: GenesisState, _ store: SimulatedStore, _ genesis: Genesis
    ) throws(SimulatedNodeFailure) -> (ShardCore, StateTree) {
        guard let bytes = store[.head] else {
            return (
                ShardCore(genesis: state, chain: genesis.hash, parameters: genesis.parameters),
                .empty
            )
        }
        let head: SimulatedHead
        do throws(RLPError) {
            head = try SimulatedHead(encoded: bytes)
        } catch { throw .corruptRow(state.header.endpoint) }
        do throws(RestoreError) {
            let core = try ShardCore(
                restoring: head.header, appliedHeight: head.appliedHeight, chain: genesis.hash,
                parameters: genesis.parameters, pages: store.pages)
            return (core, core.tree)
        } catch { throw .restore(error) }
    }

    private static func beacon(
        _ genesis: Genesis, _ states: [GenesisState], _ books: [UInt8]?
    ) throws(RestoreError) -> BeaconCore {
        guard let books else { return BeaconCore(genesis, states: states) }
        do throws(RLPError) {
            return try BeaconCore(genesis, encodedBooks: books)
        } catch { throw .corruptBeacon(error) }
    }

    /// Applies the log, and leaves it as it is to be gone on with.
    mutating func replay(_ disk: inout SimulatedDisk) throws(SimulatedNodeFailure)
        -> RecoveredJournal
    {
        let recovered: RecoveredJournal
        do throws(JournalOpenError) {
            recovered = try disk.recover(
                logID: setup.genesis.hash, freshSalt: setup.salt, limits: setup.limits
            ) { record, payload in
                guard failure == nil else { return }
                do throws(SimulatedNodeFailure) {
                    try apply(record, payload)
                } catch { failure = error }
            }
        } catch {
            switch error {
            case .storage(let error): throw disk.isDead ? .crashed : .storage(error)
            case .log(let error): throw .log(error)
            }
        }
        if let failure { throw failure }
        do throws(RestoreError) { try replay.finish() } catch { throw .restore(error) }
        return recovered
    }

    private mutating func apply(
        _ record: JournalRecord, _ payload: ArraySlice<UInt8>
    ) throws(SimulatedNodeFailure) {
        let decisions: [Ibft.Decision]
        do throws(LogRecoveryError) {
            decisions = try logs.beacon(record, payload)
        } catch { throw .logs(error) }
        for decision in decisions {
            let block: BeaconBlock
            do throws(BlockDecodingError) {
                block = try BeaconBlock(body: decision.block.body)
            } catch { throw .logRecord(decision.block.height, error) }
            do throws(RestoreError) { try replay.apply(block) } catch { throw .restore(error) }
        }
    }

    var endpoints: [SimulatedEndpoint] {
        replay.endpoints.enumerated().map { index, core in
            SimulatedEndpoint(
                core: core, pages: stores[index].pages, checkpointed: checkpointed[index],
                records: replay.blocks.flatMap(\.records).filter {
                    $0.header.endpoint == core.endpoint
                })
        }
    }
}
