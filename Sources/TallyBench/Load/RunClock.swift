import Foundation
import Glibc

/// Nanoseconds since a run began.
package struct RunClock: Sendable {
    private let origin = ContinuousClock.now
    /// The wall clock at the origin, in milliseconds since 1970.
    private let wall = Date().timeIntervalSince1970 * 1_000

    package init() {}

    package var now: UInt64 { Self.nanoseconds(ContinuousClock.now - origin) }

    /// A time of another process's wall clock on this one.
    package func time(ofWall milliseconds: UInt64) -> Int64 {
        Int64((Double(milliseconds) - wall) * 1e6)
    }

    package func sleep(until time: UInt64) async throws {
        try await Task.sleep(until: origin + .nanoseconds(Int64(time)), clock: .continuous)
    }

    private static func nanoseconds(_ duration: Duration) -> UInt64 {
        let (seconds, attoseconds) = duration.components
        return UInt64(max(0, seconds)) * 1_000_000_000 + UInt64(max(0, attoseconds)) / 1_000_000_000
    }

    /// Seconds of processor time of this process.
    package static var ownProcessorSeconds: Double {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }
}
