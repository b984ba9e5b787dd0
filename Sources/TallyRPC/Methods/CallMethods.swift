import TallyClient
import TallyEngine
import TallyExecution
import TallyPrimitives
import TallySharding
import TallyTransactions

/// `eth_call`: the view functions of reserved addresses (RPC-40).
enum CallMethods {
    static func call(
        _ ledger: LedgerDispatcher, _ arguments: RPCArguments, _ out: inout JSONWriter
    ) throws(RPCFailure) {
        let request = try CallRequest(arguments)
        let snapshot = try ledger.snapshot(at: try arguments.block(1))
        guard let to = request.to else { throw RPCFailure(.malformed(.contractCreation)) }
        guard ReservedAddress.contains(to) else {
            out.hex([])
            return
        }
        guard to == ReservedAddress.crossShard, let view = CrossShardView.named(request.data)
        else { throw .reverted }
        out.hex(try view.answer(snapshot, request.data))
    }
}

/// The fields of a transaction to be that a method reads; others, such as gas, are ignored.
struct CallRequest {
    var from: Address?
    var to: Address?
    var value: UInt128?
    var data: [UInt8]

    init(_ arguments: RPCArguments) throws(RPCFailure) {
        let object = try arguments.object(0)
        func member<T>(
            _ name: String, _ expected: String, _ read: (JSON) -> T?
        ) throws(RPCFailure) -> T? {
            guard let json = object[name], !json.isNull else { return nil }
            guard let value = read(json) else {
                throw arguments.memberFault(0, name, expected)
            }
            return value
        }
        from = try member("from", "an address") { $0.fixedBytes(Address.self) }
        to = try member("to", "an address") { $0.fixedBytes(Address.self) }
        value = try member("value", "a quantity below 2^128") { $0.quantity(UInt128.self) }
        let input = try member("input", "hexadecimal") { $0.hexBytes }
        let data = try member("data", "hexadecimal") { $0.hexBytes }
        self.data = input ?? data ?? []
    }
}

/// One view function of the cross-shard address. `Specs/abi/cross-shard.json` publishes them.
struct CrossShardView: Sendable {
    typealias Body =
        @Sendable (LedgerSnapshot, inout CallReader, inout CallWriter) throws(RPCFailure) -> Void

    let signature: String
    private let selector: Selector
    private let body: Body

    private init(_ signature: String, _ body: @escaping Body) {
        self.signature = signature
        selector = Selector(signature)
        self.body = body
    }

    static let all: [CrossShardView] = [
        CrossShardView("shardCount()") { (snapshot, _, out) throws(RPCFailure) in
            out.append(UInt64(snapshot.layout.shardCount))
        },
        CrossShardView("shardOf(address)") { (snapshot, input, out) throws(RPCFailure) in
            let address = try argument { () throws(CallError) in try input.address() }
            guard !ReservedAddress.contains(address) else { throw .reverted }
            out.append(UInt64(snapshot.layout.home(of: address).value))
        },
        CrossShardView("escrowOf(address)") { (snapshot, input, out) throws(RPCFailure) in
            let address = try argument { () throws(CallError) in try input.address() }
            out.append(try reading { () throws(ReadError) in try snapshot.escrow(of: address) })
        },
        CrossShardView("creditPolicyOf(address)") { (snapshot, input, out) throws(RPCFailure) in
            let address = try argument { () throws(CallError) in try input.address() }
            let account = try reading { () throws(ReadError) in try snapshot.account(address) }
            out.append(UInt64(account.policy.rawValue))
        },
        CrossShardView("stream(uint32,uint32)") { (snapshot, input, out) throws(RPCFailure) in
            let source = try endpoint(&input, snapshot)
            let destination = try endpoint(&input, snapshot)
            let sent = snapshot.view.heads[source].out[destination]
            let consumed = snapshot.view.heads[destination].in[source]
            out.append(sent.end)
            out.append(consumed.cursor)
            out.append(sent.value)
            out.append(consumed.value)
        },
        CrossShardView("receiptId(uint32,uint32,uint64)") {
            (snapshot, input, out) throws(RPCFailure) in
            let reference = try reference(&input, snapshot)
            out.append(reference.id(chain: snapshot.chain, layout: snapshot.layout))
        },
        CrossShardView("receiptStatus(uint32,uint32,uint64)") {
            (snapshot, input, out) throws(RPCFailure) in
            let reference = try reference(&input, snapshot)
            let sent = snapshot.view.heads[Int(reference.source.index)]
                .out[Int(reference.destination.index)].end
            let consumed = try reading { () throws(ReadError) in
                try snapshot.consumed(reference)
            }
            // 0 not sent, 1 on its way, 2 consumed.
            out.append(UInt64(reference.index < sent ? consumed == nil ? 1 : 2 : 0))
            out.append(consumed?.value ?? 0)
        },
    ]

    /// The function that call data names; `nil` for none, which reverts.
    static func named(_ data: [UInt8]) -> CrossShardView? {
        all.first { data.starts(with: $0.selector.bytes) }
    }

    func answer(_ snapshot: LedgerSnapshot, _ data: [UInt8]) throws(RPCFailure) -> [UInt8] {
        var input = CallReader(data.dropFirst(4))
        var out = CallWriter()
        try body(snapshot, &input, &out)
        let rest = input
        try Self.argument { () throws(CallError) in try rest.finish() }
        return out.bytes
    }

    // MARK: Arguments

    private static func argument<Value>(
        _ read: () throws(CallError) -> Value
    ) throws(RPCFailure) -> Value {
        do throws(CallError) { return try read() } catch { throw .reverted }
    }

    /// The index of an endpoint: a shard, or the beacon's own behind the last.
    private static func endpoint(
        _ input: inout CallReader, _ snapshot: LedgerSnapshot
    ) throws(RPCFailure) -> Int {
        let index = try argument { () throws(CallError) in try input.integer() }
        guard index < UInt64(snapshot.layout.endpointCount) else { throw .reverted }
        return Int(index)
    }

    private static func reference(
        _ input: inout CallReader, _ snapshot: LedgerSnapshot
    ) throws(RPCFailure) -> ReceiptReference {
        let source = EndpointID(UInt16(try endpoint(&input, snapshot)))
        let destination = EndpointID(UInt16(try endpoint(&input, snapshot)))
        let index = try argument { () throws(CallError) in try input.integer() }
        return ReceiptReference(source: source, destination: destination, index: index)
    }
}

extension RPCFailure {
    /// What wallets take for a contract that refused.
    static let reverted = RPCFailure(3, "execution reverted", data: "0x")
}
