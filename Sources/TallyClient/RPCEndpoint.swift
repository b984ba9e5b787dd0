/// Where a node listens: `http://host:port/path`, or `host:port`.
public struct RPCEndpoint: Hashable, Sendable {
    /// Without the brackets of an IPv6 address.
    public let host: String
    /// 1 ... 65535; 80 when the text names none.
    public let port: Int
    /// Path and query, at least `/`.
    public let path: String

    /// - Throws: `.invalidEndpoint` for other schemes (TLS is the business of a proxy), for user
    ///   names, and for text that is no endpoint at all.
    public init(_ text: String) throws(RPCClientError) {
        guard let parts = Self.split(text) else { throw .invalidEndpoint(text) }
        (host, port, path) = parts
    }

    /// The value of the Host header.
    var authority: String { (host.contains(":") ? "[\(host)]" : host) + ":\(port)" }

    private static func split(_ text: String) -> (String, Int, String)? {
        guard text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }) else { return nil }
        var rest = Substring(text)
        let scheme = rest.prefix { $0 != ":" && $0 != "/" }
        if rest[scheme.endIndex...].hasPrefix("://") {
            guard scheme.lowercased() == "http" else { return nil }
            rest = rest[scheme.endIndex...].dropFirst(3)
        }
        let authority = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        let tail = rest[authority.endIndex...].prefix { $0 != "#" }
        let path = tail.hasPrefix("/") ? String(tail) : "/" + tail
        guard !authority.contains("@"), let (host, port) = hostAndPort(authority) else {
            return nil
        }
        return (host, port, path)
    }

    private static func hostAndPort(_ authority: Substring) -> (String, Int)? {
        let host: Substring
        let tail: Substring
        if authority.hasPrefix("[") {
            guard let end = authority.firstIndex(of: "]") else { return nil }
            host = authority[..<end].dropFirst()
            tail = authority[end...].dropFirst()
        } else {
            host = authority.prefix { $0 != ":" }
            tail = authority[host.endIndex...]
        }
        guard !host.isEmpty else { return nil }
        guard !tail.isEmpty else { return (String(host), 80) }
        guard tail.first == ":", let port = UInt16(tail.dropFirst()), port > 0 else { return nil }
        return (String(host), Int(port))
    }
}
