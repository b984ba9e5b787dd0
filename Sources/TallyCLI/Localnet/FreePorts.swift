import Glibc
import TallyNode

/// Ports of this machine that nobody listens at (LOCAL-4).
enum FreePorts {
    private static let first = 10_000

    /// Below those that the system gives to outgoing connections: a peer that dials a node which is
    /// away would sooner or later be given the node's port itself, and keep it.
    private static var end: Int {
        guard
            let bytes = try? Files.read("/proc/sys/net/ipv4/ip_local_port_range", limit: 4_096),
            let low = String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isWhitespace)
                .first.flatMap({ Int($0) })
        else { return 32_768 }
        return max(low, first + 1_000)
    }

    /// From a place drawn at random on, so that two localnets seldom want the same.
    /// - Throws: `.noFreePorts`.
    static func find(_ count: Int) throws(LocalnetError) -> [Int] {
        let range = first..<min(end, 65_536)
        let start = Int.random(in: range)
        let candidates = Array(start..<range.upperBound) + Array(range.lowerBound..<start)
        let found = Array(candidates.lazy.filter(isFree).prefix(count))
        guard found.count == count else { throw .noFreePorts(wanted: count) }
        return found
    }

    private static func isFree(_ port: Int) -> Bool {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(UInt16(clamping: port).bigEndian)
        address.sin_addr = in_addr(s_addr: UInt32(0x7F00_0001).bigEndian)
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }
}
