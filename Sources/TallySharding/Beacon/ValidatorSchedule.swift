package import TallyConsensus
package import TallyExecution
package import TallyPrimitives

/// Set(h) by height (IBFT-R13): who votes at a height is fixed by the block two heights below.
///
/// The first sets are that of the genesis: its validators with a power of 1 each and its hash as
/// seed. Later ones are those that headers carry, whom the stakes elected (STAKE-13).
package struct ValidatorSchedule: Hashable, Sendable {
    /// From which height on a set votes.
    package struct Change: Hashable, Sendable {
        package let from: Height
        package let set: ValidatorSet

        package init(from: Height, _ set: ValidatorSet) {
            self.from = from
            self.set = set
        }
    }

    /// The set of the genesis.
    package let genesis: ValidatorSet
    /// Ascending, each from height 3 on and each another set than the one before.
    package private(set) var changes: [Change] = []
    /// The set before the first of `changes`.
    private var first: ValidatorSet

    package init(_ genesis: Genesis) {
        let set = Self.set(of: genesis.validators, seed: genesis.hash)
        self.genesis = set
        first = set
    }

    /// - Parameter members: at most 512, each once, as those of a genesis and of an election are.
    private static func set(of members: [Address], seed: Hash32) -> ValidatorSet {
        do throws(ValidatorSetError) {
            return try ValidatorSet(
                members.map { Validator(address: $0, power: 1) }, seed: seed)
        } catch { preconditionFailure("1 to 512 validators, each once: \(error)") }
    }

    /// Who votes at a height.
    package subscript(height: Height) -> ValidatorSet {
        changes.last { $0.from <= height }?.set ?? first
    }

    /// The newest set.
    package var last: ValidatorSet { changes.last?.set ?? first }

    /// The set of an election; nobody staked, or too few, is the genesis's (STAKE-13).
    package func set(of elected: ElectedSet?) -> ValidatorSet {
        guard let elected, !elected.validators.isEmpty else { return genesis }
        if last.seed == elected.seed, last.addresses == elected.validators { return last }
        return Self.set(of: elected.validators, seed: elected.seed)
    }

    /// Takes up what a header says of the sets (IBFT-R13).
    /// - Parameter header: one above the headers taken before.
    package mutating func append(_ header: BeaconHeader) {
        guard let set = header.newValidators else { return }
        changes.append(Change(from: header.height.next.next, set))
    }

    /// Drops the sets that no agreement above `head` is given.
    package mutating func forget(around head: Height) {
        while let change = changes.first, change.from <= Self.oldest(around: head) {
            first = change.set
            changes.removeFirst()
        }
    }

    /// What an agreement that begins above `head` is given.
    package func sets(around head: Height) -> ValidatorSets {
        var sets: [Height: ValidatorSet] = [:]
        for height in Self.oldest(around: head).value...(head.value + 2) {
            sets[Height(height)] = self[Height(height)]
        }
        return ValidatorSets(sets)
    }

    private static func oldest(around head: Height) -> Height {
        Height(head.value - min(head.value, ValidatorSets.recentHeights))
    }
}

/// The sets of the last heights, as the beacon's checkpoint keeps them.
extension ValidatorSchedule {
    func encode(to out: inout RLPEncoder) {
        out.list { out in
            first.encode(to: &out)
            for change in changes {
                out.append(change.from)
                change.set.encode(to: &out)
            }
        }
    }

    init(_ genesis: Genesis, from input: inout RLPDecoder) throws(RLPError) {
        self.init(genesis)
        var list = try input.nextList()
        first = try ValidatorSet(from: &list)
        while !list.isAtEnd {
            let from = try list.nextHeight()
            guard (changes.last?.from.value ?? 2) < from.value else {
                throw .unknownValue(from.value)
            }
            changes.append(Change(from: from, try ValidatorSet(from: &list)))
        }
    }
}
