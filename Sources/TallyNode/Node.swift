package import Logging
import ServiceLifecycle
import TallyConsensus
package import TallyCrypto
package import TallyEngine
import TallyExecution
import TallyJournal
package import TallyNetwork
package import TallyPrimitives
package import TallyRPC
package import TallySharding
import TallyStore
import UnixSignals

/// Why a node does not start, or stopped by itself.
package enum NodeError: Error, Sendable {
    case directory(DataDirectoryError)
    case key(KeyError)
    case engine(EngineError)
    case rpc(RPCServerError)
    case randomness(SecureRandomError)
    case file(FileError)
    case peers(TransportError)
    /// The file holds no certificate with its key.
    case certificate(path: String)
    /// The key is of an account that validates nothing here, and the node is to validate.
    case notAValidator(Address)
    /// The key is a validator's, and the node is to observe.
    case votingObserver(Address)
    /// A part of the node ended that should not have.
    case stopped(String)
}

extension NodeError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .directory(let error): error.description
        case .key(let error): error.description
        case .engine(let error): error.description
        case .rpc(.addressInUse(let host, let port)):
            "something listens at \(host):\(port) already; choose another port with --rpc-port, "
                + "0 for any free one"
        case .rpc(.cannotListen(let host, let port, let errno)):
            "cannot listen at \(host):\(port)" + (errno.map { " (errno \($0))" } ?? "")
        case .randomness(let error): "no random bytes: \(error)"
        case .file(let error): error.description
        case .peers(.addressInUse(let place)):
            "something listens at \(place) already; choose another place with --peer-listen"
        case .peers(.cannotListen(let place, let errno)):
            "cannot listen for peers at \(place)" + (errno.map { " (errno \($0))" } ?? "")
        case .certificate(let path):
            "\(path) is no certificate with its key; delete it to have another made"
        case .notAValidator(let address):
            "the key is that of \(address), which is no validator of this network as far as this ledger knows; check the key, "
                + "stake with it (`tally compute stake place`), or follow the network without voting with --observe"
        case .votingObserver(let address):
            "the key is that of \(address), a validator of this network, and would vote; give the "
                + "observer a key of its own with --key-file, or leave --observe out"
        case .stopped(let reason): "the node stopped by itself: \(reason)"
        }
    }
}

/// A ledger with its JSON-RPC server, from an open data directory to the last checkpoint.
package final class Node: Sendable {
    package let genesis: Genesis
    package let recovery: RecoveryReport
    package let engine: Engine
    private let server: RPCServer<LedgerDispatcher>
    /// `nil` where the genesis names one validator.
    private let network: PeerNetwork?
    /// `nil` without an economy, and for observers.
    private let duties: DutyService?
    private let logger: Logger
    private let directory: DataDirectory

    /// Opens the ledger and takes the port; nothing runs yet.
    ///
    /// - Parameters:
    ///   - directory: locked, of a created ledger.
    ///   - key: of the account whose blocks and votes these are; an observer's is nobody else's.
    ///   - taskKey: of the account that posts hidden tasks, if it is another than the validator's.
    ///   - accounts: what `eth_accounts` answers.
    /// - Throws: every case of `NodeError` but `.key` and `.stopped`.
    package static func open(
        _ configuration: NodeConfiguration, in directory: consuming DataDirectory,
        key: PrivateKey, taskKey: PrivateKey? = nil, accounts: [Address] = [], logger: Logger
    ) async throws(NodeError) -> Node {
        let genesis: Genesis
        do throws(DataDirectoryError) {
            genesis = try directory.genesis().genesis
        } catch { throw .directory(error) }
        let isFounder = genesis.validators.contains(key.address)
        // Who else is a validator the ledger knows, once it is open.
        if genesis.parameters.economy == nil, configuration.peers.role == .validator, !isFounder {
            throw .notAValidator(key.address)
        }
        let hasPeers =
            !isFounder || genesis.validators.count > 1 || !configuration.peers.observers.isEmpty
        let network =
            hasPeers
            ? try await openNetwork(configuration, genesis, directory.path, key, logger) : nil
        let (engine, recovery) = try openEngine(
            configuration, genesis, path: directory.path, key, network, logger)
        let isMember = try isMember(key.address, as: configuration.peers.role, engine)
        let dispatcher = LedgerDispatcher(
            publisher: engine.publisher, intake: engine.intake, shards: engine.shards,
            genesis: genesis, clientVersion: ProgramVersion.client,
            identity: NodeIdentity(address: key.address, isValidator: isMember) {
                network?.transport.links.count ?? 0
            }, accounts: accounts)
        let monitor = NodeMonitor(
            engine: engine, rpc: dispatcher.meter, connections: Gauge(), network: network,
            clock: SystemClock())
        let server: RPCServer<LedgerDispatcher>
        do throws(RPCServerError) {
            server = try await RPCServer.bind(
                host: configuration.rpcHost, port: configuration.rpcPort, dispatcher: dispatcher,
                pages: monitor.pages, connections: monitor.connections)
        } catch { throw .rpc(error) }
        var duties: DutyService?
        if let economy = genesis.parameters.economy, isMember {
            duties = DutyService(
                engine: engine, key: key, economy: economy,
                hidden: HiddenTaskDuty(configuration.hiddenTasks, key: taskKey ?? key),
                clock: SystemClock(), logger: logger.of("duties"))
        }
        return Node(
            genesis: genesis, recovery: recovery, engine: engine, server: server,
            network: network, duties: duties, logger: logger, directory: directory)
    }

    /// NET-27: whether an account is a validator, as the ledger here knows; not for a role that it must
    /// not have.
    private static func isMember(
        _ address: Address, as role: PeerRole, _ engine: Engine
    ) throws(NodeError) -> Bool {
        let snapshot = engine.publisher.current
        let validators: Set<Address>
        do throws(ReadError) { validators = try snapshot.validators() } catch {
            throw .engine(.read(error))
        }
        switch role {
        case .validator where !validators.contains(address): throw .notAValidator(address)
        // Who has staked and is not elected votes on nothing yet.
        case .observer
        where snapshot.genesis.validators.contains(address)
            || snapshot.view.validators.contains(address):
            throw .votingObserver(address)
        case .validator: return true
        case .observer: return false
        }
    }

    private init(
        genesis: Genesis, recovery: RecoveryReport, engine: Engine,
        server: RPCServer<LedgerDispatcher>, network: PeerNetwork?, duties: DutyService?,
        logger: Logger, directory: consuming DataDirectory
    ) {
        self.genesis = genesis
        self.recovery = recovery
        self.engine = engine
        self.server = server
        self.network = network
        self.duties = duties
        self.logger = logger
        self.directory = directory
    }

    package var rpcAddress: RPCAddress { server.address }
    /// The last height that readers see.
    package var height: Height { engine.publisher.current.height }
    package var rpcURL: String { "http://\(server.address)" }

    /// Where other nodes reach this one; `nil` where there are none.
    package var peerPlace: PeerPlace? { network?.transport.place }

    private static func openNetwork(
        _ configuration: NodeConfiguration, _ genesis: Genesis, _ path: String,
        _ key: PrivateKey, _ logger: Logger
    ) async throws(NodeError) -> PeerNetwork {
        let seed: [UInt8]
        do throws(SecureRandomError) {
            seed = try SecureRandom.bytes(8)
        } catch { throw .randomness(error) }
        let chain = ChainIdentity(
            genesis: genesis.hash, chainID: genesis.parameters.chainID)
        var settings = TransportConfiguration(
            identity: try TransportIdentity.load(path), signer: KeySigner(key), chain: chain,
            list: PeerList(
                validators: genesis.validators, observers: configuration.peers.observers),
            seed: seed[...].bigEndian)
        settings.role = configuration.peers.role
        settings.listen = configuration.peers.listen
        settings.places = configuration.peers.places
        let clock = SystemClock()
        let logger = logger.of("peers")
        do throws(TransportError) {
            let transport = try await PeerTransport.bind(settings, clock: clock) { notice in
                notice.log(to: logger)
            }
            return PeerNetwork(transport, chain: chain, clock: clock)
        } catch { throw .peers(error) }
    }

    private static func openEngine(
        _ configuration: NodeConfiguration, _ genesis: Genesis, path: String,
        _ key: PrivateKey, _ network: PeerNetwork?, _ logger: Logger
    ) throws(NodeError) -> (Engine, RecoveryReport) {
        let random: [UInt8]
        do throws(SecureRandomError) {
            random = try SecureRandom.bytes(48)
        } catch { throw .randomness(error) }
        let salt = JournalSalt(high: random[..<8].bigEndian, low: random[8...].bigEndian)
        var settings = EngineConfiguration(
            directory: path, genesis: genesis, validator: key, journalSalt: salt)
        settings.nonce = random.withUnsafeBytes {
            Hash32(loading: UnsafeRawBufferPointer(rebasing: $0[16...]))
        }
        settings.checkpoints = configuration.checkpoints
        if let network { settings.network = network }
        let logger = logger.of("ledger")
        do throws(EngineError) {
            let (engine, report) = try Engine.open(settings, clock: SystemClock()) { notice in
                notice.log(to: logger)
            }
            logger.info(
                "ledger open",
                metadata: [
                    "path": "\(path)", "height": "\(report.height)",
                    "checkpoint": "\(report.checkpoint)",
                    "replayed": "\(report.replayedTransactions)",
                    "cutBytes": "\(report.cutBytes)",
                ])
            return (engine, report)
        } catch { throw .engine(error) }
    }
}

extension Node {
    /// Which signals a node takes.
    package enum Signals: Sendable {
        /// The process is somebody else's.
        case none
        /// SIGINT and SIGTERM stop the node, SIGHUP renews its certificate (NET-32).
        case ofService
        /// SIGHUP stops it as well: its terminal is gone.
        case ofForeground
    }

    /// How long requests under way may take to end when the node stops.
    private static let requestGrace: Duration = .seconds(2)

    /// Runs until a signal or `end`, then answers what is under way and writes a last
    /// checkpoint.
    ///
    /// - Parameters:
    ///   - signals: which signals of the process are for the node.
    ///   - end: stops the node when it finishes.
    ///   - ready: called once requests and signals are answered.
    /// - Throws: `.engine` when the ledger became unusable, `.stopped`.
    package func run(
        signals: Signals = .ofService, until end: AsyncStream<Void>? = nil,
        ready: @escaping @Sendable () -> Void = {}
    ) async throws(NodeError) {
        var quiet = logger
        quiet.logLevel = max(.warning, logger.logLevel)
        // Stopped in reverse order: first no more requests, then no peers, then no more blocks.
        var configuration = ServiceGroupConfiguration(
            services: [
                .init(
                    service: EngineService(engine: engine),
                    successTerminationBehavior: .gracefullyShutdownGroup,
                    failureTerminationBehavior: .gracefullyShutdownGroup),
                .init(
                    service: RPCService(server: server, grace: Self.requestGrace),
                    successTerminationBehavior: .gracefullyShutdownGroup,
                    failureTerminationBehavior: .gracefullyShutdownGroup),
            ], logger: quiet)
        if let network {
            configuration.services.insert(
                .init(
                    service: NetworkService(network: network, engine: engine),
                    successTerminationBehavior: .gracefullyShutdownGroup,
                    failureTerminationBehavior: .gracefullyShutdownGroup), at: 1)
        }
        if let duties { configuration.services.append(.init(service: duties)) }
        switch signals {
        case .none: break
        case .ofService:
            configuration.gracefulShutdownSignals = [.sigterm, .sigint]
            configuration.services.append(
                .init(
                    service: CertificateService(
                        hangups: await UnixSignalsSequence(trapping: .sighup), network: network,
                        path: directory.path, logger: logger)))
        case .ofForeground:
            configuration.gracefulShutdownSignals = [.sigterm, .sigint, .sighup]
        }
        // The group takes its signals before it starts anything.
        configuration.services.append(.init(service: ReadyService(ready: ready)))
        if let end {
            configuration.services.append(
                .init(
                    service: EndService(end: end),
                    successTerminationBehavior: .gracefullyShutdownGroup))
        }
        logger.info(
            "listening",
            metadata: ["rpc": "\(rpcURL)", "peers": "\(peerPlace.map { "\($0)" } ?? "none")"])
        do {
            try await ServiceGroup(configuration: configuration).run()
            logger.info("stopped", metadata: ["height": "\(height)"])
        } catch let error as EngineError {
            throw .engine(error)
        } catch is CancellationError {
            logger.info("cancelled", metadata: ["height": "\(height)"])
        } catch {
            throw .stopped("\(error)")
        }
    }
}

/// Says that everything runs.
private struct ReadyService: Service, CustomStringConvertible {
    let ready: @Sendable () -> Void
    var description: String { "ready" }

    func run() async throws {
        ready()
        try await gracefulShutdown()
    }
}

/// Builds blocks until the group stops.
private struct EngineService: Service, CustomStringConvertible {
    let engine: Engine
    var description: String { "engine" }

    func run() async throws {
        try await withGracefulShutdownHandler {
            try await engine.run()
        } onGracefulShutdown: {
            engine.stop()
        }
    }
}

/// Serves requests until the group stops.
private struct RPCService: Service, CustomStringConvertible {
    let server: RPCServer<LedgerDispatcher>
    let grace: Duration
    var description: String { "rpc" }

    func run() async throws {
        await withDiscardingTaskGroup { group in
            group.addTask { await server.run() }
            // Ends by an error when the task is cancelled, and then `run` ends too.
            try? await gracefulShutdown()
            await server.stop(within: grace)
        }
        await server.close()
    }
}

/// Ends when somebody else's stream does.
private struct EndService: Service, CustomStringConvertible {
    let end: AsyncStream<Void>
    var description: String { "end" }

    func run() async throws {
        for await _ in end.cancelOnGracefulShutdown() {}
    }
}

extension BeaconNotice {
    fileprivate func log(to logger: Logger) {
        switch self {
        case .checkpointed(let height):
            logger.debug("checkpoint written", metadata: ["height": "\(height)"])
        case .checkpointFailed(let height, let error):
            logger.log(
                level: error.isLackOfSpace ? .debug : .error,
                "checkpoint failed; the log keeps everything",
                metadata: ["height": "\(height)", "reason": "\(error)"])
        case .spaceRanOut(let shortage):
            logger.warning(
                "the disk is full: no transactions are taken; free space, the node goes on by itself",
                metadata: ["reason": "\(shortage)"])
        case .spaceIsBack: logger.warning("there is space again: transactions are taken")
        case .refused(let height, let digest, let refusal):
            logger.warning(
                "a proposed block is not valid here",
                metadata: [
                    "height": "\(height)", "block": "\(digest)", "reason": "\(refusal)",
                ])
        case .evidence(let evidence):
            logger.critical(
                "a validator broke the rules", metadata: ["proof": "\(evidence)"])
        case .quarantined(let endpoint, let error):
            logger.critical(
                """
                shard quarantined: its state here is damaged and it builds no more blocks; stop the \
                node, look with `tally db verify`, restore the directory from a copy
                """,
                metadata: ["shard": "\(endpoint)", "reason": "\(error)"])
        }
    }
}

extension ArraySlice<UInt8> {
    /// The first eight bytes as a number.
    fileprivate var bigEndian: UInt64 { prefix(8).reduce(0) { $0 << 8 | UInt64($1) } }
}
