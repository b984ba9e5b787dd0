package import TallyPrimitives

/// An event as its log and its JSON show it: a name and static fields (EVENT-1).
///
/// One description serves the topics and data of the Ethereum view, the documents of `compute_…`
/// and the published ABI.
package struct EventRecord: Hashable, Sendable {
    package let name: String
    /// The reserved address that emits the log.
    package let door: Address
    /// At most three indexed ones, before the others.
    package let fields: [EventField]

    package init(_ name: String, at door: Address, _ fields: EventField...) {
        self.name = name
        self.door = door
        self.fields = fields
    }

    /// As in Solidity, `JobAssigned(bytes32,address,uint256)`: the log's first topic is its hash.
    package var signature: String {
        name + "(" + fields.map(\.value.type).joined(separator: ",") + ")"
    }
}

/// One field of an event.
package struct EventField: Hashable, Sendable {
    package enum Value: Hashable, Sendable {
        case bytes32(Hash32)
        case address(Address)
        case uint8(UInt8)
        case uint16(UInt16)
        case uint32(UInt32)
        case uint64(UInt64)
        case uint128(UInt128)
        case uint256(Amount)
        case bool(Bool)

        /// The ABI's name.
        package var type: String {
            switch self {
            case .bytes32: "bytes32"
            case .address: "address"
            case .uint8: "uint8"
            case .uint16: "uint16"
            case .uint32: "uint32"
            case .uint64: "uint64"
            case .uint128: "uint128"
            case .uint256: "uint256"
            case .bool: "bool"
            }
        }
    }

    package let name: String
    package let value: Value
    package let isIndexed: Bool

    package static func indexed(_ name: String, _ value: Value) -> EventField {
        EventField(name: name, value: value, isIndexed: true)
    }

    package static func data(_ name: String, _ value: Value) -> EventField {
        EventField(name: name, value: value, isIndexed: false)
    }
}

/// The events of one compute family.
package protocol FamilyEvent: RLPValue, Hashable, Sendable {
    var record: EventRecord { get }
    /// The receipt whose consumption the event tells.
    var consumedReceipt: ReceiptReference? { get }
}

extension FamilyEvent {
    package var consumedReceipt: ReceiptReference? { nil }
}
