import TallyClient

/// Answers messages by a dispatcher: the part between HTTP and the methods.
enum RPCReply {
    /// Answers what needs no other thread; `nil` when something does.
    static func atOnce(
        _ message: RPCMessage, by dispatcher: some RPCDispatcher, into writer: inout JSONWriter
    ) -> HTTPResponse? {
        guard case .single(let item) = message else { return nil }
        let start = writer.mark
        switch item {
        case .invalid(let failure, let id):
            RPCAnswer(id, &writer).fail(failure, &writer)
        case .call(let call):
            let answer = RPCAnswer(call.id ?? .null, &writer)
            do throws(RPCFailure) {
                guard try dispatcher.respondAtOnce(to: call, into: &writer) else {
                    writer.rewind(to: start)
                    return nil
                }
                answer.finish(&writer)
            } catch {
                answer.fail(error, &writer)
            }
            if call.isNotification { return .noContent }
        }
        return .json(writer.bytes)
    }

    static func later(
        _ message: RPCMessage, by dispatcher: some RPCDispatcher, limits: RPCLimits
    ) async -> HTTPResponse {
        switch message {
        case .single(.call(let call)):
            var writer = JSONWriter(capacity: 1024, limit: limits.responseBytes)
            let answer = RPCAnswer(call.id ?? .null, &writer)
            do throws(RPCFailure) {
                try await dispatcher.respond(to: call, into: &writer)
                answer.finish(&writer)
            } catch {
                answer.fail(error, &writer)
            }
            return call.isNotification ? .noContent : .json(writer.bytes)
        case .single(.invalid(let failure, let id)):
            var writer = JSONWriter(capacity: 256)
            RPCAnswer(id, &writer).fail(failure, &writer)
            return .json(writer.bytes)
        case .batch(let items):
            var batch = RPCBatch(items, responseBytes: limits.responseBytes)
            if !batch.calls.isEmpty { await dispatcher.respond(to: &batch) }
            return batch.finish().map(HTTPResponse.json) ?? .noContent
        }
    }

    /// The answer in place of one for which there is no memory.
    static func noRoom() -> HTTPResponse {
        .refusal(503, "the server holds all the bytes it may; try again")
    }
}
