/// A budget that fills up evenly (NET-14). Time is given to it.
struct TokenBucket: Hashable, Sendable {
    private let rate: NetworkLimits.Rate
    private var tokens: Double
    private var time: Duration

    init(_ rate: NetworkLimits.Rate, now: Duration) {
        precondition(rate.perSecond > 0 && rate.burst > 0, "a budget of nothing")
        self.rate = rate
        tokens = Double(rate.burst)
        time = now
    }

    private mutating func fill(_ now: Duration) {
        guard now > time else { return }
        tokens = min(Double(rate.burst), tokens + (now - time).seconds * Double(rate.perSecond))
        time = now
    }

    /// Takes what came anyhow, below zero if it must be.
    mutating func take(_ count: Double, now: Duration) {
        fill(now)
        tokens -= count
    }

    /// Takes the tokens if there are so many.
    mutating func takeIfThere(_ count: Double, now: Duration) -> Bool {
        fill(now)
        guard tokens >= count else { return false }
        tokens -= count
        return true
    }

    /// How long until it is above zero again; `nil` if it is.
    var debt: Duration? {
        guard tokens < 0 else { return nil }
        return .seconds(-tokens / Double(rate.perSecond))
    }
}

extension Duration {
    /// As a fraction, exact to nanoseconds over some months.
    var seconds: Double {
        let (seconds, attoseconds) = components
        return Double(seconds) + Double(attoseconds) * 1e-18
    }
}
