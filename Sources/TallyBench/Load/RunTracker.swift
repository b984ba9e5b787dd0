package import TallyPrimitives

/// A block as the observer saw it first; `seen` in nanoseconds of the run.
package struct ObservedBlock: Hashable, Sendable {
    package let height: UInt64
    package let hash: Hash32
    package let seen: UInt64
    /// The proposer's clock, in nanoseconds of the run; may be negative.
    package let proposed: Int64
    package let transactions: [Hash32]

    package init(
        height: UInt64, hash: Hash32, seen: UInt64, proposed: Int64, transactions: [Hash32]
    ) {
        self.height = height
        self.hash = hash
        self.seen = seen
        self.proposed = proposed
        self.transactions = transactions
    }
}

/// Where every transaction of a run is, and since when (BENCH-3). No clock, no network.
///
/// A transaction is waiting, offered, accepted, and then final or failed; failed ones may still
/// become final, for a refusal by one node need not be that of all.
package struct RunTracker: Sendable {
    package enum Place: UInt8, Sendable {
        case waiting, offered, accepted, final, failed
    }

    /// What is known of one transaction; times in nanoseconds of the run.
    package struct Entry: Sendable {
        package var place = Place.waiting
        package var intended: UInt64 = 0
        package var lastSent: UInt64 = 0
        package var attempts = 0
        package var accepted: UInt64?
        package var proposed: Int64 = 0
        package var final: UInt64?
        package var height: UInt64 = 0
    }

    package private(set) var entries: [Entry]
    /// When each height was seen.
    package private(set) var heights: [UInt64: UInt64] = [:]
    package private(set) var reasons: [String: Int] = [:]
    package private(set) var retries: [String: Int] = [:]
    package private(set) var offered = 0
    package private(set) var accepted = 0
    package private(set) var final = 0
    package private(set) var failed = 0
    /// Latencies of what became final since `takeLatencies`.
    private var recent: [UInt64] = []
    private let indices: [Hash32: Int32]
    /// Everything before it has an end.
    private var oldest = 0

    package init(hashes: some Collection<Hash32>) {
        entries = Array(repeating: Entry(), count: hashes.count)
        var indices: [Hash32: Int32] = [:]
        indices.reserveCapacity(hashes.count)
        for (index, hash) in hashes.enumerated() { indices[hash] = Int32(index) }
        self.indices = indices
    }

    /// Offered and without an end.
    package var backlog: Int { offered - final - failed }

    package mutating func offer(_ index: Int, intended: UInt64) {
        precondition(entries[index].place == .waiting, "a transaction offered twice")
        entries[index].place = .offered
        entries[index].intended = intended
        offered += 1
    }

    package mutating func sent(_ index: Int, at time: UInt64) {
        entries[index].lastSent = time
        entries[index].attempts += 1
    }

    /// A node answered that it has the transaction.
    package mutating func accept(_ index: Int, at time: UInt64) {
        if entries[index].accepted == nil {
            entries[index].accepted = time
            accepted += 1
        }
        if entries[index].place == .offered { entries[index].place = .accepted }
    }

    /// A node will not take the transaction, now or later.
    package mutating func refuse(_ index: Int, reason: String) {
        reasons[reason, default: 0] += 1
        guard entries[index].place == .offered else { return }
        entries[index].place = .failed
        failed += 1
    }

    /// A node did not take the transaction now, and is asked again.
    package mutating func retry(reason: String) { retries[reason, default: 0] += 1 }

    /// - Returns: how many of ours the block made final.
    @discardableResult
    package mutating func observe(_ block: ObservedBlock) -> Int {
        if heights[block.height] == nil { heights[block.height] = block.seen }
        var found = 0
        for hash in block.transactions {
            guard let index = indices[hash].map(Int.init), entries[index].final == nil else {
                continue
            }
            if entries[index].place == .failed { failed -= 1 }
            entries[index].place = .final
            entries[index].final = block.seen
            entries[index].proposed = block.proposed
            entries[index].height = block.height
            final += 1
            found += 1
            recent.append(block.seen - min(block.seen, entries[index].intended))
        }
        return found
    }

    /// Transactions without an end that no node was given since `time`, oldest first.
    package mutating func overdue(since time: UInt64, limit: Int) -> [Int] {
        while oldest < entries.count, entries[oldest].hasEnded { oldest += 1 }
        var found: [Int] = []
        var index = oldest
        while index < entries.count, found.count < limit {
            let entry = entries[index]
            if entry.place == .waiting { break }
            if entry.place == .accepted, entry.lastSent < time { found.append(index) }
            index += 1
        }
        return found
    }

    /// Latencies, in order of size, of what became final since the last call.
    package mutating func takeLatencies() -> [UInt64] {
        defer { recent.removeAll(keepingCapacity: true) }
        return recent.sorted()
    }
}

extension RunTracker.Entry {
    package var hasEnded: Bool { place == .final || place == .failed }
}
