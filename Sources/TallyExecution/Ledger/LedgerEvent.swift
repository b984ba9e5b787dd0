package import TallyPrimitives
package import TallyTransactions

/// What happened, in the order it happened: the facts behind logs, status and balances.
package enum LedgerEvent: Hashable, Sendable {
    /// Between two accounts of one shard.
    case transferred(from: Address, to: Address, value: Amount)
    /// A receipt left.
    case sent(ReceiptReference, from: Address, to: Address, value: Amount)
    /// A receipt arrived and was credited.
    case credited(ReceiptReference, from: Address, to: Address, value: Amount)
    /// A receipt arrived, could not be credited and was answered by `answer`.
    case bounced(
        ReceiptReference, answer: ReceiptReference, to: Address, value: Amount, ExecutionFailure)
    /// A bounce arrived: the value of `request`, which `from` did not get, is back with `to`.
    case refunded(
        ReceiptReference, request: ReceiptReference, from: Address, to: Address, value: Amount,
        ExecutionFailure)
    /// A value that could not be credited at its home waits there to be claimed.
    case escrowed(ReceiptReference?, owner: Address, value: Amount, ExecutionFailure)
    case escrowClaimed(owner: Address, value: Amount)
    /// A leg waits on the due queue as entry `entry`.
    case scheduled(entry: UInt64, from: Address, to: Address, value: Amount, runAt: BeaconTime)
    /// Entry `entry` ran: it sent a receipt, or credited an account of this shard.
    case scheduleRan(
        entry: UInt64, from: Address, to: Address, value: Amount, sent: ReceiptReference?)
    /// Entry `entry` ran, but its recipient on this shard takes no credits: the value went back.
    case scheduleReturned(entry: UInt64, to: Address, value: Amount, ExecutionFailure)
    case creditPolicySet(Address, CreditPolicy)
    /// A vault's content left it, by receipt or to an account of this shard.
    case swept(beneficiary: Address, value: Amount, sent: ReceiptReference?)
    /// The treasury on the beacon received a vault's content.
    case treasuryCredited(ReceiptReference, value: Amount)
    /// Of a compute family, or of what they share.
    indirect case compute(ComputeEvent)
}

extension LedgerEvent: RLPValue {
    private enum Tag: UInt8 {
        case transferred = 1
        case sent, credited, bounced, refunded, escrowed, escrowClaimed, scheduled, scheduleRan
        case scheduleReturned, creditPolicySet, swept, treasuryCredited, compute
    }

    package func encode(to out: inout RLPEncoder) {
        out.list { out in
            switch self {
            case .transferred(let from, let to, let value):
                out.append(Tag.transferred.rawValue)
                out.append(from)
                out.append(to)
                out.append(value)
            case .sent(let reference, let from, let to, let value):
                out.movement(Tag.sent.rawValue, reference, from, to, value)
            case .credited(let reference, let from, let to, let value):
                out.movement(Tag.credited.rawValue, reference, from, to, value)
            case .bounced(let reference, let answer, let to, let value, let reason):
                out.append(Tag.bounced.rawValue)
                reference.encode(to: &out)
                answer.encode(to: &out)
                out.append(to)
                out.append(value)
                out.append(reason.rawValue)
            case .refunded(let reference, let request, let from, let to, let value, let reason):
                out.movement(Tag.refunded.rawValue, reference, from, to, value)
                request.encode(to: &out)
                out.append(reason.rawValue)
            case .escrowed(let reference, let owner, let value, let reason):
                out.append(Tag.escrowed.rawValue)
                out.append(optional: reference)
                out.append(owner)
                out.append(value)
                out.append(reason.rawValue)
            case .escrowClaimed(let owner, let value):
                out.append(Tag.escrowClaimed.rawValue)
                out.append(owner)
                out.append(value)
            case .scheduled, .scheduleRan, .scheduleReturned: encodeSchedule(to: &out)
            case .creditPolicySet(let account, let policy):
                out.append(Tag.creditPolicySet.rawValue)
                out.append(account)
                out.append(policy.rawValue)
            case .swept(let beneficiary, let value, let reference):
                out.append(Tag.swept.rawValue)
                out.append(beneficiary)
                out.append(value)
                out.append(optional: reference)
            case .treasuryCredited(let reference, let value):
                out.append(Tag.treasuryCredited.rawValue)
                reference.encode(to: &out)
                out.append(value)
            case .compute(let event):
                out.append(Tag.compute.rawValue)
                event.encode(to: &out)
            }
        }
    }

    private func encodeSchedule(to out: inout RLPEncoder) {
        switch self {
        case .scheduled(let entry, let from, let to, let value, let time):
            out.append(Tag.scheduled.rawValue)
            out.append(entry)
            out.append(from)
            out.append(to)
            out.append(value)
            out.append(time)
        case .scheduleRan(let entry, let from, let to, let value, let reference):
            out.append(Tag.scheduleRan.rawValue)
            out.append(entry)
            out.append(from)
            out.append(to)
            out.append(value)
            out.append(optional: reference)
        case .scheduleReturned(let entry, let to, let value, let reason):
            out.append(Tag.scheduleReturned.rawValue)
            out.append(entry)
            out.append(to)
            out.append(value)
            out.append(reason.rawValue)
        case .transferred, .sent, .credited, .bounced, .refunded, .escrowed, .escrowClaimed,
            .creditPolicySet, .swept, .treasuryCredited, .compute:
            preconditionFailure("not an event of the due queue")
        }
    }

    package init(from input: inout RLPDecoder) throws(RLPError) {
        var list = try input.nextList()
        let tag = try list.nextCase(Tag.self)
        switch tag {
        case .transferred:
            self = .transferred(
                from: try list.nextFixed(), to: try list.nextFixed(), value: try list.nextAmount())
        case .sent:
            self = .sent(
                try ReceiptReference(from: &list), from: try list.nextFixed(),
                to: try list.nextFixed(), value: try list.nextAmount())
        case .credited:
            self = .credited(
                try ReceiptReference(from: &list), from: try list.nextFixed(),
                to: try list.nextFixed(), value: try list.nextAmount())
        case .bounced:
            self = .bounced(
                try ReceiptReference(from: &list), answer: try ReceiptReference(from: &list),
                to: try list.nextFixed(), value: try list.nextAmount(), try list.nextCase())
        case .refunded:
            self = try Self.refunded(&list)
        case .escrowed:
            self = .escrowed(
                try list.nextOptionalReference(), owner: try list.nextFixed(),
                value: try list.nextAmount(), try list.nextCase())
        case .escrowClaimed:
            self = .escrowClaimed(owner: try list.nextFixed(), value: try list.nextAmount())
        case .scheduled, .scheduleRan, .scheduleReturned:
            self = try Self.schedule(tag, &list)
        case .creditPolicySet:
            self = .creditPolicySet(try list.nextFixed(), try list.nextCase())
        case .swept:
            self = .swept(
                beneficiary: try list.nextFixed(), value: try list.nextAmount(),
                sent: try list.nextOptionalReference())
        case .treasuryCredited:
            self = .treasuryCredited(
                try ReceiptReference(from: &list), value: try list.nextAmount())
        case .compute: self = .compute(try ComputeEvent(from: &list))
        }
        try list.finish()
    }

    private static func refunded(_ list: inout RLPDecoder) throws(RLPError) -> LedgerEvent {
        let reference = try ReceiptReference(from: &list)
        let from: Address = try list.nextFixed()
        let to: Address = try list.nextFixed()
        let value = try list.nextAmount()
        return .refunded(
            reference, request: try ReceiptReference(from: &list), from: from, to: to,
            value: value, try list.nextCase())
    }

    private static func schedule(
        _ tag: Tag, _ list: inout RLPDecoder
    ) throws(RLPError) -> LedgerEvent {
        let entry: UInt64 = try list.nextInteger()
        if tag == .scheduleReturned {
            return .scheduleReturned(
                entry: entry, to: try list.nextFixed(), value: try list.nextAmount(),
                try list.nextCase())
        }
        let from: Address = try list.nextFixed()
        let to: Address = try list.nextFixed()
        let value = try list.nextAmount()
        if tag == .scheduled {
            return .scheduled(
                entry: entry, from: from, to: to, value: value, runAt: try list.nextTime())
        }
        return .scheduleRan(
            entry: entry, from: from, to: to, value: value, sent: try list.nextOptionalReference())
    }
}

extension RLPEncoder {
    fileprivate mutating func movement(
        _ tag: UInt8, _ reference: ReceiptReference, _ from: Address, _ to: Address,
        _ value: Amount
    ) {
        append(tag)
        reference.encode(to: &self)
        append(from)
        append(to)
        append(value)
    }
}
