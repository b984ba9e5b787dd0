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
        if name.hasPrefix("[") && name.hasSuffix("]") { return true }
        return name == "localhost" || Self.isIPv4(name) || hosts.contains(name)
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

    private static func withoutPort(_ host: String) -> String {
        let lower = host.lowercased()
        guard let colon = lower.lastIndex(of: ":"),
            lower[colon...].dropFirst().utf8.allSatisfy({ (0x30...0x39).contains($0) })
        else { return lower }
        // The colons of an IPv6 address stand inside brackets.
        return String(lower[..<colon])
    }

    private static func isIPv4(_ name: String) -> Bool {
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts.allSatisfy { UInt8($0) != nil && !$0.hasPrefix("+") }
    }
}
