import NIOCore

/// Why a WebSocket is closed: the code of RFC 6455, 7.4.1, and a text of at most 123 bytes (RPC-13).
struct WebSocketClosing: Hashable, Sendable {
    let code: UInt16
    let reason: String

    init(_ code: UInt16, _ reason: String) {
        precondition(reason.utf8.count <= 123, "a reason that does not fit into its frame")
        self.code = code
        self.reason = reason
    }

    static let goingAway = WebSocketClosing(1001, "the node stops")
    static let idle = WebSocketClosing(1001, "no answer to a ping")
    static func protocolError(_ reason: String) -> WebSocketClosing { .init(1002, reason) }
    static let unmasked = protocolError("frames of a client are masked")
    static let unsupported = WebSocketClosing(1003, "requests are text")
    static let invalidText = WebSocketClosing(1007, "text is UTF-8")
    static let slowRequest = WebSocketClosing(1008, "the request took too long to arrive")
    static let slowReader = WebSocketClosing(1008, "answers are read too slowly")
    static let lagging = WebSocketClosing(
        1008, "subscription too slow: heads were published faster than they were read")
    static let tooLong = WebSocketClosing(1009, "the message is too long; split the batch")
    static let failed = WebSocketClosing(1011, "the subscription failed")
    static let noRoom = WebSocketClosing(1013, "the server holds all the bytes it may; try again")

    /// What is said in return to a client's closing; `nil` when the client named no code.
    ///
    /// - Returns: an error of the protocol for a payload that is none (RFC 6455, 5.5.1 and 7.4).
    static func answer(to payload: ByteBuffer) -> WebSocketClosing? {
        var payload = payload
        guard payload.readableBytes > 0 else { return nil }
        guard let code = payload.readInteger(as: UInt16.self), isValid(code) else {
            return protocolError("an invalid code of closing")
        }
        let text = payload.readBytes(length: payload.readableBytes) ?? []
        guard String(validating: text, as: UTF8.self) != nil else { return .invalidText }
        return WebSocketClosing(code, "")
    }

    private static func isValid(_ code: UInt16) -> Bool {
        switch code {
        case 1000...1003, 1007...1014, 3000...4999: true
        default: false
        }
    }

    var payload: ByteBuffer {
        var buffer = ByteBuffer()
        buffer.writeInteger(code)
        buffer.writeString(reason)
        return buffer
    }
}
