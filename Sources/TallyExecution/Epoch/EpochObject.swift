import TallyPrimitives
import TallyState

/// What one object of the epochs says: its payload is all of it but its money (EPOCH-9).
protocol EpochObject: Hashable, Sendable {
    static var kind: ObjectKind { get }
    var key: ObjectKey { get }
    /// What to store; `nil` deletes.
    var object: StateObject? { get }
    init(_ object: StateObject) throws(RLPError)
}

/// The objects of kind *epoch*, by the number that their keys and payloads begin with. Consensus.
enum EpochObjectTag: UInt8 {
    case trades = 1
    case boundary = 2
    case report = 3
    case tally = 4

    /// - Parameter endpoint: of a report, whose.
    func key(_ epoch: UInt64, _ endpoint: EndpointID? = nil) -> ObjectKey {
        ObjectKey(
            .epoch,
            key: RLPEncoder.list { out in
                out.append(rawValue)
                out.append(epoch)
                if let endpoint { out.append(endpoint) }
            })
    }

    /// Reads the tag that a payload must begin with.
    func expect(in list: inout RLPDecoder) throws(RLPError) {
        let tag: UInt8 = try list.nextInteger()
        guard tag == rawValue else { throw .unknownValue(UInt64(tag)) }
    }
}

extension BlockExecutor {
    /// An object of the epochs; `nil` when there is none.
    mutating func stored<Part: EpochObject>(
        _ type: Part.Type = Part.self, at key: ObjectKey
    ) throws(ExecutionError) -> Part? {
        try Self.part(try state.object(key))
    }

    /// The same, without keeping what was read.
    func peek<Part: EpochObject>(
        _ type: Part.Type = Part.self, at key: ObjectKey
    ) throws(ExecutionError) -> Part? {
        try Self.part(try state.peek(key))
    }

    private static func part<Part: EpochObject>(
        _ object: StateObject?
    ) throws(ExecutionError) -> Part? {
        guard let object else { return nil }
        do throws(RLPError) {
            return try Part(object)
        } catch { throw .corruptObject(Part.kind, error) }
    }

    mutating func store(_ part: some EpochObject) throws(ExecutionError) {
        try state.set(part.key, part.object)
    }

    /// A sum of money or weight that exceeds its type: an invariant is broken.
    func checked<Sum>(_ sum: Sum?, _ what: String) throws(ExecutionError) -> Sum {
        guard let sum else { throw .invariant("\(what) is out of range") }
        return sum
    }
}
