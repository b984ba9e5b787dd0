import TallyExecution
import TallyPrimitives
import TallyTransactions

// The formulas once more, in plain arithmetic.

extension EconomyOracle {
    static let day: UInt64 = 86_400_000

    /// ⌊a · b / c⌋; 2^128 − 1 if it is more, or c is 0.
    static func quotient(_ a: UInt128, _ b: UInt128, _ c: UInt128) -> UInt128 {
        let product = a.multipliedFullWidth(by: b)
        guard c > product.high else { return .max }
        return c.dividingFullWidth(product).quotient
    }

    /// Whole steps between two times.
    static func steps(from start: UInt64, to end: UInt64, _ step: UInt64) -> UInt64 {
        end > start ? (end - start) / max(step, 1) : 0
    }

    /// ECON-14: what so many steps of an outage cost.
    static func cost(_ stake: UInt128, _ termDays: UInt32, _ steps: UInt64, _ step: UInt64)
        -> UInt128
    {
        let term = UInt128(termDays) * UInt128(day)
        return quotient(stake, min(UInt128(steps) * UInt128(step), term), term)
    }

    /// JOB-9: a bidder's deposit.
    static func bond(_ price: Amount, _ terms: JobTerms, _ rule: JobRule?) -> Amount {
        let bps = UInt128(rule?.bondBps ?? 0)
        switch terms.pricing {
        case .fixed: return Amount((price.units * bps + 9_999) / 10_000)
        case .rental:
            return Amount(
                (price.units * UInt128(terms.duration) * bps + 9_999_999) / 10_000_000)
        }
    }

    /// F(0) … F(n), as far as they are below 2^128.
    private static func fibonacci(_ n: UInt64) -> [UInt128] {
        var numbers: [UInt128] = [0, 1]
        while numbers.count <= n {
            let (next, overflow) = numbers[numbers.count - 1].addingReportingOverflow(
                numbers[numbers.count - 2])
            guard !overflow else { break }
            numbers.append(next)
        }
        return numbers
    }

    /// ECON-8, ECON-10: what epoch `n` from the opening on mints for nodes.
    func emission(_ n: UInt64) -> UInt128 {
        guard case .fibonacci(let decay) = economy.nodeRewards.schedule else {
            return economy.nodeRewards.emission(inEpoch: n).amount.units
        }
        let length = UInt64(decay.epochsPerPeriod)
        let numbers = Self.fibonacci((n + 1) / length + 2)
        func amount(_ period: UInt64) -> UInt128 {
            let at = min(Int(period), numbers.count - 1)
            if decay.isCumulative {
                return Int(period) < numbers.count ? decay.first.units / numbers[at] : 0
            }
            return period == 1
                ? decay.first.units
                : Self.quotient(decay.first.units, numbers[at - 1], numbers[at])
        }
        func total(_ epochs: UInt64) -> UInt128 {
            var sum: UInt128 = 0
            var period: UInt64 = 1
            while period * length <= epochs {
                sum += amount(period)
                period += 1
            }
            sum += Self.quotient(
                amount(period), UInt128(epochs - (period - 1) * length), UInt128(length))
            return min(sum, economy.nodeRewards.cap.units)
        }
        return total(n + 1) - total(n)
    }

    /// ECON-16: what both sides of a trade are owed in an epoch.
    func rewards(_ price: UInt128, _ epoch: UInt64) -> (buyer: UInt128, provider: UInt128) {
        let rule = economy.trade
        let period = (epoch - opening) / UInt64(rule.epochsPerPeriod) + 1
        let scale = UInt128(rule.ratioScale)
        let one: UInt128 = 1_000_000_000_000_000_000
        let numbers = Self.fibonacci(min(period, 120))
        func parts(_ n: UInt64) -> UInt128 {
            guard n > 1 else { return scale }
            let at = Int(min(n, 120))
            return (2 * scale * numbers[at - 1] + numbers[at]) / (2 * numbers[at])
        }
        var rate = UInt128(rule.rewardBps) * (one / 10_000)
        for n in stride(from: UInt64(2), through: min(period, 300), by: 1) {
            rate = rate * parts(n) / scale
        }
        let buyer = parts(period)
        func reward(_ parts: UInt128) -> UInt128 {
            Self.quotient(price, UInt128(rule.feeBps) * rate * parts, 10_000 * one * scale)
        }
        return (reward(buyer), reward(scale - buyer))
    }

    /// ECON-17.
    static func payable(_ reward: UInt128, _ owed: UInt128, _ available: UInt128) -> UInt128 {
        owed > available ? quotient(reward, available, owed) : reward
    }
}
