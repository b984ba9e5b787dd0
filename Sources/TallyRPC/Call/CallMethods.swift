import TallyClient
import TallyEngine
import TallyPrimitives
import TallyTransactions

/// `eth_call`: the view functions of reserved addresses (RPC-40, RPC-52).
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
        guard let view = CallView.named(request.data, at: to) else { throw .reverted }
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

extension RPCFailure {
    /// What wallets take for a contract that refused.
    static let reverted = RPCFailure(3, "execution reverted", data: "0x")
}
