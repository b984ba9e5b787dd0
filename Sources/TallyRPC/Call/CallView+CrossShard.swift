import TallyEngine
import TallyExecution
import TallyPrimitives
import TallySharding
import TallyTransactions

/// Two endpoints' stream, from its two ends.
private struct StreamEnds {
    let sent: StreamEnd
    let consumed: StreamEnd

    struct StreamEnd {
        let count: UInt64
        let value: Amount
    }
}

/// How far a receipt is.
private struct ReceiptProgress {
    /// 0 not sent, 1 on its way, 2 consumed.
    let status: UInt8
    let height: Height?
}

extension CallView {
    // RPC-40
    static let crossShard: [CallView] = [
        CallView("shardCount", .none, [.uint32("shards") { $0 }]) {
            (snapshot, _) throws(RPCFailure) in UInt32(snapshot.layout.shardCount)
        },
        CallView("shardOf", .address("account"), [.uint32("shard") { $0 }]) {
            (snapshot, address) throws(RPCFailure) in
            guard !ReservedAddress.contains(address) else { throw .reverted }
            return UInt32(snapshot.layout.home(of: address).value)
        },
        CallView("escrowOf", .address("account"), [.amount("value") { $0 }]) {
            (snapshot, address) throws(RPCFailure) in
            try reading { () throws(ReadError) in try snapshot.escrow(of: address) }
        },
        CallView("creditPolicyOf", .address("account"), [.uint8("policy") { $0.rawValue }]) {
            (snapshot, address) throws(RPCFailure) in
            try reading { () throws(ReadError) in try snapshot.account(address).policy }
        },
        CallView("stream", .pair(.endpoint("source"), .endpoint("destination")), streamOutputs) {
            (snapshot, ends) throws(RPCFailure) in
            let (source, destination) = (Int(ends.0.index), Int(ends.1.index))
            let sent = snapshot.view.heads[source].out[destination]
            let consumed = snapshot.view.heads[destination].in[source]
            return StreamEnds(
                sent: StreamEnds.StreamEnd(count: sent.end, value: sent.value),
                consumed: StreamEnds.StreamEnd(count: consumed.cursor, value: consumed.value))
        },
        CallView("receiptId", receipt, [.bytes32("id") { $0 }]) {
            (snapshot, place) throws(RPCFailure) in
            reference(place).id(chain: snapshot.chain, layout: snapshot.layout)
        },
        CallView("receiptStatus", receipt, statusOutputs) {
            (snapshot, place) throws(RPCFailure) in
            let reference = reference(place)
            let sent = snapshot.view.heads[Int(reference.source.index)]
                .out[Int(reference.destination.index)].end
            let consumed = try reading { () throws(ReadError) in
                try snapshot.consumed(reference)
            }
            let status: UInt8 = reference.index < sent ? consumed == nil ? 1 : 2 : 0
            return ReceiptProgress(status: status, height: consumed)
        },
    ]

    private static let streamOutputs: [CallOutput<StreamEnds>] = [
        .uint64("sent") { $0.sent.count }, .uint64("consumed") { $0.consumed.count },
        .amount("sentValue") { $0.sent.value }, .amount("consumedValue") { $0.consumed.value },
    ]

    private static let statusOutputs: [CallOutput<ReceiptProgress>] = [
        .uint8("status") { $0.status }, .uint64("height") { $0.height?.value },
    ]

    private typealias Place = ((EndpointID, EndpointID), UInt64)

    private static let receipt = CallInput<Place>.pair(
        .pair(.endpoint("source"), .endpoint("destination")), .number("index"))

    private static func reference(_ place: Place) -> ReceiptReference {
        ReceiptReference(source: place.0.0, destination: place.0.1, index: place.1)
    }
}
