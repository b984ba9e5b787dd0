import TallyClient
import TallyCrypto
import TallyPrimitives

/// What the blocks of a run say afterwards, read from one node's receipts: success, fees and where each
/// transfer across shards ended (BENCH-4). Nothing of it is asked while the run is measured.
package struct BlockScan: Sendable {
    /// By index of the transaction.
    package private(set) var settled: [Int: UInt64] = [:]
    package private(set) var unsuccessful = 0
    /// What the senders paid, in base units.
    package private(set) var fees: UInt128 = 0
    package private(set) var found = 0

    private static let sent = topic("CrossShardSent(bytes32,uint32,address,address,uint256)")
    private static let credited = topic(
        "CrossShardCredited(bytes32,uint32,address,address,uint256)")
    private static let refunded = topic(
        "CrossShardRefunded(bytes32,uint32,address,address,uint256,uint8)")

    private static func topic(_ signature: String) -> String {
        Keccak256.hash(Array(signature.utf8)).description
    }

    private struct Way {
        let index: Int
        let value: UInt128
    }

    private var ways: [String: Way] = [:]
    private var open: [Int: Int] = [:]

    private let indices: [Hash32: Int]

    /// - Parameter hashes: of the run's transactions, each once.
    init(_ hashes: [Hash32]) {
        indices = Dictionary(uniqueKeysWithValues: hashes.enumerated().map { ($1, $0) })
    }

    /// Value that left a shard and did not arrive.
    package var inFlight: UInt128 { ways.values.reduce(0) { $0 + $1.value } }

    /// Reads the next blocks.
    /// - Throws: `.unreachable`, `.unexpectedAnswer`.
    mutating func read(
        _ heights: ClosedRange<UInt64>, _ client: RPCClient
    ) async throws(LoadError) {
        for height in heights {
            let receipts = try await Ledger.call(
                client, "eth_getBlockReceipts", [.string(Hex.quantity(height))])
            guard let list = receipts.arrayValue else {
                throw .unexpectedAnswer("eth_getBlockReceipts of \(height)")
            }
            for receipt in list { try add(receipt, height) }
        }
    }

    mutating func add(_ receipt: JSON, _ height: UInt64) throws(LoadError) {
        guard let hash: Hash32 = receipt["transactionHash"]?.fixedBytes(),
            let logs = receipt["logs"]?.arrayValue
        else { throw .unexpectedAnswer("a receipt of block \(height)") }
        let index = indices[hash]
        if index != nil {
            guard let weight: UInt128 = receipt["gasUsed"]?.quantity(),
                let price: UInt128 = receipt["effectiveGasPrice"]?.quantity()
            else { throw .unexpectedAnswer("a receipt of block \(height)") }
            found += 1
            fees += weight * price
            if receipt["status"] != "0x1" { unsuccessful += 1 }
        }
        var left = 0
        for log in logs {
            guard let kind = log["topics"]?[0]?.stringValue,
                let id = log["topics"]?[1]?.stringValue
            else { continue }
            if kind == Self.sent, let index {
                ways[id] = Way(index: index, value: Self.value(of: log))
                left += 1
            } else if kind == Self.credited || kind == Self.refunded {
                arrive(id, height)
            }
        }
        guard let index else { return }
        if left == 0 { settled[index] = height } else { open[index] = left }
    }

    private mutating func arrive(_ id: String, _ height: UInt64) {
        guard let way = ways.removeValue(forKey: id) else { return }
        let left = (open[way.index] ?? 1) - 1
        open[way.index] = left > 0 ? left : nil
        if left == 0 { settled[way.index] = height }
    }

    /// The value is the last word of the data.
    private static func value(of log: JSON) -> UInt128 {
        guard let data = log["data"]?.hexBytes, data.count >= 32 else { return 0 }
        return data.suffix(16).reduce(0) { $0 << 8 | UInt128($1) }
    }
}

/// Whether one node has every transaction that was acknowledged.
package struct NodePresence: Codable, Hashable, Sendable {
    package var node: String
    package var height: UInt64
    /// Acknowledged transactions that are in no block of the node.
    package var missing: Int
    /// Transactions of the run that are in its blocks more than once.
    package var repeated: Int
    /// Heights at which the node has another block than the first node.
    package var differing: Int
}

enum Presence {
    /// How long a node may take to have every height.
    private static let patience = Duration.seconds(60)

    /// Reads all blocks of a node.
    /// - Throws: `.unreachable` also when the node does not reach the last height.
    static func read(
        _ endpoint: String, name: String, heights: ClosedRange<UInt64>, acknowledged: Set<Hash32>,
        reference: [UInt64: Hash32], clock: RunClock
    ) async throws(LoadError) -> (presence: NodePresence, hashes: [UInt64: Hash32]) {
        let client = try Ledger.client(endpoint)
        defer { client.close() }
        let deadline = ContinuousClock.now + patience
        while true {
            let height = (try? await Ledger.height(client)) ?? 0
            if height >= heights.upperBound { break }
            guard ContinuousClock.now < deadline, !Task.isCancelled else {
                throw .unreachable("\(name) is at height \(height) of \(heights.upperBound)")
            }
            try? await Task.sleep(for: .milliseconds(100))
        }
        var left = acknowledged
        var seen = Set<Hash32>()
        var repeated = 0
        var differing = 0
        var hashes: [UInt64: Hash32] = [:]
        for height in heights {
            let json = try await Ledger.call(
                client, "eth_getBlockByNumber", [.string(Hex.quantity(height)), false])
            guard let block = BlockObserver.block(json, clock, seen: 0) else {
                throw .unexpectedAnswer("\(name) has no block \(height)")
            }
            hashes[height] = block.hash
            if let other = reference[height], other != block.hash { differing += 1 }
            for hash in block.transactions {
                left.remove(hash)
                if acknowledged.contains(hash), !seen.insert(hash).inserted { repeated += 1 }
            }
        }
        return (
            NodePresence(
                node: name, height: heights.upperBound, missing: left.count, repeated: repeated,
                differing: differing), hashes
        )
    }
}
