import TallyClient
import TallyEngine
import TallyExecution
import TallyPrimitives
import TallySharding
import TallyTransactions

/// How far a transaction is, for callers that wait.
enum TransactionStage: String, CaseIterable, Comparable, Sendable {
    /// In the mempool.
    case accepted
    /// In a block. Every published block is final, so that `final` is the same.
    case included
    case final
    /// Every leg has come to its end.
    case settled

    static func < (a: TransactionStage, b: TransactionStage) -> Bool { a.order < b.order }

    private var order: Int {
        switch self {
        case .accepted: 0
        case .included: 1
        case .final: 2
        case .settled: 3
        }
    }
}

/// What is known of a transaction as of one snapshot.
struct TransactionStatus: Sendable {
    enum Place: Sendable {
        case unknown
        case pending(Transaction)
        case final(ViewEntry, legs: [LegStatus])
    }

    let hash: Hash32
    let place: Place

    /// `nil` for one that nobody knows.
    var stage: TransactionStage? {
        switch place {
        case .unknown: nil
        case .pending: .accepted
        case .final(_, let legs): legs.allSatisfy(\.state.isSettled) ? .settled : .final
        }
    }

    /// - Returns: `nil` when no block holds the transaction.
    static func final(_ hash: Hash32, _ view: ChainView) throws(ReadError) -> TransactionStatus? {
        guard let entry = try view.entry(hash) else { return nil }
        var legs: [LegStatus] = []
        if case .signed(let stored) = entry.content {
            var follower = LegFollower(view.snapshot)
            legs = try follower.legs(
                of: stored, on: entry.endpoint, at: entry.block.header.height)
        }
        return TransactionStatus(hash: hash, place: .final(entry, legs: legs))
    }

    /// - Parameter timedOut: whether the caller waited for more in vain; `nil` when it did not wait.
    func write(_ snapshot: LedgerSnapshot, timedOut: Bool?, to out: inout JSONWriter) {
        out.beginObject()
        out.member("hash") { $0.hex(hash) }
        out.member("state") { $0.string(stateName) }
        switch place {
        case .unknown: writePlace(nil, legs: 0, &out) { _ in }
        case .pending(let transaction):
            let legs = (try? transfers(of: transaction.envelope)) ?? []
            writePlace(nil, legs: legs.count, &out) { out in
                for (index, leg) in legs.enumerated() {
                    out.beginObject()
                    Self.writeLeg(
                        index, leg.to, leg.value, snapshot.layout.home(of: leg.to), "pending", &out)
                    out.endObject()
                }
            }
        case .final(let entry, let legs):
            writePlace(entry, legs: legs.count, &out) { out in
                for (index, leg) in legs.enumerated() {
                    leg.write(index, snapshot, to: &out)
                }
            }
        }
        out.member("settled") { $0.bool(stage == .settled) }
        if let timedOut { out.member("timedOut") { $0.bool(timedOut) } }
        out.endObject()
    }

    private var stateName: String {
        switch place {
        case .unknown: "unknown"
        case .pending: "pending"
        case .final: "final"
        }
    }

    private func writePlace(
        _ entry: ViewEntry?, legs: Int, _ out: inout JSONWriter,
        _ body: (inout JSONWriter) -> Void
    ) {
        if let entry {
            out.member("blockNumber") { $0.quantity(entry.block.header.height) }
            out.member("shard") { $0.quantity(entry.endpoint.index) }
            out.member("status") { $0.quantity(UInt8(entry.result.failure == nil ? 1 : 0)) }
        } else {
            for name: StaticString in ["blockNumber", "shard", "status"] {
                out.member(name) { $0.null() }
            }
        }
        if let failure = entry?.result.failure {
            out.member("failure") { $0.string(failure.code) }
        }
        out.key("legs")
        out.array(body)
    }

    static func writeLeg(
        _ index: Int, _ to: Address, _ value: Amount, _ destination: ShardID, _ state: String,
        _ out: inout JSONWriter
    ) {
        out.member("index") { $0.integer(index) }
        out.member("to") { $0.hex(to) }
        out.member("value") { $0.quantity(value) }
        out.member("shard") { $0.quantity(destination.value) }
        out.member("state") { $0.string(state) }
    }
}

extension LegStatus {
    fileprivate func write(_ index: Int, _ snapshot: LedgerSnapshot, to out: inout JSONWriter) {
        out.beginObject()
        TransactionStatus.writeLeg(index, to, value, destination, state.name, &out)
        if let height = state.height { out.member("height") { $0.quantity(height) } }
        if let reason = state.reason { out.member("reason") { $0.string(reason.code) } }
        if case .scheduled(let time) = state {
            out.member("runAtMs") { $0.integer(time.milliseconds) }
        }
        if let receipt {
            out.member("receipt") {
                $0.hex(receipt.id(chain: snapshot.chain, layout: snapshot.layout))
            }
            // What the proof of it is asked by.
            out.member("receiptPlace") { out in
                out.beginObject()
                out.member("source") { $0.integer(receipt.source.index) }
                out.member("destination") { $0.integer(receipt.destination.index) }
                out.member("index") { $0.quantity(receipt.index) }
                out.endObject()
            }
        }
        if let sentHeight { out.member("sentHeight") { $0.quantity(sentHeight) } }
        out.endObject()
    }
}

/// The transfers that an envelope asks for, in order.
func transfers(of envelope: Envelope) throws(ReadError) -> [(to: Address, value: Amount)] {
    let operation: Operation
    do throws(TransactionError) {
        operation = try Operation(envelope)
    } catch { throw .corruptRow(database: "transactions") }
    switch operation {
    case .transfer(.single(let to, let value)): return [(to, value)]
    case .transfer(.batch(let legs)): return legs.map { ($0.to, $0.value) }
    case .transfer(.claimEscrow), .transfer(.setCreditPolicy): return []
    // What goes to an object elsewhere is known by its event only.
    case .node, .proof, .job, .trade, .validator: return []
    }
}
