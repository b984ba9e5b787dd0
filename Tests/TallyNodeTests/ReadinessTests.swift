import TallyNode
import TallyPrimitives
import TallyRPC
import Testing

@Suite struct ReadinessTests {
    private static func good() -> NodeStatus {
        NodeStatus(
            height: Height(9), headAge: .milliseconds(1_250), heartbeat: .seconds(5),
            endpointFaults: [nil, nil, nil])
    }

    struct Case: Sendable, CustomStringConvertible {
        let check: String
        let change: @Sendable (inout NodeStatus) -> Void
        var description: String { check }
    }

    /// As late as it may be, and then more.
    private static let bad: [Case] = [
        Case(check: "alive") { $0.silence = .milliseconds(30_001) },
        Case(check: "beacon") { $0.headAge = .milliseconds(25_001) },
        Case(check: "lag") { $0.lag = 17 },
        Case(check: "peers") { $0.validatorLinks = 0 },
        Case(check: "disk") { $0.isDiskFull = true },
        Case(check: "shard-1") { $0.endpointFaults[1] = "its root is another" },
        Case(check: "shard-beacon") { $0.endpointFaults[2] = "its root is another" },
    ]

    private func answer(_ target: String, _ status: NodeStatus) async throws -> (Int, String) {
        let pages = NodePages.source(status: { status }, metrics: { Exposition() })
        let page = try #require(await pages(target))
        return (page.status, String(decoding: page.body, as: UTF8.self))
    }

    @Test func isReadyAtTheLimits() async throws {
        var status = Self.good()
        status.silence = .seconds(30)
        status.headAge = .seconds(25)
        status.lag = 16
        status.validatorLinks = 1
        #expect(status.checks.filter { !$0.isGood } == [])
        #expect(try await answer("/readyz", status) == (200, "ok\n"))
        #expect(try await answer("/livez", status) == (200, "ok\n"))
    }

    @Test(arguments: bad)
    func isNotReady(_ test: Case) async throws {
        var status = Self.good()
        test.change(&status)
        #expect(try await answer("/readyz", status) == (503, "not ready: \(test.check)\n"))
        let (code, text) = try await answer("/readyz?verbose", status)
        #expect(code == 503)
        let lines = text.split(separator: "\n")
        #expect(lines.last == "not ready")
        #expect(lines.filter { $0.hasPrefix("[-]") }.count == 1)
        #expect(lines.contains { $0.hasPrefix("[-] \(test.check): ") })
        let alive = try await answer("/livez", status)
        #expect(alive.0 == (test.check == "alive" ? 503 : 200), "who is behind is alive")
    }

    @Test func namesEveryCheckInItsOrder() async throws {
        var status = Self.good()
        status.validatorLinks = 2
        status.endpointFaults[0] = "torn"
        #expect(
            try await answer("/readyz?verbose=1", status).1 == """
                [+] alive: the beacon is at work
                [+] beacon: height 9, 1.2 s old, at most 25.0 s
                [+] lag: 0 heights behind, at most 16
                [+] peers: connected to 2 validators
                [+] disk: has space
                [-] shard-0: quarantined: torn
                [+] shard-1: builds blocks
                [+] shard-beacon: builds blocks
                not ready

                """)
    }

    @Test func hasNoOtherPages() async {
        let pages = NodePages.source(status: { Self.good() }, metrics: { Exposition() })
        for target in ["/", "/livez/", "/metrics/shards", "/readyzverbose", ""] {
            #expect(await pages(target) == nil, "\(target)")
        }
        #expect(await pages("/metrics?x")?.contentType == Exposition.contentType)
    }
}
