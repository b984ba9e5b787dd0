package import TallyPrimitives
package import TallyState
import TallyTransactions

// Payloads as in JOB-22.

extension JobOrder {
    package init(_ object: StateObject) throws(RLPError) {
        let fields = try RLPDecoder.list(object.payload.bytes) { (list) throws(RLPError) in
            (
                id: try ObjectID(from: &list), terms: try JobTerms(from: &list),
                step: try list.nextInteger(UInt64.self), at: try list.nextTime(),
                state: try OrderState(from: &list)
            )
        }
        self.init(
            id: fields.id, terms: fields.terms, escrow: object.value, state: fields.state,
            timer: JobTimer(step: fields.step, at: fields.at))
    }

    package var object: StateObject {
        let payload = RLPEncoder.list { out in
            id.encode(to: &out)
            terms.encode(to: &out)
            out.append(timer.step)
            out.append(timer.at)
            state.encode(to: &out)
        }
        return StateObject(kind: .order, value: escrow, payload: Payload(payload))
    }
}

extension JobBid {
    package init(_ object: StateObject) throws(RLPError) {
        let fields = try RLPDecoder.list(object.payload.bytes) { (list) throws(RLPError) in
            (
                order: try ObjectID(from: &list), id: try ObjectID(from: &list),
                price: try list.nextAmount(), state: try list.nextCase(BidState.self)
            )
        }
        self.init(
            order: fields.order, id: fields.id, price: fields.price, bond: object.value,
            state: fields.state)
    }

    package var object: StateObject {
        let payload = RLPEncoder.list { out in
            order.encode(to: &out)
            id.encode(to: &out)
            out.append(price)
            out.append(state.rawValue)
        }
        return StateObject(kind: .bid, value: bond, payload: Payload(payload))
    }
}

extension OrderState: RLPValue {
    package func encode(to out: inout RLPEncoder) {
        out.list { out in
            switch self {
            case .open(let bids):
                out.append(UInt8(1))
                out.append(bids)
            case .active(let lease):
                out.append(UInt8(2))
                lease.bid.encode(to: &out)
                out.append(lease.price)
                lease.state.encode(to: &out)
            case .closed(let closing):
                out.append(UInt8(3))
                out.append(closing.reason.rawValue)
                out.append(optional: closing.provider)
                out.append(closing.paid)
                out.append(closing.refunded)
                out.append(closing.debt)
            }
        }
    }

    package init(from input: inout RLPDecoder) throws(RLPError) {
        var list = try input.nextList()
        let tag: UInt8 = try list.nextInteger()
        switch tag {
        case 1: self = .open(bids: try list.nextArray(limit: JobOrder.maximumBids))
        case 2:
            self = .active(
                JobLease(
                    bid: try ObjectID(from: &list), price: try list.nextAmount(),
                    state: try LeaseState(from: &list)))
        case 3:
            self = .closed(
                JobClosing(
                    reason: try list.nextCase(), provider: try list.nextOptional(),
                    paid: try list.nextAmount(), refunded: try list.nextAmount(),
                    debt: try list.nextAmount()))
        default: throw .unknownValue(UInt64(tag))
        }
        try list.finish()
    }
}

extension LeaseState: RLPValue {
    package func encode(to out: inout RLPEncoder) {
        out.list { out in
            switch self {
            case .working(let deadline):
                out.append(UInt8(1))
                out.append(deadline)
            case .delivered(let delivery):
                out.append(UInt8(2))
                out.append(delivery.result)
                out.append(delivery.disputableUntil)
                delivery.check.encode(to: &out)
            case .renting(let meter):
                out.append(UInt8(3))
                meter.encode(to: &out)
            case .insufficientFunds(let meter):
                out.append(UInt8(4))
                meter.encode(to: &out)
            }
        }
    }

    package init(from input: inout RLPDecoder) throws(RLPError) {
        var list = try input.nextList()
        let tag: UInt8 = try list.nextInteger()
        switch tag {
        case 1: self = .working(deadline: try list.nextTime())
        case 2:
            self = .delivered(
                JobDelivery(
                    result: try list.nextFixed(), disputableUntil: try list.nextTime(),
                    check: try ResultCheck(from: &list)))
        case 3: self = .renting(try RentalMeter(from: &list))
        case 4: self = .insufficientFunds(try RentalMeter(from: &list))
        default: throw .unknownValue(UInt64(tag))
        }
        try list.finish()
    }
}

extension ResultCheck: RLPValue {
    package func encode(to out: inout RLPEncoder) {
        out.list { out in
            switch self {
            case .unsampled(let draw):
                out.append(UInt8(1))
                out.append(draw)
            case .passed: out.append(UInt8(2))
            case .disputed(let draw):
                out.append(UInt8(3))
                out.append(draw)
            case .voting(let vote):
                out.append(UInt8(4))
                out.append(vote.cause.rawValue)
                out.append(vote.began)
                out.append(vote.ballots)
            }
        }
    }

    package init(from input: inout RLPDecoder) throws(RLPError) {
        var list = try input.nextList()
        let tag: UInt8 = try list.nextInteger()
        switch tag {
        case 1: self = .unsampled(draw: try list.nextInteger())
        case 2: self = .passed
        case 3: self = .disputed(draw: try list.nextInteger())
        case 4:
            self = .voting(
                JobVote(
                    cause: try list.nextCase(), began: try list.nextTime(),
                    ballots: try list.nextArray(limit: JobVote.maximumArbiters)))
        default: throw .unknownValue(UInt64(tag))
        }
        try list.finish()
    }
}

extension JobVote {
    /// Of ECON-27.
    package static let maximumArbiters = 63
}

extension JobBallot: RLPValue {
    package func encode(to out: inout RLPEncoder) {
        out.list { out in
            out.append(arbiter)
            switch vote {
            case .none: out.append(UInt8(1))
            case .committed(let commitment):
                out.append(UInt8(2))
                out.append(commitment)
            case .revealed(let result):
                out.append(UInt8(3))
                out.append(result)
            }
        }
    }

    package init(from input: inout RLPDecoder) throws(RLPError) {
        var list = try input.nextList()
        arbiter = try list.nextFixed()
        let tag: UInt8 = try list.nextInteger()
        switch tag {
        case 1: vote = .none
        case 2: vote = .committed(try list.nextFixed())
        case 3: vote = .revealed(try list.nextFixed())
        default: throw .unknownValue(UInt64(tag))
        }
        try list.finish()
    }
}

extension RentalMeter: RLPValue {
    package func encode(to out: inout RLPEncoder) {
        out.list { out in
            out.append(elapsed)
            out.append(since)
            out.append(paid)
        }
    }

    package init(from input: inout RLPDecoder) throws(RLPError) {
        var list = try input.nextList()
        self.init(
            elapsed: try list.nextInteger(), since: try list.nextTime(),
            paid: try list.nextAmount())
        try list.finish()
    }
}
