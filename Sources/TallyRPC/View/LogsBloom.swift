import TallyCrypto
import TallyPrimitives
import TallyTransactions

/// The 2,048-bit filter over addresses and topics of logs (Ethereum Yellow Paper, section 4.3.1).
struct LogsBloom: Hashable, Sendable {
    private(set) var bytes = [UInt8](repeating: 0, count: 256)

    mutating func insert(_ log: EventLog) {
        // The commonest log has two values that are always the same: half of the hashing.
        if log.address == ReservedAddress.nativeTransfers, log.topics.first == EventTopic.transfer {
            for bit in Self.transferBits { set(bit) }
            for topic in log.topics.dropFirst() { insert(topic) }
            return
        }
        insert(log.address)
        for topic in log.topics { insert(topic) }
    }

    private static let transferBits =
        bits(of: ReservedAddress.nativeTransfers) + bits(of: EventTopic.transfer)

    mutating func insert(_ logs: [EventLog]) { for log in logs { insert(log) } }

    /// The low 11 bits of each of the first three pairs of bytes of the Keccak-256.
    private static func bits(of value: some FixedBytes) -> [Int] {
        let digest = value.withBytes { Keccak256.hash($0) }.words.0
        return [Int(digest >> 48 & 2_047), Int(digest >> 32 & 2_047), Int(digest >> 16 & 2_047)]
    }

    private mutating func insert(_ value: some FixedBytes) {
        let digest = value.withBytes { Keccak256.hash($0) }.words.0
        set(Int(digest >> 48 & 2_047))
        set(Int(digest >> 32 & 2_047))
        set(Int(digest >> 16 & 2_047))
    }

    private mutating func set(_ bit: Int) { bytes[255 - bit / 8] |= 1 << UInt8(bit % 8) }

    /// Whether a log of the address or topic may be among those that a filter was made of.
    static func contains(_ value: some FixedBytes, in filter: [UInt8]) -> Bool {
        var probe = LogsBloom()
        probe.insert(value)
        return zip(filter, probe.bytes).allSatisfy { $0 & $1 == $1 }
    }
}
