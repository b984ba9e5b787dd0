public import TallyPrimitives

/// The Validator family.
public enum ValidatorOperation: Hashable, Sendable {
    case placeholder

    /// Cost of executing the operation, without call data.
    public var weight: Weight {
        switch self {
        case .placeholder: Weights.submission
        }
    }
}
