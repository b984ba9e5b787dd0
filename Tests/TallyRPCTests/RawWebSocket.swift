import TallyClient

@testable import TallyRPC

/// A WebSocket's client that sends any frames, sharing no code with the server.
struct RawWebSocket {
    struct Frame: Equatable {
        var opcode: UInt8
        var isFinal = true
        var payload: [UInt8]

        var text: String { String(decoding: payload, as: UTF8.self) }
        /// Of a close frame.
        var code: Int? {
            payload.count < 2 ? nil : Int(payload[0]) << 8 | Int(payload[1])
        }
        var reason: String { String(decoding: payload.dropFirst(2), as: UTF8.self) }
    }

    var client: RawClient

    static let key = "dGhlIHNhbXBsZSBub25jZQ=="

    static func request(_ path: String = "/", headers: String = "") -> String {
        "GET \(path) HTTP/1.1\r\nhost: localhost\r\nupgrade: websocket\r\n"
            + "connection: keep-alive, Upgrade\r\nsec-websocket-version: 13\r\n"
            + "sec-websocket-key: \(key)\r\n\(headers)\r\n"
    }

    static func connect(_ port: Int, reads: Bool = true) async throws -> RawWebSocket {
        var client = try await RawClient.connect(port)
        try await client.send(request())
        let response = try await client.response()
        guard response.status == 101 else { throw RawClient.Failure.malformed("\(response)") }
        if !reads { try await client.stopReading() }
        return RawWebSocket(client: client)
    }

    static func frame(
        _ opcode: UInt8, _ payload: [UInt8], isFinal: Bool = true, isMasked: Bool = true,
        reserved: UInt8 = 0
    ) -> [UInt8] {
        var bytes: [UInt8] = [(isFinal ? 0x80 : 0) | reserved | opcode]
        let mask: UInt8 = isMasked ? 0x80 : 0
        switch payload.count {
        case ..<126: bytes.append(mask | UInt8(payload.count))
        case ..<65_536:
            bytes.append(mask | 126)
            bytes += [UInt8(payload.count >> 8), UInt8(payload.count & 255)]
        default:
            bytes.append(mask | 127)
            bytes += (0..<8).map { UInt8(payload.count >> (56 - 8 * $0) & 255) }
        }
        guard isMasked else { return bytes + payload }
        let key: [UInt8] = [1, 2, 250, 4]
        return bytes + key + payload.enumerated().map { $1 ^ key[$0 % 4] }
    }

    static func text(_ text: String) -> [UInt8] { frame(1, Array(text.utf8)) }

    static func closing(_ code: Int, _ reason: [UInt8] = []) -> [UInt8] {
        frame(8, [UInt8(code >> 8), UInt8(code & 255)] + reason)
    }

    func send(_ text: String) async throws { try await client.send(Self.text(text)) }

    mutating func frame() async throws -> Frame {
        let head = try await client.bytes(2)
        var length = Int(head[1])
        if length >= 126 {
            let count = length == 126 ? 2 : 8
            length = try await client.bytes(count).reduce(0) { $0 << 8 | Int($1) }
        }
        return Frame(
            opcode: head[0] & 15, isFinal: head[0] & 0x80 != 0,
            payload: try await client.bytes(length))
    }

    mutating func json() async throws -> JSON { try JSON.parse(try await frame().payload) }

    mutating func call(_ text: String) async throws -> String {
        try await send(text)
        return try await frame().text
    }

    /// The close frame that ends the stream, after any other frames.
    mutating func closing() async throws -> Frame {
        var last = try await frame()
        while last.opcode != 8 { last = try await frame() }
        guard await client.isClosedSilently() else {
            throw RawClient.Failure.malformed("bytes behind a close frame")
        }
        return last
    }
}
