import Glibc
package import Logging
import TallyClient
import TallyEngine

/// How log lines look.
package enum LogFormat: String, CaseIterable, Sendable {
    /// `text` on a terminal, `json` otherwise.
    case auto
    case text
    case json
}

/// Writes one line an event: text for people, JSON objects for collectors (OPS-30 to OPS-33).
package struct LineLogHandler: LogHandler {
    package var logLevel: Logger.Level
    package var metadata: Logger.Metadata = [:]
    private let isJSON: Bool
    private let limiter: LogLimiter
    private let uptime: @Sendable () -> Duration
    private let write: @Sendable (String) -> Void

    /// Bytes of a value or a message; what is longer is cut, with its length (OPS-32).
    package static let valueLimit = 2_048

    /// Metadata that say what an event is about: several of one message may be of interest.
    private static let subjects = ["shard", "peer"]

    /// - Parameters:
    ///   - uptime: of a clock that never goes back, for the limit of repetitions.
    ///   - write: gets whole lines without their end; called from any thread.
    package init(
        level: Logger.Level, isJSON: Bool, limiter: LogLimiter = LogLimiter(),
        uptime: @escaping @Sendable () -> Duration = { SystemClock().uptime() },
        write: @escaping @Sendable (String) -> Void
    ) {
        logLevel = level
        self.isJSON = isJSON
        self.limiter = limiter
        self.uptime = uptime
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
        let message = event.message.description
        let key = LogLimiter.Key(
            level: event.level.rawValue, message: message,
            subject: Self.subjects.compactMap { values[$0]?.description }.joined(separator: " "))
        guard case .write(let suppressed) = limiter.judge(key, at: uptime()) else { return }
        if suppressed > 0 { values["suppressed"] = "\(suppressed)" }
        let component = values.removeValue(forKey: Self.component)?.description
        let fields = values.sorted { $0.key < $1.key }.map {
            ($0.key, Self.cut($0.value.description))
        }
        let line = LogLine(
            time: Self.timestamp(), level: event.level.rawValue, component: component,
            message: Self.cut(message), fields: fields)
        write(isJSON ? line.json : line.text)
    }

    /// The metadata that names the part of the node a line is from.
    package static let component = "component"

    private static func cut(_ value: String) -> String {
        guard value.utf8.count > valueLimit else { return value }
        // Not in the middle of a character.
        let head = String(decoding: value.utf8.prefix(valueLimit), as: UTF8.self)
        return head.prefix { $0 != "\u{fffd}" } + "… (\(value.utf8.count) bytes)"
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

/// One event as it is written.
private struct LogLine {
    let time: String
    let level: String
    let component: String?
    let message: String
    let fields: [(key: String, value: String)]

    var json: String {
        var writer = JSONWriter(capacity: 160)
        writer.object { writer in
            writer.key("time")
            writer.string(time)
            writer.key("level")
            writer.string(level)
            if let component {
                writer.key(LineLogHandler.component)
                writer.string(component)
            }
            writer.key("message")
            writer.string(message)
            for (key, value) in fields where !["time", "level", "message"].contains(key) {
                writer.key(key)
                writer.string(value)
            }
        }
        return String(decoding: writer.bytes, as: UTF8.self)
    }

    var text: String {
        let padding = String(repeating: " ", count: max(0, 8 - level.count))
        var line = "\(time) \(level)\(padding) "
        if let component { line += "\(component): " }
        line += Self.printable(message)
        for (key, value) in fields { line += " \(key)=\(Self.quoted(value))" }
        return line
    }

    /// In quotation marks where it would not be seen where a value ends.
    private static func quoted(_ value: String) -> String {
        let isPlain =
            !value.isEmpty
            && value.unicodeScalars.allSatisfy { scalar in
                scalar != " " && scalar != "\"" && scalar != "=" && !isControl(scalar)
            }
        if isPlain { return value }
        let escaped = value.split(separator: "\"", omittingEmptySubsequences: false)
            .joined(separator: "\\\"")
        return "\"\(printable(escaped))\""
    }

    /// No line breaks and no terminal's commands: a line is one line, whoever wrote a part of it.
    private static func printable(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: isControl) else { return text }
        var result = ""
        for scalar in text.unicodeScalars {
            if scalar == "\n" {
                result += "\\n"
            } else if isControl(scalar) {
                result += "\\u{\(String(scalar.value, radix: 16))}"
            } else {
                result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        scalar.value < 0x20 || (0x7f...0x9f).contains(scalar.value)
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

    /// For one part of the node.
    func of(_ component: String) -> Logger {
        var logger = self
        logger[metadataKey: LineLogHandler.component] = "\(component)"
        return logger
    }
}
