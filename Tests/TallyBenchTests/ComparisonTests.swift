import Testing

@testable import TallyBench

@Suite struct ComparisonTests {
    private func results(
        _ figure: Figure, _ median: Double, _ least: Double, _ most: Double
    ) -> BenchResults {
        var results = BenchResults.sample()
        results.summary = [
            figure.rawValue: .init(median: median, least: least, most: most)
        ]
        return results
    }

    private func verdict(
        _ figure: Figure, _ before: (Double, Double, Double), _ after: (Double, Double, Double),
        threshold: Double = 0.1
    ) throws -> Comparison.Verdict? {
        try Comparison(
            results(figure, before.0, before.1, before.2),
            results(figure, after.0, after.1, after.2), threshold: threshold
        ).lines.first?.verdict
    }

    @Test func aFigureIsWorseBeyondThresholdAndSpread() throws {
        let old = (100.0, 95.0, 105.0)
        #expect(try verdict(.finalPerSecond, old, (80, 78, 85)) == .worse)
        #expect(try verdict(.finalPerSecond, old, (120, 118, 125)) == .better)
        #expect(try verdict(.finalP99, old, (80, 78, 85)) == .better)
        #expect(try verdict(.finalP99, old, (120, 118, 125)) == .worse)
    }

    @Test func smallAndUncertainChangesAreNone() throws {
        let old = (100.0, 95.0, 105.0)
        #expect(try verdict(.finalP99, old, (109, 107, 112)) == .same, "within the threshold")
        #expect(try verdict(.finalP99, old, (130, 104, 150)) == .same, "the ranges overlap")
        #expect(try verdict(.finalP99, old, (109, 107, 112), threshold: 0.05) == .worse)
        #expect(try verdict(.finalP99, (0, 0, 0), (0, 0, 0)) == .same)
    }

    @Test func regressionsAreNamed() throws {
        let comparison = try Comparison(
            results(.cpuMicroseconds, 100, 99, 101), results(.cpuMicroseconds, 200, 199, 201))
        #expect(comparison.regressions.map(\.figure) == [.cpuMicroseconds])
        #expect(comparison.lines[0].change == 1)
    }

    @Test func differentRunsAreNotCompared() {
        let before = BenchResults.sample()
        var after = before
        after.load.mode = .open(rate: 7)
        #expect(throws: LoadError.incomparable("the load differs")) {
            try Comparison(before, after)
        }
        after = before
        after.target.nodes.append("node-2")
        #expect(throws: LoadError.incomparable("the number of nodes differs")) {
            try Comparison(before, after)
        }
        after = before
        after.summary = [:]
        #expect(throws: LoadError.incomparable("the second one has no valid repetition")) {
            try Comparison(before, after)
        }
    }

    @Test func invalidRepetitionsAreNoPartOfTheSummary() throws {
        var results = BenchResults.sample()
        var invalid = results.repetitions[0]
        invalid.rates.final = 1
        invalid.invalid = ["late"]
        results.repetitions.append(invalid)
        let summary = Figure.summary(results.repetitions)
        #expect(summary["finalPerSecond"] == .init(median: 8, least: 8, most: 8))
        #expect(Figure.summary([invalid]).isEmpty)
    }
}
