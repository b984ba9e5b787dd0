package import TallyPrimitives
package import TallyTransactions

/// What the Trade family does when a time has come.
package enum TradeDue: RLPValue, Hashable, Sendable {
    /// The offer ends, unless it is closed.
    case expire(ObjectID)
    /// Pays what the trade is owed, unless it is paid.
    /// - Parameter tries: how often its funding was not there.
    case claim(ObjectID, tries: UInt8)

    package func encode(to out: inout RLPEncoder) {
        out.list { out in
            switch self {
            case .expire(let offer):
                out.append(UInt8(1))
                offer.encode(to: &out)
            case .claim(let trade, let tries):
                out.append(UInt8(2))
                trade.encode(to: &out)
                out.append(tries)
            }
        }
    }

    package init(from input: inout RLPDecoder) throws(RLPError) {
        var list = try input.nextList()
        let tag: UInt8 = try list.nextInteger()
        switch tag {
        case 1: self = .expire(try ObjectID(from: &list))
        case 2: self = .claim(try ObjectID(from: &list), tries: try list.nextInteger())
        default: throw .unknownValue(UInt64(tag))
        }
        try list.finish()
    }
}
