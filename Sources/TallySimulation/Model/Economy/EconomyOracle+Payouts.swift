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

    /// How a job ended for a node.
    struct Rating: Hashable, Sendable {
        let job: ObjectID
        let node: Address
        let isGood: Bool
    }

    struct Reimbursement: Hashable, Sendable {
        let node: Address
        let attester: Address
    }

    mutating func promise(
        _ value: UInt128, _ reason: PayoutReason, of object: ObjectID, to: Address
    ) {
        // JOB-24: a failure is told with nothing too.
        guard value > 0 || reason == .failure else { return }
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
            let promise = Promise(object: object, reason: reason, to: to, value: value.units)
            try leave(promise)
            owe(promise)
        case .paid(let reference?, let object, let reason, let to, let value, _):
            let promise = Promise(object: object, reason: reason, to: to, value: value.units)
            let before = sent.removeValue(forKey: reference)
            try expect(before == promise, .payout, "\(promise) was not sent")
            owe(promise)
        }
    }

    /// JOB-24: with these payments a job ends for its provider's node, if there is one.
    private mutating func owe(_ promise: Promise) {
        guard nodes[promise.to] != nil else { return }
        switch promise.reason {
        case .delivery: unrated.append(Rating(job: promise.object, node: promise.to, isGood: true))
        case .failure: unrated.append(Rating(job: promise.object, node: promise.to, isGood: false))
        case .stake, .reward, .earnings, .refund, .bond, .proceeds, .tradeReward, .verification,
            .compensation:
            break
        }
    }

    /// NODE-11: each job once, with the payment that ends it.
    mutating func rate(_ rating: Rating) throws(EconomyViolation) {
        try expect(
            unrated.popLast() == rating, .job, "\(rating.node) is rated for \(rating.job)")
        try expect(
            rated.insert(rating.job).inserted, .job,
            "\(rating.node) is rated for \(rating.job) again")
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
