import Synchronization
import TallyClient
import Testing

@testable import TallyRPC

@Suite(.timeLimit(.minutes(1))) struct JSONRPCTests {
    struct Exchange: Sendable {
        let request: String
        let response: String

        init(_ request: String, _ response: String) {
            self.request = request
            self.response = response
        }
    }

    /// Every refusal of the server says what programs match on.
    private static let reasons = [
        -32700: "parseError", -32600: "invalidRequest", -32601: "unknownMethod",
        -32602: "invalidParams", -32603: "internalError", -32005: "limitExceeded",
    ]

    static func error(_ code: Int, _ message: String, id: String = "null") -> String {
        let data = "{\"reason\":\"\(reasons[code] ?? "")\",\"retryable\":false}"
        return "{\"jsonrpc\":\"2.0\",\"id\":\(id),\"error\":{\"code\":\(code),"
            + "\"message\":\"\(message)\",\"data\":\(data)}}"
    }

    static func call(_ method: String, id: String, params: String = "[]") -> String {
        "{\"jsonrpc\":\"2.0\",\"id\":\(id),\"method\":\"\(method)\",\"params\":\(params)}"
    }

    static func result(_ value: String, id: String) -> String {
        "{\"jsonrpc\":\"2.0\",\"id\":\(id),\"result\":\(value)}"
    }

    @Test func answersCalls() async throws {
        let exchanges =
            ["echo", "echoAtOnce", "undecided"].flatMap { method in
                [
                    Exchange(
                        Self.call(method, id: "1", params: "[1,\"a\",null]"),
                        Self.result("[1,\"a\",null]", id: "1")),
                    Exchange(
                        Self.call(method, id: "2", params: "{\"k\":[1.50]}"),
                        Self.result("{\"k\":[1.50]}", id: "2")),
                ]
            } + [
                Exchange(Self.call("nothing", id: "1"), Self.result("null", id: "1")),
                Exchange(
                    "{\"method\":\"echo\",\"id\":7,\"jsonrpc\":\"2.0\"}",
                    Self.result("[]", id: "7")),
                Exchange(
                    "{\"method\":\"echo\",\"id\":7,\"params\":null,\"jsonrpc\":\"2.0\",\"x\":1}",
                    Self.result("[]", id: "7")),
                Exchange(
                    Self.call("fail", id: "1"),
                    "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32000,"
                        + "\"message\":\"nonce too low\",\"data\":{\"retryable\":false}}}"),
                Exchange(Self.call("failAtOnce", id: "1"), Self.error(-32602, "at once", id: "1")),
                Exchange(
                    Self.call("nope", id: "\"x\""),
                    Self.error(
                        -32601, "the method nope does not exist/is not available", id: "\"x\"")),
            ]
        try await check(exchanges)
    }

    @Test func echoesIdsExactly() async throws {
        let ids = [
            "null", "0", "-1", "18446744073709551615", "340282366920938463463374607431768211456",
            "1.0", "1e2", "-0", "\"\"", "\"é\\n\"", "\"1\"",
        ]
        try await check(
            ids.flatMap { id in
                [
                    Exchange(Self.call("echo", id: id), Self.result("[]", id: id)),
                    Exchange(Self.call("echoAtOnce", id: id), Self.result("[]", id: id)),
                ]
            })
    }

    @Test func refusesInvalidRequests() async throws {
        let object = "a request is a JSON object"
        let version = "jsonrpc must be \\\"2.0\\\""
        let params = "params are an array or an object"
        try await check([
            Exchange("", Self.error(-32700, "the request ends early, at byte 0")),
            Exchange("{\"jsonrpc\":", Self.error(-32700, "the request ends early, at byte 11")),
            Exchange("{} {}", Self.error(-32700, "invalid JSON at byte 3")),
            Exchange(
                "{\"id\":1,\"id\":2}",
                Self.error(-32700, "two members named \\\"id\\\" before byte 15")),
            Exchange("1", Self.error(-32600, object)),
            Exchange("\"text\"", Self.error(-32600, object)),
            Exchange("[]", Self.error(-32600, "an empty batch")),
            Exchange("{}", Self.error(-32600, version)),
            Exchange("{\"id\":5,\"method\":\"echo\"}", Self.error(-32600, version, id: "5")),
            Exchange(
                "{\"jsonrpc\":2.0,\"id\":5,\"method\":\"echo\"}",
                Self.error(-32600, version, id: "5")),
            Exchange(
                "{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":1,\"params\":\"bar\"}",
                Self.error(-32600, "a request names its method", id: "5")),
            Exchange(
                "{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"echo\",\"params\":\"bar\"}",
                Self.error(-32600, params, id: "5")),
            Exchange(
                "{\"jsonrpc\":\"2.0\",\"id\":[],\"method\":\"echo\"}",
                Self.error(-32600, "an id is a string, a number or null")),
        ])
    }

    @Test func answersBatchesInOrder() async throws {
        let batch = [
            Self.call("echo", id: "1", params: "[1]"), "1",
            "{\"jsonrpc\":\"2.0\",\"method\":\"echo\"}",
            Self.call("failAtOnce", id: "\"b\""), "{\"id\":9}", Self.call("echoAtOnce", id: "null"),
            Self.call("forgotten", id: "4"), "[]",
        ]
        let answers = [
            Self.result("[1]", id: "1"), Self.error(-32600, "a request is a JSON object"),
            Self.error(-32602, "at once", id: "\"b\""),
            Self.error(-32600, "jsonrpc must be \\\"2.0\\\"", id: "9"),
            Self.result("[]", id: "null"),
            Self.error(-32603, "the call was not answered", id: "4"),
            Self.error(-32600, "a request is a JSON object"),
        ]
        try await check([
            Exchange(
                "[\(batch.joined(separator: ","))]", "[\(answers.joined(separator: ","))]"),
            Exchange("[1]", "[\(Self.error(-32600, "a request is a JSON object"))]"),
        ])
    }

    private func check(_ exchanges: [Exchange]) async throws {
        try await withServer { server, _ in
            var client = try await RawClient.connect(server.address.port)
            for exchange in exchanges {
                let response = try await client.call(exchange.request)
                #expect(response.body == exchange.response, "to \(exchange.request)")
                #expect(response.status == 200)
                #expect(response.headers["content-type"] == "application/json")
            }
        }
    }

    @Test func givesAWholeBatchToTheDispatcher() async throws {
        try await withServer { server, dispatcher in
            var client = try await RawClient.connect(server.address.port)
            let calls = (0..<100).map { Self.call("echo", id: "\($0)", params: "[\($0)]") }
            let response = try await client.call("[\(calls.joined(separator: ","))]")
            let results = (0..<100).map { Self.result("[\($0)]", id: "\($0)") }
            #expect(response.body == "[\(results.joined(separator: ","))]")
            #expect(dispatcher.batches.withLock { $0 } == [100])
        }
    }

    @Test(arguments: [
        "{\"jsonrpc\":\"2.0\",\"method\":\"echoAtOnce\"}",
        "{\"jsonrpc\":\"2.0\",\"method\":\"failAtOnce\"}",
        "{\"jsonrpc\":\"2.0\",\"method\":\"fail\",\"params\":[1]}",
        "[{\"jsonrpc\":\"2.0\",\"method\":\"echo\"},{\"jsonrpc\":\"2.0\",\"method\":\"fail\"}]",
    ])
    func answersNoNotification(_ request: String) async throws {
        try await withServer { server, dispatcher in
            var client = try await RawClient.connect(server.address.port)
            let response = try await client.call(request)
            #expect(response.status == 204)
            #expect(response.body == "")
            #expect(response.headers["content-length"] == nil)
            #expect(dispatcher.notifications.withLock { !$0.isEmpty })
            // The connection is in step.
            #expect(try await client.call(Self.call("echo", id: "1")).status == 200)
        }
    }

    @Test func boundsTheResponse() async throws {
        var limits = RPCLimits()
        limits.responseBytes = 2_000
        try await withServer(limits: limits) { server, _ in
            var client = try await RawClient.connect(server.address.port)
            let tooLong = "a response has at most 2000 bytes; ask for less"
            let refused = try await client.call(Self.call("big", id: "1", params: "[1000000]"))
            #expect(refused.body == Self.error(-32005, tooLong, id: "1"))
            let calls = [(1, 50), (2, 1_000_000), (3, 20), (4, 60), (5, 1)].map {
                Self.call("big", id: "\($0)", params: "[\($1)]")
            }
            let response = try await client.call("[\(calls.joined(separator: ","))]")
            let answers = try JSON.parse(Array(response.body.utf8)).arrayValue ?? []
            #expect(answers.map { $0["id"] } == [1, 2, 3, 4, 5])
            #expect(answers.map { $0["error"]?["code"] } == [nil, -32005, nil, -32005, nil])
        }
    }
}
