/// Why a call got no result.
public enum RPCClientError: Error, Hashable, Sendable {
    /// The endpoint is no `http://host:port/path`.
    case invalidEndpoint(String)
    /// Nothing listens there.
    case connectionRefused(host: String, port: Int)
    /// The host is unknown or unreachable; the system's error number where there is one.
    case connectionFailed(host: String, port: Int, errno: Int32?)
    /// The peer closed the connection before it answered.
    case connectionClosed(host: String, port: Int)
    case timeout(after: Duration)
    /// An answer other than 200, with at most 1 KiB of what it says.
    case httpStatus(Int, text: String)
    case responseTooLarge(limit: Int)
    case malformedResponse(RPCMalformedResponse)
    /// The server answered with an error object.
    case rpcError(RPCRemoteError)
    /// More calls wait for the connection than allowed.
    case tooManyWaiting(limit: Int)
    /// The task was cancelled.
    case cancelled
    /// `close` was called.
    case closed
}

/// What is wrong with an answer.
public enum RPCMalformedResponse: Error, Hashable, Sendable {
    /// It does not follow HTTP/1.1.
    case notHTTP
    case notJSON(JSONError)
    /// It is no JSON-RPC 2.0 response object, or no array of them after a batch.
    case notAResponse
    /// Its id is none that was asked for, or was answered before.
    case unknownID
    /// A call of a batch got no answer.
    case missingAnswer(index: Int)
}

/// The error object of a JSON-RPC 2.0 response.
public struct RPCRemoteError: Error, Hashable, Sendable {
    public let code: Int
    public let message: String
    public let data: JSON?

    public init(code: Int, message: String, data: JSON? = nil) {
        self.code = code
        self.message = message
        self.data = data
    }
}

extension RPCClientError: CustomStringConvertible {
    /// One sentence for a person at a terminal.
    public var description: String {
        switch self {
        case .invalidEndpoint(let text):
            "'\(text)' is no endpoint; expected http://HOST:PORT"
        case .connectionRefused(let host, let port):
            "no node listens at \(host):\(port); start one with `tally dev`, or name another "
                + "with --rpc"
        case .connectionFailed(let host, let port, let errno):
            "cannot reach \(host):\(port)" + (errno.map { " (errno \($0))" } ?? "")
        case .connectionClosed(let host, let port):
            "\(host):\(port) closed the connection before it answered"
        case .timeout(let duration): "no answer within \(duration)"
        case .httpStatus(let status, let text):
            "HTTP status \(status)" + (text.isEmpty ? "" : ": \(text)")
        case .responseTooLarge(let limit): "the answer exceeds \(limit) bytes"
        case .malformedResponse(let reason): "the answer is no JSON-RPC response: \(reason)"
        case .rpcError(let error): "\(error.message) (\(error.code))"
        case .tooManyWaiting(let limit): "\(limit) calls wait for the connection already"
        case .cancelled: "cancelled"
        case .closed: "the client is closed"
        }
    }
}
