import TallyExecution
import TallyPrimitives
import TallyTesting
import Testing

/// ECON-8 to ECON-13: each series to the digits that are known of it, and exact sums.
@Suite struct EmissionTests {
    private let literal = EconomyParameters.emc.nodeRewards
    private var perPeriod: EmissionPool { pool(isCumulative: false) }

    private func pool(isCumulative: Bool) -> EmissionPool {
        var pool = literal
        if case .fibonacci(var decay) = pool.schedule {
            decay.isCumulative = isCumulative
            pool.schedule = .fibonacci(decay)
        }
        return pool
    }

    /// What the epochs of one period mint, counted from 1.
    private func minted(_ pool: EmissionPool, inPeriod period: UInt64) -> UInt128 {
        let first = (period - 1) * 90
        return (first..<(first + 90)).reduce(0) { $0 + pool.emission(inEpoch: $1).amount.units }
    }

    // MARK: Fibonacci

    @Test(
        arguments: [
            (1, "64800000", "S1:287"), (2, "64800000", "S1:288"), (3, "32400000", "S1:289"),
            (4, "21600000", "S1:291"), (5, "12960000", "S1:291"), (6, "8100000", "S1:291"),
            (7, "4984615.38461538", "S1:291"), (8, "3085714.28571428", "S1:291"),
            (9, "1905882.35294117", "S1:291"),
        ] as [(UInt64, String, String)])
    func literalFormulaDividesByFibonacciNumbers(
        period: UInt64, amount: String, source: String
    ) throws {
        let amount = try tokens(amount)
        #expect(minted(literal, inPeriod: period) == amount.units, "\(source)")
    }

    @Test(
        arguments: [
            (1, "64800000"), (2, "64800000"), (3, "32400000"), (4, "43200000"), (5, "38880000"),
            (6, "40500000"), (7, "39876923.07692307"), (8, "40114285.71428571"),
            (9, "40023529.41176470"),
        ] as [(UInt64, String)])
    func otherReadingKeepsToTheFirstPeriod(period: UInt64, amount: String) throws {
        let amount = try tokens(amount)
        #expect(minted(perPeriod, inPeriod: period) == amount.units)
    }

    /// S1:280: 720,000 an epoch in the first period.
    @Test(arguments: [0, 1, 89, 90, 179] as [UInt64])
    func firstEpochsMintTheSame(epoch: UInt64) throws {
        let amount = try tokens("720000")
        let expected = EpochEmission(amount: amount, isClipped: false)
        #expect(literal.emission(inEpoch: epoch) == expected)
        #expect(perPeriod.emission(inEpoch: epoch) == expected)
    }

    /// S1:280 says that the pool of 420 M is paid out; its own formula never reaches 218 M.
    @Test func literalFormulaConvergesBelowTheCap() throws {
        let limit = try tokens("217720591.17255758")
        #expect(literal.total(ofFirst: 77 * 90) == limit, "F(78) exceeds R(1) in base units")
        #expect(literal.total(ofFirst: 77 * 90 - 1) < limit)
        #expect(literal.total(ofFirst: .max) == limit)
        #expect(
            literal.emission(inEpoch: 77 * 90) == EpochEmission(amount: .zero, isClipped: false))
        #expect(literal.emission(inEpoch: .max) == EpochEmission(amount: .zero, isClipped: false))
    }

    @Test func otherReadingReachesTheCapInPeriodTen() throws {
        let cap = try tokens("420000000")
        let afterNine = try tokens("404594738.20297348")
        #expect(perPeriod.total(ofFirst: 9 * 90) == afterNine)
        #expect(perPeriod.total(ofFirst: 10 * 90) == cap)
        // 15,405,261.797… are 34.6 epochs of 445,090.909….
        let last = perPeriod.emission(inEpoch: 9 * 90 + 34)
        let before = perPeriod.emission(inEpoch: 9 * 90 + 33)
        #expect(!before.isClipped && last.isClipped)
        #expect(last.amount < before.amount && !last.amount.isZero)
        #expect(perPeriod.total(ofFirst: 9 * 90 + 35) == cap)
        #expect(
            perPeriod.emission(inEpoch: 9 * 90 + 35)
                == EpochEmission(amount: .zero, isClipped: true))
        #expect(perPeriod.total(ofFirst: .max) == cap)
    }

    @Test func fibonacciNumbersEndBelow128Bits() {
        #expect(Fibonacci.number(0) == 0)
        #expect(Fibonacci.number(10) == 55)
        #expect(Fibonacci.number(78) == 8_944_394_323_791_464)
        #expect(Fibonacci.number(186) == 332_825_110_087_067_562_321_196_029_789_634_457_848)
        #expect(Fibonacci.number(187) == nil)
        let last = Fibonacci.ratio(in: DecayPeriod(clamping: 186))
        let later = Fibonacci.ratio(in: DecayPeriod(clamping: .max))
        #expect(last == later)
        let most = FibonacciDecay(first: .max, isCumulative: true, epochsPerPeriod: 1)
        #expect(most.amount(in: DecayPeriod(clamping: 186)) == Amount(1))
        #expect(most.amount(in: DecayPeriod(clamping: 187)) == .zero)
        #expect(most.total(ofFirst: 2) == .max, "saturates")
        let small = FibonacciDecay(first: Amount(1_000), isCumulative: false, epochsPerPeriod: 1)
        let at186 = small.total(ofFirst: 186)
        #expect(small.total(ofFirst: 286) == at186.adding(Amount(100 * 618)))
        #expect(small.total(ofFirst: .max) == Amount(618 * UInt128(UInt64.max - 186) + at186.units))
    }

    @Test func periodsCountFromOne() {
        #expect(DecayPeriod(epoch: 0, epochsPerPeriod: 90) == .first)
        #expect(DecayPeriod(epoch: 89, epochsPerPeriod: 90) == .first)
        #expect(DecayPeriod(epoch: 90, epochsPerPeriod: 90).number == 2)
        #expect(DecayPeriod(epoch: 5, epochsPerPeriod: 0).number == 6)
        #expect(DecayPeriod(epoch: .max, epochsPerPeriod: 1).number == .max)
        #expect(DecayPeriod(clamping: 0) == .first)
    }

    // MARK: Other kinds

    private func vCoin() throws -> EmissionPool {
        EmissionPool(
            cap: try tokens("550000000", decimals: 18),
            schedule: .annualGeometric(GeometricDecay(decayBps: 1_500, epochsPerYear: 365)))
    }

    /// S2:51, S2:57: 55 % of 10^9, each year 15 % of what is left.
    @Test(
        arguments: [
            (1, "82500000"), (2, "152625000"), (3, "212231250"), (370, ""), (371, "550000000"),
            (.max / 365, "550000000"),
        ] as [(UInt64, String)])
    func vCoinPaysOutItsWholePool(years: UInt64, total: String) throws {
        let pool = try vCoin()
        let minted = pool.total(ofFirst: years * 365)
        if total.isEmpty {
            #expect(minted < pool.cap)
        } else {
            let expected = try tokens(total, decimals: 18)
            #expect(minted == expected)
        }
    }

    @Test func geometricDecayEndsWithinItsBound() {
        for (bps, years) in [(1_500, 538), (100, 8_428), (10_000, 1)] as [(UInt16, UInt64)] {
            let decay = GeometricDecay(decayBps: bps, epochsPerYear: 1)
            let pool = EmissionPool(cap: .max, schedule: .annualGeometric(decay))
            #expect(pool.total(ofFirst: years) == .max)
            #expect(pool.total(ofFirst: years - 1) < .max)
        }
        let none = GeometricDecay(decayBps: 0, epochsPerYear: 1)
        let pool = EmissionPool(cap: .max, schedule: .annualGeometric(none))
        #expect(pool.total(ofFirst: .max) == .zero)
    }

    /// S2:53: a team's tokens locked for 36 months, here of 30 days, then linear for as long.
    @Test(
        arguments: [
            (0, "0"), (1_079, "0"), (1_080, "0"), (1_081, "138888.888888888888888888"),
            (1_620, "75000000"), (2_160, "150000000"), (.max, "150000000"),
        ] as [(UInt64, String)])
    func linearVestingWaitsForItsLock(days: UInt64, vested: String) throws {
        let vesting = LinearVesting(lock: 1_080, duration: 1_080)
        let total = try tokens("150000000", decimals: 18)
        let expected = try tokens(vested, decimals: 18)
        #expect(vesting.vested(of: total, after: days) == expected)
        let pool = EmissionPool(cap: total, schedule: .linear(vesting))
        #expect(pool.total(ofFirst: days) == expected)
    }

    /// A year of escrow, nothing before the cliff of 90 days, floored in between.
    @Test(
        arguments: [(89, 0), (90, 246), (91, 249), (364, 997), (365, 1_000), (366, 1_000)]
            as [(UInt64, UInt64)])
    func cliffPaysWhatHasVestedAtOnce(days: UInt64, vested: UInt64) {
        let vesting = LinearVesting(cliff: 90, duration: 365)
        #expect(vesting.vested(of: Amount(1_000), after: days) == Amount(UInt128(vested)))
    }

    @Test func vestingWithoutDurationIsAtOnce() {
        let lock = LinearVesting(lock: 7, duration: 0)
        #expect(lock.vested(of: .max, after: 6) == .zero)
        #expect(lock.vested(of: .max, after: 7) == .max)
        let late = LinearVesting(cliff: 20, duration: 10)
        #expect(late.vested(of: .max, after: 19) == .zero)
        #expect(late.vested(of: .max, after: 20) == .max)
    }

    @Test(
        arguments: [
            (0, 0), (5, 250), (10, 500), (15, 625), (20, 750), (30, 875), (100, 1_000),
            (.max, 1_000),
        ] as [(UInt64, UInt64)])
    func halfVestsInEachHalfLife(time: UInt64, vested: UInt64) {
        let vesting = HalfLifeVesting(halfLife: 10)
        #expect(vesting.vested(of: Amount(1_000), after: time) == Amount(UInt128(vested)))
        let pool = EmissionPool(cap: Amount(1_000), schedule: .halfLife(vesting))
        #expect(pool.total(ofFirst: time) == Amount(UInt128(vested)))
        #expect(HalfLifeVesting(halfLife: 0).vested(of: .max, after: time) == .max)
    }

    /// A network that pays by fees alone, and pools that are paid by demand.
    @Test func noneMintsNothing() {
        let pool = EmissionPool(cap: .max, schedule: .none)
        #expect(pool.total(ofFirst: .max) == .zero)
        #expect(pool.emission(inEpoch: 7) == EpochEmission(amount: .zero, isClipped: false))
    }

    @Test func askingForExactlyTheCapIsNotClipped() {
        let vesting = LinearVesting(duration: 2)
        let pool = EmissionPool(cap: Amount(5), schedule: .linear(vesting))
        #expect(pool.emission(inEpoch: 0) == EpochEmission(amount: Amount(2), isClipped: false))
        #expect(pool.emission(inEpoch: 1) == EpochEmission(amount: Amount(3), isClipped: false))
        #expect(pool.emission(inEpoch: 2) == EpochEmission(amount: .zero, isClipped: false))
    }

    // MARK: Any schedule

    private func randomPool(_ generator: inout SeededGenerator) -> EmissionPool {
        let full = UInt128(generator.next()) << 64 | UInt128(generator.next())
        let cap = Amount(full >> UInt128.random(in: 0...120, using: &generator))
        let length = UInt32.random(in: 1...12, using: &generator)
        let time = UInt64.random(in: 1...100, using: &generator)
        let schedule: EmissionSchedule =
            switch UInt8.random(in: 0...4, using: &generator) {
            case 0: .none
            case 1:
                .fibonacci(
                    FibonacciDecay(
                        first: Amount(cap.units >> UInt128.random(in: 0...6, using: &generator)),
                        isCumulative: Bool.random(using: &generator), epochsPerPeriod: length))
            case 2:
                .annualGeometric(
                    GeometricDecay(
                        decayBps: UInt16.random(in: 100...10_000, using: &generator),
                        epochsPerYear: length))
            case 3: .linear(LinearVesting(lock: time / 3, cliff: time / 5, duration: time))
            default: .halfLife(HalfLifeVesting(halfLife: UInt64(length)))
            }
        return EmissionPool(cap: cap, schedule: schedule)
    }

    @Test func epochsSumToTheTotalWithinTheCap() {
        forEachSeed(base: 0xec0_1000, count: 150) { seed, generator in
            let pool = randomPool(&generator)
            var sum: UInt128 = 0
            var wasClipped = false
            for epoch in 0..<UInt64(120) {
                let emission = pool.emission(inEpoch: epoch)
                sum += emission.amount.units
                #expect(sum <= pool.cap.units, "seed \(seed)")
                #expect(pool.total(ofFirst: epoch + 1) == Amount(sum), "seed \(seed)")
                #expect(!wasClipped || emission.isClipped, "seed \(seed)")
                #expect(!emission.isClipped || sum == pool.cap.units, "seed \(seed)")
                wasClipped = emission.isClipped
            }
        }
    }
}
