/// Which browsers' pages may talk to the server.
///
/// A page of any site can send requests to a loopback port of its visitor. It cannot hide its
/// Origin, and a name bound to 127.0.0.1 by an attacker (DNS rebinding) stands in Host.
package struct RPCAccess: Sendable {
    /// Names by which the server may be called besides IP addresses and `localhost`; lower case,
    /// without port.
    package var hosts: Set<String>
    /// Origins that may call besides the server's own pages, such as `https://app.example`;
    /// `*` stands for all.
    package var origins: Set<String>
    /// Whether browser extensions may call. The user installed them and granted them the right;
    /// most wallets are extensions.
    package var allowsExtensions: Bool

    package init(
        hosts: Set<String> = [], origins: Set<String> = [], allowsExtensions: Bool = true
    ) {
        self.hosts = hosts
        self.origins = origins
        self.allowsExtensions = allowsExtensions
    }

    /// Whether a Host header, port included, is one of the server's.
    func allows(host: String) -> Bool {
        let name = Self.withoutPort(host)
        if Self.isIPv4(name) || name.hasPrefix("[") && name.hasSuffix("]") { return true }
        let lower = name.lowercased()
        return lower == "localhost" || hosts.contains(lower)
    }

    /// Whether a page of `origin` may call the server that it reached as `host`.
    func allows(origin: String, host: String) -> Bool {
        if origin == "http://" + host || origin == "https://" + host { return true }
        if origins.contains("*") || origins.contains(origin) { return true }
        guard allowsExtensions else { return false }
        return ["chrome-extension://", "moz-extension://", "safari-web-extension://"].contains {
            origin.hasPrefix($0)
        }
    }

    private static func withoutPort(_ host: String) -> Substring {
        guard let colon = host.utf8.lastIndex(of: UInt8(ascii: ":")),
            host.utf8[colon...].dropFirst().allSatisfy({ (0x30...0x39).contains($0) })
        else { return host[...] }
        // The colons of an IPv6 address stand inside brackets.
        return host[..<colon]
    }

    /// Four numbers below 256 with points between them. Read byte by byte: every request has a host.
    private static func isIPv4(_ name: Substring) -> Bool {
        var points = 0
        var number: Int?
        for byte in name.utf8 {
            switch byte {
            case UInt8(ascii: "."):
                guard number != nil else { return false }
                points += 1
                number = nil
            case 0x30...0x39:
                let value = 10 * (number ?? 0) + Int(byte - 0x30)
                guard value < 256 else { return false }
                number = value
            default: return false
            }
        }
        return points == 3 && number != nil
    }
}
