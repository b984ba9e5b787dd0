public import TallyPrimitives

/// The door of the family: functions of the reserved address `…c002` (ROUND-2).
extension ProofOperation {
    public static let commitSelector = Selector("commitProof(uint64,bytes32)")
    public static let revealSelector = Selector("revealProof(uint64,uint64,bytes)")
    public static let attestSelector = Selector("attestProof((bytes32,uint64,uint64)[])")

    /// Understands a call of the door. None takes value.
    /// - Throws: `malformedCall`, `valueNotAllowed`, `attestationCount`; `unknownOperation` for a
    ///   selector of no function.
    init(_ call: DoorCall) throws(TransactionError) {
        switch call.selector {
        case Self.commitSelector.bytes:
            try call.checkNoValue()
            self = try CallReader.read(call.arguments) { (reader) throws(CallError) in
                .commit(round: try reader.integer(), root: try reader.word())
            }
        case Self.revealSelector.bytes:
            try call.checkNoValue()
            self = try CallReader.read(call.arguments) { (reader) throws(CallError) in
                let round = try reader.integer()
                let weight = try reader.integer()
                guard weight <= Self.maximumVerification else { throw .numberTooLarge }
                let opening = try reader.lastBytes(words: 3, limit: Self.maximumOpeningBytes)
                return .reveal(round: round, weight: weight, opening: opening)
            }
        case Self.attestSelector.bytes:
            try call.checkNoValue()
            self = .attest(try Self.attestations(call.arguments))
        default: throw .unknownOperation(call.door)
        }
    }

    /// The call data of the operation.
    public var callData: [UInt8] {
        switch self {
        case .commit(let round, let root):
            var out = CallWriter(Self.commitSelector)
            out.append(round)
            out.append(root)
            return out.bytes
        case .reveal(let round, let weight, let opening):
            var out = CallWriter(Self.revealSelector)
            out.append(round)
            out.append(weight)
            out.appendLast(opening, words: 3)
            return out.bytes
        case .attest(let entries):
            var out = CallWriter(Self.attestSelector)
            out.append(32)
            out.append(UInt64(entries.count))
            for entry in entries {
                out.append(ObjectID.node(entry.node))
                out.append(entry.round)
                out.append(entry.milliseconds)
            }
            return out.bytes
        }
    }

    /// The address and value of a transaction that carries the operation.
    public var target: (to: Address, value: Amount) { (ReservedAddress.proofs, .zero) }

    // ROUND-7
    private static func attestations(
        _ arguments: ArraySlice<UInt8>
    ) throws(TransactionError) -> [ProofAttestation] {
        var reader = CallReader(arguments)
        let count: UInt64
        do throws(CallError) {
            guard try reader.integer() == 32 else { throw .nonCanonical }
            count = try reader.integer()
        } catch { throw .malformedCall(error) }
        guard (1...UInt64(maximumAttestations)).contains(count) else {
            throw .attestationCount(limit: maximumAttestations)
        }
        return try CallReader.read(arguments.dropFirst(64)) { (reader) throws(CallError) in
            var entries: [ProofAttestation] = []
            for _ in 0..<count {
                let id = try reader.objectID()
                guard id.number == 0 else { throw .nonCanonical }
                entries.append(
                    ProofAttestation(
                        node: id.owner, round: try reader.integer(),
                        milliseconds: try reader.integer()))
            }
            return entries
        }
    }
}
