/// When an open loop means to offer each transaction: evenly, whatever the ledger does (BENCH-1).
///
/// Times are nanoseconds since the run began.
package struct ArrivalSchedule: Hashable, Sendable {
    /// Transactions a second, above 0.
    package let rate: Double
    package let count: Int

    /// - Precondition: `rate` is finite and above 0.
    package init(rate: Double, count: Int) {
        precondition(rate.isFinite && rate > 0, "a schedule without a rate")
        self.rate = rate
        self.count = count
    }

    /// - Parameter index: 0 ..< `count`.
    package func intended(_ index: Int) -> UInt64 { UInt64(Double(index) * 1e9 / rate) }

    /// How many are due at a time.
    package func due(at time: UInt64) -> Int {
        var due = min(count, Int(Double(time) * rate / 1e9) + 1)
        // The two roundings need not agree.
        while due > 0, intended(due - 1) > time { due -= 1 }
        while due < count, intended(due) <= time { due += 1 }
        return due
    }
}

/// Hands out what is due, and keeps book of how late that was (BENCH-6).
package struct Pacer: Sendable {
    /// Later than this is late: a run is meant to be no finer than its clock's ticks.
    package static let tolerance: UInt64 = 10_000_000

    package let schedule: ArrivalSchedule
    /// Transactions handed out.
    package private(set) var handedOut = 0
    /// Of those, the ones that were late.
    package private(set) var late = 0
    /// Longest delay in nanoseconds.
    package private(set) var worst: UInt64 = 0

    package init(_ schedule: ArrivalSchedule) { self.schedule = schedule }

    package var isDone: Bool { handedOut == schedule.count }

    /// The transactions that became due until `now`.
    package mutating func take(at now: UInt64) -> Range<Int> {
        let range = handedOut..<max(handedOut, schedule.due(at: now))
        for index in range {
            let delay = now - schedule.intended(index)
            worst = max(worst, delay)
            if delay > Self.tolerance { late += 1 }
        }
        handedOut = range.upperBound
        return range
    }

    /// When the next one is due; `nil` when none is left.
    package var next: UInt64? { isDone ? nil : schedule.intended(handedOut) }
}
