import Glibc

/// A client that costs little: one thread, some keep-alive connections, and one request at a time on
/// each. What it sends was written before.
struct PollClient: ~Copyable {
    private var connections: [Connection] = []

    fileprivate struct Connection {
        let descriptor: Int32
        var outgoing: [UInt8] = []
        var sent = 0
        var incoming: [UInt8] = []
        /// Of the answer, once its head is there.
        var end: Int?
        var isIdle = true
    }

    /// How long the server may be silent.
    private static let timeoutMilliseconds: Int32 = 30_000

    init(port: Int, connections count: Int) throws {
        for _ in 0..<count { connections.append(Connection(descriptor: try Self.connect(port))) }
    }

    deinit { for connection in connections { close(connection.descriptor) } }

    /// A POST request with its head.
    static func request(_ body: [UInt8]) -> [UInt8] {
        let head =
            "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            + "Content-Length: \(body.count)\r\n\r\n"
        return Array(head.utf8) + body
    }

    /// Sends what `next` gives, until it gives nothing, and hands each answer's body over.
    /// - Returns: the number of answers.
    mutating func run(
        next: () -> [UInt8]?, answered: (ArraySlice<UInt8>) throws -> Void
    ) throws -> Int {
        var count = 0
        while true {
            for index in connections.indices where connections[index].isIdle {
                guard let request = next() else { break }
                connections[index].begin(request)
            }
            guard connections.contains(where: { !$0.isIdle }) else { return count }
            var entries = connections.map(\.wish)
            guard poll(&entries, nfds_t(entries.count), Self.timeoutMilliseconds) > 0 else {
                throw BenchError("the server was silent for too long")
            }
            for (index, entry) in entries.enumerated() where entry.revents != 0 {
                try connections[index].send()
                guard let body = try connections[index].receive() else { continue }
                try answered(body)
                count += 1
            }
        }
    }

    private static func connect(_ port: Int) throws -> Int32 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { throw BenchError("no socket: errno \(errno)") }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        let status = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard status == 0 else {
            close(descriptor)
            throw BenchError("cannot connect to port \(port): errno \(errno)")
        }
        var yes: Int32 = 1
        let size = socklen_t(MemoryLayout<Int32>.size)
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &yes, size)
        _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
        return descriptor
    }
}

extension PollClient.Connection {
    fileprivate var wish: pollfd {
        let events = isIdle ? 0 : sent < outgoing.count ? POLLOUT : POLLIN
        return pollfd(fd: isIdle ? -1 : descriptor, events: Int16(events), revents: 0)
    }

    fileprivate mutating func begin(_ request: [UInt8]) {
        outgoing = request
        sent = 0
        incoming.removeAll(keepingCapacity: true)
        end = nil
        isIdle = false
    }

    fileprivate mutating func send() throws(BenchError) {
        while sent < outgoing.count {
            let count = outgoing.withUnsafeBytes {
                Glibc.send(
                    descriptor, $0.baseAddress?.advanced(by: sent), outgoing.count - sent,
                    Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else {
                guard errno == EAGAIN || errno == EINTR else {
                    throw BenchError("cannot send: errno \(errno)")
                }
                return
            }
            sent += count
        }
    }

    /// - Returns: the body of the answer, once it is whole.
    fileprivate mutating func receive() throws(BenchError) -> ArraySlice<UInt8>? {
        guard sent == outgoing.count else { return nil }
        let before = incoming.count
        let space = 64 << 10
        var count = 0
        incoming.append(contentsOf: repeatElement(0, count: space))
        incoming.withUnsafeMutableBytes {
            count = recv(descriptor, $0.baseAddress?.advanced(by: before), space, 0)
        }
        incoming.removeLast(space - max(0, count))
        guard count > 0 else {
            guard count < 0, errno == EAGAIN || errno == EINTR else {
                throw BenchError("the server closed a connection")
            }
            return nil
        }
        if end == nil { end = try answerEnd() }
        guard let end, incoming.count >= end else { return nil }
        isIdle = true
        return incoming[bodyStart..<end]
    }

    private var bodyStart: Int {
        for index in incoming.indices.dropFirst(3)
        where incoming[index] == 10 && incoming[index - 2] == 10 { return index + 1 }
        return 0
    }

    /// Where the answer ends; `nil` before its head is whole.
    private func answerEnd() throws(BenchError) -> Int? {
        let start = bodyStart
        guard start > 0 else { return nil }
        let lines = String(decoding: incoming[..<start], as: UTF8.self).split(separator: "\r\n")
        guard let status = lines.first, status.contains(" 200 ") else {
            throw BenchError("the server answered \(lines.first ?? "nothing")")
        }
        for line in lines where line.lowercased().hasPrefix("content-length:") {
            guard let length = Int(line.dropFirst("content-length:".count).drop { $0 == " " })
            else { break }
            return start + length
        }
        throw BenchError("an answer without a length")
    }
}
