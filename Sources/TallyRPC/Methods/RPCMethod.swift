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

/// One row of the method table.
struct RPCMethod: Sendable {
    typealias Reading =
        @Sendable (LedgerDispatcher, RPCArguments, inout JSONWriter) throws(RPCFailure) -> Void
    typealias Waiting =
        @Sendable (LedgerDispatcher, RPCArguments, inout JSONWriter) async throws(RPCFailure) ->
        Void

    enum Handler: Sendable {
        /// From memory, in microseconds: on the event loop.
        case atOnce(Reading)
        /// From the store: in the connection's task.
        case reading(Reading)
        /// Asks actors, or waits.
        case waiting(Waiting)
    }

    let name: String
    let parameters: [RPCParameter]
    let handler: Handler

    static func atOnce(
        _ name: String, _ parameters: [RPCParameter], _ handler: @escaping Reading
    ) -> RPCMethod {
        RPCMethod(name: name, parameters: parameters, handler: .atOnce(handler))
    }

    static func reading(
        _ name: String, _ parameters: [RPCParameter], _ handler: @escaping Reading
    ) -> RPCMethod {
        RPCMethod(name: name, parameters: parameters, handler: .reading(handler))
    }

    static func waiting(
        _ name: String, _ parameters: [RPCParameter], _ handler: @escaping Waiting
    ) -> RPCMethod {
        RPCMethod(name: name, parameters: parameters, handler: .waiting(handler))
    }
}
