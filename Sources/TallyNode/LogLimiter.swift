import Synchronization

/// Keeps one event from flooding the log: of the same message about the same thing, so many a window
/// are written, and the next window begins with how many were not (OPS-33).
package final class LogLimiter: Sendable {
    /// What counts as the same.
    package struct Key: Hashable, Sendable {
        package let level: String
        package let message: String
        /// The peer or shard that it is about.
        package let subject: String

        package init(level: String, message: String, subject: String = "") {
            self.level = level
            self.message = message
            self.subject = subject
        }
    }

    package enum Verdict: Hashable, Sendable {
        /// - Parameter suppressed: events like it that were not written before it.
        case write(suppressed: Int)
        case suppress
    }

    private struct Window: Sendable {
        var end: Duration
        var written = 0
        var suppressed = 0
    }

    private struct State: Sendable {
        var windows: [Key: Window] = [:]
    }

    /// Events a window.
    package static let burst = 10
    package static let window = Duration.seconds(10)
    /// Different events that are counted at once; beyond, those whose windows are over are forgotten,
    /// and if there are none, all.
    package static let capacity = 256

    private let state = Mutex(State())

    package init() {}

    /// - Parameter now: of a clock that never goes back.
    package func judge(_ key: Key, at now: Duration) -> Verdict {
        state.withLock { state in
            var window = state.windows[key] ?? Window(end: now + Self.window)
            var before = 0
            if now >= window.end {
                before = window.suppressed
                window = Window(end: now + Self.window)
            }
            defer { state.windows[key] = window }
            if state.windows[key] == nil, state.windows.count >= Self.capacity {
                state.windows = state.windows.filter { $0.value.end > now }
                if state.windows.count >= Self.capacity { state.windows = [:] }
            }
            guard window.written < Self.burst else {
                window.suppressed += 1
                return .suppress
            }
            window.written += 1
            return .write(suppressed: before)
        }
    }
}
