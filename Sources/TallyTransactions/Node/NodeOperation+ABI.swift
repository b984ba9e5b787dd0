public import TallyPrimitives

/// The door of the family: functions of the reserved address `…c005` (NODE-2).
extension NodeOperation {
    public static let registerSelector = Selector("registerNode(bytes32,bytes32)")
    public static let updateSelector = Selector("updateNode(bytes32,bytes32)")
    public static let deregisterSelector = Selector("deregisterNode()")
    public static let stakeSelector = Selector("stakeNode(uint32)")
    public static let unstakeSelector = Selector("unstake()")
    public static let claimRewardsSelector = Selector("claimRewards()")

    /// Understands a call of the door.
    /// - Throws: `malformedCall`; `valueNotAllowed` but for a stake; `unknownOperation` for a
    ///   selector of no function.
    init(_ call: DoorCall) throws(TransactionError) {
        switch call.selector {
        case Self.registerSelector.bytes:
            try call.checkNoValue()
            let (key, spec) = try Self.description(call)
            self = .register(key: key, spec: spec)
        case Self.updateSelector.bytes:
            try call.checkNoValue()
            let (key, spec) = try Self.description(call)
            self = .update(key: key, spec: spec)
        case Self.deregisterSelector.bytes:
            try Self.checkBare(call)
            self = .deregister
        case Self.stakeSelector.bytes:
            let days = try CallReader.read(call.arguments) { (reader) throws(CallError) in
                try reader.integer(as: UInt32.self)
            }
            self = .stake(termDays: days, value: call.value)
        case Self.unstakeSelector.bytes:
            try Self.checkBare(call)
            self = .unstake
        case Self.claimRewardsSelector.bytes:
            try Self.checkBare(call)
            self = .claimRewards
        default: throw .unknownOperation(call.door)
        }
    }

    /// The call data of the operation.
    public var callData: [UInt8] {
        switch self {
        case .register(let key, let spec): Self.callData(Self.registerSelector, key, spec)
        case .update(let key, let spec): Self.callData(Self.updateSelector, key, spec)
        case .deregister: Self.deregisterSelector.bytes
        case .stake(let days, _):
            {
                var out = CallWriter(Self.stakeSelector)
                out.append(UInt64(days))
                return out.bytes
            }()
        case .unstake: Self.unstakeSelector.bytes
        case .claimRewards: Self.claimRewardsSelector.bytes
        }
    }

    /// The address and value of a transaction that carries the operation.
    public var target: (to: Address, value: Amount) {
        switch self {
        case .stake(_, let value): (ReservedAddress.nodes, value)
        case .register, .update, .deregister, .unstake, .claimRewards:
            (ReservedAddress.nodes, .zero)
        }
    }

    private static func callData(
        _ selector: Selector, _ key: Hash32, _ spec: Hash32
    ) -> [UInt8] {
        var out = CallWriter(selector)
        out.append(key)
        out.append(spec)
        return out.bytes
    }

    private static func description(
        _ call: DoorCall
    ) throws(TransactionError) -> (key: Hash32, spec: Hash32) {
        try CallReader.read(call.arguments) { (reader) throws(CallError) in
            (try reader.word(), try reader.word())
        }
    }

    /// Refuses value and arguments.
    private static func checkBare(_ call: DoorCall) throws(TransactionError) {
        try call.checkNoValue()
        guard call.arguments.isEmpty else { throw .malformedCall(.trailingBytes) }
    }
}
