import TallyPrimitives

/// Where a transaction is, as its receipt says.
struct Position: Hashable, Sendable {
    let block: String
    let number: String
    let index: String
    let status: String
}

/// What clients were told, over all starts of the node. They remember; so must the node.
actor AcknowledgedBook {
    private(set) var final: [String: Position] = [:]
    /// In the order in which they were acknowledged.
    private(set) var order: [String] = []
    /// Block hash by number.
    private(set) var blocks: [String: String] = [:]
    /// State root by number, as read from a running node.
    private(set) var roots: [String: String] = [:]
    private var sent: Set<String> = []
    private var firstOfCycle = 0
    private(set) var surprises: [String] = []

    func beginCycle() {
        firstOfCycle = order.count
        // What a dead node had not acknowledged, it owes nobody.
        sent = []
    }

    func sending(_ hashes: [String]) { sent.formUnion(hashes) }
    func refused(_ hashes: [String]) { sent.subtract(hashes) }

    func acknowledge(_ receipts: [(hash: String, position: Position)]) {
        for (hash, position) in receipts {
            sent.remove(hash)
            if let known = final[hash] {
                if known != position {
                    surprises.append("\(hash) moved from \(known) to \(position)")
                }
                continue
            }
            final[hash] = position
            order.append(hash)
            if let block = blocks[position.number], block != position.block {
                surprises.append("height \(position.number) has two blocks")
            }
            blocks[position.number] = position.block
        }
    }

    func record(root: String, at number: String) { roots[number] = root }
    func surprise(_ text: String) { surprises.append(text) }

    /// Sent and not known to be final.
    var unacknowledged: Int { sent.count }
    var acknowledgedInCycle: Int { order.count - firstOfCycle }

    /// All of the last cycles, and of the older ones a sample.
    func toVerify(recent: Int, sample: Int, seed: UInt64) -> [(hash: String, position: Position)] {
        var generator = SeededGenerator(seed: seed)
        var hashes = Array(order.suffix(recent))
        let older = order.dropLast(recent)
        for _ in 0..<min(sample, older.count) {
            if let hash = older.randomElement(using: &generator) { hashes.append(hash) }
        }
        return hashes.compactMap { hash in final[hash].map { (hash, $0) } }
    }
}
