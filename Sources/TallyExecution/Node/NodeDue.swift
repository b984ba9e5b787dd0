package import TallyPrimitives

/// What the Node family does when a time has come.
package enum NodeDue: RLPValue, Hashable, Sendable {
    /// The term of a node's stake is over.
    case release(node: Address)

    package func encode(to out: inout RLPEncoder) {
        switch self {
        case .release(let node):
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
        self = .release(node: try list.nextFixed())
        try list.finish()
    }
}
