import TallyEngine
import TallyExecution
import TallyPrimitives
import TallyTransactions

// RPC-52: numbers of states are those of the objects' encoding (JOB-22).

extension CallView {
    /// `Specs/abi/job.json`.
    static let jobs: [CallView] = [
        CallView("orderOf", .id("order"), of: ObjectPlace.order, order) { $0 },
        CallView("bidsOf", .id("order"), of: ObjectPlace.order, bids) { $0.openBids },
        CallView("bidOf", .pair(.id("order"), .address("bidder")), bid) {
            (snapshot, arguments) throws(RPCFailure) in
            let (id, bidder) = arguments
            // JOB-8: a bidder has one bid for an order.
            guard let order = try snapshot.read(.order(id)),
                let bid = order.bids.first(where: { $0.owner == bidder })
            else { return nil }
            return try snapshot.read(.bid(bid, for: id))
        },
        CallView("leaseOf", .id("order"), of: ObjectPlace.order, lease) { $0.lease },
        CallView("resultOf", .id("order"), of: ObjectPlace.order, result) { $0.lease?.delivery },
        CallView("votesOf", .id("order"), of: ObjectPlace.order, votes) {
            $0.lease?.delivery?.check.vote?.ballots
        },
        CallView("closingOf", .id("order"), of: ObjectPlace.order, closing) { $0.closing },
    ]

    private static let order: [CallOutput<JobOrder>] = [
        .uint8("state") { $0.number }, .address("payer") { $0.payer },
        .uint8("program") { $0.terms.program.rawValue },
        .uint8("pricing") { $0.terms.pricing.rawValue }, .bytes32("input") { $0.terms.input },
        .bytes32("sealed") { $0.terms.sealed }, .amount("price") { $0.terms.price },
        .time("bidsUntil") { $0.terms.bidsUntil }, .uint64("duration") { $0.terms.duration },
        .amount("escrow") { $0.escrow }, .bytes("spec") { $0.terms.spec },
    ]

    private static let bids: [CallOutput<[ObjectID]>] = [
        .words("bids") { $0.map(\.word) }
    ]

    private static let bid: [CallOutput<JobBid>] = [
        .uint8("state") { $0.state.rawValue }, .id("bid") { $0.id },
        .amount("price") { $0.price }, .amount("bond") { $0.bond },
    ]

    private static let lease: [CallOutput<JobLease>] = [
        .uint8("state") { $0.number }, .id("bid") { $0.bid },
        .address("provider") { $0.provider }, .amount("price") { $0.price },
        .time("deadline") { $0.deadline }, .uint64("elapsed") { $0.meter?.elapsed },
        .time("since") { $0.meter?.since }, .amount("paid") { $0.meter?.paid },
    ]

    private static let result: [CallOutput<JobDelivery>] = [
        .uint8("check") { $0.check.number }, .bytes32("result") { $0.result },
        .time("disputableUntil") { $0.disputableUntil },
        .uint64("drawFrom") { $0.check.drawFrom },
        .uint8("cause") { $0.check.vote?.cause.rawValue },
        .time("votingSince") { $0.check.vote?.began },
    ]

    private static let votes: [CallOutput<[JobBallot]>] = [
        .addresses("arbiters") { $0.map(\.arbiter) },
        .smallNumbers("states") { $0.map(\.vote.number) },
        .words("hashes") { $0.map(\.vote.hash) },
    ]

    private static let closing: [CallOutput<JobClosing>] = [
        .uint8("reason") { $0.reason.rawValue }, .address("provider") { $0.provider },
        .amount("paid") { $0.paid }, .amount("refunded") { $0.refunded },
        .amount("debt") { $0.debt },
    ]
}

extension JobOrder {
    fileprivate var number: UInt8 {
        switch state {
        case .open: 1
        case .active: 2
        case .closed: 3
        }
    }

    fileprivate var openBids: [ObjectID]? {
        switch state {
        case .open(let bids): bids
        case .active, .closed: nil
        }
    }

    /// The open ones, or the accepted one.
    fileprivate var bids: [ObjectID] {
        switch state {
        case .open(let bids): bids
        case .active(let lease): [lease.bid]
        case .closed: []
        }
    }

    fileprivate var lease: JobLease? {
        switch state {
        case .active(let lease): lease
        case .open, .closed: nil
        }
    }

    fileprivate var closing: JobClosing? {
        switch state {
        case .closed(let closing): closing
        case .open, .active: nil
        }
    }
}

extension JobLease {
    fileprivate var number: UInt8 {
        switch state {
        case .working: 1
        case .delivered: 2
        case .renting: 3
        case .insufficientFunds: 4
        }
    }

    fileprivate var deadline: BeaconTime? {
        switch state {
        case .working(let deadline): deadline
        case .delivered, .renting, .insufficientFunds: nil
        }
    }

    fileprivate var delivery: JobDelivery? {
        switch state {
        case .delivered(let delivery): delivery
        case .working, .renting, .insufficientFunds: nil
        }
    }

    fileprivate var meter: RentalMeter? {
        switch state {
        case .renting(let meter), .insufficientFunds(let meter): meter
        case .working, .delivered: nil
        }
    }
}

extension ResultCheck {
    fileprivate var number: UInt8 {
        switch self {
        case .unsampled: 1
        case .passed: 2
        case .disputed: 3
        case .voting: 4
        }
    }

    fileprivate var drawFrom: UInt64? {
        switch self {
        case .unsampled(let draw), .disputed(let draw): draw
        case .passed, .voting: nil
        }
    }

    fileprivate var vote: JobVote? {
        switch self {
        case .voting(let vote): vote
        case .unsampled, .passed, .disputed: nil
        }
    }
}

extension JobBallot.Vote {
    fileprivate var number: UInt8 {
        switch self {
        case .none: 1
        case .committed: 2
        case .revealed: 3
        }
    }

    /// Of the commitment, or the result.
    fileprivate var hash: Hash32 {
        switch self {
        case .none: .zero
        case .committed(let commitment): commitment
        case .revealed(let result): result
        }
    }
}
