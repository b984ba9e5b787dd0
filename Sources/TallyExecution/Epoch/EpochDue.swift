package import TallyPrimitives

/// What happens at the end of an epoch.
package enum EpochDue: RLPValue, Hashable, Sendable {
    /// An endpoint's epoch is over: it reports to the beacon (EPOCH-2).
    case close(epoch: UInt64)
    /// All have reported: the beacon mints (EPOCH-3). Runs on the beacon.
    case mint(epoch: UInt64)
    /// An endpoint gets its share, which the entry holds (EPOCH-3). Runs on the beacon.
    case share(EpochShare, to: EndpointID)

    private enum Tag: UInt8 {
        case close = 1
        case mint, share
    }

    package func encode(to out: inout RLPEncoder) {
        out.list { out in
            switch self {
            case .close(let epoch):
                out.append(Tag.close.rawValue)
                out.append(epoch)
            case .mint(let epoch):
                out.append(Tag.mint.rawValue)
                out.append(epoch)
            case .share(let share, let endpoint):
                out.append(Tag.share.rawValue)
                share.encode(to: &out)
                out.append(endpoint)
            }
        }
    }

    package init(from input: inout RLPDecoder) throws(RLPError) {
        var list = try input.nextList()
        switch try list.nextCase(Tag.self) {
        case .close: self = .close(epoch: try list.nextInteger())
        case .mint: self = .mint(epoch: try list.nextInteger())
        case .share: self = .share(try EpochShare(from: &list), to: try list.nextEndpoint())
        }
        try list.finish()
    }
}
