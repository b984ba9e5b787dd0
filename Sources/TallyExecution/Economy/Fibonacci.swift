/// A decay period, from 1 (ECON-9).
package struct DecayPeriod: Hashable, Comparable, Sendable {
    package let number: UInt64
    package static let first = DecayPeriod(clamping: 1)

    /// 0 stands for the first.
    package init(clamping number: UInt64) { self.number = max(number, 1) }

    /// The period of an epoch counted from 0 at the schedule's start. A length of 0 counts as 1.
    package init(epoch: UInt64, epochsPerPeriod: UInt32) {
        number = min(epoch / UInt64(max(epochsPerPeriod, 1)), .max - 1) + 1
    }

    package static func < (a: DecayPeriod, b: DecayPeriod) -> Bool { a.number < b.number }
}

/// F(0) = 0, F(1) = 1, F(n) = F(n−1) + F(n−2), and their ratios (ECON-9; S1:285).
package enum Fibonacci {
    /// The last n with F(n) < 2^128.
    package static let lastIndex = 186

    private static let numbers: [UInt128] = {
        var numbers: [UInt128] = [0, 1]
        for i in 2...lastIndex { numbers.append(numbers[i - 1] + numbers[i - 2]) }
        return numbers
    }()

    /// F(n); `nil` from 2^128, which is from F(187).
    package static func number(_ n: UInt64) -> UInt128? {
        n <= UInt64(lastIndex) ? numbers[Int(n)] : nil
    }

    /// df(n): 1 in the first period, else F(n−1)/F(n). From period 186 on it stays as it is there,
    /// closer to the golden ratio than 2^-250.
    package static func ratio(
        in period: DecayPeriod
    ) -> (numerator: UInt128, denominator: UInt128) {
        guard period.number > 1 else { return (1, 1) }
        let n = Int(min(period.number, UInt64(lastIndex)))
        return (numbers[n - 1], numbers[n])
    }
}
