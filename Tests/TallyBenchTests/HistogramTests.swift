import TallyPrimitives
import TallyTesting
import Testing

@testable import TallyBench

@Suite struct HistogramTests {
    @Test func quantilesAreThoseOfASort() {
        forEachSeed(base: 9000, count: 20) { _, random in
            var histogram = LatencyHistogram()
            let count = Int.random(in: 1...5_000, using: &random)
            let spread = UInt64.random(in: 1...100_000_000, using: &random)
            let values = (0..<count).map { _ in
                UInt64.random(in: 0...spread, using: &random) * 1_000
            }
            for value in values { histogram.record(nanoseconds: value) }
            let sorted = values.sorted().map { Double($0) / 1e6 }
            for percentile in [0.0, 25, 50, 90, 99, 99.9, 100] {
                let rank = Int((Double(count) * percentile / 100).rounded(.up))
                let wanted = sorted[min(count - 1, max(0, rank - 1))]
                let found = histogram.milliseconds(at: percentile)
                // Three significant digits, and steps of a microsecond.
                #expect(abs(found - wanted) <= wanted * 0.002 + 0.002, "\(percentile)")
            }
            #expect(histogram.quantiles.max == sorted.last)
            #expect(histogram.quantiles.count == count)
        }
    }

    @Test func nothingWasRecorded() {
        let quantiles = LatencyHistogram().quantiles
        #expect(quantiles == Quantiles(count: 0, p50: 0, p90: 0, p99: 0, p999: 0, max: 0))
    }

    @Test func moreThanAnHourIsAnHour() {
        var histogram = LatencyHistogram()
        histogram.record(nanoseconds: .max)
        #expect(histogram.quantiles.max == 3_600_000)
    }
}
