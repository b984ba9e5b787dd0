import Logging
import Synchronization
import TallyClient
import TallyNode
import Testing

@Suite struct LogHandlerTests {
    private final class Lines: Sendable {
        let text = Mutex<[String]>([])
    }

    private func lines(
        isJSON: Bool, level: Logger.Level = .info, _ body: (inout Logger) -> Void
    ) -> [String] {
        let lines = Lines()
        var logger = Logger(label: "test") { _ in
            LineLogHandler(level: level, isJSON: isJSON) { line in
                lines.text.withLock { $0.append(line) }
            }
        }
        body(&logger)
        return lines.text.withLock { $0 }
    }

    @Test func textLinesHaveSortedMetadata() throws {
        let found = lines(isJSON: false) { logger in
            logger.info("ledger open", metadata: ["height": "7", "cutBytes": "0"])
        }
        try #require(found.count == 1)
        let line = try #require(found.first)
        #expect(line.hasSuffix("Z info     ledger open cutBytes=0 height=7"))
        #expect(line.prefix(24).wholeMatch(of: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/) != nil)
    }

    @Test func jsonLinesAreJSON() throws {
        let found = lines(isJSON: true) { logger in
            logger[metadataKey: "node"] = "a"
            logger.warning("a \"quoted\"\nmessage", metadata: ["node": "b", "level": "no"])
        }
        let json = try JSON.parse(Array(try #require(found.first).utf8))
        #expect(json["level"] == "warning")
        #expect(json["message"] == "a \"quoted\"\nmessage")
        #expect(json["node"] == "b")
        #expect(json["time"]?.stringValue?.count == 24)
    }

    @Test func lowerLevelsAreSilent() {
        #expect(lines(isJSON: false, level: .error) { $0.warning("no") } == [])
    }
}
