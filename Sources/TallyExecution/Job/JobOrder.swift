package import TallyPrimitives
package import TallyState
package import TallyTransactions

/// An order and all that becomes of it, as an object on its payer's shard. The object's value is the
/// escrow (JOB-1).
package struct JobOrder: Hashable, Sendable {
    package let id: ObjectID
    package var terms: JobTerms
    package var escrow: Amount
    package var state: OrderState
    package var timer: JobTimer

    package var payer: Address { id.owner }

    package init(
        id: ObjectID, terms: JobTerms, escrow: Amount, state: OrderState, timer: JobTimer
    ) {
        self.id = id
        self.terms = terms
        self.escrow = escrow
        self.state = state
        self.timer = timer
    }

    /// Most open bids (JOB-8).
    package static let maximumBids = 16

    package static func key(_ id: ObjectID) -> ObjectKey { ObjectKey(.order, key: id.word.bytes) }
}

/// The newest due entry of an order: earlier ones find that they are not, and do nothing (JOB-6).
package struct JobTimer: Hashable, Sendable {
    package var step: UInt64
    package var at: BeaconTime
}

/// Open, active, closed.
package enum OrderState: Hashable, Sendable {
    /// In the order in which they were placed.
    case open(bids: [ObjectID])
    case active(JobLease)
    case closed(JobClosing)
}

/// What is left of an order (JOB-7).
package struct JobClosing: Hashable, Sendable {
    package let reason: CloseReason
    /// `nil` where no bid was accepted.
    package let provider: Address?
    package let paid: Amount
    package let refunded: Amount
    /// What a rental earned and the escrow did not cover.
    package let debt: Amount
}

/// An accepted bid and its work.
package struct JobLease: Hashable, Sendable {
    package let bid: ObjectID
    /// For the job, or for a second of it.
    package let price: Amount
    package var state: LeaseState

    package var provider: Address { bid.owner }
}

/// What a lease is at.
package enum LeaseState: Hashable, Sendable {
    /// At a fixed price, until its deadline.
    case working(deadline: BeaconTime)
    case delivered(JobDelivery)
    /// A rental that runs; active.
    case renting(RentalMeter)
    /// A rental that is paused since the meter's time.
    case insufficientFunds(RentalMeter)
}

/// A result and its checks.
package struct JobDelivery: Hashable, Sendable {
    package let result: Hash32
    /// The payer may dispute before this time.
    package var disputableUntil: BeaconTime
    package var check: ResultCheck
}

/// How far the checks of a result are.
package enum ResultCheck: Hashable, Sendable {
    /// The seed of that number, or a later one, draws whether it is sampled (JOB-14).
    case unsampled(draw: UInt64)
    /// Nothing else is checked unless the payer disputes.
    case passed
    /// The seed of that number, or a later one, draws the arbiters (JOB-16).
    case disputed(draw: UInt64)
    case voting(JobVote)
}

/// A vote of arbiters: the first half of its time to commit, the second to reveal (JOB-17).
package struct JobVote: Hashable, Sendable {
    package let cause: VoteCause
    package let began: BeaconTime
    /// Ascending by arbiter.
    package var ballots: [JobBallot]
}

package struct JobBallot: Hashable, Sendable {
    package let arbiter: Address
    package var vote: Vote

    package enum Vote: Hashable, Sendable {
        case none
        case committed(Hash32)
        case revealed(Hash32)
    }
}

/// An offer to do an order's job. The object's value is the bond (JOB-1).
package struct JobBid: Hashable, Sendable {
    package let order: ObjectID
    package let id: ObjectID
    package let price: Amount
    package let bond: Amount
    package var state: BidState

    package var bidder: Address { id.owner }

    package init(
        order: ObjectID, id: ObjectID, price: Amount, bond: Amount, state: BidState
    ) {
        self.order = order
        self.id = id
        self.price = price
        self.bond = bond
        self.state = state
    }

    package static func key(order: ObjectID, bid: ObjectID) -> ObjectKey {
        ObjectKey(.bid, key: order.word.bytes + bid.word.bytes)
    }
}

/// Open, active; one that ended is no object any more (JOB-8).
package enum BidState: UInt8, Hashable, Sendable, CaseIterable {
    case open = 1
    case active = 2
}
