/// The functions of the door `…c003`, by signature (JOB-3).
public enum JobFunction: String, CaseIterable, Sendable {
    case postJob = "postJob(uint8,uint8,bytes32,bytes32,uint128,uint64,uint64,bytes)"
    case placeBid = "placeBid(bytes32,uint128)"
    case withdrawBid = "withdrawBid(bytes32)"
    case acceptBid = "acceptBid(bytes32,bytes32)"
    case closeOrder = "closeOrder(bytes32)"
    case deliver = "deliver(bytes32,bytes32)"
    case reveal = "reveal(bytes32,bytes32,bytes32)"
    case acceptResult = "acceptResult(bytes32)"
    case dispute = "dispute(bytes32)"
    case commitVerdict = "commitVerdict(bytes32,bytes32)"
    case revealVerdict = "revealVerdict(bytes32,bytes32,bytes32)"
    case settle = "settle(bytes32)"
    case topUp = "topUp(bytes32)"
    case closeLease = "closeLease(bytes32)"

    public var selector: Selector { Selector(rawValue) }

    private static let bySelector: [[UInt8]: JobFunction] = Dictionary(
        uniqueKeysWithValues: allCases.map { ($0.selector.bytes, $0) })

    /// `nil` for a selector of no function.
    init?(selector: [UInt8]) {
        guard let function = Self.bySelector[selector] else { return nil }
        self = function
    }

    /// Whether a call carries money.
    package var isPayable: Bool {
        switch self {
        case .postJob, .placeBid, .topUp: true
        case .withdrawBid, .acceptBid, .closeOrder, .deliver, .reveal, .acceptResult, .dispute,
            .commitVerdict, .revealVerdict, .settle, .closeLease:
            false
        }
    }
}
