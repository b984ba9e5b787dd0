import Synchronization

/// A number that only grows, from 0 at the start of the process (OPS-20). Adding to it takes no lock
/// and no memory.
package final class Counter: Sendable {
    private let value = Atomic<UInt64>(0)

    package init() {}

    package func add(_ count: Int = 1) {
        value.wrappingAdd(UInt64(max(0, count)), ordering: .relaxed)
    }

    package var current: UInt64 { value.load(ordering: .relaxed) }
}

/// A number that goes up and down, set by one thread at a time.
package final class Gauge: Sendable {
    private let value = Atomic<UInt64>(0)

    package init() {}

    package func set(_ value: some BinaryInteger) {
        self.value.store(UInt64(clamping: value), ordering: .relaxed)
    }

    package var current: UInt64 { value.load(ordering: .relaxed) }
}

extension Duration {
    /// 0 for a negative one.
    package var wholeMilliseconds: UInt64 {
        let (seconds, attoseconds) = components
        return UInt64(clamping: seconds) * 1_000
            + UInt64(clamping: attoseconds / 1_000_000_000_000_000)
    }
}

/// How long something took, counted in fixed buckets from 10 µs to 10 s (OPS-23).
package final class Histogram: Sendable {
    /// Upper ends of the buckets in nanoseconds; the last bucket has none.
    package static let bounds: [UInt64] = [
        10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000, 5_000_000,
        10_000_000, 25_000_000, 50_000_000, 100_000_000, 250_000_000, 500_000_000,
        1_000_000_000, 2_500_000_000, 5_000_000_000, 10_000_000_000,
    ]

    /// One look at a histogram. What is observed meanwhile may be in the sum and in no bucket.
    package struct Reading: Hashable, Sendable {
        /// Observations at most as long as each bound, and then all of them.
        package let cumulative: [UInt64]
        package let sumNanoseconds: UInt64

        package init(cumulative: [UInt64], sumNanoseconds: UInt64) {
            self.cumulative = cumulative
            self.sumNanoseconds = sumNanoseconds
        }
    }

    private let counts: [Counter]
    private let sum = Atomic<UInt64>(0)

    package init() { counts = (0...Self.bounds.count).map { _ in Counter() } }

    package func observe(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        let nanoseconds =
            UInt64(clamping: seconds).multipliedReportingOverflow(by: 1_000_000_000).partialValue
            &+ UInt64(clamping: attoseconds / 1_000_000_000)
        // Most are short.
        let bucket = Self.bounds.firstIndex { nanoseconds <= $0 } ?? Self.bounds.count
        counts[bucket].add()
        sum.wrappingAdd(nanoseconds, ordering: .relaxed)
    }

    /// What has passed since a moment.
    package func observe(since start: ContinuousClock.Instant) {
        observe(ContinuousClock.now - start)
    }

    package var reading: Reading {
        var total: UInt64 = 0
        let cumulative = counts.map { count in
            total += count.current
            return total
        }
        return Reading(
            cumulative: cumulative, sumNanoseconds: sum.load(ordering: .relaxed))
    }
}
