package import TallyPrimitives
package import TallyTransactions

/// What the Job family does when a time has come.
package enum JobDue: RLPValue, Hashable, Sendable {
    /// Does what is due of an order, if this is its newest timer (JOB-6).
    case timer(order: ObjectID, step: UInt64)

    package func encode(to out: inout RLPEncoder) {
        out.list { out in
            switch self {
            case .timer(let order, let step):
                out.append(UInt8(1))
                order.encode(to: &out)
                out.append(step)
            }
        }
    }

    package init(from input: inout RLPDecoder) throws(RLPError) {
        var list = try input.nextList()
        let tag: UInt8 = try list.nextInteger()
        guard tag == 1 else { throw .unknownValue(UInt64(tag)) }
        self = .timer(order: try ObjectID(from: &list), step: try list.nextInteger())
        try list.finish()
    }
}
