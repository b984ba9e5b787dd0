import TallyClient

/// The document of `rpc.discover`, made of the method table: what is not in the one is not in the
/// other (RPC-30).
enum OpenRPC {
    /// Made once: the table does not change.
    private static let methods: [UInt8] = {
        var out = JSONWriter()
        out.array { out in for method in RPCMethod.all { write(method, &out) } }
        return out.bytes
    }()

    static func discover(
        _ ledger: LedgerDispatcher, _ arguments: RPCArguments, _ out: inout JSONWriter
    ) throws(RPCFailure) {
        out.object { out in
            out.member("openrpc") { $0.string("1.3.2") }
            out.key("info")
            out.object { out in
                out.member("title") { $0.string("Tallystick JSON-RPC") }
                out.member("version") { $0.string(ledger.clientVersion) }
            }
            out.member("methods") { $0.encoded(methods) }
        }
    }

    private static func write(_ method: RPCMethod, _ out: inout JSONWriter) {
        out.object { out in
            out.member("name") { $0.string(method.name) }
            out.member("summary") { $0.string(method.summary) }
            out.member("paramStructure") { $0.string("either") }
            out.key("params")
            out.array { out in
                for parameter in method.parameters {
                    out.object { out in
                        out.member("name") { $0.string(parameter.name) }
                        out.member("required") { $0.bool(parameter.isRequired) }
                        out.member("schema") { $0.value(parameter.kind.schema) }
                    }
                }
            }
            out.key("result")
            out.object { out in
                out.member("name") { $0.string("result") }
                out.member("schema") { $0.value(method.result.schema) }
            }
            guard case .pushing = method.handler else { return }
            // An extension of ours: a client need not try in vain.
            out.member("x-transport") { $0.string("websocket") }
        }
    }
}

/// JSON Schema, as far as the document needs it.
private enum Schema {
    static let quantity = text("^0x(0|[1-9a-fA-F][0-9a-fA-F]*)$")
    static let bytes = text("^0x([0-9a-fA-F]{2})*$")
    static let address = text("^0x[0-9a-fA-F]{40}$")
    static let hash = text("^0x[0-9a-fA-F]{64}$")
    static let object: JSON = ["type": "object"]
    static let flag: JSON = ["type": "boolean"]
    static let number: JSON = ["type": "integer", "minimum": 0]

    static func text(_ pattern: String) -> JSON {
        ["type": "string", "pattern": .string(pattern)]
    }

    static func list(_ items: JSON) -> JSON { ["type": "array", "items": items] }
    static func any(_ kinds: JSON...) -> JSON { ["anyOf": .array(kinds)] }
}

extension RPCParameterKind {
    var schema: JSON {
        switch self {
        case .address: Schema.address
        case .hash: Schema.hash
        case .bytes: Schema.bytes
        case .quantity, .milliseconds: Schema.any(Schema.quantity, Schema.number)
        case .flag: Schema.flag
        case .block:
            Schema.any(
                ["enum": ["latest", "pending", "safe", "finalized", "earliest"]],
                Schema.quantity, Schema.number, Schema.hash, Schema.object)
        case .call, .object: Schema.object
        case .percentiles: Schema.list(["type": "number", "minimum": 0, "maximum": 100])
        case .text: ["type": "string"]
        case .word(let words): ["enum": .array(words.map(JSON.string))]
        }
    }
}

extension RPCResultKind {
    var schema: JSON {
        switch self {
        case .quantity: Schema.quantity
        case .hash: Schema.hash
        case .bytes: Schema.bytes
        case .address: Schema.address
        case .flag: Schema.flag
        case .text: ["type": "string"]
        case .object: Schema.object
        case .list(let kind): Schema.list(kind.schema)
        case .orNull(let kind): Schema.any(kind.schema, ["type": "null"])
        case .either(let first, let second): Schema.any(first.schema, second.schema)
        }
    }
}
