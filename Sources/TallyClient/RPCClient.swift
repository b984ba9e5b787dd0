import NIOCore
import NIOPosix
import Synchronization
import TallyPrimitives

/// A call of a batch.
public struct RPCRequest: Hashable, Sendable {
    public let method: String
    public let params: [JSON]

    public init(_ method: String, _ params: [JSON] = []) {
        self.method = method
        self.params = params
    }
}

/// JSON-RPC 2.0 over HTTP/1.1, on one connection kept alive.
///
/// Calls of several tasks wait for each other: whoever needs throughput sends batches, or has a
/// client for each task. A lost connection is opened again by the next call.
public final class RPCClient: Sendable {
    public let endpoint: RPCEndpoint
    private let loop: any EventLoop
    private let connection: NIOLoopBoundBox<ClientConnection>
    private let nextID = Atomic<UInt64>(1)

    /// - Parameters:
    ///   - endpoint: `http://host:port/path` or `host:port`.
    ///   - timeout: for each call, from its start to the end of the answer, connecting and waiting
    ///     for other calls included.
    ///   - responseLimit: bytes of a response; the default has room for a server's 25 MB.
    /// - Throws: `.invalidEndpoint`.
    public convenience init(
        _ endpoint: String, timeout: Duration = .seconds(10), responseLimit: Int = 32 << 20
    ) throws(RPCClientError) {
        self.init(
            try RPCEndpoint(endpoint), timeout: timeout, responseLimit: responseLimit,
            loop: MultiThreadedEventLoopGroup.singleton.next())
    }

    private init(
        _ endpoint: RPCEndpoint, timeout: Duration, responseLimit: Int, loop: any EventLoop
    ) {
        self.endpoint = endpoint
        self.loop = loop
        connection = .makeBoxSendingValue(
            ClientConnection(
                loop: loop, endpoint: endpoint, timeout: timeout, responseLimit: responseLimit),
            eventLoop: loop)
    }

    deinit { loop.execute { [connection] in connection.value.close() } }

    /// The result of one call.
    /// - Throws: every case of `RPCClientError`; `.rpcError` when the server refused the call.
    public func call(
        _ method: String, _ params: [JSON] = []
    ) async throws(RPCClientError) -> JSON {
        try await call(method) { writer in
            for param in params { writer.value(param) }
        }
    }

    /// The result of one call whose parameters `params` writes, without brackets.
    /// - Throws: every case of `RPCClientError`.
    public func call(
        _ method: String, params: (inout JSONWriter) -> Void
    ) async throws(RPCClientError) -> JSON {
        let id = nextID.wrappingAdd(1, ordering: .relaxed).oldValue
        var writer = JSONWriter(capacity: 512)
        Self.write(method, id: id, params, to: &writer)
        let answer = try await exchange(writer.bytes)
        let response = try RPCResponse(answer)
        guard response.id == JSON(id) || response.id.isNull && response.isFailure else {
            throw .malformedResponse(.unknownID)
        }
        switch response.result {
        case .success(let result): return result
        case .failure(let error): throw .rpcError(error)
        }
    }

    /// The result or error of each call, in the order of the calls; none for no calls.
    /// - Throws: every case of `RPCClientError`; `.rpcError` when the batch was refused as a whole.
    public func batch(
        _ calls: [RPCRequest]
    ) async throws(RPCClientError) -> [Result<JSON, RPCRemoteError>] {
        try await batch(count: calls.count) { index, writer in
            for param in calls[index].params { writer.value(param) }
        } method: {
            calls[$0].method
        }
    }

    /// As `batch(_:)`, all calls being of one method and `params` writing the parameters of each.
    /// - Throws: every case of `RPCClientError`.
    public func batch(
        _ method: String, count: Int, params: (Int, inout JSONWriter) -> Void
    ) async throws(RPCClientError) -> [Result<JSON, RPCRemoteError>] {
        try await batch(count: count, params: params) { _ in method }
    }

    /// Ends calls under way with `.closed`, and refuses new ones.
    public func close() {
        loop.execute { [connection] in connection.value.close() }
    }
}

extension RPCClient {
    private func batch(
        count: Int, params: (Int, inout JSONWriter) -> Void, method: (Int) -> String
    ) async throws(RPCClientError) -> [Result<JSON, RPCRemoteError>] {
        guard count > 0 else { return [] }
        let first = nextID.wrappingAdd(UInt64(count), ordering: .relaxed).oldValue
        var writer = JSONWriter(capacity: 256 * count)
        writer.array { writer in
            for index in 0..<count {
                Self.write(
                    method(index), id: first + UInt64(index), { params(index, &$0) }, to: &writer)
            }
        }
        let answer = try await exchange(writer.bytes)
        guard case .array(let elements) = answer else {
            let response = try RPCResponse(answer)
            guard case .failure(let error) = response.result else {
                throw .malformedResponse(.notAResponse)
            }
            throw .rpcError(error)
        }
        return try Self.results(of: elements, first: first, count: count)
    }

    /// The answers in the order of the calls; a server may give them in any order.
    private static func results(
        of elements: [JSON], first: UInt64, count: Int
    ) throws(RPCClientError) -> [Result<JSON, RPCRemoteError>] {
        var results = [Result<JSON, RPCRemoteError>?](repeating: nil, count: count)
        for element in elements {
            let response = try RPCResponse(element)
            guard let id = response.id.uint64Value, id >= first, id - first < UInt64(count),
                results[Int(id - first)] == nil
            else { throw .malformedResponse(.unknownID) }
            results[Int(id - first)] = response.result
        }
        var complete: [Result<JSON, RPCRemoteError>] = []
        complete.reserveCapacity(count)
        for (index, result) in results.enumerated() {
            guard let result else { throw .malformedResponse(.missingAnswer(index: index)) }
            complete.append(result)
        }
        return complete
    }

    private static func write(
        _ method: String, id: UInt64, _ params: (inout JSONWriter) -> Void,
        to writer: inout JSONWriter
    ) {
        writer.object { writer in
            writer.key("jsonrpc")
            writer.string("2.0")
            writer.key("id")
            writer.integer(id)
            writer.key("method")
            writer.string(method)
            writer.key("params")
            writer.array(params)
        }
    }

    /// Sends a body and parses the answer, on the caller's executor rather than the event loop.
    private func exchange(_ body: [UInt8]) async throws(RPCClientError) -> JSON {
        let response = try await send(ByteBuffer(bytes: body)).get()
        guard response.status == 200 else {
            let text = response.body.getString(
                at: response.body.readerIndex, length: min(response.body.readableBytes, 1024))
            throw .httpStatus(response.status, text: text ?? "")
        }
        let parsed = response.body.withUnsafeReadableBytes { bytes -> Result<JSON, JSONError> in
            do throws(JSONError) {
                return .success(try JSON.parse(bytes))
            } catch {
                return .failure(error)
            }
        }
        switch parsed {
        case .success(let json): return json
        case .failure(let error): throw .malformedResponse(.notJSON(error))
        }
    }

    private func send(_ request: ByteBuffer) async -> ClientResult {
        let ticket = ClientTicket(request: request)
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                loop.execute { [connection] in connection.value.submit(ticket, continuation) }
            }
        } onCancel: {
            ticket.isCancelled.store(true, ordering: .releasing)
            loop.execute { [connection] in connection.value.cancel(ticket) }
        }
    }
}

/// A response object.
private struct RPCResponse {
    let id: JSON
    let result: Result<JSON, RPCRemoteError>

    var isFailure: Bool {
        if case .failure = result { true } else { false }
    }

    /// - Throws: `.malformedResponse(.notAResponse)`.
    init(_ json: JSON) throws(RPCClientError) {
        guard case .object(let object) = json, object["jsonrpc"] == "2.0", let id = object["id"]
        else { throw .malformedResponse(.notAResponse) }
        self.id = id
        switch (object["result"], object["error"]) {
        case (let result?, nil), (let result?, .null):
            self.result = .success(result)
        case (nil, let error?), (.null, let error?):
            guard let code = error["code"]?.int64Value, let message = error["message"]?.stringValue
            else { throw .malformedResponse(.notAResponse) }
            self.result = .failure(
                RPCRemoteError(code: Int(code), message: message, data: error["data"]))
        case (nil, nil), (_?, _?):
            throw .malformedResponse(.notAResponse)
        }
    }
}
