import TallyClient
import TallyExecution
import TallyPrimitives
import TallyTransactions

extension ComputeDocument {
    static func write(_ order: JobOrder, _ out: inout JSONWriter) {
        out.member("id") { $0.hex(order.id.word) }
        out.member("payer") { $0.hex(order.payer) }
        write(order.terms, &out)
        out.member("escrow") { $0.quantity(order.escrow) }
        switch order.state {
        case .open(let bids):
            out.member("state") { $0.string("open") }
            out.key("bids")
            out.beginArray()
            for bid in bids { out.hex(bid.word) }
            out.endArray()
        case .active(let lease):
            out.member("state") { $0.string("active") }
            out.member("bid") { $0.hex(lease.bid.word) }
            out.member("provider") { $0.hex(lease.provider) }
            out.member("price") { $0.quantity(lease.price) }
            write(lease.state, &out)
        case .closed(let closing):
            out.member("state") { $0.string("closed") }
            out.member("reason") { $0.string("\(closing.reason)") }
            out.member("reasonCode") { $0.integer(closing.reason.rawValue) }
            out.member("provider") { out in
                if let provider = closing.provider { out.hex(provider) } else { out.null() }
            }
            out.member("paid") { $0.quantity(closing.paid) }
            out.member("refunded") { $0.quantity(closing.refunded) }
            out.member("debt") { $0.quantity(closing.debt) }
        }
    }

    private static func write(_ terms: JobTerms, _ out: inout JSONWriter) {
        out.member("kind") { $0.string("\(terms.program)") }
        out.member("pricing") { $0.string("\(terms.pricing)") }
        out.member("input") { $0.hex(terms.input) }
        out.member("sealed") { $0.hex(terms.sealed) }
        out.member("maximumPrice") { $0.quantity(terms.price) }
        out.time("bidsUntilMs", terms.bidsUntil)
        out.member("durationMs") { $0.integer(terms.duration) }
        out.member("spec") { $0.hex(terms.spec) }
    }

    private static func write(_ state: LeaseState, _ out: inout JSONWriter) {
        switch state {
        case .working(let deadline):
            out.member("lease") { $0.string("working") }
            out.time("deadlineMs", deadline)
        case .delivered(let delivery):
            out.member("lease") { $0.string("delivered") }
            out.member("result") { $0.hex(delivery.result) }
            out.time("disputableUntilMs", delivery.disputableUntil)
            write(delivery.check, &out)
        case .renting(let meter):
            out.member("lease") { $0.string("renting") }
            write(meter, &out)
        case .insufficientFunds(let meter):
            out.member("lease") { $0.string("insufficientFunds") }
            write(meter, &out)
        }
    }

    private static func write(_ meter: RentalMeter, _ out: inout JSONWriter) {
        out.member("elapsedMs") { $0.integer(meter.elapsed) }
        out.time("sinceMs", meter.since)
        out.member("paid") { $0.quantity(meter.paid) }
    }

    private static func write(_ check: ResultCheck, _ out: inout JSONWriter) {
        switch check {
        case .unsampled(let draw):
            out.member("check") { $0.string("unsampled") }
            out.member("drawFrom") { $0.quantity(draw) }
        case .passed: out.member("check") { $0.string("passed") }
        case .disputed(let draw):
            out.member("check") { $0.string("disputed") }
            out.member("drawFrom") { $0.quantity(draw) }
        case .voting(let vote):
            out.member("check") { $0.string("voting") }
            out.member("cause") { $0.string("\(vote.cause)") }
            out.time("votingSinceMs", vote.began)
            out.key("arbiters")
            out.beginArray()
            for ballot in vote.ballots { write(ballot, &out) }
            out.endArray()
        }
    }

    private static func write(_ ballot: JobBallot, _ out: inout JSONWriter) {
        out.beginObject()
        out.member("address") { $0.hex(ballot.arbiter) }
        switch ballot.vote {
        case .none: out.member("vote") { $0.string("none") }
        case .committed(let commitment):
            out.member("vote") { $0.string("committed") }
            out.member("commitment") { $0.hex(commitment) }
        case .revealed(let result):
            out.member("vote") { $0.string("revealed") }
            out.member("result") { $0.hex(result) }
        }
        out.endObject()
    }

    static func write(_ bid: JobBid, _ out: inout JSONWriter) {
        out.member("order") { $0.hex(bid.order.word) }
        out.member("id") { $0.hex(bid.id.word) }
        out.member("bidder") { $0.hex(bid.bidder) }
        out.member("price") { $0.quantity(bid.price) }
        out.member("bond") { $0.quantity(bid.bond) }
        out.member("state") { $0.string("\(bid.state)") }
    }
}
