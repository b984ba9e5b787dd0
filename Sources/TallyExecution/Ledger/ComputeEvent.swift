package import TallyPrimitives
import TallyTransactions

/// What happened in the compute families.
package enum ComputeEvent: Hashable, Sendable {
    /// A family's request left for its object's home.
    case requested(ReceiptReference, from: Address, door: Address, value: Amount)
    /// A family's request was handled; what it did, other events say.
    case handled(ReceiptReference, from: Address)
    case payout(PayoutEvent)
    case node(NodeEvent)
    case proof(ProofEvent)
    case job(JobEvent)
    case trade(TradeEvent)
    case validator(ValidatorEvent)
    case epoch(EpochEvent)

    /// What the log shows. The id of a receipt needs the name of the chain, which an event does not
    /// know: it is `nil` where the log's first indexed field is that id.
    package var record: EventRecord? {
        switch self {
        case .requested, .handled: nil
        case .payout(let event): event.record
        case .node(let event): event.record
        case .proof(let event): event.record
        case .job(let event): event.record
        case .trade(let event): event.record
        case .validator(let event): event.record
        case .epoch(let event): event.record
        }
    }

    /// The receipt whose consumption the event tells.
    package var consumedReceipt: ReceiptReference? {
        switch self {
        case .requested: nil
        case .handled(let reference, _): reference
        case .payout(let event): event.consumedReceipt
        case .node(let event): event.consumedReceipt
        case .proof(let event): event.consumedReceipt
        case .job(let event): event.consumedReceipt
        case .trade(let event): event.consumedReceipt
        case .validator(let event): event.consumedReceipt
        case .epoch(let event): event.consumedReceipt
        }
    }
}

extension ComputeEvent: RLPValue {
    private enum Tag: UInt8 {
        case requested = 1
        case handled, payout
        case node = 16
        case proof, job, trade, validator, epoch
    }

    package func encode(to out: inout RLPEncoder) {
        func append(_ tag: Tag, _ event: some RLPValue, _ out: inout RLPEncoder) {
            out.append(tag.rawValue)
            event.encode(to: &out)
        }
        out.list { out in
            switch self {
            case .requested(let reference, let from, let door, let value):
                append(.requested, reference, &out)
                out.append(from)
                out.append(door)
                out.append(value)
            case .handled(let reference, let from):
                append(.handled, reference, &out)
                out.append(from)
            case .payout(let event): append(.payout, event, &out)
            case .node(let event): append(.node, event, &out)
            case .proof(let event): append(.proof, event, &out)
            case .job(let event): append(.job, event, &out)
            case .trade(let event): append(.trade, event, &out)
            case .validator(let event): append(.validator, event, &out)
            case .epoch(let event): append(.epoch, event, &out)
            }
        }
    }

    package init(from input: inout RLPDecoder) throws(RLPError) {
        var list = try input.nextList()
        switch try list.nextCase(Tag.self) {
        case .requested:
            self = .requested(
                try ReceiptReference(from: &list), from: try list.nextFixed(),
                door: try list.nextFixed(), value: try list.nextAmount())
        case .handled:
            self = .handled(try ReceiptReference(from: &list), from: try list.nextFixed())
        case .payout: self = .payout(try PayoutEvent(from: &list))
        case .node: self = .node(try NodeEvent(from: &list))
        case .proof: self = .proof(try ProofEvent(from: &list))
        case .job: self = .job(try JobEvent(from: &list))
        case .trade: self = .trade(try TradeEvent(from: &list))
        case .validator: self = .validator(try ValidatorEvent(from: &list))
        case .epoch: self = .epoch(try EpochEvent(from: &list))
        }
        try list.finish()
    }
}
