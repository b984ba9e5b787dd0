package import TallyRPC

/// `/livez`, `/readyz` and `/metrics` (OPS-1).
package enum NodePages {
    /// - Parameters:
    ///   - status: of the moment.
    ///   - metrics: text of the moment.
    package static func source(
        status: @escaping @Sendable () -> NodeStatus,
        metrics: @escaping @Sendable () -> Exposition
    ) -> RPCPageSource {
        { target in
            let parts = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
            let query = parts.count > 1 ? parts[1].split(separator: "&") : []
            let isVerbose = query.contains { $0 == "verbose" || $0.hasPrefix("verbose=") }
            switch parts.first {
            case "/livez": return live(status())
            case "/readyz": return ready(status(), isVerbose: isVerbose)
            case "/metrics":
                return RPCPage(
                    contentType: Exposition.contentType, body: Array(metrics().text.utf8))
            default: return nil
            }
        }
    }

    private static func live(_ status: NodeStatus) -> RPCPage {
        guard let fault = status.fault else { return .text("ok\n") }
        return .text(fault + "\n", status: 503)
    }

    /// OPS-5
    private static func ready(_ status: NodeStatus, isVerbose: Bool) -> RPCPage {
        let checks = status.checks
        let bad = checks.filter { !$0.isGood }
        let code = bad.isEmpty ? 200 : 503
        guard isVerbose else {
            let names = bad.map(\.name).joined(separator: ", ")
            return .text(bad.isEmpty ? "ok\n" : "not ready: \(names)\n", status: code)
        }
        var text = ""
        for check in checks {
            text += "[\(check.isGood ? "+" : "-")] \(check.name): \(check.detail)\n"
        }
        return .text(text + (bad.isEmpty ? "ready\n" : "not ready\n"), status: code)
    }
}
