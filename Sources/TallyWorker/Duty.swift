import TallyPrimitives
package import TallyTransactions

/// Something that an account has to say once. What makes two of a kind different is part of it.
enum Duty: Hashable, Sendable {
    case register
    case commit(challenge: Hash32)
    case reveal(challenge: Hash32)
    case bid(ObjectID)
    case deliver(ObjectID)
    case claimRewards
    case attest(node: Address, round: UInt64)
    case commitVerdict(ObjectID, began: BeaconTime)
    case revealVerdict(ObjectID, began: BeaconTime)
    case heartbeat(after: BeaconTime)
    case postTask(input: Hash32)
    case acceptBid(ObjectID, bid: ObjectID)
    case judge(ObjectID)
}

/// What was submitted and is not in the ledger as far as anybody sees: it is not said again until
/// some heights have passed (WORK-5).
struct PendingDuties: Sendable {
    private struct Entry {
        let since: Height
        let operation: Operation
    }

    private let patience: UInt64
    private var entries: [Duty: Entry] = [:]

    /// - Parameter patience: in heights.
    init(patience: UInt64) { self.patience = patience }

    /// Forgets what has taken too long.
    mutating func advance(to height: Height) {
        entries = entries.filter { entry in
            // A height below the entry's is that of a node that lags.
            height.value < entry.value.since.value
                || height.value - entry.value.since.value < patience
        }
    }

    func contains(_ duty: Duty) -> Bool { entries[duty] != nil }

    mutating func add(_ duty: Duty, _ operation: Operation, at height: Height) {
        entries[duty] = Entry(since: height, operation: operation)
    }

    /// Forgets an operation that nobody took.
    mutating func release(_ operation: Operation) {
        entries = entries.filter { $0.value.operation != operation }
    }
}

/// What a state machine of this target asks for.
package enum WorkerAction: Hashable, Sendable {
    /// To be signed and sent.
    case submit(Operation)
    /// To be computed, away from the caller's thread. Each is asked for once, until it is finished or
    /// abandoned.
    case compute(Work)
}
