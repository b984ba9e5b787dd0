import TallyCrypto
import TallyPrimitives
import TallyTransactions

/// The 2,048-bit filter over addresses and topics of logs (Ethereum Yellow Paper, section 4.3.1).
struct LogsBloom: Hashable, Sendable {
    private(set) var bytes = [UInt8](repeating: 0, count: 256)

    mutating func insert(_ log: EventLog) {
        // Who speaks and of what are always the same few: about half of the hashing.
        if let event = log.topics.first, let bits = Self.familiar[Origin(log.address, event)] {
            for bit in bits { set(bit) }
        } else {
            insert(log.address)
            if let event = log.topics.first { insert(event) }
        }
        for topic in log.topics.dropFirst() { insert(topic) }
    }

    /// What the logs of one kind have in common.
    private struct Origin: Hashable {
        let address: Address
        let event: Hash32

        init(_ address: Address, _ event: Hash32) {
            self.address = address
            self.event = event
        }
    }

    private static let familiar: [Origin: [Int]] = {
        var bits: [Origin: [Int]] = [:]
        for event in EventTopic.all {
            let address =
                event == EventTopic.transfer
                ? ReservedAddress.nativeTransfers : ReservedAddress.crossShard
            bits[Origin(address, event)] = Self.bits(of: address) + Self.bits(of: event)
        }
        return bits
    }()

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
