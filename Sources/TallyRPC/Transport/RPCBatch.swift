package import TallyClient

/// The calls of a batch and the response they are answered into.
package struct RPCBatch: Sendable {
    /// The valid calls in their order, notifications included.
    package let calls: [RPCCall]
    private let items: [RPCItem]
    /// The index in `items` of each call.
    private let places: [Int]
    private var isAnswered: [Bool]
    /// Items before it that are invalid have been answered.
    private var refusedUpTo = 0
    private var writer: JSONWriter

    init(_ items: [RPCItem], responseBytes: Int) {
        self.items = items
        var calls: [RPCCall] = []
        var places: [Int] = []
        for (place, item) in items.enumerated() {
            guard case .call(let call) = item else { continue }
            calls.append(call)
            places.append(place)
        }
        self.calls = calls
        self.places = places
        isAnswered = Array(repeating: false, count: calls.count)
        writer = JSONWriter(capacity: 128 * items.count, limit: responseBytes)
        writer.beginArray()
    }

    /// Whether the response has no room left: further answers will be refused.
    package var isFull: Bool { writer.bytes.count >= writer.limit }

    /// Writes the answer to `calls[index]`; nothing for a notification.
    /// - Precondition: the call has no answer yet.
    package mutating func answer(
        _ index: Int, _ result: (inout JSONWriter) throws(RPCFailure) -> Void
    ) {
        guard let id = begin(index) else { return }
        let answer = RPCAnswer(id, &writer)
        do throws(RPCFailure) {
            try result(&writer)
            answer.finish(&writer)
        } catch {
            answer.fail(error, &writer)
        }
    }

    /// As above, for a method that waits. A notification's method runs and its result is dropped.
    package mutating func answerAsynchronously(
        _ index: Int, _ result: (inout JSONWriter) async throws(RPCFailure) -> Void
    ) async {
        let id = begin(index)
        let start = writer.mark
        let answer = RPCAnswer(id ?? .null, &writer)
        do throws(RPCFailure) {
            try await result(&writer)
            answer.finish(&writer)
        } catch {
            answer.fail(error, &writer)
        }
        if id == nil { writer.rewind(to: start) }
    }

    package mutating func refuse(_ index: Int, _ failure: RPCFailure) {
        answer(index) { _ throws(RPCFailure) in throw failure }
    }

    /// The response body; `nil` when there was nothing but notifications.
    mutating func finish() -> [UInt8]? {
        for index in calls.indices where !isAnswered[index] {
            refuse(index, .internalError("the call was not answered"))
        }
        refuseInvalid(upTo: items.count)
        guard writer.bytes.count > 1 else { return nil }
        writer.endArray()
        return writer.bytes
    }

    /// Marks a call as answered; its id unless it is a notification.
    private mutating func begin(_ index: Int) -> JSON? {
        precondition(!isAnswered[index], "a call answered twice")
        isAnswered[index] = true
        refuseInvalid(upTo: places[index])
        return calls[index].id
    }

    /// Answers the invalid members before a place, so that answers keep the order of the batch
    /// as long as the dispatcher does.
    private mutating func refuseInvalid(upTo place: Int) {
        while refusedUpTo < place {
            if case .invalid(let failure, let id) = items[refusedUpTo] {
                RPCAnswer(id, &writer).fail(failure, &writer)
            }
            refusedUpTo += 1
        }
    }
}

/// One response object: begins it, and ends it with a result or an error.
struct RPCAnswer {
    private let start: JSONWriter.Mark
    private let resultStart: Int
    private let id: JSON

    init(_ id: JSON, _ writer: inout JSONWriter) {
        self.id = id
        start = writer.mark
        Self.begin(id, &writer)
        writer.fragment("\"result\":")
        resultStart = writer.bytes.count
    }

    /// Ends the object after its result; a method that wrote none has answered null.
    func finish(_ writer: inout JSONWriter) {
        if writer.bytes.count == resultStart { writer.null() }
        guard !writer.isFull, writer.bytes.count <= writer.limit else {
            let message = "a response has at most \(writer.limit) bytes; ask for less"
            return fail(.limitExceeded(message), &writer)
        }
        writer.endObject()
    }

    /// Takes the result back and ends the object with an error.
    func fail(_ failure: RPCFailure, _ writer: inout JSONWriter) {
        writer.rewind(to: start)
        Self.begin(id, &writer)
        writer.fragment("\"error\":")
        writer.withoutLimit { writer in
            writer.object { writer in
                writer.key("code")
                writer.integer(failure.code)
                writer.key("message")
                writer.string(failure.message)
                guard let data = failure.data else { return }
                writer.key("data")
                writer.value(data)
            }
            writer.endObject()
        }
    }

    private static func begin(_ id: JSON, _ writer: inout JSONWriter) {
        writer.withoutLimit { writer in
            writer.beginObject()
            writer.fragment("\"jsonrpc\":\"2.0\",\"id\":")
            writer.value(id)
        }
        writer.fragment(",")
    }
}
