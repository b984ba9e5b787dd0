package import TallyPrimitives
import TallyTransactions

/// What happened at the ends of epochs.
package enum EpochEvent: FamilyEvent {
    /// An endpoint's epoch is over. `weight` is that of the next epoch; `sent` is `nil` on the beacon.
    case closed(
        epoch: UInt64, weight: RewardWeight, claims: Amount, sent: ReceiptReference?)
    /// The beacon has an endpoint's report.
    case reported(ReceiptReference, epoch: UInt64, weight: RewardWeight, claims: Amount)
    /// The beacon made the money of an epoch; `treasury` is what of `nodes` could not be divided.
    case minted(epoch: UInt64, nodes: Amount, trades: Amount, treasury: Amount)
    /// A share left for its endpoint; `sent` is `nil` for the beacon's own.
    case shared(EpochShare, to: EndpointID, sent: ReceiptReference?)
    /// A share is in its endpoint's pool, and the index is now `index`.
    case arrived(ReceiptReference?, epoch: UInt64, nodes: Amount, trades: Amount, index: UInt256)

    package var record: EventRecord {
        let door = ReservedAddress.treasury
        switch self {
        case .closed(let epoch, let weight, let claims, _):
            return EventRecord(
                "EpochClosed", at: door, .indexed("epoch", .uint64(epoch)),
                .data("weight", .uint128(weight.units)), .data("claims", .uint256(claims)))
        case .reported(let reference, let epoch, let weight, let claims):
            return EventRecord(
                "EpochReported", at: door, .indexed("epoch", .uint64(epoch)),
                .data("endpoint", .uint16(reference.source.index)),
                .data("weight", .uint128(weight.units)), .data("claims", .uint256(claims)))
        case .minted(let epoch, let nodes, let trades, let treasury):
            return EventRecord(
                "EpochMinted", at: door, .indexed("epoch", .uint64(epoch)),
                .data("nodes", .uint256(nodes)), .data("trades", .uint256(trades)),
                .data("treasury", .uint256(treasury)))
        case .shared(let share, let endpoint, _):
            return EventRecord(
                "EpochShared", at: door, .indexed("epoch", .uint64(share.epoch)),
                .data("endpoint", .uint16(endpoint.index)),
                .data("nodes", .uint256(share.nodes)), .data("trades", .uint256(share.trades)),
                .data("owed", .uint256(share.owed)))
        case .arrived(_, let epoch, let nodes, let trades, let index):
            return EventRecord(
                "RewardsArrived", at: door, .indexed("epoch", .uint64(epoch)),
                .data("nodes", .uint256(nodes)), .data("trades", .uint256(trades)),
                .data("index", .bytes32(index.word)))
        }
    }

    package var consumedReceipt: ReceiptReference? {
        switch self {
        case .closed, .minted, .shared: nil
        case .reported(let reference, _, _, _): reference
        case .arrived(let reference, _, _, _, _): reference
        }
    }

    private enum Tag: UInt8 {
        case closed = 1
        case reported, minted, shared, arrived
    }

    package func encode(to out: inout RLPEncoder) {
        out.list { out in
            switch self {
            case .closed(let epoch, let weight, let claims, let reference):
                out.append(Tag.closed.rawValue)
                out.append(epoch)
                out.append(weight.units)
                out.append(claims)
                out.append(optional: reference)
            case .reported(let reference, let epoch, let weight, let claims):
                out.append(Tag.reported.rawValue)
                reference.encode(to: &out)
                out.append(epoch)
                out.append(weight.units)
                out.append(claims)
            case .minted(let epoch, let nodes, let trades, let treasury):
                out.append(Tag.minted.rawValue)
                out.append(epoch)
                out.append(nodes)
                out.append(trades)
                out.append(treasury)
            case .shared(let share, let endpoint, let reference):
                out.append(Tag.shared.rawValue)
                share.encode(to: &out)
                out.append(endpoint)
                out.append(optional: reference)
            case .arrived(let reference, let epoch, let nodes, let trades, let index):
                out.append(Tag.arrived.rawValue)
                out.append(optional: reference)
                out.append(epoch)
                out.append(nodes)
                out.append(trades)
                index.encode(to: &out)
            }
        }
    }

    package init(from input: inout RLPDecoder) throws(RLPError) {
        var list = try input.nextList()
        switch try list.nextCase(Tag.self) {
        case .closed:
            self = .closed(
                epoch: try list.nextInteger(), weight: RewardWeight(units: try list.nextInteger()),
                claims: try list.nextAmount(), sent: try list.nextOptionalReference())
        case .reported:
            self = .reported(
                try ReceiptReference(from: &list), epoch: try list.nextInteger(),
                weight: RewardWeight(units: try list.nextInteger()),
                claims: try list.nextAmount())
        case .minted:
            self = .minted(
                epoch: try list.nextInteger(), nodes: try list.nextAmount(),
                trades: try list.nextAmount(), treasury: try list.nextAmount())
        case .shared:
            self = .shared(
                try EpochShare(from: &list), to: try list.nextEndpoint(),
                sent: try list.nextOptionalReference())
        case .arrived:
            self = .arrived(
                try list.nextOptionalReference(), epoch: try list.nextInteger(),
                nodes: try list.nextAmount(), trades: try list.nextAmount(),
                index: try UInt256(from: &list))
        }
        try list.finish()
    }
}

extension UInt256 {
    /// Big-endian.
    package var word: Hash32 {
        func half(_ value: UInt128) -> (UInt64, UInt64) {
            (UInt64(truncatingIfNeeded: value >> 64), UInt64(truncatingIfNeeded: value))
        }
        let (a, b) = half(high)
        let (c, d) = half(low)
        return Hash32(words: (a, b, c, d))
    }
}
