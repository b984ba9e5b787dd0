import Glibc
package import Logging
import TallyClient

/// How log lines look.
package enum LogFormat: String, CaseIterable, Sendable {
    /// `text` on a terminal, `json` otherwise.
    case auto
    case text
    case json
}

/// Writes one line an event: text for people, JSON objects for collectors.
package struct LineLogHandler: LogHandler {
    package var logLevel: Logger.Level
    package var metadata: Logger.Metadata = [:]
    private let isJSON: Bool
    private let write: @Sendable (String) -> Void

    /// - Parameter write: gets whole lines without their end; called from any thread.
    package init(
        level: Logger.Level, isJSON: Bool, write: @escaping @Sendable (String) -> Void
    ) {
        logLevel = level
        self.isJSON = isJSON
        self.write = write
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        var values = metadata
        if let own = event.metadata { values.merge(own) { $1 } }
        if let error = event.error { values["error"] = "\(error)" }
        let sorted = values.sorted { $0.key < $1.key }
        let time = Self.timestamp()
        let message = event.message.description
        if isJSON {
            var writer = JSONWriter(capacity: 160)
            writer.object { writer in
                writer.key("time")
                writer.string(time)
                writer.key("level")
                writer.string(event.level.rawValue)
                writer.key("message")
                writer.string(message)
                for (key, value) in sorted where !["time", "level", "message"].contains(key) {
                    writer.key(key)
                    writer.string("\(value)")
                }
            }
            write(String(decoding: writer.bytes, as: UTF8.self))
        } else {
            let level = event.level.rawValue
            let padding = String(repeating: " ", count: max(0, 8 - level.count))
            write(
                "\(time) \(level)\(padding) \(message)"
                    + sorted.map { " \($0.key)=\($0.value)" }.joined())
        }
    }

    /// UTC with milliseconds, as RFC 3339 writes it.
    private static func timestamp() -> String {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        var parts = tm()
        gmtime_r(&now.tv_sec, &parts)
        func two(_ value: Int32) -> String { (value < 10 ? "0" : "") + String(value) }
        let milliseconds = String(1_000 + now.tv_nsec / 1_000_000).dropFirst()
        return "\(parts.tm_year + 1900)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday))"
            + "T\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec)).\(milliseconds)Z"
    }
}

extension Logger {
    /// The node's logger, on standard error.
    package static func node(level: Logger.Level, format: LogFormat) -> Logger {
        let isJSON =
            switch format {
            case .json: true
            case .text: false
            case .auto: isatty(STDERR_FILENO) == 0
            }
        return Logger(label: "tally") { _ in
            LineLogHandler(level: level, isJSON: isJSON) { line in
                // One call a line, so that lines of several threads do not mix.
                var text = line + "\n"
                text.withUTF8 { _ = Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count) }
            }
        }
    }
}
