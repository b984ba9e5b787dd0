public import TallyPrimitives

/// The Job family: orders, bids, leases and results, all on the payer's shard (JOB-1).
public enum JobOperation: Hashable, Sendable {
    /// Opens an order; `escrow` pays for it.
    case postJob(JobTerms, escrow: Amount)
    /// Offers to do it for `price`, or for that rate a second.
    case placeBid(order: ObjectID, price: Amount, bond: Amount)
    case withdrawBid(order: ObjectID)
    case acceptBid(order: ObjectID, bid: ObjectID)
    case closeOrder(order: ObjectID)
    /// `result` is the hash of what the provider hands over elsewhere.
    case deliver(order: ObjectID, result: Hash32)
    /// Opens the sealed answer.
    case reveal(order: ObjectID, answer: Hash32, salt: Hash32)
    case acceptResult(order: ObjectID)
    case dispute(order: ObjectID)
    case commitVerdict(order: ObjectID, commitment: Hash32)
    case revealVerdict(order: ObjectID, result: Hash32, salt: Hash32)
    /// Does what is due; pays what a rental has earned.
    case settle(order: ObjectID)
    case topUp(order: ObjectID, value: Amount)
    case closeLease(order: ObjectID)

    /// The order that the operation is about; `nil` for one that makes its own.
    package var order: ObjectID? {
        switch self {
        case .postJob: nil
        case .placeBid(let order, _, _), .withdrawBid(let order), .acceptBid(let order, _),
            .closeOrder(let order), .deliver(let order, _), .reveal(let order, _, _),
            .acceptResult(let order), .dispute(let order), .commitVerdict(let order, _),
            .revealVerdict(let order, _, _), .settle(let order), .topUp(let order, _),
            .closeLease(let order):
            order
        }
    }

    /// Cost of executing the operation, without call data: entries and payouts that it may lead to
    /// are paid by whoever makes them necessary (JOB-20).
    public var weight: Weight {
        switch self {
        // The end of bidding.
        case .postJob: Weights.submission + Weights.request
        // The bond's way back.
        case .placeBid: Weights.submission + Weights.payout
        // The deadline, once more if bidding ends before it, and the provider's earnings.
        case .acceptBid: Weights.submission + 2 * Weights.request + Weights.payout
        // The draw, the window's end and a vote's end.
        case .deliver: Weights.submission + 3 * Weights.request
        // The draw of arbiters and the vote's end.
        case .dispute, .reveal: Weights.submission + 2 * Weights.request
        // The arbiter's part of what a lost dispute costs.
        case .revealVerdict: Weights.submission + Weights.payout
        // The debt's payment, the next pause, and its end.
        case .topUp: Weights.submission + 2 * Weights.request + Weights.payout
        case .settle: Weights.submission + Weights.payout
        case .withdrawBid, .closeOrder, .acceptResult, .commitVerdict, .closeLease:
            Weights.submission
        }
    }
}
