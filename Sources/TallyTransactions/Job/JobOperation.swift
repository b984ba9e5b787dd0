public import TallyPrimitives

/// The Job family.
public enum JobOperation: Hashable, Sendable {
    case placeholder

    /// Cost of executing the operation, without call data.
    public var weight: Weight {
        switch self {
        case .placeholder: Weights.submission
        }
    }
}
