/// Why an order closed (JOB-7). The numbers are consensus.
package enum CloseReason: UInt8, Hashable, Sendable, CaseIterable {
    /// The result was accepted and paid, or a rental ran its full time.
    case settled = 1
    case payerClosed = 2
    case providerClosed = 3
    /// No bid was accepted in time.
    case expired = 4
    /// No result in time.
    case undelivered = 5
    /// The result was wrong.
    case slashed = 6
    /// A rental was paused for longer than it could have lasted.
    case outOfFunds = 7
}

/// How a bid ended (JOB-8). The numbers are consensus.
package enum BidEnd: UInt8, Hashable, Sendable, CaseIterable {
    /// Another one was accepted, or the payer closed the order.
    case lost = 1
    /// None was accepted in time.
    case expired = 2
    case withdrawn = 3
    /// Its lease ended well: the bond is back.
    case returned = 4
    /// Its lease ended without a result: the bond is the payer's.
    case forfeited = 5
    /// Its result was wrong: a part of the bond is lost.
    case slashed = 6
}

/// What led to a vote of arbiters (JOB-16). The numbers are consensus.
package enum VoteCause: UInt8, Hashable, Sendable, CaseIterable {
    case sample = 1
    case dispute = 2
}

/// What arbiters decided (JOB-18). The numbers are consensus.
package enum JobVerdict: UInt8, Hashable, Sendable, CaseIterable {
    case accepted = 1
    case slashed = 2
    case noMajority = 3
}
