/// What a GET request is answered: health, metrics, a page of the explorer.
package struct RPCPage: Sendable {
    package let status: Int
    package let contentType: String
    package let body: [UInt8]

    package init(status: Int = 200, contentType: String, body: [UInt8]) {
        self.status = status
        self.contentType = contentType
        self.body = body
    }

    package static func text(_ text: String, status: Int = 200) -> RPCPage {
        RPCPage(status: status, contentType: "text/plain; charset=utf-8", body: Array(text.utf8))
    }
}

/// The page at a path with its query, such as `/readyz?verbose`; `nil` when there is none.
///
/// Called on the event loop: must not block.
package typealias RPCPageSource = @Sendable (_ target: String) -> RPCPage?

extension RPCPage {
    /// `/livez` and `/readyz`, 200 or 503 with `ok` or a reason.
    ///
    /// - Parameter reason: why the node is not alive, or not ready; `nil` when it is.
    package static func health(
        liveness: @escaping @Sendable () -> String? = { nil },
        readiness: @escaping @Sendable () -> String?
    ) -> RPCPageSource {
        { target in
            let reason: String?
            switch target.prefix(while: { $0 != "?" }) {
            case "/livez": reason = liveness()
            case "/readyz": reason = readiness()
            default: return nil
            }
            return .text((reason ?? "ok") + "\n", status: reason == nil ? 200 : 503)
        }
    }
}
