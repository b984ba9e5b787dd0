package import TallyPrimitives
import TallyState
package import TallyTransactions

/// Why an object pays somebody. The numbers are consensus.
package enum PayoutReason: UInt8, Hashable, Sendable, CaseIterable {
    /// A stake whose term is over, or that was not taken up.
    case stake = 1
    /// Rewards of a node, or of a role's stake.
    case reward = 2
    /// What the provider of a rental earned.
    case earnings = 3
    /// What is left of an escrow.
    case refund = 4
    /// A bond.
    case bond = 5
    /// The proceeds of a trade.
    case proceeds = 6
    /// What is owed for trading.
    case tradeReward = 7
    /// What a verifier or attester earned.
    case verification = 8
    /// What the loser of a dispute pays the winner.
    case compensation = 9
    /// What a provider earned by a result that was settled.
    case delivery = 10
    /// What is left for the provider of a job that went wrong; maybe nothing.
    case failure = 11

    /// Whether a job's end is a good one for the provider's node; `nil` for what says nothing of it
    /// (JOB-24).
    package var isGood: Bool? {
        switch self {
        case .delivery: true
        case .failure: false
        case .stake, .reward, .earnings, .refund, .bond, .proceeds, .tradeReward, .verification,
            .compensation:
            nil
        }
    }
}

/// A payment of an object that a later block makes (RCPT-11, RCPT-13).
package struct Payout: Hashable, Sendable {
    package let object: ObjectID
    package let reason: PayoutReason
    package let to: Address
    /// The signed transaction that led to it; zero if the ledger itself did.
    package let origin: Hash32

    package init(object: ObjectID, reason: PayoutReason, to: Address, origin: Hash32 = .zero) {
        self.object = object
        self.reason = reason
        self.to = to
        self.origin = origin
    }
}

extension Payout: RLPValue {
    package func encode(to out: inout RLPEncoder) {
        out.list { out in
            object.encode(to: &out)
            out.append(reason.rawValue)
            out.append(to)
            out.append(origin)
        }
    }

    package init(from input: inout RLPDecoder) throws(RLPError) {
        var list = try input.nextList()
        self.init(
            object: try ObjectID(from: &list), reason: try list.nextCase(),
            to: try list.nextFixed(), origin: try list.nextFixed())
        try list.finish()
    }
}

/// What happened to a payout.
package enum PayoutEvent: FamilyEvent {
    /// It left for its recipient's home.
    case sent(ReceiptReference, object: ObjectID, PayoutReason, to: Address, value: Amount)
    /// Its recipient has it: in its balance, or in its escrow if it refuses credits.
    case paid(
        ReceiptReference?, object: ObjectID, PayoutReason, to: Address, value: Amount,
        isEscrowed: Bool)

    package var record: EventRecord {
        switch self {
        case .sent(_, let object, let reason, let to, let value):
            EventRecord(
                "PayoutSent", at: ReservedAddress.crossShard,
                .indexed("object", .bytes32(object.word)), .indexed("to", .address(to)),
                .data("reason", .uint8(reason.rawValue)), .data("value", .uint256(value)))
        case .paid(_, let object, let reason, let to, let value, let isEscrowed):
            EventRecord(
                "PayoutPaid", at: ReservedAddress.crossShard,
                .indexed("object", .bytes32(object.word)), .indexed("to", .address(to)),
                .data("reason", .uint8(reason.rawValue)), .data("value", .uint256(value)),
                .data("escrowed", .bool(isEscrowed)))
        }
    }

    package var consumedReceipt: ReceiptReference? {
        switch self {
        case .sent: nil
        case .paid(let reference, _, _, _, _, _): reference
        }
    }

    package func encode(to out: inout RLPEncoder) {
        out.list { out in
            switch self {
            case .sent(let reference, let object, let reason, let to, let value):
                out.append(UInt8(1))
                reference.encode(to: &out)
                object.encode(to: &out)
                out.append(reason.rawValue)
                out.append(to)
                out.append(value)
            case .paid(let reference, let object, let reason, let to, let value, let isEscrowed):
                out.append(UInt8(isEscrowed ? 3 : 2))
                out.append(optional: reference)
                object.encode(to: &out)
                out.append(reason.rawValue)
                out.append(to)
                out.append(value)
            }
        }
    }

    package init(from input: inout RLPDecoder) throws(RLPError) {
        var list = try input.nextList()
        let tag: UInt8 = try list.nextInteger()
        switch tag {
        case 1:
            self = .sent(
                try ReceiptReference(from: &list), object: try ObjectID(from: &list),
                try list.nextCase(), to: try list.nextFixed(), value: try list.nextAmount())
        case 2, 3:
            self = .paid(
                try list.nextOptionalReference(), object: try ObjectID(from: &list),
                try list.nextCase(), to: try list.nextFixed(), value: try list.nextAmount(),
                isEscrowed: tag == 3)
        default: throw .unknownValue(UInt64(tag))
        }
        try list.finish()
    }
}

extension BlockExecutor {
    /// Pays an account from money that an object has given up: at once on this endpoint, elsewhere
    /// by an entry that a later block runs (RCPT-11). Nothing happens for a value of 0, unless the
    /// payout tells how a job ended (JOB-24).
    /// - Parameter isReserved: whether the object reserved the entry when it was opened.
    mutating func pay(
        _ value: Amount, _ payout: Payout, isReserved: Bool
    ) throws(ExecutionError) {
        let home = context.home(of: payout.to)
        if isReserved { counters.reserved -= 1 }
        guard !value.isZero || payout.reason.isGood != nil else { return }
        if home == context.endpoint {
            try settle(payout, value, nil)
        } else {
            _ = try enqueue(.payout(payout), value: value, at: context.time, to: home)
        }
    }

    /// Pays the treasury, through its vault.
    mutating func payTreasury(_ value: Amount) throws(ExecutionError) {
        try addToVault(of: ReservedAddress.treasury, value)
    }

    mutating func run(_ payout: Payout, _ entry: DueEntry) throws(ExecutionError) {
        guard entry.key.destination != context.endpoint else {
            try settle(payout, entry.value, nil)
            return
        }
        let payload = Payload(
            RLPEncoder.list { out in
                payout.object.encode(to: &out)
                out.append(payout.reason.rawValue)
            })
        let reference = outbox.send(
            to: entry.key.destination, .payout, origin: payout.origin,
            from: ReservedAddress.treasury, to: payout.to, value: entry.value, fee: .zero,
            payload: payload)
        events.append(
            .compute(
                .payout(
                    .sent(
                        reference, object: payout.object, payout.reason, to: payout.to,
                        value: entry.value))))
    }

    /// RCPT-13: a payout cannot fail.
    mutating func settlePayout(_ receipt: Receipt) throws(ExecutionError) {
        let payout: Payout
        do throws(RLPError) {
            payout = try RLPDecoder.list(receipt.payload.bytes) { (list) throws(RLPError) in
                Payout(
                    object: try ObjectID(from: &list), reason: try list.nextCase(),
                    to: receipt.to, origin: receipt.origin)
            }
        } catch {
            try escrow(receipt.value, for: receipt.to, receipt.reference, .malformed)
            return
        }
        guard !ReservedAddress.contains(receipt.to),
            context.home(of: receipt.to) == context.endpoint
        else {
            try escrow(receipt.value, for: receipt.to, receipt.reference, .malformed)
            return
        }
        try settle(payout, receipt.value, receipt.reference)
    }

    private mutating func settle(
        _ payout: Payout, _ value: Amount, _ reference: ReceiptReference?
    ) throws(ExecutionError) {
        if payout.to == ReservedAddress.treasury { return try payTreasury(value) }
        let isEscrowed = try state.account(payout.to).policy == .refuse
        if isEscrowed {
            try addToEscrow(of: payout.to, value)
        } else {
            try state.credit(payout.to, value)
        }
        events.append(
            .compute(
                .payout(
                    .paid(
                        reference, object: payout.object, payout.reason, to: payout.to,
                        value: value, isEscrowed: isEscrowed))))
        // JOB-24
        guard let isGood = payout.reason.isGood else { return }
        try noteDelivery(of: payout.object, by: payout.to, isGood: isGood)
    }
}
