import TallyCrypto
package import TallyPrimitives
package import TallyState

/// Whom the stakes put into the set of validators (STAKE-13): the object *set* of the beacon.
package struct ElectedSet: Hashable, Sendable {
    /// Whose beginning last changed it; of the empty set of the first stake that of the stake.
    package let epoch: UInt64
    /// Ascending, each with a power of 1; empty: the validators of the genesis.
    package let validators: [Address]
    /// The randomness that orders its proposers (IBFT-R17): that of the election.
    package let seed: Hash32

    package init(epoch: UInt64, validators: [Address], seed: Hash32) {
        self.epoch = epoch
        self.validators = validators
        self.seed = seed
    }

    package static let key = ObjectKey(.meta, key: Array("set".utf8))

    /// Reads a stored object.
    /// - Throws: `RLPError` when its payload is not one this code wrote.
    package init(_ object: StateObject) throws(RLPError) {
        (epoch, validators, seed) = try RLPDecoder.list(object.payload.bytes) {
            (list) throws(RLPError) in
            (
                try list.nextInteger(),
                try list.nextArray(limit: RoleRoll.limit) { (list) throws(RLPError) in
                    try list.nextFixed()
                }, try list.nextFixed()
            )
        }
        guard zip(validators, validators.dropFirst()).allSatisfy({ $0 < $1 }) else {
            throw .unknownValue(0)
        }
    }

    /// What the beacon's state says; `nil` while nobody has ever staked.
    /// - Throws: `.corruptObject`; what reading the tree throws.
    package init?(_ tree: StateTree, _ pages: any PageReader) throws(ExecutionError) {
        let object: StateObject?
        do throws(StateError) {
            object = try tree.object(Self.key, pages)
        } catch { throw .state(error) }
        guard let object else { return nil }
        do throws(RLPError) {
            try self.init(object)
        } catch { throw .corruptObject(.meta, error) }
    }

    private var payload: [UInt8] {
        RLPEncoder.list(capacity: 48 + 21 * validators.count) { out in
            out.append(epoch)
            out.list { out in for address in validators { out.append(address) } }
            out.append(seed)
        }
    }

    package var object: StateObject {
        StateObject(kind: .meta, value: .zero, payload: Payload(payload))
    }

    /// Names the set in its event.
    package var hash: Hash32 { SHA256.hash(.object, payload) }
}

/// Who validates, as the stakes say.
package enum StakedValidators {
    /// The members of the next set, ascending; empty when there are too few (STAKE-13).
    /// - Parameter first: members that a set has at least, 3F + 1 (ECON-22).
    package static func elected(_ roll: RoleRoll, first: UInt32) -> [Address] {
        let eligible = roll.entries.filter { !$0.amount.isZero }
        guard let count = size(eligible: eligible.count, first: first) else { return [] }
        return eligible.prefix(count).map(\.owner).sorted()
    }

    /// The largest size, from `first` on, that so many allow; `nil` for fewer than `first`.
    static func size(eligible: Int, first: UInt32) -> Int? {
        guard eligible >= Int(first) else { return nil }
        var size = first
        while let next = ValidatorGrowth.next(after: size, first: first), Int(next) <= eligible {
            size = next
        }
        return Int(size)
    }
}
