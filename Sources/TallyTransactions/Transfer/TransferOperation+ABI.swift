public import TallyPrimitives

/// The door of the family: functions of the reserved address `…c001` (`TX-5`).
extension TransferOperation {
    public static let batchSelector = Selector("batchTransfer((address,uint256,uint64,uint64)[])")
    public static let claimEscrowSelector = Selector("claimEscrow()")
    public static let setCreditPolicySelector = Selector("setCreditPolicy(uint8)")

    /// Understands an envelope; anything to an address that is not reserved is a single transfer.
    /// - Throws: one reason each; `reservedRecipient` for a plain transfer to a reserved address,
    ///   `unknownOperation` for a selector of no family.
    init(_ envelope: Envelope) throws(TransactionError) {
        guard ReservedAddress.contains(envelope.to) else {
            self = .single(to: envelope.to, value: envelope.value)
            return
        }
        let call = try DoorCall(envelope)
        guard call.door == ReservedAddress.crossShard else { throw .unknownOperation(call.door) }
        let arguments = call.arguments
        switch call.selector {
        case Self.batchSelector.bytes:
            self = .batch(try Self.legs(arguments, value: envelope.value))
        case Self.claimEscrowSelector.bytes:
            try call.checkNoValue()
            try Self.checkNoArguments(arguments)
            self = .claimEscrow
        case Self.setCreditPolicySelector.bytes:
            try call.checkNoValue()
            self = .setCreditPolicy(try Self.policy(arguments))
        default: throw .unknownOperation(envelope.to)
        }
    }

    /// The call data of the operation; empty for a single transfer.
    public var callData: [UInt8] {
        switch self {
        case .single: return []
        case .batch(let legs):
            var out = CallWriter(Self.batchSelector)
            out.append(32)
            out.append(UInt64(legs.count))
            for leg in legs {
                out.append(leg.to)
                out.append(leg.value)
                let (creditBy, runAt) = leg.terms.words
                out.append(creditBy)
                out.append(runAt)
            }
            return out.bytes
        case .claimEscrow: return Self.claimEscrowSelector.bytes
        case .setCreditPolicy(let policy):
            var out = CallWriter(Self.setCreditPolicySelector)
            out.append(UInt64(policy.rawValue))
            return out.bytes
        }
    }

    /// The address and value of a transaction that carries the operation; `nil` when the legs' sum
    /// exceeds 2^128 − 1.
    public var target: (to: Address, value: Amount)? {
        switch self {
        case .single(let to, let value): return (to, value)
        case .batch(let legs):
            guard let sum = Amount.sum(legs.lazy.map(\.value)) else { return nil }
            return (ReservedAddress.crossShard, sum)
        case .claimEscrow, .setCreditPolicy: return (ReservedAddress.crossShard, .zero)
        }
    }

    // TX-6
    private static func legs(
        _ arguments: ArraySlice<UInt8>, value: Amount
    ) throws(TransactionError) -> [TransferLeg] {
        var reader = CallReader(arguments)
        let offset = try call { () throws(CallError) in try reader.integer() }
        guard offset == 32 else { throw .malformedCall(.nonCanonical) }
        let count = try call { () throws(CallError) in try reader.integer() }
        guard count > 0 else { throw .batchEmpty }
        guard count <= UInt64(maximumLegs) else { throw .batchTooLong(limit: maximumLegs) }
        var legs: [TransferLeg] = []
        var sum = Amount.zero
        for index in 0..<Int(count) {
            let leg = try leg(&reader, index)
            guard let next = sum.adding(leg.value) else {
                throw .amountTooLarge(field: "sum of the legs")
            }
            sum = next
            legs.append(leg)
        }
        try Self.call { () throws(CallError) in try reader.finish() }
        guard sum == value else { throw .batchSumMismatch(legs: sum, value: value) }
        return legs
    }

    private static func leg(
        _ reader: inout CallReader, _ index: Int
    ) throws(TransactionError) -> TransferLeg {
        let (to, value, creditBy, runAt) = try call { () throws(CallError) in
            (
                try reader.address(), try reader.amount(), try reader.integer(),
                try reader.integer()
            )
        }
        guard !ReservedAddress.contains(to) else { throw .reservedRecipient(to) }
        guard !value.isZero else { throw .legValueZero(leg: index) }
        switch (creditBy, runAt) {
        case (0, 0): return TransferLeg(to: to, value: value)
        case (let time, 0):
            return TransferLeg(
                to: to, value: value, terms: .creditBy(BeaconTime(milliseconds: time)))
        case (0, let time):
            return TransferLeg(
                to: to, value: value, terms: .runAt(BeaconTime(milliseconds: time)))
        default: throw .deadlineAndSchedule(leg: index)
        }
    }

    private static func policy(
        _ arguments: ArraySlice<UInt8>
    ) throws(TransactionError) -> CreditPolicy {
        var reader = CallReader(arguments)
        let value = try call { () throws(CallError) in
            let value = try reader.integer()
            try reader.finish()
            return value
        }
        guard let raw = UInt8(exactly: value), let policy = CreditPolicy(rawValue: raw) else {
            throw .unknownPolicy(value)
        }
        return policy
    }

    private static func checkNoArguments(
        _ arguments: ArraySlice<UInt8>
    ) throws(TransactionError) {
        guard arguments.isEmpty else { throw .malformedCall(.trailingBytes) }
    }

    private static func call<Result>(
        _ body: () throws(CallError) -> Result
    ) throws(TransactionError) -> Result {
        do throws(CallError) { return try body() } catch { throw .malformedCall(error) }
    }
}

extension LegTerms {
    /// The deadline and the time to run at, as the ABI carries them: 0 is none, so that the time 0
    /// is written as 1, which has passed as well.
    fileprivate var words: (creditBy: UInt64, runAt: UInt64) {
        switch self {
        case .immediate: (0, 0)
        case .creditBy(let time): (max(1, time.milliseconds), 0)
        case .runAt(let time): (0, max(1, time.milliseconds))
        }
    }
}
