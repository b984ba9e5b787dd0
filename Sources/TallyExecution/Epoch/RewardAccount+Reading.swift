package import TallyPrimitives
package import TallyState

extension RewardAccount {
    /// What settling would give now: all that was earned in the epochs whose shares have arrived.
    /// - Parameter read: an object of the account's endpoint.
    /// - Returns: `nil` when the endpoint's objects contradict each other, or on overflow.
    package func claimable<Failure: Error>(
        _ read: (ObjectKey) throws(Failure) -> StateObject?
    ) throws(Failure) -> Amount? {
        guard let object = try read(RewardPool.key) else { return accrued }
        guard var pool = try? RewardPool(object) else { return nil }
        var total = accrued
        for (place, step) in weights.enumerated() where step.epoch <= pool.next {
            var end: UInt256? = pool.index.value
            if place + 1 < weights.count, weights[place + 1].epoch <= pool.next {
                end = try index(at: weights[place + 1], read)
            }
            guard let start = try index(at: step, read), let end,
                let accrual = try? pool.index.settle(step.weight, since: start, upTo: end),
                let sum = total.adding(accrual.amount)
            else { return nil }
            total = sum
        }
        return total
    }

    private func index<Failure: Error>(
        at step: Step, _ read: (ObjectKey) throws(Failure) -> StateObject?
    ) throws(Failure) -> UInt256? {
        if let start = step.start { return start }
        guard let object = try read(RewardBoundary.key(step.epoch)) else { return nil }
        return (try? RewardBoundary(object))?.index
    }
}
