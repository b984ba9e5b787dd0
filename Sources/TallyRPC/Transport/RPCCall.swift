package import TallyClient

/// A valid request object of JSON-RPC 2.0.
package struct RPCCall: Sendable {
    package let method: String
    /// An array or an object; an empty array when the request has none.
    package let params: JSON
    /// A string, number or null, to be echoed; `nil` for a notification.
    package let id: JSON?

    package init(method: String, params: JSON = .array([]), id: JSON?) {
        self.method = method
        self.params = params
        self.id = id
    }

    package var isNotification: Bool { id == nil }
}

/// A member of a batch, or a request on its own.
enum RPCItem: Sendable {
    case call(RPCCall)
    case invalid(RPCFailure, id: JSON)

    /// - Note: `"params": null` is taken for none, as geth does: several clients send it.
    init(_ json: JSON) {
        guard case .object(let object) = json else {
            self = .invalid(.invalidRequest("a request is a JSON object"), id: .null)
            return
        }
        var echo = JSON.null
        switch object["id"] {
        case nil, .null: break
        case .string, .integer, .unsigned, .number: echo = object["id"] ?? .null
        case .bool, .array, .object:
            self = .invalid(.invalidRequest("an id is a string, a number or null"), id: .null)
            return
        }
        guard object["jsonrpc"] == "2.0" else {
            self = .invalid(.invalidRequest("jsonrpc must be \"2.0\""), id: echo)
            return
        }
        guard case .string(let method) = object["method"] else {
            self = .invalid(.invalidRequest("a request names its method"), id: echo)
            return
        }
        switch object["params"] {
        case nil, .null: self = .call(RPCCall(method: method, id: object["id"]))
        case .array, .object:
            let params = object["params"] ?? .array([])
            self = .call(RPCCall(method: method, params: params, id: object["id"]))
        case .bool, .integer, .unsigned, .number, .string:
            self = .invalid(.invalidRequest("params are an array or an object"), id: echo)
        }
    }
}

/// The body of an HTTP request.
enum RPCMessage: Sendable {
    case single(RPCItem)
    /// Not empty, and within the limit.
    case batch([RPCItem])

    init(_ body: UnsafeRawBufferPointer, limits: RPCLimits) {
        do throws(JSONError) {
            self.init(try JSON.parse(body, limits: limits.json), limits: limits)
        } catch {
            self = .single(.invalid(RPCFailure(error), id: .null))
        }
    }

    private init(_ json: JSON, limits: RPCLimits) {
        guard case .array(let elements) = json else {
            self = .single(RPCItem(json))
            return
        }
        if elements.isEmpty {
            self = .single(.invalid(.invalidRequest("an empty batch"), id: .null))
        } else if elements.count > limits.batchCalls {
            let message = "a batch has at most \(limits.batchCalls) calls"
            self = .single(.invalid(.limitExceeded(message), id: .null))
        } else {
            self = .batch(elements.map(RPCItem.init))
        }
    }
}

extension RPCFailure {
    /// What a body that is no JSON document, or exceeds its bounds, is answered.
    init(_ error: JSONError) {
        switch error {
        case .tooDeep(let limit, _):
            self = .limitExceeded("a request is at most \(limit) levels deep")
        case .tooManyValues(let limit, _):
            self = .limitExceeded("a request has at most \(limit) values")
        case .unexpectedEnd(let offset):
            self = .parseError("the request ends early, at byte \(offset)")
        case .duplicateKey(let key, let offset):
            self = .parseError("two members named \"\(key)\" before byte \(offset)")
        case .unexpectedByte(_, let offset), .invalidNumber(let offset),
            .invalidEscape(let offset), .loneSurrogate(let offset), .invalidUTF8(let offset),
            .controlCharacter(let offset), .trailingBytes(let offset):
            self = .parseError("invalid JSON at byte \(offset)")
        }
    }
}
