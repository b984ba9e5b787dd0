import Logging
import Synchronization
import TallyNode
import Testing

@Suite struct LogLimiterTests {
    private static let key = LogLimiter.Key(level: "info", message: "again")

    @Test func saysHowManyItHeldBack() {
        let limiter = LogLimiter()
        for _ in 0..<LogLimiter.burst {
            #expect(limiter.judge(Self.key, at: .seconds(1)) == .write(suppressed: 0))
        }
        for _ in 0..<5 { #expect(limiter.judge(Self.key, at: .seconds(2)) == .suppress) }
        // The window is over exactly at its end.
        #expect(limiter.judge(Self.key, at: .milliseconds(10_999)) == .suppress)
        #expect(limiter.judge(Self.key, at: .seconds(11)) == .write(suppressed: 6))
        #expect(limiter.judge(Self.key, at: .seconds(11)) == .write(suppressed: 0))
    }

    @Test func holdsNothingBackOfAnother() {
        let limiter = LogLimiter()
        for _ in 0...LogLimiter.burst { _ = limiter.judge(Self.key, at: .zero) }
        for other in [
            LogLimiter.Key(level: "error", message: "again"),
            LogLimiter.Key(level: "info", message: "once"),
            LogLimiter.Key(level: "info", message: "again", subject: "shard 3"),
        ] {
            #expect(limiter.judge(other, at: .zero) == .write(suppressed: 0))
        }
    }

    @Test func forgetsRatherThanGrow() {
        let limiter = LogLimiter()
        for _ in 0...LogLimiter.burst { _ = limiter.judge(Self.key, at: .zero) }
        #expect(limiter.judge(Self.key, at: .zero) == .suppress)
        for number in 0..<LogLimiter.capacity {
            _ = limiter.judge(.init(level: "info", message: "\(number)"), at: .zero)
        }
        #expect(limiter.judge(Self.key, at: .zero) == .write(suppressed: 0))
    }

    @Test func aLoggerTellsWhatItHeldBack() throws {
        let lines = Mutex<[String]>([])
        let now = Mutex(Duration.zero)
        let limiter = LogLimiter()
        let logger = Logger(label: "test") { _ in
            LineLogHandler(
                level: .info, isJSON: false, limiter: limiter, uptime: { now.withLock { $0 } }
            ) { line in lines.withLock { $0.append(line) } }
        }
        for peer in ["a", "b"] {
            for _ in 0..<12 { logger.info("again", metadata: ["peer": "\(peer)"]) }
        }
        #expect(lines.withLock { $0.count } == 2 * LogLimiter.burst)
        now.withLock { $0 = .seconds(10) }
        logger.info("again", metadata: ["peer": "b"])
        let last = try #require(lines.withLock { $0.last })
        #expect(last.hasSuffix("again peer=b suppressed=2"))
    }
}
