import TallyClient

/// What a parameter is, for its check and for the document that is made of the table.
enum RPCParameterKind: Sendable {
    case address
    case hash
    case bytes
    case quantity
    case flag
    /// A tag, a height, or EIP-1898's object.
    case block
    /// A transaction to be, as `eth_estimateGas` takes it.
    case call
    case percentiles
    case milliseconds
    /// One of a few words.
    case word([String])
    case text
    /// What the method alone understands.
    case object
}

struct RPCParameter: Sendable {
    let name: String
    let kind: RPCParameterKind
    let isRequired: Bool

    static func required(_ name: String, _ kind: RPCParameterKind) -> RPCParameter {
        RPCParameter(name: name, kind: kind, isRequired: true)
    }

    static func optional(_ name: String, _ kind: RPCParameterKind) -> RPCParameter {
        RPCParameter(name: name, kind: kind, isRequired: false)
    }
}

/// What a method answers, for the document.
indirect enum RPCResultKind: Sendable {
    case quantity
    case hash
    case bytes
    case address
    case flag
    case text
    /// An object, whose members Ethereum's specification or ours describes.
    case object
    case list(RPCResultKind)
    /// Null for what is not there.
    case orNull(RPCResultKind)
    /// One of two forms, by an argument.
    case either(RPCResultKind, RPCResultKind)
}

/// One row of the method table: what is answered, and what the document says about it.
struct RPCMethod: Sendable {
    typealias Reading =
        @Sendable (LedgerDispatcher, RPCArguments, inout JSONWriter) throws(RPCFailure) -> Void
    typealias Waiting =
        @Sendable (LedgerDispatcher, RPCArguments, inout JSONWriter) async throws(RPCFailure) ->
        Void
    /// `false`, having written nothing, when it would take long.
    typealias Attempt =
        @Sendable (LedgerDispatcher, RPCArguments, inout JSONWriter) throws(RPCFailure) -> Bool

    enum Handler: Sendable {
        /// From memory, in microseconds: on the event loop.
        case atOnce(Reading)
        /// On the event loop when memory or a few look-ups suffice, else in the connection's task.
        case mostlyAtOnce(Attempt, otherwise: Waiting)
        /// From the store: in the connection's task.
        case reading(Reading)
        /// Asks actors, or waits.
        case waiting(Waiting)
        /// The connection itself answers, if it can push.
        case pushing
    }

    let name: String
    /// One line for the document, without a full stop.
    let summary: String
    let parameters: [RPCParameter]
    let result: RPCResultKind
    let handler: Handler
    /// In the table.
    var place = 0

    static func atOnce(
        _ name: String, _ summary: String, _ parameters: [RPCParameter] = [],
        gives result: RPCResultKind, _ handler: @escaping Reading
    ) -> RPCMethod {
        RPCMethod(
            name: name, summary: summary, parameters: parameters, result: result,
            handler: .atOnce(handler))
    }

    static func mostlyAtOnce(
        _ name: String, _ summary: String, _ parameters: [RPCParameter] = [],
        gives result: RPCResultKind, _ attempt: @escaping Attempt,
        otherwise: @escaping Waiting
    ) -> RPCMethod {
        RPCMethod(
            name: name, summary: summary, parameters: parameters, result: result,
            handler: .mostlyAtOnce(attempt, otherwise: otherwise))
    }

    static func reading(
        _ name: String, _ summary: String, _ parameters: [RPCParameter] = [],
        gives result: RPCResultKind, _ handler: @escaping Reading
    ) -> RPCMethod {
        RPCMethod(
            name: name, summary: summary, parameters: parameters, result: result,
            handler: .reading(handler))
    }

    static func waiting(
        _ name: String, _ summary: String, _ parameters: [RPCParameter] = [],
        gives result: RPCResultKind, _ handler: @escaping Waiting
    ) -> RPCMethod {
        RPCMethod(
            name: name, summary: summary, parameters: parameters, result: result,
            handler: .waiting(handler))
    }

    static func pushing(
        _ name: String, _ summary: String, _ parameters: [RPCParameter],
        gives result: RPCResultKind
    ) -> RPCMethod {
        RPCMethod(
            name: name, summary: summary, parameters: parameters, result: result,
            handler: .pushing)
    }
}
