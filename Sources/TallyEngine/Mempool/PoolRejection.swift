package import TallyExecution
package import TallyPrimitives

/// Why the mempool does not take a transaction.
package enum PoolRejection: Error, Hashable, Sendable {
    case alreadyKnown
    /// Not eligible, and nothing that happens soon will change that.
    case ineligible(Ineligibility)
    /// A transaction of the same nonce is there, and this one does not pay enough more.
    case replacementUnderpriced
    /// The fee cap is below the lowest base fee there can be.
    case underpriced(minimum: Amount)
    case poolFull
    case accountLimit(Int)
    case gapTooLarge(limit: UInt64)
    /// No block has room for the transaction.
    case tooHeavy(limit: Weight, actual: Weight)

    /// The reason as a stable name.
    package var code: String {
        switch self {
        case .alreadyKnown: "alreadyKnown"
        case .ineligible(let reason): reason.code
        case .replacementUnderpriced: "replacementUnderpriced"
        case .underpriced: "underpriced"
        case .poolFull: "poolFull"
        case .accountLimit: "accountLimit"
        case .gapTooLarge: "gapTooLarge"
        case .tooHeavy: "tooHeavy"
        }
    }

    /// Whether the same transaction can be taken later.
    package var isRetryable: Bool {
        switch self {
        case .poolFull, .accountLimit, .gapTooLarge: true
        case .ineligible(let reason): reason.isRetryable
        case .alreadyKnown, .replacementUnderpriced, .underpriced, .tooHeavy: false
        }
    }
}

extension PoolRejection: CustomStringConvertible {
    /// geth's texts where geth has one.
    package var description: String {
        switch self {
        case .alreadyKnown: "already known"
        case .ineligible(let reason): reason.description
        case .replacementUnderpriced: "replacement transaction underpriced"
        case .underpriced(let minimum):
            "transaction underpriced: max fee per gas must be at least \(minimum)"
        case .poolFull: "txpool is full"
        case .accountLimit(let limit): "account limit exceeded: \(limit) transactions pooled"
        case .tooHeavy(let limit, let actual):
            "exceeds block gas limit: \(actual), at most \(limit)"
        case .gapTooLarge(let limit): "nonce too high: at most \(limit) ahead of the next"
        }
    }
}
