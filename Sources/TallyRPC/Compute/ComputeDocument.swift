import TallyClient
import TallyExecution
import TallyPrimitives
import TallyState
import TallyTransactions

/// Objects of the compute families as JSON (RPC-51). Amounts, rates and numbers of rounds are hexadecimal
/// quantities, times milliseconds of beacon time as numbers, states words.
enum ComputeDocument {
    /// - Throws: what is wrong with the object's payload; a kind of no compute family.
    /// - Parameter more: what else is known of the object.
    static func write(
        _ object: StateObject, _ out: inout JSONWriter, more: (inout JSONWriter) -> Void = { _ in }
    ) throws(RLPError) {
        out.beginObject()
        try members(of: object, &out)
        more(&out)
        // The object itself, for programs that know its encoding.
        out.member("objectValue") { $0.quantity(object.value) }
        out.member("objectPayload") { $0.hex(object.payload.bytes) }
        out.endObject()
    }

    private static func members(
        of object: StateObject, _ out: inout JSONWriter
    ) throws(RLPError) {
        switch object.kind {
        case .node: write(try ComputeNode(object), &out)
        case .round: write(try ProofRound(object), &out)
        case .order: write(try JobOrder(object), &out)
        case .bid: write(try JobBid(object), &out)
        case .offer: try writeOffer(object, &out)
        case .owed: write(try OwedTrade(object), &out)
        case .validator: write(try RoleStake(object), &out)
        case .account, .vault, .escrow, .due, .stream, .treasury, .meta, .epoch, .pool:
            throw .unknownValue(UInt64(object.kind.rawValue))
        }
    }

    // MARK: Nodes

    private static func write(_ node: ComputeNode, _ out: inout JSONWriter) {
        out.member("owner") { $0.hex(node.owner) }
        out.member("key") { $0.hex(node.key) }
        out.member("spec") { $0.hex(node.spec) }
        switch node.state {
        case .pending: out.member("state") { $0.string("pending") }
        case .active(let power):
            out.member("state") { $0.string("active") }
            out.member("power") { $0.integer(power.tenThousandths) }
        case .offline(let since, let power):
            out.member("state") { $0.string("offline") }
            out.member("power") { $0.integer(power.tenThousandths) }
            out.time("sinceMs", since)
        case .retired: out.member("state") { $0.string("retired") }
        }
        out.member("rounds") { $0.integer(node.rounds) }
        out.time("lastSeenMs", node.outage.lastSeen)
        out.member("passed") { $0.integer(node.reputation.passed) }
        out.member("missed") { $0.integer(node.reputation.missed) }
        out.member("deliveries") { $0.integer(node.reputation.deliveries) }
        out.member("failures") { $0.integer(node.reputation.failures) }
        out.member("weight") { $0.quantity(node.rewards.next.units) }
        out.key("stake")
        if let stake = node.stake {
            out.beginObject()
            out.member("amount") { $0.quantity(stake.amount) }
            out.member("staked") { $0.quantity(stake.staked) }
            out.member("termDays") { $0.integer(stake.termDays) }
            out.time("sinceMs", stake.since)
            out.time("untilMs", stake.until)
            out.endObject()
        } else {
            out.null()
        }
    }

    private static func write(_ round: ProofRound, _ out: inout JSONWriter) {
        out.member("node") { $0.hex(round.node) }
        out.member("round") { $0.integer(round.number) }
        switch round.state {
        case .idle(let next):
            out.member("state") { $0.string("idle") }
            out.time("nextMs", next)
        case .bound(let seed):
            out.member("state") { $0.string("bound") }
            out.member("drawFrom") { $0.quantity(seed) }
        case .open(let opening):
            out.member("state") { $0.string("open") }
            write(opening, &out)
        case .committed(let opening, let commitment):
            out.member("state") { $0.string("committed") }
            write(opening, &out)
            write(commitment, &out)
        case .drawn(let opening, let commitment, let draw):
            out.member("state") { $0.string("drawn") }
            write(opening, &out)
            write(commitment, &out)
            write(draw, &out)
        case .revealed(let opening, let commitment, let draw, let deadline):
            out.member("state") { $0.string("revealed") }
            write(opening, &out)
            write(commitment, &out)
            write(draw, &out)
            out.time("attestDeadlineMs", deadline)
        }
        out.member("last") { out in
            switch round.last {
            case nil: out.null()
            case .attested(let milliseconds, let power):
                out.beginObject()
                out.member("outcome") { $0.string("attested") }
                out.member("milliseconds") { $0.integer(milliseconds) }
                out.member("power") { $0.integer(power.tenThousandths) }
                out.endObject()
            case .void:
                out.beginObject()
                out.member("outcome") { $0.string("void") }
                out.endObject()
            case .missed:
                out.beginObject()
                out.member("outcome") { $0.string("missed") }
                out.endObject()
            }
        }
    }

    private static func write(_ opening: RoundOpening, _ out: inout JSONWriter) {
        out.member("seed") { $0.hex(opening.seed) }
        out.time("openedMs", opening.at)
        out.time("commitDeadlineMs", opening.deadline)
    }

    private static func write(_ commitment: RoundCommitment, _ out: inout JSONWriter) {
        out.member("root") { $0.hex(commitment.root) }
        out.time("committedMs", commitment.at)
        out.member("drawFrom") { $0.quantity(commitment.drawFrom) }
    }

    private static func write(_ draw: RoundDraw, _ out: inout JSONWriter) {
        out.member("drawSeed") { $0.hex(draw.seed) }
        out.time("revealDeadlineMs", draw.deadline)
        out.key("attesters")
        out.beginArray()
        for attester in draw.attesters {
            out.beginObject()
            out.member("address") { $0.hex(attester.address) }
            out.member("milliseconds") { out in
                if let time = attester.milliseconds { out.integer(time) } else { out.null() }
            }
            out.endObject()
        }
        out.endArray()
    }

    // MARK: Trades

    private static func writeOffer(_ object: StateObject, _ out: inout JSONWriter) throws(RLPError)
    {
        guard let book = try? OfferBook(object) else {
            return write(try Offer(object), &out)
        }
        out.member("seller") { $0.hex(book.seller) }
        out.key("offers")
        out.beginArray()
        for number in book.numbers { out.hex(ObjectID(owner: book.seller, number: number).word) }
        out.endArray()
    }

    private static func write(_ offer: Offer, _ out: inout JSONWriter) {
        out.member("id") { $0.hex(offer.id.word) }
        out.member("seller") { $0.hex(offer.id.owner) }
        out.member("resource") { $0.string("\(offer.resource)") }
        out.member("spec") { $0.hex(offer.specification) }
        out.member("pricePerUnit") { $0.quantity(offer.pricePerUnit) }
        out.member("units") { $0.integer(offer.units) }
        out.time("untilMs", offer.until)
    }

    private static func write(_ owed: OwedTrade, _ out: inout JSONWriter) {
        out.member("id") { $0.hex(owed.trade.word) }
        out.member("buyer") { $0.hex(owed.buyer) }
        out.member("seller") { $0.hex(owed.seller) }
        out.member("buyerReward") { $0.quantity(owed.buyerReward) }
        out.member("providerReward") { $0.quantity(owed.providerReward) }
        out.member("epoch") { $0.integer(owed.epoch) }
    }

    // MARK: Stakes

    private static func write(_ stake: RoleStake, _ out: inout JSONWriter) {
        out.member("id") { $0.hex(stake.id.word) }
        out.member("owner") { $0.hex(stake.owner) }
        out.member("role") { $0.string(stake.role == .validator ? "validator" : "router") }
        switch stake.phase {
        case .active: out.member("state") { $0.string("active") }
        case .renewed(let times):
            out.member("state") { $0.string("renewed") }
            out.member("renewals") { $0.integer(times) }
        case .released(let time):
            out.member("state") { $0.string("released") }
            out.time("endedMs", time)
        case .forfeited(let reason, let time):
            out.member("state") { $0.string("forfeited") }
            out.member("reason") { $0.string("\(reason)") }
            out.time("endedMs", time)
        }
        out.member("amount") { $0.quantity(stake.left) }
        out.member("staked") { $0.quantity(stake.staked) }
        out.member("termDays") { $0.integer(stake.termDays) }
        out.time("sinceMs", stake.since)
        out.time("untilMs", stake.until)
        out.time("lastSeenMs", stake.lastSeen)
        // The multiplier of a role is 1 (STAKE-14).
        let weight = stake.rewards.next.units
        out.member("power") { $0.integer(UInt64(weight / UInt128(StakeMultipliers.neutralBps))) }
        out.member("weight") { $0.quantity(weight) }
        out.member("votes") { $0.integer(stake.votes.count) }
        out.member("offences") { $0.integer(stake.offences.count) }
    }
}

extension JSONWriter {
    mutating func time(_ name: StaticString, _ time: BeaconTime) {
        member(name) { $0.integer(time.milliseconds) }
    }
}
