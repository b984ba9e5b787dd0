package import TallyClient
package import TallyEngine
import TallyExecution
package import TallyPrimitives
package import TallySharding

/// Who a node is among the others of its ledger.
package struct NodeIdentity: Sendable {
    /// Of its key.
    package let address: Address
    /// Whether it votes; an observer does not.
    package let isValidator: Bool
    /// How many nodes it is connected to at the moment.
    package let peers: @Sendable () -> Int

    package init(
        address: Address, isValidator: Bool = true, peers: @escaping @Sendable () -> Int = { 0 }
    ) {
        self.address = address
        self.isValidator = isValidator
        self.peers = peers
    }
}

/// Answers the methods of the table over a running ledger. Whatever one call answers comes from one
/// snapshot.
package struct LedgerDispatcher: RPCDispatcher {
    let publisher: HeadPublisher
    let intake: Intake
    let shards: [Shard]
    let genesis: Genesis
    let genesisHash: Hash32
    let clientVersion: String
    let identity: NodeIdentity
    /// Accounts of a development node, whose keys the operator was shown.
    let accounts: [Address]
    let clock: any NodeClock
    let caches = ViewCaches()
    let proofs = ProofSource()
    package let meter = RPCMeter()

    /// - Parameters:
    ///   - shards: by number.
    ///   - clientVersion: answer of `web3_clientVersion`.
    ///   - identity: `nil` for the first validator, alone.
    ///   - accounts: answer of `eth_accounts`.
    ///   - clock: what timeouts of waiting calls run on.
    package init(
        publisher: HeadPublisher, intake: Intake, shards: [Shard], genesis: Genesis,
        clientVersion: String, identity: NodeIdentity? = nil, accounts: [Address] = [],
        clock: any NodeClock = SystemClock()
    ) {
        self.publisher = publisher
        self.intake = intake
        self.shards = shards
        self.genesis = genesis
        self.clientVersion = clientVersion
        self.identity = identity ?? NodeIdentity(address: genesis.validators[0])
        self.accounts = accounts
        self.clock = clock
        genesisHash = genesis.hash
    }

    /// Calls of one batch that may wait for something: they hold the connection's place.
    private static let waitingCalls = 4

    /// How often a call reads that finds the store damaged: two checkpoints may have overtaken it.
    private static let readAttempts = 3

    var view: ChainView { ChainView(snapshot: publisher.current, caches: caches) }
    var chainID: ChainID { genesis.parameters.chainID }

    package func respondAtOnce(
        to call: RPCCall, into result: inout JSONWriter
    ) throws(RPCFailure) -> Bool {
        let begun = ContinuousClock.now
        let method = try method(of: call)
        let isAnswered: Bool
        do throws(RPCFailure) {
            isAnswered = try attempt(method, call, &result)
        } catch {
            // Read again, with time for it.
            if error.mayBeOvertaken, method.isRepeatable { return false }
            meter.count(method, failed: true)
            throw error
        }
        if isAnswered {
            meter.count(method, failed: false)
            meter.durations.observe(since: begun)
        }
        return isAnswered
    }

    private func method(of call: RPCCall) throws(RPCFailure) -> RPCMethod {
        guard let method = RPCMethod.table[call.method] else {
            meter.unknown.add()
            throw .methodNotFound(call.method)
        }
        return method
    }

    private func attempt(
        _ method: RPCMethod, _ call: RPCCall, _ result: inout JSONWriter
    ) throws(RPCFailure) -> Bool {
        switch method.handler {
        case .atOnce(let handler):
            try handler(self, try RPCArguments(call, method), &result)
            return true
        case .mostlyAtOnce(let attempt, _):
            return try attempt(self, try RPCArguments(call, method), &result)
        case .reading, .waiting: return false
        case .pushing: throw .needsWebSocket(method.name)
        }
    }

    package func respond(
        to call: RPCCall, into result: inout JSONWriter
    ) async throws(RPCFailure) {
        let begun = ContinuousClock.now
        let method = try method(of: call)
        let start = result.mark
        var attemptsLeft = method.isRepeatable ? Self.readAttempts : 1
        while attemptsLeft > 0 {
            attemptsLeft -= 1
            do throws(RPCFailure) {
                try await perform(method, call, &result)
                break
            } catch {
                guard error.mayBeOvertaken, attemptsLeft > 0 else {
                    meter.count(method, failed: true)
                    throw error
                }
                result.rewind(to: start)
            }
        }
        meter.count(method, failed: false)
        if !call.waits { meter.durations.observe(since: begun) }
    }

    private func perform(
        _ method: RPCMethod, _ call: RPCCall, _ result: inout JSONWriter
    ) async throws(RPCFailure) {
        let arguments = try RPCArguments(call, method)
        switch method.handler {
        case .atOnce(let handler), .reading(let handler):
            try handler(self, arguments, &result)
        case .waiting(let handler), .mostlyAtOnce(_, otherwise: let handler):
            try await handler(self, arguments, &result)
        case .pushing: throw .needsWebSocket(method.name)
        }
    }

    /// All raw transactions of a batch are one submission, in their order, made when the first of
    /// them is reached; the other calls are answered in turn. A few may wait: each of them can take as
    /// long as a request may.
    package func respond(to batch: inout RPCBatch) async {
        var submission: RawSubmission?
        var waiting = 0
        for index in batch.calls.indices {
            if batch.calls[index].waits {
                waiting += 1
                guard waiting <= Self.waitingCalls else {
                    batch.refuse(
                        index,
                        .limitExceeded("at most \(Self.waitingCalls) calls of a batch may wait"))
                    continue
                }
            }
            guard batch.calls[index].method == RPCMethod.sendRawTransaction else {
                await answer(index, of: &batch)
                continue
            }
            if submission == nil { submission = await submit(batch.calls) }
            guard let outcome = submission?.outcome(of: index) else { continue }
            batch.answer(index) { (out) throws(RPCFailure) in out.hex(try outcome.get()) }
        }
    }
}

extension RPCFailure {
    /// Reason of what a damaged store cannot answer.
    static let storeDamaged = "storeDamaged"

    /// Whether the reader may have been overtaken (STORE-6): what it looked for left memory for a
    /// checkpoint that its view of the store is older than. On a newer snapshot it is there.
    fileprivate var mayBeOvertaken: Bool { data?["reason"] == .string(Self.storeDamaged) }
}

extension RPCMethod {
    /// Whether it only reads.
    fileprivate var isRepeatable: Bool { name != RPCMethod.sendRawTransaction }
}

extension RPCCall {
    /// Whether the call asks to be answered only when something has happened.
    fileprivate var waits: Bool {
        guard method == RPCMethod.getTransactionStatus else { return false }
        return params[1] ?? params["waitUntil"] ?? .null != .null
    }
}

extension RPCFailure {
    /// geth's text.
    static var unknownBlock: RPCFailure {
        because(
            resourceNotFoundCode, "header not found", reason: "unknownBlock", retryable: true)
    }

    /// geth's text and code.
    static func needsWebSocket(_ method: String) -> RPCFailure {
        because(
            methodNotFoundCode,
            "\(method): notifications not supported; use a WebSocket, outside a batch",
            reason: "needsWebSocket", retryable: false)
    }

    /// EIP-4444's, as geth has it: asked of a node with the whole history, it has an answer.
    private static let prunedHistoryCode = 4_444

    /// The store is damaged, or begins later: nothing the caller can do here.
    init(_ error: ReadError) {
        if case .historyAbsent = error {
            self = .because(
                Self.prunedHistoryCode, error.description, reason: "historyAbsent",
                retryable: false)
            return
        }
        self = .because(
            Self.internalErrorCode, error.description, reason: Self.storeDamaged, retryable: false)
    }
}

/// Runs what reads the store, and tells its failure as the caller sees it.
func reading<Result>(
    _ body: () throws(ReadError) -> Result
) throws(RPCFailure) -> Result {
    do throws(ReadError) { return try body() } catch { throw RPCFailure(error) }
}
