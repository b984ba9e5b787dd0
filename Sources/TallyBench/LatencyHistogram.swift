import Histogram

/// Latencies with three significant digits, from a microsecond to an hour.
package struct LatencyHistogram: Sendable {
    private static let most: UInt64 = 3_600_000_000
    private var histogram = Histogram<UInt64>(
        highestTrackableValue: Self.most, numberOfSignificantValueDigits: .three)
    /// Exact, in microseconds.
    private var largest: UInt64 = 0

    package init() {}

    package var count: UInt64 { histogram.totalCount }

    /// - Parameter nanoseconds: longer than an hour counts as an hour.
    package mutating func record(nanoseconds: UInt64) {
        let microseconds = min(nanoseconds / 1_000, Self.most)
        largest = max(largest, microseconds)
        _ = histogram.record(microseconds)
    }

    /// Milliseconds below or at which so many percent lie; 0 when nothing was recorded.
    /// - Parameter percentile: 0 ... 100.
    package func milliseconds(at percentile: Double) -> Double {
        guard count > 0 else { return 0 }
        // The upper end of a bucket may lie above everything that was recorded.
        let value = min(histogram.valueAtPercentile(percentile), largest)
        return Double(value) / 1_000
    }

    package var quantiles: Quantiles {
        Quantiles(
            count: Int(count), p50: milliseconds(at: 50), p90: milliseconds(at: 90),
            p99: milliseconds(at: 99), p999: milliseconds(at: 99.9),
            max: Double(largest) / 1_000)
    }
}

/// Of one stage; milliseconds.
package struct Quantiles: Codable, Hashable, Sendable {
    package var count: Int
    package var p50: Double
    package var p90: Double
    package var p99: Double
    package var p999: Double
    package var max: Double

    package init(count: Int, p50: Double, p90: Double, p99: Double, p999: Double, max: Double) {
        self.count = count
        self.p50 = p50
        self.p90 = p90
        self.p99 = p99
        self.p999 = p999
        self.max = max
    }
}
