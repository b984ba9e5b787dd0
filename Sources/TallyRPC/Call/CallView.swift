import TallyEngine
import TallyExecution
import TallyPrimitives
import TallyTransactions

/// One view function of a reserved address. The documents in `Specs/abi` publish them (RPC-40, RPC-52).
struct CallView: Sendable {
    typealias Parameter = CallParameter

    let name: String
    let inputs: [Parameter]
    let outputs: [Parameter]
    private let selector: Selector
    private let body: @Sendable (LedgerSnapshot, [UInt8]) throws(RPCFailure) -> [CallValue]

    /// - Parameters:
    ///   - outputs: what is told of what `read` finds, in order.
    ///   - read: `nil` where there is nothing: every output is then zero, or empty.
    init<Argument, Source>(
        _ name: String, _ input: CallInput<Argument>, _ outputs: [CallOutput<Source>],
        read: @escaping @Sendable (LedgerSnapshot, Argument) throws(RPCFailure) -> Source?
    ) {
        self.name = name
        inputs = input.parameters
        self.outputs = outputs.map(\.parameter)
        selector = Selector(Self.signature(name, input.parameters))
        body = { (snapshot, data) throws(RPCFailure) in
            let argument = try input.argument(of: data.dropFirst(4), snapshot)
            guard let source = try read(snapshot, argument) else {
                return outputs.map(\.parameter.type.zero)
            }
            return outputs.map { $0.value(source) }
        }
    }

    /// A view of an object, or of a part of it.
    /// - Parameter part: `nil` when the object does not have it.
    init<Argument, Object, Source>(
        _ name: String, _ input: CallInput<Argument>,
        of place: @escaping @Sendable (Argument) -> ObjectPlace<Object>,
        _ outputs: [CallOutput<Source>], part: @escaping @Sendable (Object) -> Source?
    ) {
        self.init(name, input, outputs) { (snapshot, argument) throws(RPCFailure) in
            try snapshot.read(place(argument)).flatMap(part)
        }
    }

    var signature: String { Self.signature(name, inputs) }

    private static func signature(_ name: String, _ inputs: [Parameter]) -> String {
        "\(name)(\(inputs.map(\.type.rawValue).joined(separator: ",")))"
    }

    /// The views of a reserved address; most have none.
    static func all(at door: Address) -> [CallView] {
        switch door {
        case ReservedAddress.treasury: epochs
        case ReservedAddress.crossShard: crossShard
        case ReservedAddress.proofs: proofs
        case ReservedAddress.jobs: jobs
        case ReservedAddress.trades: trades
        case ReservedAddress.nodes: nodes
        case ReservedAddress.validators: validators
        default: []
        }
    }

    /// The function that call data names; `nil` for none, which reverts.
    static func named(_ data: [UInt8], at door: Address) -> CallView? {
        all(at: door).first { data.starts(with: $0.selector.bytes) }
    }

    /// - Throws: `reverted` for other arguments than the canonical ones.
    func answer(_ snapshot: LedgerSnapshot, _ data: [UInt8]) throws(RPCFailure) -> [UInt8] {
        CallValue.encode(try body(snapshot, data))
    }
}

/// An argument or output as it is published.
struct CallParameter: Hashable, Sendable {
    let name: String
    let type: CallType
}

/// The ABI's types that views take and give.
enum CallType: String, Hashable, Sendable {
    case bool, uint8, uint32, uint64, uint128, uint256, bytes32, address, bytes
    case smallNumbers = "uint8[]"
    case numbers = "uint64[]"
    case amounts = "uint256[]"
    case words = "bytes32[]"
    case addresses = "address[]"

    /// The value of nothing: zero, or empty.
    var zero: CallValue {
        switch self {
        case .bool, .uint8, .uint32, .uint64, .uint128, .uint256, .bytes32, .address:
            .word(.zero)
        case .bytes: .bytes([])
        case .smallNumbers, .numbers, .amounts, .words, .addresses: .list([])
        }
    }
}

/// A value of an answer.
enum CallValue: Hashable, Sendable {
    case word(Hash32)
    case list([Hash32])
    case bytes([UInt8])

    /// The values as the ABI has them: the words, or where lists and bytes begin, and then those.
    static func encode(_ values: [CallValue]) -> [UInt8] {
        var head: [UInt8] = []
        var tail: [UInt8] = []
        for value in values {
            switch value {
            case .word(let word): append(word, to: &head)
            case .list(let words):
                append(Hash32(number: 32 * values.count + tail.count), to: &head)
                append(Hash32(number: words.count), to: &tail)
                for word in words { append(word, to: &tail) }
            case .bytes(let bytes):
                append(Hash32(number: 32 * values.count + tail.count), to: &head)
                append(Hash32(number: bytes.count), to: &tail)
                tail.append(contentsOf: bytes)
                tail.append(contentsOf: repeatElement(0, count: (32 - bytes.count % 32) % 32))
            }
        }
        return head + tail
    }

    private static func append(_ word: Hash32, to bytes: inout [UInt8]) {
        word.withBytes { bytes.append(contentsOf: $0) }
    }
}

extension Hash32 {
    /// A number as an ABI word; never negative.
    init(number: some FixedWidthInteger) {
        let value = UInt128(number)
        self.init(
            words: (
                0, 0, UInt64(truncatingIfNeeded: value >> 64), UInt64(truncatingIfNeeded: value)
            ))
    }
}

/// What a view takes: its published parameters, and how their words are read.
struct CallInput<Value>: Sendable {
    let parameters: [CallParameter]
    private let read: @Sendable (inout CallReader, LedgerSnapshot) throws(CallError) -> Value

    private init(
        _ parameters: [CallParameter],
        read: @escaping @Sendable (inout CallReader, LedgerSnapshot) throws(CallError) -> Value
    ) {
        self.parameters = parameters
        self.read = read
    }

    fileprivate init(
        _ name: String, _ type: CallType,
        read: @escaping @Sendable (inout CallReader, LedgerSnapshot) throws(CallError) -> Value
    ) {
        self.init([CallParameter(name: name, type: type)], read: read)
    }

    /// One, and then another.
    static func pair<First, Second>(
        _ first: CallInput<First>, _ second: CallInput<Second>
    ) -> CallInput where Value == (First, Second) {
        CallInput(first.parameters + second.parameters) {
            (reader, snapshot) throws(CallError) in
            (try first.read(&reader, snapshot), try second.read(&reader, snapshot))
        }
    }

    /// - Throws: `reverted` unless the data are the arguments' canonical encoding, and nothing else.
    fileprivate func argument(
        of data: ArraySlice<UInt8>, _ snapshot: LedgerSnapshot
    ) throws(RPCFailure) -> Value {
        do throws(CallError) {
            var reader = CallReader(data)
            let value = try read(&reader, snapshot)
            try reader.finish()
            return value
        } catch { throw .reverted }
    }
}

extension CallInput where Value == Void {
    static var none: CallInput { CallInput([]) { (_, _) throws(CallError) in } }
}

extension CallInput where Value == Address {
    static func address(_ name: String) -> CallInput {
        CallInput(name, .address) { (reader, _) throws(CallError) in try reader.address() }
    }
}

extension CallInput where Value == ObjectID {
    static func id(_ name: String) -> CallInput {
        CallInput(name, .bytes32) { (reader, _) throws(CallError) in try reader.objectID() }
    }
}

extension CallInput where Value == UInt64 {
    static func number(_ name: String) -> CallInput {
        CallInput(name, .uint64) { (reader, _) throws(CallError) in try reader.integer() }
    }
}

extension CallInput where Value == EndpointID {
    /// A shard, or the beacon's own behind the last.
    static func endpoint(_ name: String) -> CallInput {
        CallInput(name, .uint32) { (reader, snapshot) throws(CallError) in
            let index = try reader.integer()
            guard index < UInt64(snapshot.layout.endpointCount) else { throw .numberTooLarge }
            return EndpointID(UInt16(index))
        }
    }
}

extension CallInput where Value == StakeRole {
    static func role(_ name: String) -> CallInput {
        CallInput(name, .uint8) { (reader, _) throws(CallError) in
            guard let role = StakeRole(rawValue: try reader.integer(as: UInt8.self)) else {
                throw .nonCanonical
            }
            return role
        }
    }
}
