package import TallyPrimitives

/// What the Proof family does when a time has come.
package enum ProofDue: RLPValue, Hashable, Sendable {
    case placeholder

    package func encode(to out: inout RLPEncoder) {
        out.append(UInt8(1))
    }

    package init(from input: inout RLPDecoder) throws(RLPError) {
        throw .unknownValue(0)
    }
}
