package import TallyPrimitives
package import TallyState
import TallyTransactions

/// Order of the due queue of one destination: by time, then by age (RCPT-11).
package struct DueKey: Hashable, Comparable, Sendable {
    package let destination: EndpointID
    package let time: BeaconTime
    /// Number of the entry on its shard, from 0.
    package let sequence: UInt64

    package init(destination: EndpointID, time: BeaconTime, sequence: UInt64) {
        self.destination = destination
        self.time = time
        self.sequence = sequence
    }

    package static func < (a: DueKey, b: DueKey) -> Bool {
        (a.destination, a.time, a.sequence) < (b.destination, b.time, b.sequence)
    }
}

/// What an entry does when its time has come.
package enum DueAction: Hashable, Sendable {
    /// A scheduled leg: `value` to `to`; `fee` pays the destination and is part of the object's
    /// value until then.
    case transfer(origin: Hash32, from: Address, to: Address, fee: Amount)
    /// Empty the vault of `beneficiary`.
    case sweep(beneficiary: Address)
    /// Pay the entry's value to an account.
    case payout(Payout)
    case node(NodeDue)
    case proof(ProofDue)
    case job(JobDue)
    case trade(TradeDue)
    case validator(ValidatorDue)
    case epoch(EpochDue)
}

/// A system action that a later block must run (RCPT-11). The object's value is the money it holds.
package struct DueEntry: Hashable, Sendable {
    package let key: DueKey
    /// Of a transfer: what the recipient gets.
    package let value: Amount
    package let action: DueAction

    package init(key: DueKey, value: Amount, action: DueAction) {
        self.key = key
        self.value = value
        self.action = action
    }

    /// Declared weight (FEE-1), prepaid by whoever opened the entry.
    package var weight: Weight {
        switch action {
        case .transfer: Weights.dueEntry
        case .sweep: Weights.sweep
        case .payout: Weights.dueEntry
        case .node, .proof, .job, .trade, .validator, .epoch: Weights.request
        }
    }

    package static func objectKey(sequence: UInt64) -> ObjectKey {
        ObjectKey(.due, key: RLPEncoder.list { $0.append(sequence) })
    }

    /// - Throws: `.integerTooLarge` when value and fee together exceed 2^128 − 1.
    package init(_ object: StateObject) throws(RLPError) {
        var outer = RLPDecoder(object.payload.bytes)
        var list = try outer.nextList()
        key = DueKey(
            destination: try list.nextEndpoint(), time: try list.nextTime(),
            sequence: try list.nextInteger())
        let kind: UInt8 = try list.nextInteger()
        switch kind {
        case 1:
            let fee = try list.nextAmount()
            action = .transfer(
                origin: try list.nextFixed(), from: try list.nextFixed(),
                to: try list.nextFixed(), fee: fee)
            guard let value = object.value.subtracting(fee) else { throw .integerTooLarge }
            self.value = value
        case 2:
            action = .sweep(beneficiary: try list.nextFixed())
            value = object.value
        case 3:
            action = .payout(try Payout(from: &list))
            value = object.value
        case 4...9:
            action = try Self.familyAction(kind, &list)
            value = object.value
        default: throw .unknownValue(UInt64(kind))
        }
        try list.finish()
        try outer.finish()
    }

    private static func familyAction(
        _ kind: UInt8, _ list: inout RLPDecoder
    ) throws(RLPError) -> DueAction {
        switch kind {
        case 4: .node(try NodeDue(from: &list))
        case 5: .proof(try ProofDue(from: &list))
        case 6: .job(try JobDue(from: &list))
        case 7: .trade(try TradeDue(from: &list))
        case 8: .validator(try ValidatorDue(from: &list))
        case 9: .epoch(try EpochDue(from: &list))
        default: throw .unknownValue(UInt64(kind))
        }
    }

    /// The money the entry holds; `nil` above 2^128 − 1.
    package var held: Amount? {
        switch action {
        case .transfer(_, _, _, let fee): value.adding(fee)
        case .sweep, .payout, .node, .proof, .job, .trade, .validator, .epoch: value
        }
    }

    /// The object to store; `nil` when it would hold more than 2^128 − 1.
    package var object: StateObject? {
        guard let held else { return nil }
        let payload = RLPEncoder.list { out in
            out.append(key.destination)
            out.append(key.time)
            out.append(key.sequence)
            switch action {
            case .transfer(let origin, let from, let to, let fee):
                out.append(UInt8(1))
                out.append(fee)
                out.append(origin)
                out.append(from)
                out.append(to)
            case .sweep(let beneficiary):
                out.append(UInt8(2))
                out.append(beneficiary)
            case .payout(let payout): out.append(UInt8(3), payout)
            case .node(let due): out.append(UInt8(4), due)
            case .proof(let due): out.append(UInt8(5), due)
            case .job(let due): out.append(UInt8(6), due)
            case .trade(let due): out.append(UInt8(7), due)
            case .validator(let due): out.append(UInt8(8), due)
            case .epoch(let due): out.append(UInt8(9), due)
            }
        }
        return StateObject(kind: .due, value: held, payload: Payload(payload))
    }
}

extension RLPEncoder {
    /// A family's number and what its entry says.
    fileprivate mutating func append(_ kind: UInt8, _ due: some RLPValue) {
        append(kind)
        due.encode(to: &self)
    }
}
