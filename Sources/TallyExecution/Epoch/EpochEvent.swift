package import TallyPrimitives
import TallyTransactions

/// What happened at the ends of epochs.
package enum EpochEvent: FamilyEvent {
    case placeholder

    package var record: EventRecord {
        EventRecord("Placeholder", at: ReservedAddress.crossShard)
    }

    package func encode(to out: inout RLPEncoder) {
        out.append(UInt8(1))
    }

    package init(from input: inout RLPDecoder) throws(RLPError) {
        throw .unknownValue(0)
    }
}
