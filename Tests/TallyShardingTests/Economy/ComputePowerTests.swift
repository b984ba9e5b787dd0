import TallyExecution
import TallyPrimitives
import Testing

@Suite struct ComputePowerTests {
    private let emc = EconomyParameters.emc

    /// Tokens to power at a rate, in ten-thousandths.
    struct StakeRow: Sendable {
        let source: String
        let isValidator: Bool
        let stake: String
        let power: UInt64
    }

    @Test(
        arguments: [
            (10_380, 14_451, "S1:306"), (30_218, 4_964, "S1:306"), (15_000, 10_000, "S1:304"),
            (1, 150_000_000, "S1:304"),
            // Halves go up: 15,000 / 120,000,000 is 1.25 ten-thousandths, / 100,000,000 1.5.
            (120_000_000, 1, "ECON-3"), (100_000_000, 2, "ECON-3"), (300_000_000, 1, "ECON-3"),
            (300_000_001, 0, "ECON-3"), (.max, 0, "ECON-3"),
        ] as [(UInt64, UInt64, String)])
    func powerIsReferenceTimeOverProofTime(time: UInt64, power: UInt64, source: String) throws {
        let measured = try ComputePower(
            referenceMilliseconds: emc.referenceMilliseconds, proofMilliseconds: time)
        #expect(measured.tenThousandths == power, "\(source)")
    }

    @Test func refusesTimesWithoutPower() {
        #expect(throws: EconomyError.zeroProofTime) {
            try ComputePower(referenceMilliseconds: 15_000, proofMilliseconds: 0)
        }
        #expect(throws: EconomyError.overflow) {
            try ComputePower(referenceMilliseconds: .max, proofMilliseconds: 9_999)
        }
        #expect(throws: Never.self) {
            try ComputePower(referenceMilliseconds: .max, proofMilliseconds: 10_000)
        }
    }

    @Test(
        arguments: [
            StakeRow(source: "S1:317", isValidator: true, stake: "1000000", power: 1_000_000),
            StakeRow(source: "S1:317", isValidator: true, stake: "2500000", power: 2_500_000),
            StakeRow(source: "S1:321", isValidator: false, stake: "100000", power: 100_000),
            StakeRow(source: "S1:321", isValidator: false, stake: "150000", power: 150_000),
            // One token is 0.0001 E for both roles; less than that is floored away.
            StakeRow(source: "ECON-4", isValidator: true, stake: "1.99999999", power: 1),
            StakeRow(source: "ECON-4", isValidator: false, stake: "0.99999999", power: 0),
        ])
    func stakeHasPower(row: StakeRow) throws {
        let rate = row.isValidator ? emc.validatorPower : emc.routerPower
        let stake = try tokens(row.stake)
        #expect(try rate.power(of: stake).tenThousandths == row.power, "\(row.source)")
    }

    @Test func refusesRatesThatHaveNoResult() {
        let nothing = PowerRate(power: .zero, stake: .zero)
        #expect(throws: EconomyError.zeroRate) { try nothing.power(of: .max) }
        #expect(throws: EconomyError.zeroRate) { try nothing.stake(for: .zero) }
        let dear = PowerRate(power: ComputePower(tenThousandths: 1), stake: .max)
        #expect(throws: EconomyError.overflow) {
            try dear.stake(for: ComputePower(tenThousandths: 2))
        }
        let cheap = PowerRate(power: ComputePower(tenThousandths: 1), stake: Amount(1))
        #expect(throws: EconomyError.overflow) { try cheap.power(of: Amount(1 << 64)) }
    }

    @Test(
        arguments: [
            (14_451, "1445.1", "S1:431"), (4_964, "496.4", "S1:431"), (10_000, "1000", "S1:431"),
            (1, "0.1", "S1:431"),
        ] as [(UInt64, String, String)])
    func computeNodesStakeAThousandForEachE(power: UInt64, stake: String, source: String) throws {
        let stake = try tokens(stake)
        let power = ComputePower(tenThousandths: power)
        #expect(try emc.computeStake.stake(for: power) == stake, "\(source)")
    }

    @Test(
        arguments: [
            (7, 14_000), (30, 27_000), (90, 62_000), (180, 100_000), (nil, 10_000),
            (0, 10_000), (6, 10_000), (8, 10_000), (89, 10_000), (91, 10_000), (360, 10_000),
        ] as [(UInt32?, UInt32)])
    func onlyListedTermsMultiply(days: UInt32?, bps: UInt32) {
        #expect(emc.multipliers.bps(termDays: days) == bps)
    }

    /// S1:332: 1.4451 E staked for 90 days is 8.95962.
    @Test func weightIsTheExactProduct() throws {
        let power = try ComputePower(referenceMilliseconds: 15_000, proofMilliseconds: 10_380)
        let weight = emc.multipliers.weight(of: power, termDays: 90)
        #expect(weight.units == 895_962_000)
        #expect(weight.units * 100_000 == 895_962 * RewardWeight.scale, "S1:332")
        let most = RewardWeight(ComputePower(tenThousandths: .max), multiplierBps: .max)
        #expect(most.units == UInt128(UInt64.max) * UInt128(UInt32.max))
        #expect(RewardWeight(units: .max).adding(RewardWeight(units: 1)) == nil)
        #expect(RewardWeight.zero.subtracting(weight) == nil)
        #expect(weight.adding(weight)?.subtracting(weight) == weight)
    }

    /// S1:313: what each gets of an epoch is in proportion to its weight.
    @Test func sharesFollowWeights() throws {
        let weights = try [10_380, 30_218].map { time in
            emc.multipliers.weight(
                of: try ComputePower(referenceMilliseconds: 15_000, proofMilliseconds: time),
                termDays: nil)
        }
        var index = RewardIndex()
        let total = try #require(weights[0].adding(weights[1]))
        let pool = try tokens("720000")
        _ = try index.add(pool, over: total)
        let first = try index.settle(weights[0], since: .zero)
        let expected = try #require(pool.scaled(by: 14_451, over: 19_415))
        #expect(first.amount == expected, "S1:313")
    }

    @Test(
        arguments: [
            ([5], 5), ([3, 1, 2], 2), ([4, 1, 3, 2], 3), ([9, 9, 1, 1], 9), ([7, 7], 7),
            ([10_380, 30_218, 10_381, 10_379, 1], 10_380),
        ] as [([UInt64], UInt64)])
    func medianOfAnEvenNumberIsTheLater(times: [UInt64], median: UInt64) throws {
        #expect(try AttestedTime.median(ofMilliseconds: times) == median)
        let reversed = Array(times.reversed())
        #expect(try AttestedTime.median(ofMilliseconds: reversed) == median)
    }

    @Test func thereIsNoMedianOfNothing() {
        #expect(throws: EconomyError.noAttestation) {
            try AttestedTime.median(ofMilliseconds: [])
        }
    }
}
