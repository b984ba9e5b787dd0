import NIOCore

/// The answer to one HTTP request, written as bytes: an encoder between would cost more than
/// the rest of a small answer.
struct HTTPResponse: Sendable {
    var status: Int
    var contentType: String?
    var body: [UInt8]
    /// The Allow header of a 405.
    var allow: String?

    static func json(_ body: [UInt8]) -> HTTPResponse {
        HTTPResponse(status: 200, contentType: "application/json", body: body)
    }

    /// After a request of nothing but notifications.
    static let noContent = HTTPResponse(status: 204, body: [])

    static func refusal(_ status: Int, _ text: String, allow: String? = nil) -> HTTPResponse {
        HTTPResponse(
            status: status, contentType: "text/plain; charset=utf-8",
            body: Array((text + "\n").utf8), allow: allow)
    }

    /// - Parameter page: `nil` when there is none at the target.
    static func page(_ page: RPCPage?, at target: String) -> HTTPResponse {
        if let page {
            return HTTPResponse(
                status: page.status, contentType: page.contentType, body: page.body)
        }
        guard target.prefix(while: { $0 != "?" }) == "/" else {
            return .refusal(404, "no such page")
        }
        return .refusal(405, "POST a JSON-RPC 2.0 request", allow: "POST")
    }

    /// The whole message. `origin` is the allowed origin of a request from another one.
    func encoded(
        closes: Bool, origin: String?, isPreflight: Bool, allocator: ByteBufferAllocator
    ) -> ByteBuffer {
        var buffer = allocator.buffer(capacity: body.count + 192)
        writeStatusLine(to: &buffer)
        if let contentType {
            buffer.writeStaticString("content-type: ")
            buffer.writeString(contentType)
            buffer.writeStaticString("\r\n")
        }
        if status != 204 {
            buffer.writeStaticString("content-length: ")
            buffer.writeString(String(body.count))
            buffer.writeStaticString("\r\n")
        }
        if status == 426 {
            buffer.writeStaticString("upgrade: websocket\r\nsec-websocket-version: 13\r\n")
        }
        if let allow { buffer.writeString("allow: \(allow)\r\n") }
        if let origin {
            buffer.writeString("access-control-allow-origin: \(origin)\r\nvary: origin\r\n")
        }
        if isPreflight {
            buffer.writeStaticString("access-control-allow-methods: POST, GET\r\n")
            buffer.writeStaticString("access-control-allow-headers: content-type\r\n")
            buffer.writeStaticString("access-control-max-age: 600\r\n")
        }
        if closes { buffer.writeStaticString("connection: close\r\n") }
        buffer.writeStaticString("\r\n")
        buffer.writeBytes(body)
        return buffer
    }

    private func writeStatusLine(to buffer: inout ByteBuffer) {
        guard status != 200 else {
            buffer.writeStaticString("HTTP/1.1 200 OK\r\n")
            return
        }
        buffer.writeString("HTTP/1.1 \(status) \(Self.reason(status))\r\n")
    }

    private static func reason(_ status: Int) -> String {
        switch status {
        case 204: "No Content"
        case 400: "Bad Request"
        case 403: "Forbidden"
        case 404: "Not Found"
        case 405: "Method Not Allowed"
        case 413: "Content Too Large"
        case 417: "Expectation Failed"
        case 426: "Upgrade Required"
        case 431: "Request Header Fields Too Large"
        case 503: "Service Unavailable"
        default: "Status"
        }
    }
}
