package import TallyPrimitives

/// How a pool is paid out over its epochs, counted from 0 at its start (ECON-8).
///
/// A schedule says what it asks for; ``EmissionPool`` clips that at the cap.
package enum EmissionSchedule: Hashable, Sendable {
    /// Nothing is due by time: the pool is paid by demand, or there is none.
    case none
    case fibonacci(FibonacciDecay)
    case annualGeometric(GeometricDecay)
    /// In epochs.
    case linear(LinearVesting)
    /// In epochs.
    case halfLife(HalfLifeVesting)

    /// What the schedule asks for in its first `epochs` epochs, of a pool of `cap`; at most 2^128 − 1.
    /// Never falls as `epochs` grows.
    /// - Complexity: at most ``Fibonacci/lastIndex`` terms, one term a year of a geometric decay
    ///   until nothing is left (``GeometricDecay``), else constant.
    package func demand(ofFirst epochs: UInt64, cap: Amount) -> Amount {
        switch self {
        case .none: .zero
        case .fibonacci(let decay): decay.demand(ofFirst: epochs)
        case .annualGeometric(let decay): decay.emitted(of: cap, inFirst: epochs)
        case .linear(let vesting): vesting.vested(of: cap, after: epochs)
        case .halfLife(let vesting): vesting.vested(of: cap, after: epochs)
        }
    }
}

/// Amounts of periods that follow the ratios of Fibonacci numbers (ECON-10; S1:280-293).
package struct FibonacciDecay: Hashable, Sendable {
    /// R(1), of the whole first period.
    package var first: Amount
    /// Whether R(n) = R(n−1) · df(n), the literal formula, or R(n) = R(1) · df(n).
    package var isCumulative: Bool
    /// 0 counts as 1.
    package var epochsPerPeriod: UInt32

    package init(first: Amount, isCumulative: Bool, epochsPerPeriod: UInt32) {
        self.first = first
        self.isCumulative = isCumulative
        self.epochsPerPeriod = epochsPerPeriod
    }

    /// R(n), floored once: ⌊R(1)/F(n)⌋ or ⌊R(1) · F(n−1)/F(n)⌋. The literal one is 0 as soon as
    /// F(n) exceeds R(1), from period 187 at the latest.
    package func amount(in period: DecayPeriod) -> Amount {
        if isCumulative {
            guard let divisor = Fibonacci.number(period.number) else { return .zero }
            return Amount(first.units / divisor)
        }
        let ratio = Fibonacci.ratio(in: period)
        return first.scaled(by: ratio.numerator, over: ratio.denominator) ?? first
    }

    /// Σ R(1 … n); 2^128 − 1 if it is more. Periods from 186 on ask for the same amount each.
    package func total(ofFirst periods: UInt64) -> Amount {
        var sum: UInt128 = 0
        for n in 1...UInt64(Fibonacci.lastIndex) {
            guard n <= periods else { return Amount(sum) }
            let (next, overflow) = sum.addingReportingOverflow(
                amount(in: DecayPeriod(clamping: n)).units)
            guard !overflow else { return .max }
            sum = next
        }
        let more = periods - UInt64(Fibonacci.lastIndex)
        let last = amount(in: DecayPeriod(clamping: UInt64(Fibonacci.lastIndex) + 1))
        return last.multiplied(by: more).flatMap { $0.adding(Amount(sum)) } ?? .max
    }

    /// Full periods, and ⌊R · j/length⌋ of one that is j epochs old.
    func demand(ofFirst epochs: UInt64) -> Amount {
        let length = UInt64(max(epochsPerPeriod, 1))
        let (periods, rest) = epochs.quotientAndRemainder(dividingBy: length)
        let running = amount(in: DecayPeriod(epoch: epochs, epochsPerPeriod: epochsPerPeriod))
        let part = running.scaled(by: UInt128(rest), over: UInt128(length)) ?? .zero
        return total(ofFirst: periods).adding(part) ?? .max
    }
}

/// Each year pays out a fraction of what is left (ECON-11).
///
/// What is left is floored after each year, so nothing is left in the end: at 15 % after at most 538
/// years, at 1 % after at most 8,428, whatever the pool.
package struct GeometricDecay: Hashable, Sendable {
    /// Up to 10,000; 0 pays nothing, and more counts as 10,000.
    package var decayBps: UInt16
    /// 0 counts as 1.
    package var epochsPerYear: UInt32

    package init(decayBps: UInt16, epochsPerYear: UInt32) {
        self.decayBps = decayBps
        self.epochsPerYear = epochsPerYear
    }

    /// ⌊left · (1 − d)⌋.
    package func left(of amount: Amount) -> Amount {
        amount.scaled(by: UInt128(10_000 - min(decayBps, 10_000)), over: 10_000) ?? amount
    }

    /// Full years, and ⌊year's amount · j/epochsPerYear⌋ of one that is j epochs old.
    func emitted(of cap: Amount, inFirst epochs: UInt64) -> Amount {
        guard decayBps > 0 else { return .zero }
        let length = UInt64(max(epochsPerYear, 1))
        let (years, rest) = epochs.quotientAndRemainder(dividingBy: length)
        var left = cap
        var year: UInt64 = 0
        while year < years, !left.isZero {
            left = self.left(of: left)
            year += 1
        }
        let ofYear = Amount(left.units - self.left(of: left).units)
        let part = ofYear.scaled(by: UInt128(rest), over: UInt128(length)) ?? .zero
        return Amount(cap.units - left.units + part.units)
    }
}
