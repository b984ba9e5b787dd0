package import TallyClient

/// An error object of JSON-RPC 2.0.
package struct RPCFailure: Error, Hashable, Sendable {
    package let code: Int
    package let message: String
    package let data: JSON?

    package init(_ code: Int, _ message: String, data: JSON? = nil) {
        self.code = code
        self.message = message
        self.data = data
    }
}

/// Error codes of JSON-RPC 2.0 and EIP-1474.
extension RPCFailure {
    package static let parseErrorCode = -32_700
    package static let invalidRequestCode = -32_600
    package static let methodNotFoundCode = -32_601
    package static let invalidParamsCode = -32_602
    package static let internalErrorCode = -32_603
    /// Missing or invalid parameters of a well-formed call; what geth answers to bad transactions.
    package static let invalidInputCode = -32_000
    package static let resourceNotFoundCode = -32_001
    package static let resourceUnavailableCode = -32_002
    package static let transactionRejectedCode = -32_003
    package static let methodNotSupportedCode = -32_004
    package static let limitExceededCode = -32_005

    /// - Parameters:
    ///   - reason: a stable name: what programs match on.
    ///   - retryable: whether the same call may succeed later.
    package static func because(
        _ code: Int, _ message: String, reason: String, retryable: Bool = false
    ) -> RPCFailure {
        RPCFailure(
            code, message, data: ["reason": .string(reason), "retryable": .bool(retryable)])
    }

    package static func parseError(_ message: String) -> RPCFailure {
        because(parseErrorCode, message, reason: "parseError")
    }

    package static func invalidRequest(_ message: String) -> RPCFailure {
        because(invalidRequestCode, message, reason: "invalidRequest")
    }

    package static func methodNotFound(_ method: String) -> RPCFailure {
        because(
            methodNotFoundCode, "the method \(method) does not exist/is not available",
            reason: "unknownMethod")
    }

    package static func invalidParams(_ message: String) -> RPCFailure {
        because(invalidParamsCode, message, reason: "invalidParams")
    }

    package static func internalError(_ message: String) -> RPCFailure {
        because(internalErrorCode, message, reason: "internalError")
    }

    package static func limitExceeded(_ message: String) -> RPCFailure {
        because(limitExceededCode, message, reason: "limitExceeded")
    }
}
