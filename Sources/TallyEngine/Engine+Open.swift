package import TallyConsensus
package import TallyCrypto
package import TallyExecution
package import TallyJournal
package import TallyPrimitives
package import TallySharding
import TallyState
import TallyStore

/// Where the parts of a ledger lie below its data directory.
package enum DataLayout {
    package static func endpoint(
        _ endpoint: EndpointID, _ layout: ShardLayout, in directory: String
    ) -> String {
        guard endpoint != layout.beacon else { return directory + "/beacon" }
        let number = String(endpoint.index)
        return directory + "/shard-" + (number.count < 2 ? "0" : "") + number
    }

    package static func log(in directory: String) -> String { directory + "/beacon/log" }
    /// Beside the databases, no part of any copy of them: votes are of one process only.
    package static func votes(in directory: String) -> String { directory + "/votes" }
}

/// How an engine is opened.
package struct EngineConfiguration: Sendable {
    package var directory: String
    package var genesis: Genesis
    /// Signs votes; the tips of the blocks are its account's.
    package var signer: any VoteSigner
    /// What its blocks reveal from (SEED-2); `nil` for a validator that never does.
    package var secrets: RevealSecrets?
    package var limits = Limits()
    package var checkpoints = CheckpointPolicy()
    package var agreement: Ibft.Configuration
    package var network: any BeaconNetwork = NoPeers()
    /// Random, for new logs.
    package var journalSalt: JournalSalt
    /// Random: asks others for heads if the votes are lost (IBFT-R9).
    package var nonce = Hash32.zero

    package init(
        directory: String, genesis: Genesis, validator: PrivateKey, journalSalt: JournalSalt
    ) {
        self.directory = directory
        self.genesis = genesis
        self.journalSalt = journalSalt
        signer = KeySigner(validator)
        secrets = RevealSecrets(validator, genesis: genesis.hash)
        let parameters = genesis.parameters
        agreement = Ibft.Configuration(
            chain: ChainIdentity(genesis: genesis.hash, chainID: parameters.chainID),
            heartbeat: .milliseconds(Int64(clamping: parameters.heartbeatMilliseconds)))
    }
}

/// What opening found, for the operator.
package struct RecoveryReport: Hashable, Sendable {
    /// The beacon's checkpoint.
    package let checkpoint: Height
    /// The last height in the log.
    package let height: Height
    package let replayedTransactions: Int
    /// Bytes of an unfinished, never acknowledged record that were cut off.
    package let cutBytes: UInt64
}

extension Engine {
    /// Opens the ledger in a data directory, creating what is missing, and brings it to the end of
    /// its log (STORE-16). The caller holds the directory's lock.
    package static func open(
        _ configuration: EngineConfiguration, clock: any NodeClock,
        notify: @escaping @Sendable (BeaconNotice) -> Void
    ) throws(EngineError) -> (engine: Engine, report: RecoveryReport) {
        let genesis = configuration.genesis
        let stored = try StoredLedger(configuration, readOnly: false)
        let start = try stored.start(genesis)
        var recovery = try LedgerRecovery(configuration, start.states, stored)
        let logs: FileLogs
        do throws(StoreError) {
            logs = try FileLogs.open(in: configuration.directory)
        } catch { throw .store(error) }
        let cutBytes = try recovery.replay(logs, configuration)
        let parts = try recovery.parts(logs, configuration)
        let beaconStore = parts.ownStorage.store
        let space = parts.space
        let beacon = Beacon(
            configuration, genesisHeader: start.header, parts: parts, clock: clock,
            notify: notify)
        let engine = Engine(
            genesis: genesis, shards: recovery.shards, beacon: beacon,
            checkpointer: Checkpointer(beacon: beacon, beaconStore: beaconStore),
            network: configuration.network, clock: clock, limits: configuration.limits,
            space: space)
        let report = RecoveryReport(
            checkpoint: recovery.checkpoint, height: recovery.height,
            replayedTransactions: recovery.replayedTransactions,
            cutBytes: cutBytes)
        return (engine, report)
    }
}

/// The stores of all endpoints, by index, and what their newest checkpoints say.
package struct StoredLedger: Sendable {
    package let stores: [EndpointStore]
    package let views: [StoreView]
    /// `nil` for an endpoint without a checkpoint.
    package let heads: [StoredHead?]
    /// The beacon's.
    package let books: [UInt8]?
    /// The beacon header of height 0; `nil` before the first checkpoint.
    package let genesisHeader: BeaconHeader?

    package init(
        _ configuration: EngineConfiguration, readOnly: Bool
    ) throws(EngineError) {
        try self.init(
            configuration.directory, configuration.genesis, configuration.limits,
            readOnly: readOnly)
    }

    init(
        _ directory: String, _ genesis: Genesis, _ limits: Limits, readOnly: Bool
    ) throws(EngineError) {
        let layout = genesis.parameters.layout
        var stores: [EndpointStore] = []
        var views: [StoreView] = []
        var heads: [StoredHead?] = []
        let chain = genesis.hash
        let limits = limits.shared(by: layout)
        for endpoint in layout.endpoints {
            let path = DataLayout.endpoint(endpoint, layout, in: directory)
            do throws(StoreError) {
                let store = try EndpointStore(
                    path: path, readOnly: readOnly, limits: limits)
                stores.append(store)
                views.append(try store.view())
            } catch { throw .store(error) }
            let found: Hash32?
            do throws(ReadError) {
                found = try views[views.count - 1].chain()
                heads.append(try views[views.count - 1].head())
            } catch { throw .read(error) }
            if let found, found != chain {
                throw .genesisMismatch(endpoint: endpoint, stored: found, expected: chain)
            }
        }
        do throws(ReadError) {
            books = try views[Int(layout.beacon.index)].books()
            genesisHeader = try views[Int(layout.beacon.index)].genesisHeader()
        } catch { throw .read(error) }
        self.stores = stores
        self.views = views
        self.heads = heads
    }
}

extension Limits {
    /// Those of each environment of a ledger.
    func shared(by layout: ShardLayout) -> Limits {
        var limits = self
        limits.mapSizeBytes = min(mapSizeBytes, totalMapBytes / layout.endpointCount)
        return limits
    }
}

extension StoredLedger {
    /// The checkpoints in memory.
    func restored(_ genesis: Genesis) throws(EngineError) -> RestoredLedger {
        let states = try start(genesis).states
        do throws(RestoreError) {
            return try RestoredLedger(genesis, states, heads: heads, views: views, books: books)
        } catch { throw .restore(error) }
    }

    /// What stands at height 0. The state of an endpoint there is needed only where it has no
    /// checkpoint: with a million accounts it takes as long as all the rest of a start.
    fileprivate func start(
        _ genesis: Genesis
    ) throws(EngineError) -> (header: BeaconHeader, states: [GenesisState]?) {
        if let genesisHeader, genesisHeader.chain == genesis.hash, books != nil,
            !heads.contains(where: { $0 == nil })
        {
            return (genesisHeader, nil)
        }
        do throws(StateError) {
            let states = try genesis.states(ThreadMap())
            return (genesis.beaconHeader(states), states)
        } catch { throw .read(.state(error)) }
    }
}

/// Receipts that the checkpoints hold.
package struct StoredOutboxes: OutboxReader {
    private let views: [StoreView]

    package init(_ views: [StoreView]) { self.views = views }

    package func receipts(
        from source: EndpointID, to destination: EndpointID, _ range: Range<UInt64>
    ) -> [Receipt] {
        var receipts: [Receipt] = []
        for index in range {
            // What cannot be read is missing: the replay names it.
            guard
                let receipt = try? views[Int(source.index)].receipt(to: destination, index)
            else { return receipts }
            receipts.append(receipt)
        }
        return receipts
    }
}
