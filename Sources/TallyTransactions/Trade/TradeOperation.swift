public import TallyPrimitives

/// The Trade family.
public enum TradeOperation: Hashable, Sendable {
    case placeholder

    /// Cost of executing the operation, without call data.
    public var weight: Weight {
        switch self {
        case .placeholder: Weights.submission
        }
    }
}
