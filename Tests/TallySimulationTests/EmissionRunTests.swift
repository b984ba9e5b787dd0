import TallyExecution
import TallyPrimitives
import Testing

@testable import TallySimulation

/// SIM-46: what EMC's economy pays, by the ledger itself, against the figures of `economy.md`.
@Suite struct EmissionRunTests {
    private static let token: UInt128 = 100_000_000

    private static func tokens(_ count: UInt64) -> Amount { Amount(UInt128(count) * token) }

    /// 1.4451 for 90 days weigh 8.95962 (S1:332).
    @Test func nodesHaveTheWeightsOfThePaper() throws {
        let nodes = try EmissionRun.run(days: 1).nodes
        #expect(nodes.map(\.power.tenThousandths) == [14_451, 4_964, 14_451])
        #expect(nodes.map(\.weight.units) == [144_510_000, 49_640_000, 895_962_000])
        #expect(Set(nodes.map(\.shard)).count == 2)
    }

    @Test func aDayMints720000TokensByWeight() throws {
        let table = try EmissionRun.run(days: 3)
        // Nobody has weight in the opening epoch (EPOCH-3).
        #expect(table.rows[0].minted == .zero)
        #expect(table.rows[0].unminted == Self.tokens(720_000))
        for row in table.rows.dropFirst() {
            #expect(row.minted == Self.tokens(720_000))
            expectShares(of: row, table.nodes.map(\.weight.units))
        }
    }

    /// Each reward is its weight's part of the day, up to the floors of shard and node (ECON-18).
    private func expectShares(of row: EmissionTable.Row, _ weights: [UInt128]) {
        let all = weights.reduce(0, +)
        for (reward, weight) in zip(row.rewards, weights) {
            let exact = row.minted.units * weight
            #expect(reward.units * all <= exact + all, "epoch \(row.epoch)")
            #expect(exact <= (reward.units + 3) * all, "epoch \(row.epoch)")
        }
        #expect(row.treasury.units < 10, "epoch \(row.epoch)")
    }

    /// R(1) = R(2) = 64.8 M, R(3) = 32.4 M (S1:287-289).
    @Test func periodsMintWhatTheScheduleSays() throws {
        let table = try EmissionRun.run(days: 270)
        #expect(table.scheduled(0..<90) == Self.tokens(64_800_000))
        #expect(table.rows[89].total == Self.tokens(64_080_000))
        #expect(table.rows[89].unminted == Self.tokens(720_000))
        #expect(table.scheduled(90..<180) == Self.tokens(64_800_000))
        #expect(table.scheduled(180..<270) == Self.tokens(32_400_000))
        #expect(table.rows[180].minted == Self.tokens(360_000))
        // The stake's term ends in epoch 90: from the next on its node weighs 1.4451.
        for row in table.rows[1...90] { expectShares(of: row, table.nodes.map(\.weight.units)) }
        for row in table.rows[91...] {
            expectShares(of: row, table.nodes.map { UInt128($0.power.tenThousandths) })
        }
    }
}
