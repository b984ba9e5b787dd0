package import TallyPrimitives
package import TallyTransactions

/// What the Validator family does when a time has come.
package enum ValidatorDue: RLPValue, Hashable, Sendable {
    /// A term is over: pays the stake back, or waits for the term that a renewal added (STAKE-5).
    case termEnd(ObjectID)
    /// Looks for signs of life, and charges for their lack (STAKE-7).
    case watch(ObjectID)
    /// Chooses who validates in an epoch (STAKE-13).
    case elect(epoch: UInt64)

    package func encode(to out: inout RLPEncoder) {
        out.list { out in
            switch self {
            case .termEnd(let stake):
                out.append(UInt8(1))
                stake.encode(to: &out)
            case .watch(let stake):
                out.append(UInt8(2))
                stake.encode(to: &out)
            case .elect(let epoch):
                out.append(UInt8(3))
                out.append(epoch)
            }
        }
    }

    package init(from input: inout RLPDecoder) throws(RLPError) {
        var list = try input.nextList()
        let tag: UInt8 = try list.nextInteger()
        switch tag {
        case 1: self = .termEnd(try ObjectID(from: &list))
        case 2: self = .watch(try ObjectID(from: &list))
        case 3: self = .elect(epoch: try list.nextInteger())
        default: throw .unknownValue(UInt64(tag))
        }
        try list.finish()
    }
}
