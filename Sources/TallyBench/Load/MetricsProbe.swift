import Foundation
import Glibc
import Synchronization
import TallyClient

/// Events of a run, in order.
final class EventBook: Sendable {
    private let list = Mutex<[Repetition.Event]>([])

    var events: [Repetition.Event] { list.withLock { $0 } }

    func add(_ text: String, at time: UInt64) {
        list.withLock { $0.append(.init(second: Double(time / 1_000_000) / 1_000, text: text)) }
    }
}

/// Counters that nodes publish at `/metrics`, where they do.
package enum MetricsProbe {
    /// Sum of the counts `tally_…fsync…_count` of a text in Prometheus' format; `nil` when it has none.
    package static func fsyncs(metrics text: String) -> Double? {
        var sum: Double?
        for line in text.split(separator: "\n") where line.hasPrefix("tally_") {
            let name = line.prefix { $0 != "{" && $0 != " " }
            guard name.contains("fsync"), name.hasSuffix("_count"),
                let value = line.split(separator: " ").last.flatMap({ Double($0) })
            else { continue }
            sum = (sum ?? 0) + value
        }
        return sum
    }

    /// Of each node, those that say nothing being `nil`.
    static func fsyncs(_ endpoints: [String]) async -> [Double?] {
        await inParallel(endpoints) { endpoint in page(endpoint).flatMap(fsyncs(metrics:)) }
    }

    /// What all nodes did between two looks; `nil` when one of them says nothing or began anew.
    package static func difference(_ before: [Double?], _ after: [Double?]) -> Double? {
        var sum = 0.0
        for (old, new) in zip(before, after) {
            guard let old, let new, new >= old else { return nil }
            sum += new - old
        }
        return before.isEmpty ? nil : sum
    }

    private static func page(_ text: String) -> String? {
        guard let endpoint = try? RPCEndpoint(text) else { return nil }
        let descriptor = connect(endpoint)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        let request = "GET /metrics HTTP/1.1\r\nHost: \(endpoint.host)\r\nConnection: close\r\n\r\n"
        let sent = request.utf8.withContiguousStorageIfAvailable {
            send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
        }
        guard sent == request.utf8.count else { return nil }
        var bytes: [UInt8] = []
        var part = [UInt8](repeating: 0, count: 64 << 10)
        while bytes.count < 4 << 20 {
            let count = recv(descriptor, &part, part.count, 0)
            guard count > 0 else { break }
            bytes += part[..<count]
        }
        let answer = String(decoding: bytes, as: UTF8.self)
        return answer.hasPrefix("HTTP/1.1 200") ? answer : nil
    }

    /// - Returns: a socket that gives up after a second, or a negative number.
    private static func connect(_ endpoint: RPCEndpoint) -> Int32 {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var found: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(endpoint.host, String(endpoint.port), &hints, &found) == 0,
            let address = found?.pointee
        else { return -1 }
        defer { freeaddrinfo(found) }
        let descriptor = socket(address.ai_family, address.ai_socktype, 0)
        guard descriptor >= 0 else { return -1 }
        var limit = timeval(tv_sec: 1, tv_usec: 0)
        let size = socklen_t(MemoryLayout<timeval>.size)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, size)
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, size)
        guard Glibc.connect(descriptor, address.ai_addr, address.ai_addrlen) == 0 else {
            close(descriptor)
            return -1
        }
        return descriptor
    }
}
