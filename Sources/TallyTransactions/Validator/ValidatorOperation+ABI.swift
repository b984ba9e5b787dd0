public import TallyPrimitives

/// The door of the family: functions of the reserved address `…c006` (STAKE-1).
extension ValidatorOperation {
    public static let stakeRoleSelector = Selector("stakeRole(uint8,uint32)")
    public static let renewStakeSelector = Selector("renewStake(uint32)")
    public static let unstakeSelector = Selector("unstake()")
    public static let heartbeatSelector = Selector("heartbeat()")
    public static let submitEvidenceSelector = Selector("submitEvidence(bytes)")
    public static let impeachSelector = Selector("impeach(address)")
    public static let claimRewardsSelector = Selector("claimRewards()")

    /// Understands a call of the door.
    /// - Throws: one reason each; `unknownOperation` for a selector of no function.
    init(_ call: DoorCall) throws(TransactionError) {
        let arguments = call.arguments
        if call.selector == Self.stakeRoleSelector.bytes {
            self = try Self.stakeRole(arguments, value: call.value)
            return
        }
        switch call.selector {
        case Self.renewStakeSelector.bytes:
            self = .renewStake(
                termDays: try CallReader.read(arguments) { (reader) throws(CallError) in
                    try reader.integer(as: UInt32.self)
                })
        case Self.unstakeSelector.bytes:
            try CallReader.read(arguments) { _ throws(CallError) in }
            self = .unstake
        case Self.heartbeatSelector.bytes:
            try CallReader.read(arguments) { _ throws(CallError) in }
            self = .heartbeat
        case Self.submitEvidenceSelector.bytes:
            self = .submitEvidence(
                try CallReader.read(arguments) { (reader) throws(CallError) in
                    try reader.lastBytes(words: 1, limit: Self.maximumEvidence)
                })
        case Self.impeachSelector.bytes:
            self = .impeach(
                try CallReader.read(arguments) { (reader) throws(CallError) in
                    try reader.address()
                })
        case Self.claimRewardsSelector.bytes:
            try CallReader.read(arguments) { _ throws(CallError) in }
            self = .claimRewards
        default: throw .unknownOperation(call.door)
        }
        try call.checkNoValue()
    }

    private static func stakeRole(
        _ arguments: ArraySlice<UInt8>, value: Amount
    ) throws(TransactionError) -> ValidatorOperation {
        let (number, termDays) = try CallReader.read(arguments) { (reader) throws(CallError) in
            (try reader.integer(as: UInt8.self), try reader.integer(as: UInt32.self))
        }
        guard let role = StakeRole(rawValue: number) else { throw .unknownRole(number) }
        return .stakeRole(role, termDays: termDays, value: value)
    }

    /// The call data of the operation.
    public var callData: [UInt8] {
        switch self {
        case .stakeRole(let role, let termDays, _):
            var out = CallWriter(Self.stakeRoleSelector)
            out.append(UInt64(role.rawValue))
            out.append(UInt64(termDays))
            return out.bytes
        case .renewStake(let termDays):
            var out = CallWriter(Self.renewStakeSelector)
            out.append(UInt64(termDays))
            return out.bytes
        case .unstake: return Self.unstakeSelector.bytes
        case .heartbeat: return Self.heartbeatSelector.bytes
        case .submitEvidence(let evidence):
            var out = CallWriter(Self.submitEvidenceSelector)
            out.appendLast(evidence, words: 1)
            return out.bytes
        case .impeach(let accused):
            var out = CallWriter(Self.impeachSelector)
            out.append(accused)
            return out.bytes
        case .claimRewards: return Self.claimRewardsSelector.bytes
        }
    }

    /// The address and value of a transaction that carries the operation.
    public var target: (to: Address, value: Amount) {
        switch self {
        case .stakeRole(_, _, let value): (ReservedAddress.validators, value)
        case .renewStake, .unstake, .heartbeat, .submitEvidence, .impeach, .claimRewards:
            (ReservedAddress.validators, .zero)
        }
    }
}
