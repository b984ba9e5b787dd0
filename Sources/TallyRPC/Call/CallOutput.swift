import TallyPrimitives
import TallyTransactions

/// An output of a view: its published name and type, and the field that it shows. A field that is not
/// there is zero, or empty.
struct CallOutput<Source>: Sendable {
    let parameter: CallParameter
    let value: @Sendable (Source) -> CallValue

    private init(
        _ name: String, _ type: CallType, _ value: @escaping @Sendable (Source) -> CallValue?
    ) {
        parameter = CallParameter(name: name, type: type)
        self.value = { value($0) ?? type.zero }
    }

    /// Also the number of a case, whatever its type.
    static func uint8(
        _ name: String, _ read: @escaping @Sendable (Source) -> UInt8?
    ) -> CallOutput {
        CallOutput(name, .uint8) { read($0).map { .word(Hash32(number: $0)) } }
    }

    static func uint32(
        _ name: String, _ read: @escaping @Sendable (Source) -> UInt32?
    ) -> CallOutput {
        CallOutput(name, .uint32) { read($0).map { .word(Hash32(number: $0)) } }
    }

    static func uint64(
        _ name: String, _ read: @escaping @Sendable (Source) -> UInt64?
    ) -> CallOutput {
        CallOutput(name, .uint64) { read($0).map { .word(Hash32(number: $0)) } }
    }

    /// Beacon time in milliseconds.
    static func time(
        _ name: String, _ read: @escaping @Sendable (Source) -> BeaconTime?
    ) -> CallOutput {
        uint64(name) { read($0)?.milliseconds }
    }

    static func uint128(
        _ name: String, _ read: @escaping @Sendable (Source) -> UInt128?
    ) -> CallOutput {
        CallOutput(name, .uint128) { read($0).map { .word(Hash32(number: $0)) } }
    }

    static func amount(
        _ name: String, _ read: @escaping @Sendable (Source) -> Amount?
    ) -> CallOutput {
        CallOutput(name, .uint256) { read($0).map { .word(Hash32(number: $0.units)) } }
    }

    /// A number of 256 bits, as its word.
    static func uint256(
        _ name: String, _ read: @escaping @Sendable (Source) -> Hash32?
    ) -> CallOutput {
        CallOutput(name, .uint256) { read($0).map(CallValue.word) }
    }

    static func bytes32(
        _ name: String, _ read: @escaping @Sendable (Source) -> Hash32?
    ) -> CallOutput {
        CallOutput(name, .bytes32) { read($0).map(CallValue.word) }
    }

    static func id(
        _ name: String, _ read: @escaping @Sendable (Source) -> ObjectID?
    ) -> CallOutput {
        bytes32(name) { read($0)?.word }
    }

    static func address(
        _ name: String, _ read: @escaping @Sendable (Source) -> Address?
    ) -> CallOutput {
        CallOutput(name, .address) { read($0).map { .word(Hash32($0)) } }
    }

    static func bytes(
        _ name: String, _ read: @escaping @Sendable (Source) -> [UInt8]?
    ) -> CallOutput {
        CallOutput(name, .bytes) { read($0).map(CallValue.bytes) }
    }

    // MARK: Lists

    static func smallNumbers(
        _ name: String, _ read: @escaping @Sendable (Source) -> [UInt8]
    ) -> CallOutput {
        CallOutput(name, .smallNumbers) { .list(read($0).map { Hash32(number: $0) }) }
    }

    static func numbers(
        _ name: String, _ read: @escaping @Sendable (Source) -> [UInt64]
    ) -> CallOutput {
        CallOutput(name, .numbers) { .list(read($0).map { Hash32(number: $0) }) }
    }

    static func amounts(
        _ name: String, _ read: @escaping @Sendable (Source) -> [Amount]
    ) -> CallOutput {
        CallOutput(name, .amounts) { .list(read($0).map { Hash32(number: $0.units) }) }
    }

    static func words(
        _ name: String, _ read: @escaping @Sendable (Source) -> [Hash32]
    ) -> CallOutput {
        CallOutput(name, .words) { .list(read($0)) }
    }

    static func addresses(
        _ name: String, _ read: @escaping @Sendable (Source) -> [Address]
    ) -> CallOutput {
        CallOutput(name, .addresses) { .list(read($0).map { Hash32($0) }) }
    }
}
