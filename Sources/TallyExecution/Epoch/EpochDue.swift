package import TallyPrimitives

/// What happens at the end of an epoch.
package enum EpochDue: RLPValue, Hashable, Sendable {
    case placeholder

    package func encode(to out: inout RLPEncoder) {
        out.append(UInt8(1))
    }

    package init(from input: inout RLPDecoder) throws(RLPError) {
        throw .unknownValue(0)
    }
}
