public import TallyPrimitives

/// When a leg of a batch is credited.
public enum LegTerms: Hashable, Sendable {
    /// As soon as its receipt is consumed.
    case immediate
    /// As `immediate`, but a receipt consumed after this time bounces.
    case creditBy(BeaconTime)
    /// Not before this time: until then the value waits on the sender's due queue.
    case runAt(BeaconTime)
}

/// One recipient of a batch.
public struct TransferLeg: Hashable, Sendable {
    public let to: Address
    public let value: Amount
    public let terms: LegTerms

    public init(to: Address, value: Amount, terms: LegTerms = .immediate) {
        self.to = to
        self.value = value
        self.terms = terms
    }
}

/// Whether an account takes what others send (`TX-7`).
public enum CreditPolicy: UInt8, Hashable, Sendable {
    case accept = 0
    /// Transfers to the account fail or bounce; what returns to it waits in escrow.
    case refuse = 1
}

/// The Transfer family: moving the native token.
public enum TransferOperation: Hashable, Sendable {
    /// To any account, with any call data, which is kept and ignored.
    case single(to: Address, value: Amount)
    case batch([TransferLeg])
    /// Moves the sender's escrow to the sender.
    case claimEscrow
    case setCreditPolicy(CreditPolicy)

    /// Most legs of a batch: a batch then weighs less than 1 % of a block.
    public static let maximumLegs = 256

    /// Cost of executing the operation, without call data.
    public var weight: Weight {
        switch self {
        case .single: Weights.transfer
        case .batch(let legs):
            legs.reduce(Weights.base) { weight, leg in
                switch leg.terms {
                case .immediate, .creditBy: weight + Weights.leg
                case .runAt: weight + Weights.leg + Weights.dueEntry
                }
            }
        case .claimEscrow, .setCreditPolicy: Weights.transfer
        }
    }
}
