import Glibc
package import TallyPrimitives

/// The node's clock, injected: wall time for headers, and a way to wait.
package protocol NodeClock: Sendable {
    func now() -> BeaconTime
    /// Time since some moment, which never goes back: for timers.
    func uptime() -> Duration
    /// - Throws: `CancellationError`.
    func sleep(milliseconds: UInt64) async throws
}

extension NodeClock {
    /// That of a clock that nobody sets.
    package func uptime() -> Duration { .milliseconds(Int64(clamping: now().milliseconds)) }
}

/// The operating system's clock.
package struct SystemClock: NodeClock {
    package init() {}

    package func now() -> BeaconTime {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return BeaconTime(
            milliseconds: UInt64(max(0, time.tv_sec)) * 1_000 + UInt64(time.tv_nsec) / 1_000_000)
    }

    package func uptime() -> Duration {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
    }

    package func sleep(milliseconds: UInt64) async throws {
        try await Task.sleep(for: .milliseconds(Int64(clamping: milliseconds)))
    }
}
