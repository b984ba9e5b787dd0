package import TallyPrimitives

/// Linear vesting. Times are in one unit of the caller's choice, epochs or milliseconds (ECON-12).
package struct LinearVesting: Hashable, Sendable {
    /// Before it, nothing vests.
    package var lock: UInt64
    /// After the lock: nothing is paid before it, what has vested by then at once.
    package var cliff: UInt64
    /// After the lock: everything has vested. 0 is at once.
    package var duration: UInt64

    package init(lock: UInt64 = 0, cliff: UInt64 = 0, duration: UInt64) {
        self.lock = lock
        self.cliff = cliff
        self.duration = duration
    }

    /// What has vested of `total`, floored; all of it from lock + max(cliff, duration) on.
    package func vested(of total: Amount, after elapsed: UInt64) -> Amount {
        guard elapsed >= lock, elapsed - lock >= cliff else { return .zero }
        let time = elapsed - lock
        guard time < duration else { return total }
        return total.scaled(by: UInt128(time), over: UInt128(duration)) ?? total
    }
}

/// Vesting of half of what is left in each half-life (ECON-13).
package struct HalfLifeVesting: Hashable, Sendable {
    /// 0 is at once.
    package var halfLife: UInt64

    package init(halfLife: UInt64) { self.halfLife = halfLife }

    /// What has vested of `total`: linear within a half-life, floored; all of it after 128.
    package func vested(of total: Amount, after elapsed: UInt64) -> Amount {
        guard halfLife > 0 else { return total }
        let (halvings, rest) = elapsed.quotientAndRemainder(dividingBy: halfLife)
        // A shift by 128 or more is 0.
        let open = Amount(total.units >> halvings)
        let part = open.scaled(by: UInt128(rest), over: 2 * UInt128(halfLife)) ?? .zero
        return Amount(total.units - open.units + part.units)
    }
}
