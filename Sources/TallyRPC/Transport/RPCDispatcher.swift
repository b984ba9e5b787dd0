package import TallyClient

/// The methods behind the server.
///
/// A method writes its result, one JSON value, straight into the response; throwing takes back
/// what it wrote and answers the error instead. The server sees to ids, notifications and limits.
package protocol RPCDispatcher: Sendable {
    /// Answers on the event loop a call that needs nothing but memory, some microseconds at most.
    ///
    /// Saves the way to another thread and back, about half of the cost of a small answer. Must
    /// not block, and must not run long: other connections wait.
    /// - Returns: `false`, having written nothing, when the call has to be answered by
    ///   `respond(to:into:)`.
    func respondAtOnce(
        to call: RPCCall, into result: inout JSONWriter
    ) throws(RPCFailure) -> Bool

    /// What a call on a WebSocket starts or ends; `nil` for all others. Called on the event loop.
    func push(for call: RPCCall) throws(RPCFailure) -> RPCPush?

    /// Answers a call in a task of its connection. What exceeds `result.limit` is refused after.
    func respond(to call: RPCCall, into result: inout JSONWriter) async throws(RPCFailure)

    /// Answers a whole batch, so that its transactions are checked and admitted together.
    ///
    /// Calls may be answered in any order; one that is not gets an internal error.
    func respond(to batch: inout RPCBatch) async
}

extension RPCDispatcher {
    package func respondAtOnce(
        to call: RPCCall, into result: inout JSONWriter
    ) throws(RPCFailure) -> Bool { false }

    package func push(for call: RPCCall) throws(RPCFailure) -> RPCPush? { nil }

    package func respond(to batch: inout RPCBatch) async {
        for index in batch.calls.indices { await answer(index, of: &batch) }
    }

    /// Answers one call of a batch, by whichever of the two ways there is.
    package func answer(_ index: Int, of batch: inout RPCBatch) async {
        let call = batch.calls[index]
        await batch.answerAsynchronously(index) { result async throws(RPCFailure) in
            if try respondAtOnce(to: call, into: &result) { return }
            try await respond(to: call, into: &result)
        }
    }
}
