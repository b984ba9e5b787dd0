public import TallyPrimitives

/// What an offer is of (TRADE-1). The numbers are consensus.
public enum ComputeResource: UInt8, Hashable, Sendable, CaseIterable {
    /// Computing power of any kind, in units of the specification.
    case power = 0
    case processor = 1
    case graphics = 2
    case memory = 3
    case storage = 4
    case network = 5
}

/// What a seller offers.
public struct OfferTerms: Hashable, Sendable {
    public let resource: ComputeResource
    /// Hash of what a unit is: a document that the ledger does not read.
    public let specification: Hash32
    /// In base units; not 0.
    public let pricePerUnit: Amount
    /// Not 0.
    public let units: UInt64
    /// When the offer ends; `nil` is 30 days after it is listed.
    public let until: BeaconTime?

    public init(
        resource: ComputeResource, specification: Hash32, pricePerUnit: Amount, units: UInt64,
        until: BeaconTime? = nil
    ) {
        self.resource = resource
        self.specification = specification
        self.pricePerUnit = pricePerUnit
        self.units = units
        self.until = until
    }
}

/// The Trade family: offers of computing power, and trades of it.
public enum TradeOperation: Hashable, Sendable {
    case listOffer(OfferTerms)
    case cancelOffer(ObjectID)
    case repriceOffer(ObjectID, pricePerUnit: Amount)
    /// Buys at the offer's price, if that is at most `maximumPrice` a unit; the transaction's value is
    /// units · maximumPrice.
    case buyCompute(ObjectID, units: UInt64, maximumPrice: Amount)
    /// Pays what a trade is owed, once its epoch's funding is there.
    case settleTrade(ObjectID, seller: Address)

    /// Cost of executing the operation, without call data (TRADE-7).
    public var weight: Weight {
        switch self {
        case .listOffer: Weights.submission + Weights.request
        case .cancelOffer, .repriceOffer, .settleTrade: Weights.submission
        case .buyCompute: Weights.submission + 3 * Weights.payout + Weights.request
        }
    }
}
