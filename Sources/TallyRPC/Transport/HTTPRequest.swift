import NIOCore
import NIOHTTP1

/// What the head of an HTTP request decides.
struct HTTPRequest {
    enum Purpose {
        /// A JSON-RPC message in the body.
        case call
        /// A page.
        case page
        /// A browser's question before a request from another origin.
        case preflight
        /// A switch to WebSocket, and the bytes that grant it.
        case webSocket(ByteBuffer)
        case refused(HTTPResponse)
    }

    let purpose: Purpose
    let target: String
    let keepsAlive: Bool
    /// Whether bytes follow the head.
    let hasBody: Bool
    /// The announced length; `nil` when it comes in chunks, or there is none.
    let contentLength: Int?
    /// Whether the client waits for a sign before it sends the body.
    let expectsContinue: Bool
    /// The origin to name in the response, when it is another one and allowed.
    let crossOrigin: String?

    init(_ head: HTTPRequestHead, access: RPCAccess, limits: RPCLimits) {
        var headers = RelevantHeaders()
        for (name, value) in head.headers { headers.read(name, value) }
        target = head.uri
        // The decoder stops behind a request to switch protocols, and the answer to HEAD must not
        // have the body that ours has.
        keepsAlive = head.isKeepAlive && headers.webSocket.upgrade == nil && head.method != .HEAD
        contentLength = headers.contentLength.flatMap { Int($0) }
        hasBody = headers.isChunked || (contentLength ?? 0) > 0
        expectsContinue = headers.expect == "100-continue"
        let origin = headers.origin
        let host = headers.host ?? ""
        crossOrigin = origin.flatMap { $0 == "http://" + host ? nil : $0 }
        purpose = Self.purpose(
            head, headers, access: access,
            isTooLong: (contentLength ?? 0) > limits.bodyBytes)
    }

    private static func purpose(
        _ head: HTTPRequestHead, _ headers: RelevantHeaders, access: RPCAccess, isTooLong: Bool
    ) -> Purpose {
        guard headers.hostCount == 1 || headers.hostCount == 0 && head.version == .http1_0 else {
            return .refused(.refusal(400, "a request has one Host header"))
        }
        let host = headers.host ?? "localhost"
        guard access.allows(host: host) else {
            return .refused(.refusal(403, "this server has another name; see the allowed hosts"))
        }
        if let origin = headers.origin, !access.allows(origin: origin, host: host) {
            return .refused(.refusal(403, "pages of this origin may not call; see the origins"))
        }
        if let expect = headers.expect, expect != "100-continue" {
            return .refused(.refusal(417, "only 100-continue can be expected"))
        }
        guard !isTooLong else { return .refused(.tooLong) }
        let path = head.uri.prefix { $0 != "?" }
        switch head.method {
        case .POST: return path == "/" ? .call : .refused(.refusal(404, "POST to /"))
        case .GET where headers.webSocket.isAsked:
            guard path == "/" || path == "/ws" else {
                return .refused(.refusal(404, "WebSockets are at / and /ws"))
            }
            return switchProtocols(head, headers)
        case .GET: return .page
        case .OPTIONS where headers.origin != nil: return .preflight
        default: return .refused(.refusal(405, "POST a JSON-RPC 2.0 request", allow: "POST, GET"))
        }
    }

    private static func switchProtocols(
        _ head: HTTPRequestHead, _ headers: RelevantHeaders
    ) -> Purpose {
        guard head.version == .http1_1, !headers.isChunked, (headers.contentLength ?? "0") == "0"
        else { return .refused(.refusal(400, "a WebSocket begins with HTTP/1.1 and no body")) }
        switch headers.webSocket.outcome {
        case .accepted(let answer): return .webSocket(answer)
        case .refused(let response): return .refused(response)
        }
    }
}

extension HTTPResponse {
    static let tooLong = refusal(413, "the body is too long; split the batch")
}

/// The few headers that matter, found in one pass.
private struct RelevantHeaders {
    var host: String?
    var hostCount = 0
    var origin: String?
    var contentLength: String?
    var expect: String?
    var isChunked = false
    var webSocket = WebSocketHandshake()

    mutating func read(_ name: String, _ value: String) {
        // A name of another length is none of ours, which spares most comparisons.
        switch name.utf8.count {
        case 4 where Self.matches(name, "host"):
            host = value
            hostCount += 1
        case 6 where Self.matches(name, "origin"): origin = value
        case 6 where Self.matches(name, "expect"): expect = value.lowercased()
        case 7 where Self.matches(name, "upgrade"): webSocket.upgrade = value
        case 10 where Self.matches(name, "connection"): webSocket.connection = value
        case 14 where Self.matches(name, "content-length"): contentLength = value
        case 17 where Self.matches(name, "transfer-encoding"): isChunked = true
        case 17 where Self.matches(name, "sec-websocket-key"): webSocket.key = value
        case 21 where Self.matches(name, "sec-websocket-version"): webSocket.version = value
        default: break
        }
    }

    /// ASCII letters of either case; `lower` has only lower-case ones.
    private static func matches(_ name: String, _ lower: StaticString) -> Bool {
        var index = 0
        for byte in name.utf8 {
            guard byte | 0x20 == lower.utf8Start[index] | 0x20 else { return false }
            index += 1
        }
        return true
    }
}
