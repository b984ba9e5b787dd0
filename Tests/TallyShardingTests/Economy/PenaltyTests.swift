import TallyExecution
import TallyPrimitives
import TallyTesting
import Testing

/// ECON-14: stake / term in days / 24 for each hour.
@Suite struct PenaltyTests {
    struct Row: Sendable {
        let source: String
        let stake: String
        let days: UInt32
        let minutes: UInt64
        let penalty: String
    }

    @Test(
        arguments: [
            Row(
                source: "S1:401", stake: "1000000", days: 360, minutes: 60, penalty: "115.74074074"),
            Row(source: "S1:418", stake: "100000", days: 180, minutes: 10, penalty: "3.85802469"),
            Row(source: "S1:433", stake: "1445.1", days: 90, minutes: 60, penalty: "0.66902777"),
            Row(source: "S1:433", stake: "1445.1", days: 7, minutes: 60, penalty: "8.60178571"),
            Row(source: "ECON-14", stake: "216", days: 90, minutes: 30, penalty: "0.05"),
        ])
    func outageCostsItsPartOfTheTerm(row: Row) throws {
        let (stake, penalty) = (try tokens(row.stake), try tokens(row.penalty))
        let charged = try OutagePenalty.amount(
            stake: stake, termDays: row.days, missedMilliseconds: row.minutes * 60_000)
        #expect(charged == penalty, "\(row.source)")
    }

    @Test(arguments: [360 * 86_400_000, 360 * 86_400_000 + 1, .max] as [UInt64])
    func outageOfTheWholeTermCostsTheStake(missed: UInt64) throws {
        let charged = try OutagePenalty.amount(
            stake: .max, termDays: 360, missedMilliseconds: missed)
        #expect(charged == .max)
        let almost = try OutagePenalty.amount(
            stake: .max, termDays: 360, missedMilliseconds: 360 * 86_400_000 - 1)
        #expect(almost < .max)
        let small = try OutagePenalty.amount(
            stake: Amount(7), termDays: 360, missedMilliseconds: missed)
        #expect(small == Amount(7))
    }

    @Test func refusesATermOfNoDays() {
        #expect(throws: EconomyError.zeroTerm) {
            try OutagePenalty.amount(stake: .max, termDays: 0, missedMilliseconds: 1)
        }
    }

    struct StepRow: Sendable {
        let source: String
        let role: String
        let minutes: UInt64
        let charged: UInt64
    }

    @Test(
        arguments: [
            StepRow(source: "S1:401", role: "validator", minutes: 59, charged: 0),
            StepRow(source: "S1:401", role: "validator", minutes: 60, charged: 60),
            StepRow(source: "S1:401", role: "validator", minutes: 179, charged: 120),
            StepRow(source: "S1:418", role: "router", minutes: 9, charged: 0),
            StepRow(source: "S1:418", role: "router", minutes: 10, charged: 10),
            StepRow(source: "S1:418", role: "router", minutes: 25, charged: 20),
            StepRow(source: "S1:433", role: "compute", minutes: 59, charged: 0),
            StepRow(source: "S1:433", role: "compute", minutes: 61, charged: 60),
        ])
    func onlyWholeStepsAreCharged(row: StepRow) throws {
        let emc = EconomyParameters.emc
        let rules = [
            "validator": emc.validators, "router": emc.routers, "compute": emc.computeNodes,
        ]
        let rule = try #require(rules[row.role])
        let stake = try tokens("1000000")
        let penalty = try rule.penalty(
            stake: stake, termDays: 180, missedMilliseconds: row.minutes * 60_000 + 59_999)
        let expected = try OutagePenalty.amount(
            stake: stake, termDays: 180, missedMilliseconds: row.charged * 60_000)
        #expect(penalty == expected, "\(row.source)")
    }

    @Test func splitOutagesNeverCostMoreThanOne() throws {
        try forEachSeed(base: 0xec0_2000, count: 500) { seed, generator in
            let stake = Amount(UInt128(generator.next()))
            let days = UInt32.random(in: 1...720, using: &generator)
            let parts = (0..<4).map { _ in UInt64.random(in: 0...900_000_000, using: &generator) }
            var sum: UInt128 = 0
            for part in parts {
                sum += try OutagePenalty.amount(
                    stake: stake, termDays: days, missedMilliseconds: part
                ).units
            }
            let whole = try OutagePenalty.amount(
                stake: stake, termDays: days, missedMilliseconds: parts.reduce(0, +))
            let isCapped = whole == stake
            #expect(isCapped || (sum <= whole.units && sum + 4 > whole.units), "seed \(seed)")
        }
    }
}
