import TallyExecution
import TallyPrimitives
import TallyTransactions

extension EconomyOracle {
    /// A payment that an event leads to.
    struct Promise: Hashable, Sendable {
        let object: ObjectID
        let reason: PayoutReason
        let to: Address
        let value: UInt128
    }

    struct Reimbursement: Hashable, Sendable {
        let node: Address
        let attester: Address
    }

    mutating func promise(
        _ value: UInt128, _ reason: PayoutReason, of object: ObjectID, to: Address
    ) {
        guard value > 0 else { return }
        add(1, to: Promise(object: object, reason: reason, to: to, value: value))
    }

    private mutating func add(_ count: Int, to promise: Promise) {
        let sum = (promised[index][promise] ?? 0) + count
        promised[index][promise] = sum == 0 ? nil : sum
    }

    mutating func follow(_ event: PayoutEvent) throws(EconomyViolation) {
        switch event {
        case .sent(let reference, let object, let reason, let to, let value):
            let promise = Promise(object: object, reason: reason, to: to, value: value.units)
            try leave(promise)
            sent[reference] = promise
        case .paid(nil, let object, let reason, let to, let value, _):
            try leave(Promise(object: object, reason: reason, to: to, value: value.units))
        case .paid(let reference?, let object, let reason, let to, let value, _):
            let promise = Promise(object: object, reason: reason, to: to, value: value.units)
            let before = sent.removeValue(forKey: reference)
            try expect(before == promise, .payout, "\(promise) was not sent")
        }
    }

    /// A payment leaves its object's endpoint: it is promised by the end of the block, or an
    /// attester's base fee.
    private mutating func leave(_ promise: Promise) throws(EconomyViolation) {
        let attestation = Reimbursement(node: promise.object.owner, attester: promise.to)
        if promise.reason == .verification, promised[index][promise] == nil,
            promise.object.number == 0, let left = reimbursable[attestation], left > 0
        {
            reimbursable[attestation] = left - 1
            return
        }
        add(-1, to: promise)
    }

    /// What is to be paid on the endpoint itself is paid in the same block.
    func settlePromises() throws(EconomyViolation) {
        for (promise, count) in promised[index] {
            try expect(count > 0, .payout, "nobody owes \(promise)")
            try expect(!isHere(promise.to), .payout, "\(promise) is not paid")
        }
    }
}
