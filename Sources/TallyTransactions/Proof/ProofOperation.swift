public import TallyPrimitives

/// The Proof family.
public enum ProofOperation: Hashable, Sendable {
    case placeholder

    /// Cost of executing the operation, without call data.
    public var weight: Weight {
        switch self {
        case .placeholder: Weights.submission
        }
    }
}
