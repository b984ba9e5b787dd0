import NIOCore

/// The headers of a request to switch to WebSocket (RFC 6455, 4.2.1; RPC-10).
struct WebSocketHandshake: Sendable {
    enum Outcome: Sendable {
        /// The bytes that answer the request; frames follow.
        case accepted(ByteBuffer)
        case refused(HTTPResponse)
    }

    var upgrade: String?
    var connection: String?
    var version: String?
    var key: String?

    /// Whether the client asks for a WebSocket at all.
    var isAsked: Bool { upgrade.map { Self.names($0, "websocket") } ?? false }

    var outcome: Outcome {
        guard let connection, Self.names(connection, "upgrade") else {
            return .refused(.refusal(400, "a WebSocket needs `connection: upgrade`"))
        }
        guard version == "13" else {
            return .refused(.refusal(426, "only version 13 of WebSocket is spoken here"))
        }
        guard let key, Self.isNonce(key) else {
            return .refused(.refusal(400, "Sec-WebSocket-Key must be 16 bytes in base64"))
        }
        let accept = Base64.encode(SHA1.hash(Array((key + Self.suffix).utf8)))
        return .accepted(
            ByteBuffer(
                string: "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\n"
                    + "connection: Upgrade\r\nsec-websocket-accept: \(accept)\r\n\r\n"))
    }

    /// RFC 6455, 1.3.
    private static let suffix = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

    /// Whether a list of tokens has one, in either case.
    private static func names(_ list: String, _ token: String) -> Bool {
        list.split(separator: ",").contains {
            $0.drop { $0 == " " || $0 == "\t" }.prefix { $0 != " " && $0 != "\t" }
                .lowercased() == token
        }
    }

    /// 22 digits and the padding: nothing else has 16 bytes.
    private static func isNonce(_ key: String) -> Bool {
        let bytes = Array(key.utf8)
        return bytes.count == 24 && bytes.suffix(2).elementsEqual("==".utf8)
            && bytes.prefix(22).allSatisfy(Base64.isDigit)
    }
}

/// Base64 (RFC 4648, 4), as far as the handshake needs it.
enum Base64 {
    private static let digits = Array(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    static func isDigit(_ byte: UInt8) -> Bool { digits.contains(byte) }

    static func encode(_ bytes: [UInt8]) -> String {
        var text: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = bytes[start..<min(start + 3, bytes.count)]
            let bits = group.reduce(UInt32(0)) { $0 << 8 | UInt32($1) } << (8 * (3 - group.count))
            for index in 0..<4 {
                let digit = Int(bits >> (18 - 6 * index)) & 63
                text.append(index <= group.count ? digits[digit] : UInt8(ascii: "="))
            }
        }
        return String(decoding: text, as: UTF8.self)
    }
}

/// SHA-1 (FIPS 180-4), which the handshake asks for and nothing else: it proves no more than that
/// the server has read the request.
enum SHA1 {
    static func hash(_ message: [UInt8]) -> [UInt8] {
        var padded = message + [0x80]
        while padded.count % 64 != 56 { padded.append(0) }
        withUnsafeBytes(of: UInt64(message.count * 8).bigEndian) { padded.append(contentsOf: $0) }
        var state: [UInt32] = [
            0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0,
        ]
        for start in stride(from: 0, to: padded.count, by: 64) {
            compress(&state, padded[start..<start + 64])
        }
        return state.flatMap { word in withUnsafeBytes(of: word.bigEndian) { Array($0) } }
    }

    private static func compress(_ state: inout [UInt32], _ block: ArraySlice<UInt8>) {
        var words = stride(from: block.startIndex, to: block.endIndex, by: 4).map { start in
            block[start..<start + 4].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        }
        for index in 16..<80 {
            words.append(
                rotate(
                    words[index - 3] ^ words[index - 8] ^ words[index - 14] ^ words[index - 16], 1))
        }
        var (a, b, c, d, e) = (state[0], state[1], state[2], state[3], state[4])
        for (index, word) in words.enumerated() {
            let (mix, constant): (UInt32, UInt32) =
                switch index {
                case ..<20: (b & c | ~b & d, 0x5a82_7999)
                case ..<40: (b ^ c ^ d, 0x6ed9_eba1)
                case ..<60: (b & c | b & d | c & d, 0x8f1b_bcdc)
                default: (b ^ c ^ d, 0xca62_c1d6)
                }
            (a, b, c, d, e) = (
                rotate(a, 5) &+ mix &+ e &+ constant &+ word, a, rotate(b, 30), c, d
            )
        }
        for (index, word) in [a, b, c, d, e].enumerated() { state[index] &+= word }
    }

    private static func rotate(_ word: UInt32, _ bits: UInt32) -> UInt32 {
        word << bits | word >> (32 - bits)
    }
}
