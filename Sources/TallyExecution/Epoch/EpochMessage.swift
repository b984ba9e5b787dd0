package import TallyPrimitives
import TallyState

/// What an endpoint tells the beacon at the end of an epoch (EPOCH-2).
struct EpochReport: Hashable, Sendable {
    let epoch: UInt64
    let endpoint: EndpointID
    /// Of its nodes in the epoch after that.
    let weight: RewardWeight
    /// What its trades of the epoch are owed.
    let claims: Amount
}

/// What an endpoint gets of an epoch (EPOCH-3).
package struct EpochShare: Hashable, Sendable {
    package let epoch: UInt64
    /// For its nodes, by weight.
    package let nodes: Amount
    /// For its trades.
    package let trades: Amount
    /// What it reported that its trades are owed.
    package let owed: Amount

    package init(epoch: UInt64, nodes: Amount, trades: Amount, owed: Amount) {
        self.epoch = epoch
        self.nodes = nodes
        self.trades = trades
        self.owed = owed
    }

    /// The money; `nil` above 2^128 − 1.
    package var value: Amount? { nodes.adding(trades) }
}

extension EpochShare: RLPValue {
    package func encode(to out: inout RLPEncoder) {
        out.list { out in
            out.append(epoch)
            out.append(nodes)
            out.append(trades)
            out.append(owed)
        }
    }

    package init(from input: inout RLPDecoder) throws(RLPError) {
        var list = try input.nextList()
        self.init(
            epoch: try list.nextInteger(), nodes: try list.nextAmount(),
            trades: try list.nextAmount(), owed: try list.nextAmount())
        try list.finish()
    }
}

/// Payload of a receipt of kind *epoch*.
enum EpochMessage: Hashable, Sendable {
    /// To the beacon.
    case report(EpochReport)
    /// From the beacon.
    case share(EpochShare)

    private enum Kind: UInt8 {
        case report = 1
        case share = 2
    }

    /// - Parameter source: who sent the receipt.
    init(_ payload: Payload, from source: EndpointID) throws(RLPError) {
        self = try RLPDecoder.list(payload.bytes) { (list) throws(RLPError) in
            switch try list.nextCase(Kind.self) {
            case .report:
                .report(
                    EpochReport(
                        epoch: try list.nextInteger(), endpoint: source,
                        weight: RewardWeight(units: try list.nextInteger()),
                        claims: try list.nextAmount()))
            case .share: .share(try EpochShare(from: &list))
            }
        }
    }

    var payload: Payload {
        Payload(
            RLPEncoder.list { out in
                switch self {
                case .report(let report):
                    out.append(Kind.report.rawValue)
                    out.append(report.epoch)
                    out.append(report.weight.units)
                    out.append(report.claims)
                case .share(let share):
                    out.append(Kind.share.rawValue)
                    share.encode(to: &out)
                }
            })
    }
}
