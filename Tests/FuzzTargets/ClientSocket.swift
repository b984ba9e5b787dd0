import Glibc

/// A blocking TCP connection to this machine, sharing no code with the server.
final class ClientSocket: Sendable {
    private let descriptor: CInt

    init(port: Int) throws(Violation) {
        descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(UInt16(port)).bigEndian
        address.sin_addr.s_addr = in_addr_t(0x7f00_0001).bigEndian
        let status = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        try check(status == 0, "FUZZ-10: no connection: errno \(errno)")
        var one: CInt = 1
        setsockopt(
            descriptor, CInt(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<CInt>.size))
        var patience = timeval(tv_sec: 5, tv_usec: 0)
        setsockopt(
            descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
    }

    deinit { close(descriptor) }

    /// Sends all, as far as the server takes it: it may have closed.
    func send(_ bytes: [UInt8]) throws(Violation) {
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL))
            }
            guard count > 0 else { return }
            sent += count
        }
    }

    /// What there is next; nothing at the end of the connection.
    private func receive() throws(Violation) -> [UInt8] {
        var room = [UInt8](repeating: 0, count: 16_384)
        let count = recv(descriptor, &room, room.count, 0)
        try check(count >= 0 || errno == ECONNRESET, "FUZZ-10: no answer within five seconds")
        return Array(room.prefix(max(0, count)))
    }

    /// A response with its body, and nothing behind it.
    func response() throws(Violation) -> (status: Int, body: [UInt8]) {
        var bytes: [UInt8] = []
        var head: Int?
        repeat {
            let more = try receive()
            try check(!more.isEmpty, "FUZZ-10: closed before the answer")
            bytes += more
            head = Self.headEnd(bytes)
        } while head == nil
        let start = head ?? bytes.count
        let lines = String(decoding: bytes[..<start], as: UTF8.self).split(separator: "\r\n")
        guard lines.first?.hasPrefix("HTTP/1.1 ") == true,
            let status = lines.first.flatMap({ Int($0.dropFirst(9).prefix(3)) })
        else { throw Violation("FUZZ-10: no HTTP response") }
        let length = lines.first { $0.lowercased().hasPrefix("content-length: ") }
            .flatMap { Int($0.dropFirst(16)) }
        while bytes.count - start < length ?? 0 {
            let more = try receive()
            try check(!more.isEmpty, "FUZZ-10: closed inside the answer")
            bytes += more
        }
        try check(bytes.count - start == length ?? 0, "FUZZ-10: bytes behind the answer")
        return (status, Array(bytes[start...]))
    }

    private static func headEnd(_ bytes: [UInt8]) -> Int? {
        guard bytes.count >= 4 else { return nil }
        return (4...bytes.count).first { bytes[$0 - 4..<$0].elementsEqual([13, 10, 13, 10]) }
    }

    /// Everything up to the end, having nothing more to say.
    func rest() throws(Violation) -> [UInt8] {
        shutdown(descriptor, CInt(SHUT_WR))
        var bytes: [UInt8] = []
        while true {
            let more = try receive()
            if more.isEmpty { return bytes }
            bytes += more
        }
    }
}
