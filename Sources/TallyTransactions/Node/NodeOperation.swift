public import TallyPrimitives

/// The Node family.
public enum NodeOperation: Hashable, Sendable {
    case placeholder

    /// Cost of executing the operation, without call data.
    public var weight: Weight {
        switch self {
        case .placeholder: Weights.submission
        }
    }
}
