import Synchronization
import TallyClient
import Testing

@testable import TallyRPC

@Suite(.timeLimit(.minutes(1))) struct HTTPTests {
    static func call(_ method: String, id: Int, params: String = "[]") -> String {
        JSONRPCTests.call(method, id: "\(id)", params: params)
    }

    static let echo = call("echoAtOnce", id: 1)

    static let pages: RPCPageSource = { target in
        await Task.yield()
        return switch target {
        case "/livez": .text("ok\n")
        case "/readyz?verbose": .text("shard 3 is behind\n", status: 503)
        default: nil
        }
    }

    @Test(arguments: [
        ("GET / HTTP/1.1", 405), ("PUT / HTTP/1.1", 405), ("DELETE / HTTP/1.1", 405),
        ("OPTIONS / HTTP/1.1", 405), ("GET /other HTTP/1.1", 404), ("POST /other HTTP/1.1", 404),
        ("GET /livez HTTP/1.1", 200), ("GET /readyz?verbose HTTP/1.1", 503),
    ])
    func answersMethodsAndPaths(_ line: String, _ status: Int) async throws {
        try await withServer(pages: Self.pages) { server, _ in
            var client = try await RawClient.connect(server.address.port)
            try await client.send("\(line)\r\nhost: 127.0.0.1:8545\r\n\r\n")
            let response = try await client.response()
            #expect(response.status == status)
            #expect((response.headers["allow"] != nil) == (status == 405))
            if status == 503 { #expect(response.body == "shard 3 is behind\n") }
            // Kept alive.
            #expect(try await client.call(Self.echo).status == 200)
        }
    }

    @Test func answersPagesAndCallsInOrder() async throws {
        try await withServer(pages: Self.pages) { server, _ in
            var client = try await RawClient.connect(server.address.port)
            let page = "GET /readyz?verbose HTTP/1.1\r\nhost: localhost\r\n\r\n"
            try await client.send(page + RawClient.request(Self.echo) + page)
            for status in [503, 200, 503] {
                #expect(try await client.response().status == status)
            }
        }
    }

    @Test func closesWhenTheClientAsksTo() async throws {
        try await withServer { server, _ in
            for (version, header) in [("1.1", "connection: close\r\n"), ("1.0", "")] {
                for method in ["echo", "echoAtOnce"] {
                    var client = try await RawClient.connect(server.address.port)
                    let body = Self.call(method, id: 1)
                    try await client.send(
                        "POST / HTTP/\(version)\r\nHost: localhost\r\n\(header)"
                            + "content-length: \(body.utf8.count)\r\n\r\n\(body)")
                    #expect(try await client.response().headers["connection"] == "close")
                    #expect(await client.isClosedSilently())
                }
            }
        }
    }

    @Test func takesBodiesInChunksAndPieces() async throws {
        try await withServer { server, _ in
            var client = try await RawClient.connect(server.address.port)
            let head = "POST / HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n"
            let middle = Self.echo.index(Self.echo.startIndex, offsetBy: 20)
            let parts = [String(Self.echo[..<middle]), String(Self.echo[middle...])]
            for piece in [head] + parts.map({ "\(String($0.utf8.count, radix: 16))\r\n\($0)\r\n" })
            {
                try await client.send(piece)
            }
            try await client.send("0\r\n\r\n")
            #expect(try await client.response().body == JSONRPCTests.result("[]", id: "1"))
            for byte in RawClient.request(Self.echo).utf8 { try await client.send([byte]) }
            #expect(try await client.response().body == JSONRPCTests.result("[]", id: "1"))
        }
    }

    @Test func ignoresTheBodyOfAPageRequest() async throws {
        try await withServer { server, _ in
            var client = try await RawClient.connect(server.address.port)
            try await client.send(
                "GET /other HTTP/1.1\r\nhost: localhost\r\ncontent-length: 3\r\n\r\nabc")
            #expect(try await client.response().status == 404)
            let next = try await client.call(Self.echo)
            #expect(next.body == JSONRPCTests.result("[]", id: "1"))
        }
    }

    @Test(arguments: ["HEAD / HTTP/1.1", "GET / HTTP/1.1\r\nconnection: upgrade\r\nupgrade: h2c"])
    func closesAfterWhatItCannotFollow(_ beginning: String) async throws {
        try await withServer { server, _ in
            var client = try await RawClient.connect(server.address.port)
            try await client.send("\(beginning)\r\nhost: localhost\r\n\r\n")
            let response = try await client.response()
            #expect(response.status == 405)
            #expect(response.headers["connection"] == "close")
            #expect(await client.isClosedSilently())
        }
    }

    @Test func asksForABodyThatWaits() async throws {
        try await withServer { server, _ in
            var client = try await RawClient.connect(server.address.port)
            try await client.send(
                "POST / HTTP/1.1\r\nhost: localhost\r\nexpect: 100-continue\r\n"
                    + "content-length: \(Self.echo.utf8.count)\r\n\r\n")
            #expect(try await client.response().status == 100)
            try await client.send(Self.echo)
            #expect(try await client.response().status == 200)
        }
    }

    @Test func answersPipelinedRequestsInOrder() async throws {
        try await withServer { server, _ in
            var client = try await RawClient.connect(server.address.port)
            let methods = ["echo", "echoAtOnce", "fail", "undecided"]
            let requests = (0..<300).map {
                RawClient.request(Self.call(methods[$0 % 4], id: $0, params: "[\($0)]"))
            }
            client.begin(Array(requests.joined().utf8))
            for index in 0..<300 {
                let body = try await client.response().body
                #expect(try JSON.parse(Array(body.utf8))["id"] == JSON(index))
            }
        }
    }

    /// A server that read on would parse more ahead than it allows, and close.
    @Test func doesNotReadWhileItAnswers() async throws {
        try await withServer { server, dispatcher in
            var client = try await RawClient.connect(server.address.port)
            try await client.post(Self.call("wait", id: 0))
            await dispatcher.gate.arrived()
            let requests = (1...2_000).map { RawClient.request(Self.call("echoAtOnce", id: $0)) }
            client.begin(Array(requests.joined().utf8))
            var other = try await RawClient.connect(server.address.port)
            for _ in 0..<20 { #expect(try await other.call(Self.echo).status == 200) }
            dispatcher.gate.open()
            #expect(try await client.response().body.contains("waited"))
            for index in 1...2_000 {
                let body = try await client.response().body
                #expect(body == JSONRPCTests.result("[]", id: "\(index)"))
            }
        }
    }

    @Test func answersBeforeItMindsAClosedInput() async throws {
        try await withServer { server, dispatcher in
            var client = try await RawClient.connect(server.address.port)
            try await client.post(Self.call("wait", id: 1))
            await dispatcher.gate.arrived()
            try await client.closeOutput()
            dispatcher.gate.open()
            #expect(try await client.response().body.contains("waited"))
            #expect(await client.isClosedSilently())
        }
    }

    @Test func servesManyConnections() async throws {
        try await withServer { server, _ in
            let port = server.address.port
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<200 {
                    group.addTask {
                        var client = try await RawClient.connect(port)
                        for method in ["echo", "echoAtOnce"] {
                            let body = Self.call(method, id: number, params: "[\(number)]")
                            let expected = JSONRPCTests.result("[\(number)]", id: "\(number)")
                            #expect(try await client.call(body).body == expected)
                        }
                        await client.close()
                    }
                }
                try await group.waitForAll()
            }
        }
    }

    @Test(arguments: [
        ("host: 127.0.0.1:8545", 200), ("host: localhost", 200), ("host: LOCALHOST:1", 200),
        ("host: [::1]:8545", 200), ("host: node.example:80", 200), ("host: evil.example", 403),
        ("host: 127.0.0.1.evil.example", 403), ("host: 1.2.3", 403), ("host: localhost.", 403),
        ("host: 255.1.2.03", 200), ("host: 256.1.2.3", 403), ("host: 1..2.3", 403),
        ("host: 1.2.3.4.5", 403), ("host: 1.2.3.", 403), ("host: +1.2.3.4", 403),
        ("x: y", 400), ("host: localhost\r\nhost: localhost", 400), ("host:", 403),
    ])
    func checksTheHost(_ header: String, _ status: Int) async throws {
        let access = RPCAccess(hosts: ["node.example"])
        try await withServer(access: access) { server, _ in
            var client = try await RawClient.connect(server.address.port)
            try await client.send(
                "POST / HTTP/1.1\r\n\(header)\r\ncontent-length: \(Self.echo.utf8.count)\r\n\r\n"
                    + Self.echo)
            #expect(try await client.response().status == status)
        }
    }

    @Test(arguments: [
        ("https://evil.example", 403, false), ("null", 403, false),
        ("http://localhost:1", 403, false),
        ("https://app.example", 200, true), ("http://localhost", 200, false),
        ("chrome-extension://nkbihfbeogaeaoehlefnkodbefgpgknn", 200, true),
    ])
    func checksTheOrigin(_ origin: String, _ status: Int, _ isNamed: Bool) async throws {
        let access = RPCAccess(origins: ["https://app.example"])
        try await withServer(access: access) { server, _ in
            var client = try await RawClient.connect(server.address.port)
            let response = try await client.call(Self.echo, headers: "origin: \(origin)\r\n")
            #expect(response.status == status)
            #expect(response.headers["access-control-allow-origin"] == (isNamed ? origin : nil))
        }
    }

    @Test func answersThePreflightOfAnAllowedOrigin() async throws {
        let access = RPCAccess(origins: ["https://app.example"])
        try await withServer(access: access) { server, _ in
            for (origin, status) in [("https://app.example", 204), ("https://evil.example", 403)] {
                var client = try await RawClient.connect(server.address.port)
                try await client.send(
                    "OPTIONS / HTTP/1.1\r\nhost: localhost\r\norigin: \(origin)\r\n\r\n")
                let response = try await client.response()
                #expect(response.status == status)
                let allowed = response.headers["access-control-allow-headers"]
                #expect(allowed == (status == 204 ? "content-type" : nil))
            }
        }
    }
}
