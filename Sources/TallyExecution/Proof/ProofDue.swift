package import TallyPrimitives

/// What the Proof family does when a time has come.
package enum ProofDue: RLPValue, Hashable, Sendable {
    /// The next step of a node's round. Steps of another entry than the round names do nothing.
    case step(node: Address)

    package func encode(to out: inout RLPEncoder) {
        switch self {
        case .step(let node):
            out.list { out in
                out.append(UInt8(1))
                out.append(node)
            }
        }
    }

    package init(from input: inout RLPDecoder) throws(RLPError) {
        var list = try input.nextList()
        let tag: UInt8 = try list.nextInteger()
        guard tag == 1 else { throw .unknownValue(UInt64(tag)) }
        self = .step(node: try list.nextFixed())
        try list.finish()
    }
}
