package import TallyPrimitives
package import TallyTransactions

/// What happened in the Job family: to which order, and by or to whom (JOB-23).
package struct JobEvent: FamilyEvent {
    package let order: ObjectID
    package let actor: Address
    package let fact: JobFact

    package init(order: ObjectID, actor: Address, fact: JobFact) {
        self.order = order
        self.actor = actor
        self.fact = fact
    }
}

package enum JobFact: Hashable, Sendable {
    case created(kind: UInt32, escrow: Amount)
    case bidPlaced(ObjectID, price: Amount)
    case bidClosed(ObjectID, BidEnd)
    case assigned(price: Amount)
    case delivered(Hash32)
    /// The number of the seed that drew it.
    case sampled(seed: UInt64)
    case disputed
    case arbiterDrawn
    case verdictCommitted
    case verdictRevealed(Hash32)
    /// With the majority's result.
    case decided(JobVerdict, result: Hash32?)
    case taskRevealed(isPassed: Bool)
    case paid(Amount)
    case funded(Amount)
    case paused(debt: Amount)
    case resumed(escrow: Amount)
    case closed(CloseReason, paid: Amount, refunded: Amount)
}

extension JobEvent {
    package var record: EventRecord {
        switch fact {
        case .created(let kind, let escrow):
            log(
                "JobCreated", "payer", .data("kind", .uint32(kind)),
                .data("escrow", .uint256(escrow)))
        case .bidPlaced(let bid, let price):
            log(
                "BidPlaced", "bidder", .data("bid", .bytes32(bid.word)),
                .data("price", .uint256(price)))
        case .bidClosed(let bid, let end):
            log(
                "BidClosed", "bidder", .data("bid", .bytes32(bid.word)),
                .data("reason", .uint8(end.rawValue)))
        case .assigned(let price):
            log("JobAssigned", "provider", .data("price", .uint256(price)))
        case .delivered(let result):
            log("JobDelivered", "provider", .data("result", .bytes32(result)))
        case .sampled(let seed): log("JobSampled", "provider", .data("seed", .uint64(seed)))
        case .disputed: log("JobDisputed", "payer")
        case .arbiterDrawn: log("ArbiterDrawn", "arbiter")
        case .verdictCommitted: log("VerdictCommitted", "arbiter")
        case .verdictRevealed(let result):
            log("VerdictRevealed", "arbiter", .data("result", .bytes32(result)))
        case .decided(let verdict, let result):
            log(
                "JobDecided", "provider", .data("verdict", .uint8(verdict.rawValue)),
                .data("result", .bytes32(result ?? .zero)))
        case .taskRevealed(let isPassed):
            log("TaskRevealed", "provider", .data("passed", .bool(isPassed)))
        case .paid(let value): log("JobPaid", "provider", .data("value", .uint256(value)))
        case .funded(let value): log("LeaseFunded", "from", .data("value", .uint256(value)))
        case .paused(let debt): log("LeasePaused", "payer", .data("debt", .uint256(debt)))
        case .resumed(let escrow):
            log("LeaseResumed", "from", .data("escrow", .uint256(escrow)))
        case .closed(let reason, let paid, let refunded):
            log(
                "JobClosed", "payer", .data("reason", .uint8(reason.rawValue)),
                .data("paid", .uint256(paid)), .data("refunded", .uint256(refunded)))
        }
    }

    private func log(_ name: String, _ role: String, _ data: EventField...) -> EventRecord {
        EventRecord(
            ofJob: name,
            [.indexed("id", .bytes32(order.word)), .indexed(role, .address(actor))] + data)
    }
}

extension EventRecord {
    fileprivate init(ofJob name: String, _ fields: [EventField]) {
        self.name = name
        self.fields = fields
        door = ReservedAddress.jobs
    }
}

extension JobEvent {
    fileprivate enum Tag: UInt8 {
        case created = 1
        case bidPlaced, bidClosed, assigned, delivered, sampled, disputed, arbiterDrawn
        case verdictCommitted, verdictRevealed, decided, taskRevealed, paid, funded, paused
        case resumed, closed
    }

    package func encode(to out: inout RLPEncoder) {
        out.list { out in
            out.append(fact.tag.rawValue)
            order.encode(to: &out)
            out.append(actor)
            switch fact {
            case .created(let kind, let escrow):
                out.append(kind)
                out.append(escrow)
            case .bidPlaced(let bid, let price):
                bid.encode(to: &out)
                out.append(price)
            case .bidClosed(let bid, let end):
                bid.encode(to: &out)
                out.append(end.rawValue)
            case .sampled(let seed): out.append(seed)
            case .disputed, .arbiterDrawn, .verdictCommitted: break
            case .delivered(let result), .verdictRevealed(let result): out.append(result)
            case .decided(let verdict, let result):
                out.append(verdict.rawValue)
                out.append(optional: result)
            case .taskRevealed(let isPassed): out.append(UInt8(isPassed ? 1 : 0))
            case .assigned(let value), .paid(let value), .funded(let value), .paused(let value),
                .resumed(let value):
                out.append(value)
            case .closed(let reason, let paid, let refunded):
                out.append(reason.rawValue)
                out.append(paid)
                out.append(refunded)
            }
        }
    }

    package init(from input: inout RLPDecoder) throws(RLPError) {
        var list = try input.nextList()
        let tag: Tag = try list.nextCase()
        order = try ObjectID(from: &list)
        actor = try list.nextFixed()
        fact = try Self.fact(tag, &list)
        try list.finish()
    }

    private static func fact(_ tag: Tag, _ list: inout RLPDecoder) throws(RLPError) -> JobFact {
        switch tag {
        case .created:
            .created(kind: try list.nextInteger(), escrow: try list.nextAmount())
        case .bidPlaced: .bidPlaced(try ObjectID(from: &list), price: try list.nextAmount())
        case .bidClosed: .bidClosed(try ObjectID(from: &list), try list.nextCase())
        case .assigned: .assigned(price: try list.nextAmount())
        case .delivered: .delivered(try list.nextFixed())
        case .sampled: .sampled(seed: try list.nextInteger())
        case .disputed: .disputed
        case .arbiterDrawn: .arbiterDrawn
        case .verdictCommitted: .verdictCommitted
        case .verdictRevealed: .verdictRevealed(try list.nextFixed())
        case .decided: .decided(try list.nextCase(), result: try list.nextOptional())
        case .taskRevealed: .taskRevealed(isPassed: try bool(&list))
        case .paid: .paid(try list.nextAmount())
        case .funded: .funded(try list.nextAmount())
        case .paused: .paused(debt: try list.nextAmount())
        case .resumed: .resumed(escrow: try list.nextAmount())
        case .closed:
            .closed(
                try list.nextCase(), paid: try list.nextAmount(),
                refunded: try list.nextAmount())
        }
    }

    private static func bool(_ list: inout RLPDecoder) throws(RLPError) -> Bool {
        let value: UInt8 = try list.nextInteger()
        guard value < 2 else { throw .unknownValue(UInt64(value)) }
        return value == 1
    }
}

extension JobFact {
    fileprivate var tag: JobEvent.Tag {
        switch self {
        case .created: .created
        case .bidPlaced: .bidPlaced
        case .bidClosed: .bidClosed
        case .assigned: .assigned
        case .delivered: .delivered
        case .sampled: .sampled
        case .disputed: .disputed
        case .arbiterDrawn: .arbiterDrawn
        case .verdictCommitted: .verdictCommitted
        case .verdictRevealed: .verdictRevealed
        case .decided: .decided
        case .taskRevealed: .taskRevealed
        case .paid: .paid
        case .funded: .funded
        case .paused: .paused
        case .resumed: .resumed
        case .closed: .closed
        }
    }
}
