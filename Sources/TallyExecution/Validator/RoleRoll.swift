package import TallyPrimitives
package import TallyState
package import TallyTransactions

/// All active stakes of a role: who counts in an impeachment, and who may be elected. One object, so
/// that a block never searches the state (STAKE-12).
package struct RoleRoll: Hashable, Sendable {
    package struct Entry: Hashable, Sendable {
        package let owner: Address
        /// What is left of the stake.
        package let amount: Amount

        package init(_ owner: Address, _ amount: Amount) {
            self.owner = owner
            self.amount = amount
        }

        /// The larger stake first, then the smaller address.
        fileprivate static func isBefore(_ a: Entry, _ b: Entry) -> Bool {
            a.amount != b.amount ? a.amount > b.amount : a.owner < b.owner
        }
    }

    package let role: StakeRole
    /// The larger stake first, then the smaller address.
    package private(set) var entries: [Entry] = []

    /// Most active stakes of a role: as many as a set has members at most (IBFT-R13).
    package static let limit = 512

    package init(_ role: StakeRole) { self.role = role }

    package static func key(of role: StakeRole) -> ObjectKey {
        switch role {
        case .validator: ObjectKey(.meta, key: Array("validators".utf8))
        case .router: ObjectKey(.meta, key: Array("routers".utf8))
        }
    }

    package var isFull: Bool { entries.count >= Self.limit }

    /// Enters a stake, or says what is left of it.
    package mutating func set(_ owner: Address, _ amount: Amount) {
        remove(owner)
        let entry = Entry(owner, amount)
        let place = entries.firstIndex { Entry.isBefore(entry, $0) } ?? entries.count
        entries.insert(entry, at: place)
    }

    package mutating func remove(_ owner: Address) { entries.removeAll { $0.owner == owner } }

    /// Reads a stored object.
    /// - Throws: `RLPError` when its payload is not one this code wrote.
    package init(_ object: StateObject) throws(RLPError) {
        (role, entries) = try RLPDecoder.list(object.payload.bytes) { (list) throws(RLPError) in
            (
                try list.nextCase(),
                try list.nextArray(limit: Self.limit) { (item) throws(RLPError) in
                    var item = try item.nextList()
                    let entry = Entry(try item.nextFixed(), try item.nextAmount())
                    try item.finish()
                    return entry
                }
            )
        }
        guard !entries.isEmpty,
            zip(entries, entries.dropFirst()).allSatisfy({ Entry.isBefore($0, $1) })
        else { throw .unknownValue(0) }
    }

    /// `nil` without stakes.
    package var object: StateObject? {
        guard !entries.isEmpty else { return nil }
        let payload = RLPEncoder.list(capacity: 16 + 40 * entries.count) { out in
            out.append(role.rawValue)
            out.list { out in
                for entry in entries {
                    out.list {
                        $0.append(entry.owner)
                        $0.append(entry.amount)
                    }
                }
            }
        }
        return StateObject(kind: .meta, value: .zero, payload: Payload(payload))
    }
}
