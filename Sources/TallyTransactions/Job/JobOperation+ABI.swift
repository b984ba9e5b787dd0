public import TallyPrimitives

/// The door of the family: functions of its reserved address.
extension JobOperation {
    /// Understands a call of the door.
    /// - Throws: one reason each; `unknownOperation` for a selector of no function.
    init(_ call: DoorCall) throws(TransactionError) {
        throw .unknownOperation(call.door)
    }

    /// The call data of the operation.
    public var callData: [UInt8] {
        switch self {
        case .placeholder: return []
        }
    }

    /// The address and value of a transaction that carries the operation.
    public var target: (to: Address, value: Amount) {
        switch self {
        case .placeholder: return (ReservedAddress.treasury, .zero)
        }
    }
}
