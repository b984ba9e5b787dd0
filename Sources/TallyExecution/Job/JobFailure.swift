/// Why an operation or a request of the Job family had no effect. Numbers 64 to 111 (JOB-21).
package enum JobFailure: UInt8, FamilyFailure, Error {
    /// There is no such order.
    case unknownOrder = 64
    case notPayer
    case notProvider
    /// The order has a lease, or is closed.
    case notOpen
    case biddingClosed
    /// Bidding must end later than now, and within ten years.
    case biddingTimeOutOfRange
    case tooManyBids
    /// The bidder has an open bid on the order.
    case alreadyBid
    /// Above the order's price or rate.
    case bidTooHigh
    /// What it may cost in all exceeds 2^128 − 1.
    case priceTooLarge
    /// The value is not exactly the bond.
    case bondMismatch
    case unknownBid
    /// The order has no running lease.
    case notLeased
    case notRental
    case notFixed
    case deliveryTooLate
    case alreadyDelivered
    case notDelivered
    /// The time to dispute is over.
    case windowOver
    /// Arbiters decide, or will.
    case underArbitration
    /// Answer and salt do not make the sealed commitment.
    case sealMismatch
    /// No arbiters vote.
    case notVoting
    case notArbiter
    case commitTooLate
    case alreadyCommitted
    case revealTooEarly
    case revealTooLate
    case notCommitted
    case alreadyRevealed
    /// Result and salt do not make the arbiter's commitment.
    case verdictMismatch
    /// Nothing to settle yet.
    case nothingDue
    /// A fixed lease ends early only by its provider.
    case leaseRunning
    /// A paused lease is past the time in which it could be resumed.
    case leaseOver
}
