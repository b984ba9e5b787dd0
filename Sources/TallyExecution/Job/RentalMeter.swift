package import TallyPrimitives

/// What a rental has run and what was paid for it (JOB-11).
///
/// Whatever the number of settlements, all that was paid is ⌊rate · elapsed / 1,000⌋: no rounding
/// adds up.
package struct RentalMeter: Hashable, Sendable {
    /// Milliseconds that it ran before `since`.
    package var elapsed: UInt64
    /// Since when it runs, or is paused.
    package var since: BeaconTime
    package var paid: Amount

    package init(elapsed: UInt64, since: BeaconTime, paid: Amount) {
        self.elapsed = elapsed
        self.since = since
        self.paid = paid
    }

    /// What a running rental may be at.
    package enum Standing: Hashable, Sendable {
        case running
        /// The escrow is used up.
        case exhausted
        /// It ran its full time, and the escrow pays for it.
        case ended
    }

    /// The meter of a running rental as of `now`.
    func read(at now: BeaconTime, limit: UInt64) -> RentalMeter {
        let more = now.milliseconds - min(now.milliseconds, since.milliseconds)
        let (sum, overflow) = elapsed.addingReportingOverflow(more)
        return RentalMeter(elapsed: overflow ? limit : min(sum, limit), since: now, paid: paid)
    }

    /// ⌊rate · elapsed / 1,000⌋; `nil` above 2^128 − 1, which no accepted rate reaches (JOB-9).
    func earned(rate: Amount) -> Amount? { rate.scaled(by: UInt128(elapsed), over: 1_000) }

    /// What is earned and not paid.
    func owed(rate: Amount) -> Amount? { earned(rate: rate)?.subtracting(paid) }

    /// What this reading means with that escrow left.
    func standing(rate: Amount, escrow: Amount, limit: UInt64) -> Standing? {
        guard let owed = owed(rate: rate) else { return nil }
        if owed > escrow { return .exhausted }
        if elapsed == limit { return .ended }
        return owed == escrow ? .exhausted : .running
    }

    /// When a running rental is exhausted or ends: the first millisecond of either.
    func end(rate: Amount, escrow: Amount, limit: UInt64) -> BeaconTime {
        let funds = UInt256(paid.units).adding(UInt256(escrow.units)) ?? .max
        // ⌈funds · 1,000 / rate⌉; beyond 128 bits it is beyond every limit.
        var last = UInt128(limit)
        if let product = funds.multiplied(by: 1_000),
            let (quotient, rest) = product.divided(by: rate.units), let whole = quotient.narrowed
        {
            let (up, overflow) = whole.addingReportingOverflow(rest == 0 ? 0 : 1)
            if !overflow { last = min(last, up) }
        }
        let left = UInt64(last) - min(UInt64(last), elapsed)
        return JobOrder.time(since, plus: left)
    }
}
