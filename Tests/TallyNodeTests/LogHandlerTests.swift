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

    @Test func componentsStandBeforeTheMessage() throws {
        let log: (inout Logger) -> Void = { logger in
            logger[metadataKey: LineLogHandler.component] = "peers"
            logger.info("peer connected", metadata: ["peer": "a"])
        }
        let text = try #require(lines(isJSON: false, log).first)
        #expect(text.hasSuffix("Z info     peers: peer connected peer=a"))
        let json = try #require(lines(isJSON: true, log).first)
        let end = #"Z","level":"info","component":"peers","message":"peer connected","peer":"a"}"#
        #expect(json.hasSuffix(end))
    }

    /// Whoever wrote the value.
    @Test func aTextLineIsOneLine() throws {
        let found = lines(isJSON: false) { logger in
            logger.info(
                "two\nlines",
                metadata: ["a": "x y", "b": "\u{1b}[2J", "c": "say \"no\"", "d": "", "e": "x=y"])
        }
        let line = try #require(found.first)
        let end = #"two\nlines a="x y" b="\u{1b}[2J" c="say \"no\"" d="" e="x=y""#
        #expect(line.hasSuffix(end))
    }

    @Test(arguments: [false, true])
    func longValuesAreCut(isJSON: Bool) throws {
        let found = lines(isJSON: isJSON) { logger in
            logger.info("long", metadata: ["proof": "x\(String(repeating: "é", count: 50_000))"])
        }
        let line = try #require(found.first)
        #expect(line.utf8.count < LineLogHandler.valueLimit + 200)
        #expect(line.contains("é… (100001 bytes)"))
    }

    @Test func lowerLevelsAreSilent() {
        #expect(lines(isJSON: false, level: .error) { $0.warning("no") } == [])
    }
}
