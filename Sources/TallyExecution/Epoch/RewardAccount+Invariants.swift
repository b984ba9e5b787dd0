import TallyPrimitives
import TallyState

/// What always holds between the accounts of an endpoint and its pool (EPOCH-5). The accounts lie in
/// the objects of other families, whose invariants call this once with all of them.
extension StateAudit {
    /// - Throws: the first invariant that does not hold.
    func checkRewards(accounts: [RewardAccount]) throws(InvariantViolation) {
        let pool: RewardPool
        var boundaries: [UInt64: RewardBoundary] = [:]
        do throws(RLPError) {
            guard let stored = object(RewardPool.key) else {
                guard accounts.allSatisfy(\.isSettled) else {
                    throw RLPError.unknownValue(0)
                }
                return
            }
            pool = try RewardPool(stored)
            for epoch in Set(accounts.flatMap { $0.weights.map(\.epoch) }) {
                guard let object = object(RewardBoundary.key(epoch)) else { continue }
                boundaries[epoch] = try RewardBoundary(object)
            }
        } catch { throw .undecodable(.pool, error) }
        try checkWeights(accounts, pool)
        try checkReferences(accounts, boundaries)
        try checkMoney(accounts, pool, boundaries)
    }

    /// The sum of all accounts is what the endpoint reports, in every epoch that is not settled.
    private func checkWeights(
        _ accounts: [RewardAccount], _ pool: RewardPool
    ) throws(InvariantViolation) {
        // At each step: what begins less what ends. Wraps, and is right wherever the sum fits.
        var changes: [UInt64: UInt128] = [:]
        for account in accounts {
            var before: UInt128 = 0
            for step in account.weights {
                changes[max(step.epoch, pool.next), default: 0] &+= step.weight.units &- before
                before = step.weight.units
            }
        }
        for step in pool.weights { changes[max(step.epoch, pool.next), default: 0] &+= 0 }
        var sum: UInt128 = 0
        for (epoch, change) in changes.sorted(by: { $0.key < $1.key }) {
            sum &+= change
            guard pool.weight(in: epoch).units == sum else {
                throw .broken(.pool, what: "weights of epoch \(epoch)")
            }
        }
    }

    private func checkReferences(
        _ accounts: [RewardAccount], _ boundaries: [UInt64: RewardBoundary]
    ) throws(InvariantViolation) {
        var references: [UInt64: UInt64] = [:]
        for account in accounts {
            guard
                zip(account.weights, account.weights.dropFirst()).allSatisfy({
                    $0.epoch < $1.epoch
                }), account.weights.dropFirst().allSatisfy({ $0.start == nil })
            else { throw .broken(.node, what: "steps of a reward account") }
            for step in account.weights where step.start == nil {
                references[step.epoch, default: 0] += 1
            }
        }
        guard references == boundaries.mapValues(\.accounts) else {
            throw .broken(.epoch, what: "accounts that refer to boundaries")
        }
    }

    /// With m for the pool's money and f for what accounts have not settled, in 2^-64 of a unit:
    /// m · 2^64 + reserved = f + accrued · 2^64 + returned (ECON-18).
    private func checkMoney(
        _ accounts: [RewardAccount], _ pool: RewardPool, _ boundaries: [UInt64: RewardBoundary]
    ) throws(InvariantViolation) {
        let one: UInt128 = 1 << 64
        var promised: UInt256? = UInt256(UInt128(pool.index.returned))
        for account in accounts {
            promised = promised?.adding(UInt256(product: account.accrued.units, one))
            for (i, step) in account.weights.enumerated() where step.epoch <= pool.next {
                let after = account.weights.dropFirst(i + 1).first
                var end: UInt256? = pool.index.value
                if let after, after.epoch <= pool.next { end = boundaries[after.epoch]?.index }
                guard let start = step.start ?? boundaries[step.epoch]?.index,
                    let earned = end?.subtracting(start)?.multiplied(by: step.weight.units)
                else { throw .broken(.epoch, what: "no index at a step") }
                promised = promised?.adding(earned)
            }
        }
        let held = UInt256(product: pool.money.units, one)
            .adding(UInt256(UInt128(pool.index.reserved)))
        guard let held, held == promised else {
            throw .broken(.pool, what: "money and promises differ")
        }
    }
}
