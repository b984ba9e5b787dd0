import TallyClient
import TallyEngine
import TallyExecution
import TallyPrimitives
import TallyTransactions

/// Sending and finding transactions.
enum TransactionMethods {
    static func sendRaw(
        _ ledger: LedgerDispatcher, _ arguments: RPCArguments, _ out: inout JSONWriter
    ) async throws(RPCFailure) {
        let raw = try arguments.bytes(0)
        let results = await ledger.intake.submit([raw])
        guard let result = results.first else { return }
        do throws(SubmitRejection) {
            out.hex(try result.get())
        } catch { throw RPCFailure(error) }
    }

    static func byHash(
        _ ledger: LedgerDispatcher, _ arguments: RPCArguments, _ out: inout JSONWriter
    ) async throws(RPCFailure) {
        let hash = try arguments.hash(0)
        if try write(hash, ledger.view, &out) { return }
        guard let pooled = await ledger.pooled(hash) else {
            // It may have left the pool for a block meanwhile.
            if try !write(hash, ledger.view, &out) { out.null() }
            return
        }
        out.writePending(pooled)
    }

    private static func write(
        _ hash: Hash32, _ view: ChainView, _ out: inout JSONWriter
    ) throws(RPCFailure) -> Bool {
        do throws(ReadError) {
            guard let entry = try view.entry(hash) else { return false }
            try view.write(entry, to: &out)
            return true
        } catch { throw RPCFailure(error) }
    }

    /// The pool is somebody else's to ask.
    static func byHashAtOnce(
        _ ledger: LedgerDispatcher, _ arguments: RPCArguments, _ out: inout JSONWriter
    ) throws(RPCFailure) -> Bool {
        let hash = try arguments.hash(0)
        let view = ledger.view
        do throws(ReadError) {
            guard case .found(let entry) = try view.quickEntry(hash) else { return false }
            try view.write(entry, to: &out)
            return true
        } catch { throw RPCFailure(error) }
    }

    static func receiptAtOnce(
        _ ledger: LedgerDispatcher, _ arguments: RPCArguments, _ out: inout JSONWriter
    ) throws(RPCFailure) -> Bool {
        let hash = try arguments.hash(0)
        let view = ledger.view
        do throws(ReadError) {
            switch try view.quickEntry(hash) {
            case .undecided: return false
            case .missing: out.null()
            case .found(let entry):
                guard let offsets = try view.quickOffsets(entry.block) else { return false }
                try view.writeReceipt(entry, offsets, to: &out)
            }
            return true
        } catch { throw RPCFailure(error) }
    }

    /// Null, never an error, for what is not in a block.
    static func receipt(
        _ ledger: LedgerDispatcher, _ arguments: RPCArguments, _ out: inout JSONWriter
    ) async throws(RPCFailure) {
        let hash = try arguments.hash(0)
        let view = ledger.view
        do throws(ReadError) {
            guard let entry = try view.entry(hash) else {
                out.null()
                return
            }
            try view.writeReceipt(entry, to: &out)
        } catch { throw RPCFailure(error) }
    }
}

/// What came of the raw transactions of a batch.
struct RawSubmission: Sendable {
    /// By index of the call; `nil` for calls of other methods.
    fileprivate let outcomes: [Result<Hash32, RPCFailure>?]

    func outcome(of index: Int) -> Result<Hash32, RPCFailure>? { outcomes[index] }
}

extension LedgerDispatcher {
    /// Submits every raw transaction among the calls at once.
    func submit(_ calls: [RPCCall]) async -> RawSubmission {
        var outcomes: [Result<Hash32, RPCFailure>?] = Array(repeating: nil, count: calls.count)
        var raws: [[UInt8]] = []
        var places: [Int] = []
        guard let method = RPCMethod.table[RPCMethod.sendRawTransaction] else {
            preconditionFailure("the method that this is for is not in the table")
        }
        let begun = ContinuousClock.now
        for (index, call) in calls.enumerated() where call.method == method.name {
            do throws(RPCFailure) {
                raws.append(try RPCArguments(call, method).bytes(0))
                places.append(index)
            } catch { outcomes[index] = .failure(error) }
        }
        for (place, result) in zip(places, await intake.submit(raws)) {
            outcomes[place] = result.mapError(RPCFailure.init)
        }
        meter.durations.observe(since: begun)
        for case .some(let outcome) in outcomes {
            if case .success = outcome {
                meter.count(method, failed: false)
            } else {
                meter.count(method, failed: true)
            }
        }
        return RawSubmission(outcomes: outcomes)
    }

    /// A transaction that waits for a block.
    func pooled(_ hash: Hash32) async -> Transaction? {
        for shard in shards {
            if let transaction = await shard.pooled(hash) { return transaction }
        }
        return nil
    }
}

extension RPCFailure {
    /// geth's texts; codes of EIP-1474: a transaction that is none is invalid input, one that the
    /// pool does not take is rejected.
    init(_ rejection: SubmitRejection) {
        switch rejection {
        case .malformed(let error):
            self = .because(
                Self.invalidInputCode, error.description, reason: error.code, retryable: false)
        case .pool(let rejection):
            self = .because(
                Self.transactionRejectedCode, rejection.description, reason: rejection.code,
                retryable: rejection.isRetryable)
        case .busy:
            self = .because(
                Self.limitExceededCode,
                "too many transactions are being verified: try again in a moment",
                reason: "busy", retryable: true)
        case .diskFull:
            self = .because(
                Self.resourceUnavailableCode,
                "the node's disk is full: no transactions are taken until there is space",
                reason: "diskFull", retryable: true)
        case .unavailable(let error):
            self = .because(
                Self.resourceUnavailableCode, "the sender's shard is unusable: \(error)",
                reason: "shardUnavailable", retryable: false)
        }
    }
}

extension JSONWriter {
    /// A transaction without a block.
    fileprivate mutating func writePending(_ transaction: Transaction) {
        guard let (envelope, signature) = try? Envelope.decode(transaction.raw) else {
            preconditionFailure("a transaction that does not decode")
        }
        beginObject()
        for name: StaticString in ["blockHash", "blockNumber", "transactionIndex"] {
            member(name) { $0.null() }
        }
        write(
            envelope, signature, sender: transaction.sender, hash: transaction.hash,
            price: envelope.maxFee)
        endObject()
    }
}
