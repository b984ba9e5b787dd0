package import TallyPrimitives

/// Money that may still be minted for one purpose: never more than the cap (ECON-8).
package struct EmissionPool: Hashable, Sendable {
    package var cap: Amount
    package var schedule: EmissionSchedule

    package init(cap: Amount, schedule: EmissionSchedule) {
        self.cap = cap
        self.schedule = schedule
    }

    /// What the first `epochs` epochs mint together.
    package func total(ofFirst epochs: UInt64) -> Amount {
        min(schedule.demand(ofFirst: epochs, cap: cap), cap)
    }

    /// What one epoch mints: the difference of two totals, so that sums are exact.
    package func emission(inEpoch epoch: UInt64) -> EpochEmission {
        let epoch = min(epoch, .max - 1)
        let demand = schedule.demand(ofFirst: epoch + 1, cap: cap)
        let before = total(ofFirst: epoch)
        return EpochEmission(
            amount: Amount(min(demand, cap).units - before.units), isClipped: demand > cap)
    }
}

/// What an epoch mints.
package struct EpochEmission: Hashable, Sendable {
    package let amount: Amount
    /// The schedule asks for more than the cap leaves, now or before.
    package let isClipped: Bool

    package init(amount: Amount, isClipped: Bool) {
        self.amount = amount
        self.isClipped = isClipped
    }
}
