/// Why an operation or a request of the Trade family had no effect. Numbers 112 to 143.
package enum TradeFailure: UInt8, FamilyFailure {
    /// There is no such open offer: it was sold out, cancelled, or never was.
    case offerClosed = 112
    /// The offer's end has come, and its entry has not run yet.
    case offerExpired = 113
    /// Only its seller cancels an offer or changes its price.
    case notSeller = 114
    /// A seller buys nothing from itself: rewards would pay for no work.
    case ownOffer = 115
    case notEnoughUnits = 116
    /// The seller has raised the price above what the buyer pays at most.
    case priceAboveMaximum = 117
    /// The seller has as many open offers as it may.
    case bookFull = 118
    /// The offer would end before it begins.
    case untilPassed = 119
    /// The offer would stand longer than one may.
    case untilTooFar = 120
    /// The trade is owed nothing: it was paid, earned no rewards, or never was.
    case nothingOwed = 121
    /// The funding of the trade's epoch has not arrived.
    case rewardNotFunded = 122
}
