/// What a GET request is answered: health, metrics, a page of the explorer.
package struct RPCPage: Hashable, Sendable {
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
/// Called in the task of the connection, which takes no other request meanwhile.
package typealias RPCPageSource = @Sendable (_ target: String) async -> RPCPage?
