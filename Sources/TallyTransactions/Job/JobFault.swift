public import TallyPrimitives

/// Why the arguments of a call of the Job family cannot be meant (JOB-2 to JOB-5).
public enum JobFault: Hashable, Sendable {
    case unknownProgram(UInt64)
    case unknownPricing(UInt64)
    case priceZero
    /// Milliseconds.
    case durationOutOfRange(limit: UInt64)
    /// The value is less than the price, or than a second's.
    case escrowTooSmall(escrow: Amount, price: Amount)
    case nothingToAdd

    /// The reason as a stable name.
    public var code: String {
        switch self {
        case .unknownProgram: "unknownProgram"
        case .unknownPricing: "unknownPricing"
        case .priceZero: "priceZero"
        case .durationOutOfRange: "durationOutOfRange"
        case .escrowTooSmall: "escrowTooSmall"
        case .nothingToAdd: "nothingToAdd"
        }
    }
}

extension JobFault: CustomStringConvertible {
    /// One sentence for people.
    public var description: String {
        switch self {
        case .unknownProgram(let number):
            "unknown program \(number): 1 hash chain, 2 matrix product, 3 listed"
        case .unknownPricing(let number): "unknown pricing \(number): 1 fixed, 2 rental"
        case .priceZero: "a price or rate is at least 1"
        case .durationOutOfRange(let limit): "a job lasts 1 to \(limit) ms"
        case .escrowTooSmall(let escrow, let price):
            "the escrow \(escrow) does not cover the price \(price)"
        case .nothingToAdd: "a top-up needs a value"
        }
    }
}
