import TallyCrypto
import TallyPrimitives

/// The 2,048-bit filter over addresses and topics of logs (Ethereum Yellow Paper, section 4.3.1).
struct LogsBloom: Hashable, Sendable {
    private(set) var bytes = [UInt8](repeating: 0, count: 256)

    mutating func insert(_ log: EventLog) {
        insert(log.address)
        for topic in log.topics { insert(topic) }
    }

    mutating func insert(_ logs: [EventLog]) { for log in logs { insert(log) } }

    /// The low 11 bits of each of the first three pairs of bytes of the Keccak-256.
    private mutating func insert(_ value: some FixedBytes) {
        let digest = value.withBytes { Keccak256.hash($0) }.words.0
        for shift: UInt64 in [48, 32, 16] {
            let bit = Int(digest >> shift & 2_047)
            bytes[255 - bit / 8] |= 1 << UInt8(bit % 8)
        }
    }

    /// Whether a log of the address or topic may be among those that a filter was made of.
    static func contains(_ value: some FixedBytes, in filter: [UInt8]) -> Bool {
        var probe = LogsBloom()
        probe.insert(value)
        return zip(filter, probe.bytes).allSatisfy { $0 & $1 == $1 }
    }
}
