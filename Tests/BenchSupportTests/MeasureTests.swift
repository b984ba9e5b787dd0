import BenchSupport
import Foundation
import TallyBench
import TallyClient
import Testing

@Suite struct MeasureTests {
    static let kind = MeasureKind(
        id: "P0", name: "things", unit: "/s", boundName: "other things",
        goal: Goal(.ratio, .atLeast, 0.8, design: 0.9))
    static let byValue = MeasureKind(
        id: "P00", name: "bytes", unit: "B", boundName: "least bytes",
        goal: Goal(.value, .atMost, 1_000))

    @Test(
        arguments: [
            ([3], 3), ([5, 1, 3], 3), ([4, 1, 3, 2], 2.5), ([1, 1, 100], 1),
        ] as [([Double], Double)])
    func theMedianIsTheMiddle(values: [Double], median: Double) {
        let samples = Samples(values)
        #expect(samples.median == median)
        #expect(samples.least == values.min() && samples.most == values.max())
    }

    @Test func theRatioIsTheMedianOfThePairs() throws {
        // Pairs from moments of different load: the medians' ratio is a quarter.
        let measure = Measure(
            Self.kind, [Pair(90, bound: 100), Pair(100, bound: 400), Pair(320, bound: 400)])
        guard case .measured(let outcome) = measure.state else {
            Issue.record("not measured")
            return
        }
        #expect(outcome.value == 100 && outcome.bound == 400)
        #expect(outcome.ratio == 0.8 && outcome.least == 0.25 && outcome.most == 0.9)
        #expect(outcome.repetitions == 3)
        #expect(measure.isMet)
    }

    @Test(arguments: [(999.0, true), (1_000, true), (1_001, false)])
    func aGoalOfTheValueLooksAtNoRatio(value: Double, met: Bool) {
        #expect(Measure(Self.byValue, [Pair(value, bound: 1)]).isMet == met)
    }

    @Test func aFailureIsNeverMetAndNeverAFigure() {
        let measure = Measure(Self.byValue, failure: "no disk")
        #expect(!measure.isMet && measure.hasFailed)
        #expect(measure.json["value"] == .null && measure.json["bound"] == .null)
        #expect(measure.json["failure"] == "no disk")
        #expect(Measure(measure.json) == measure)
        let text = ResultTable.text([measure])
        #expect(text.contains("FAILED") && text.contains("P00 failed: no disk"))
    }

    @Test func jsonKeepsAMeasure() throws {
        let measure = Measure(
            Self.kind, [Pair(90, bound: 100), Pair(10, bound: 100)],
            details: [.init("CPU-µs", 51.25)])
        let text = measure.json.description
        #expect(Measure(try JSON.parse(Array(text.utf8))) == measure)
        #expect(measure.json["goal"]?.figure == 0.8 && measure.json["designGoal"]?.figure == 0.9)
        #expect(measure.json["met"] == false)
        #expect(Measure(JSON.object(JSONObject([]))) == nil)
    }

    @Test(arguments: [
        (0.0, "0"), (12.0, "12"), (0.516_234_9, "0.516235"), (38_181.2, "38181.2"),
        (12_345_678, "12345678"), (-2.5, "-2.5"),
    ])
    func figuresArePlainNumbers(value: Double, text: String) {
        #expect(JSON.figure(value).description == text)
    }

    @Test(arguments: [
        (0.5, "0.50"), (9.994, "9.99"), (12.34, "12.3"), (999.4, "999"), (1_000, "1,000"),
        (1_234_567, "1,234,567"), (-1_500, "-1,500"),
    ])
    func numbersForPeopleHaveThreeDigits(value: Double, text: String) {
        #expect(ResultTable.number(value) == text)
    }

    @Test func columnsOfTheTableAreAligned() {
        let text = ResultTable.text([
            Measure(Self.kind, [Pair(90, bound: 100)]),
            Measure(Self.byValue, [Pair(1_234, bound: 300), Pair(1_300, bound: 300)]),
        ])
        let lines = text.split(separator: "\n")
        #expect(lines.count == 3)
        let columns = lines.prefix(3).compactMap { line in
            ["goal", "≥", "≤"].compactMap { line.range(of: $0)?.lowerBound }.first.map {
                line.distance(from: line.startIndex, to: $0)
            }
        }
        #expect(columns.count == 3 && Set(columns).count == 1)
        #expect(text.contains("≥ 0.80 × bound (design 0.90)") && text.contains("not met"))
        #expect(text.contains("1,267 B (1,234–1,300)"))
    }
}
