package import TallyPrimitives
package import TallyState

/// What is wrong with the objects of one endpoint. None of these can be caused by a transaction.
package enum InvariantViolation: Error, Hashable, Sendable {
    /// An object's payload is not what this code writes.
    case undecodable(ObjectKind, RLPError)
    /// An object is stored that holds nothing and says nothing.
    case emptyObject(ObjectKind)
    /// A reserved address has an account (`TX-4`).
    case reservedAccount(Address)
    /// A due entry lies under another number than its own.
    case misplacedDueEntry(sequence: UInt64)
    /// A due entry goes elsewhere than to its recipient's home, or pays a fee that it must not.
    case dueRoute(sequence: UInt64)
    /// The counter says another number of due entries than there are (RCPT-11).
    case dueCount(counted: Int, stored: Int)
    /// More due entries than an endpoint may keep (RCPT-11).
    case dueBound(limit: Int, actual: Int)
    /// A due entry has a number that was not given out.
    case dueSequence(UInt64, next: UInt64)
    /// A vault says that its sweep is queued, and it is not, or the other way round (FEE-4).
    case vaultSweep(queued: Int, marked: Int)
    /// An object that belongs to the beacon lies on a shard.
    case beaconObject(ObjectKind)
    /// The counter says another number of reserved due entries than the objects do (RCPT-11).
    case reservedCount(counted: Int, stored: Int)
    /// An object of a compute family contradicts itself or another.
    case broken(ObjectKind, what: String)
}

/// All objects of one endpoint, read once, for the families' invariants. Not for hot paths.
package struct StateAudit: Sendable {
    package let context: BlockContext
    package let objects: [(key: ObjectKey, object: StateObject)]
    /// Decoded, by number.
    package let due: [DueEntry]
    /// Minted since genesis, as the endpoint's header says; `nil` if that is not known.
    let minted: Amount?
    private let byPath: [Hash32: StateObject]

    /// - Throws: `.undecodable` for a due entry; `.misplacedDueEntry`.
    package init(
        _ context: BlockContext, _ objects: [(key: ObjectKey, object: StateObject)],
        minted: Amount? = nil
    ) throws(InvariantViolation) {
        self.context = context
        self.minted = minted
        self.objects = objects
        var byPath: [Hash32: StateObject] = [:]
        var due: [DueEntry] = []
        for (key, object) in objects {
            byPath[key.path] = object
            guard object.kind == .due else { continue }
            let entry: DueEntry
            do throws(RLPError) {
                entry = try DueEntry(object)
            } catch { throw .undecodable(.due, error) }
            guard DueEntry.objectKey(sequence: entry.key.sequence) == key else {
                throw .misplacedDueEntry(sequence: entry.key.sequence)
            }
            due.append(entry)
        }
        self.byPath = byPath
        self.due = due.sorted { $0.key.sequence < $1.key.sequence }
    }

    /// The object at `key`; `nil` when there is none.
    package func object(_ key: ObjectKey) -> StateObject? { byPath[key.path] }

    /// Objects of one kind, in the order given.
    func all(_ kind: ObjectKind) -> [StateObject] {
        objects.lazy.map(\.object).filter { $0.kind == kind }
    }

    /// The invariants of every family.
    /// - Parameter others: parts in the rewards that no node or stake of the endpoint holds.
    /// - Throws: the first that does not hold.
    package func check(others: [RewardAccount] = []) throws(InvariantViolation) {
        try checkTransfer()
        let reserved =
            try checkNode() + checkProof() + checkJob() + checkTrade() + checkValidator()
        try checkEpoch()
        try checkRewards(
            accounts: try rewardAccounts() + roleRewardAccounts() + others)
        try checkSystem(reserved: reserved)
    }
}
